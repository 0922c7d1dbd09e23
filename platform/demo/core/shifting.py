"""Moving a data set to now: by whole weeks, so that Mondays stay Mondays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

START_HOUR = time(10)


def whole_weeks(last_day: date, yesterday: date) -> timedelta:
    """The smallest number of whole weeks that brings the last day to yesterday or later.

    Weekdays keep their meaning, and no day up to yesterday is left empty; what then lies in the
    future is the supply of the live traffic.
    """
    return timedelta(weeks=-(-(yesterday - last_day).days // 7))


def demo_start(wall: datetime, zone: str) -> datetime:
    """Ten o'clock today in the shop's zone, whatever the hour outside. UTC."""
    local = wall.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), START_HOUR, ZoneInfo(zone)).astimezone(UTC)


def in_zone(naive: datetime, zone: str) -> datetime:
    """A shop's local wall time as UTC."""
    return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
