from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tenancy.clock import advance_clock, wall_now
from tests.support.carrier import carrier, carrier_process
from tests.support.platform import Platform
from tests.support.world import make_world

__all__ = ["carrier", "carrier_process", "platform"]


def next_weekday_at(hour: int, zone: str = "America/Los_Angeles") -> datetime:
    """The next Tuesday at this hour: away from Sundays and from today's night."""
    local = wall_now().astimezone(ZoneInfo(zone))
    day = local.date() + timedelta(days=(1 - local.weekday()) % 7 or 7)
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)


@pytest.fixture
def platform(transactional_db: None, live_server: Any, carrier: Any, settings: Any) -> Platform:
    """Two look-alike brands, each with a number of its own, on a Tuesday at ten in Los Angeles."""
    settings.KAIROS_PUBLIC_BASE_URL = live_server.url
    settings.KAIROS_LINK_BASE_URL = live_server.url
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    advance_clock(next_weekday_at(10))
    from tenancy.clock import business_now

    found = Platform(live_server.url, carrier, make_world(business_now()))
    found.add_sender(found.world.shop, sid="AC" + "1" * 32, number="+13105550190")
    found.add_sender(found.world.other, sid="AC" + "2" * 32, number="+13105550191")
    return found
