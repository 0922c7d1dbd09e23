"""When silence is alarming: the rule as tables, and on Home as a concern."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.domain.signals import revealing_signals, silent_signals
from events.core.silence import find_silence
from events.domain.catalogue import set_event_flags
from events.domain.folding import fold_tallies
from events.domain.recording import NewEvent, append_events
from events.models import EventHour
from templates_engine.domain.templates import save_and_approve
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.domain.flows import create_flow, pause_flow, publish_flow
from triggers.models import Flow

ZONE = "America/Los_Angeles"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A Tuesday, 18:00 UTC: ten in the morning in Los Angeles.
NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)


def shop(
    *,
    until: datetime,
    per_hour: int,
    opens: int = 8,
    closes: int = 22,
    shut_on: int | None = None,
    days: int = 21,
) -> dict[datetime, int]:
    """Hours of a shop whose visitors come between `opens` and `closes` of its own day."""
    found = {}
    hour = until - days * DAY
    while hour < until:
        local = hour.astimezone(ZoneInfo(ZONE))
        if opens <= local.hour < closes and local.weekday() != shut_on:
            found[hour] = per_hour
        hour += HOUR
    return found


def silent(hours: dict[datetime, int], now: datetime) -> bool:
    return find_silence(hours, now=now, zone=ZONE) is not None


@pytest.mark.parametrize(
    ("what", "per_hour", "died", "asked", "alarm"),
    [
        ("nothing is missing", 20, 0, 0, False),
        ("the hour that runs is not judged", 20, 0, 0.9, False),
        ("one whole silent hour of a busy shop", 20, 0, 1, True),
        ("the same of a quiet shop says nothing yet", 2, 0, 1, False),
        ("four hours of it do", 2, 0, 4, True),
        ("a dead pixel stays alarming at night", 20, 0, 14, True),
        ("and a day later", 20, 0, 24, True),
        ("and after ten days", 20, 0, 240, True),
        ("after three weeks it is given up", 20, 0, 22 * 24, False),
    ],
)
def test_a_dead_pixel(what: str, per_hour: int, died: float, asked: float, alarm: bool) -> None:
    hours = shop(until=NOW + died * HOUR, per_hour=per_hour, days=21)
    assert silent(hours, NOW + asked * HOUR) is alarm, what


@pytest.mark.parametrize("night", range(1, 11))
def test_a_shop_that_sleeps_is_no_alarm(night: int) -> None:
    closes = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)  # 22:00 in Los Angeles
    hours = shop(until=closes, per_hour=50)
    assert not silent(hours, closes + night * HOUR)


def test_but_it_is_when_the_morning_brings_nobody() -> None:
    closes = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
    hours = shop(until=closes, per_hour=50)
    assert silent(hours, closes + 11 * HOUR)  # 09:00, and it opens at 08:00


def test_a_shop_that_shuts_on_sundays_is_no_alarm_then() -> None:
    sunday = datetime(2026, 11, 15, 23, 0, tzinfo=UTC)
    hours = shop(until=sunday, per_hour=50, shut_on=6)
    assert not silent(hours, sunday)
    tuesday = datetime(2026, 11, 18, 0, 0, tzinfo=UTC)
    assert silent(hours, tuesday)  # Monday and Tuesday brought nobody either


@pytest.mark.parametrize("hour", range(24))
def test_the_change_of_the_clocks_is_no_alarm(hour: int) -> None:
    # On 1 November 2026 the clocks of Los Angeles go back: it opens an hour later in UTC.
    at = datetime(2026, 11, 1, 7, 0, tzinfo=UTC) + hour * HOUR
    assert not silent(shop(until=at, per_hour=50), at)


@pytest.mark.parametrize(
    ("before", "alarm"), [([1] * 9, False), ([2] * 7, True), ([14, 0, 0, 0, 0, 0, 0], False)]
)
def test_it_has_to_have_come_often_and_every_day(before: list[int], alarm: bool) -> None:
    """One hour a day, so many: nothing for five days since."""
    hours = {NOW - (5 + day) * DAY: count for day, count in enumerate(before) if count}
    # What the stretches of the days before are compared with.
    hours |= {NOW - (5 + len(before) + day) * DAY: before[-1] for day in range(7) if before[-1]}
    assert silent(hours, NOW) is alarm


def test_a_young_event_is_not_judged() -> None:
    hours = shop(until=NOW, per_hour=50, days=5)
    assert not silent(hours, NOW + 5 * HOUR)


def test_what_never_came_is_not_missed() -> None:
    assert find_silence({}, now=NOW, zone=ZONE) is None
    assert find_silence({NOW: 0}, now=NOW, zone=ZONE) is None


def test_it_says_since_when_and_how_many_were_expected() -> None:
    found = find_silence(shop(until=NOW, per_hour=20), now=NOW + 2 * HOUR, zone=ZONE)
    assert found is not None
    assert found.since == NOW
    assert found.expected == 40


# On Home


def flow(world: World, event: str = "Checkout Started", *, name: str = "Carts") -> Flow:
    slug = name.lower()
    save_and_approve(slug, body="About [event.note or 'it'].", now=world.now)
    definition = {
        "trigger": {"type": "event", "event": event},
        "reentry": {"mode": "every", "min_gap": "PT24H"},
        "exit": [{"event": "Order Completed"}],
        "steps": [{"key": "text", "type": "message", "template": slug}],
    }
    made = create_flow(name, slug=slug, definition=definition, now=world.now)
    publish_flow(made, now=world.now)
    return made


def used_to_come(name: str, until: datetime) -> None:
    for hour, count in shop(until=until, per_hour=20).items():
        EventHour.objects.create(name=name, hour=hour, volume=count, live=count)


pages = pytest.mark.django_db


@pages
def test_a_silent_event_that_a_live_flow_needs_is_a_concern(world: World) -> None:
    now = world.now + 3 * HOUR
    with tenant_scope(world.other.tenant.id):
        flow(world)  # it never came there
    with tenant_scope(world.shop.tenant.id):
        made = flow(world)
        used_to_come("Checkout Started", world.now)
        used_to_come("Kiln Opened", world.now)  # no flow needs it
        [signal] = silent_signals(now=now)
        assert signal.title == "Checkout Started has stopped coming"
        assert signal.detail == (
            "Nothing for 3 hours; usually 60 come in this time. 1 live flow waits for it"
        )
        append_events([NewEvent("Checkout Started", None, {}, now)], now=now)
        assert silent_signals(now=now) == []  # not folded yet, and known all the same
        fold_tallies(now=now)
        assert silent_signals(now=now) == []
        EventHour.objects.filter(hour__gte=world.now).delete()
        assert len(silent_signals(now=now)) == 1
        pause_flow(made, now=now)
        assert silent_signals(now=now) == []
    with tenant_scope(world.other.tenant.id):
        assert silent_signals(now=now) == []


@pages
def test_history_is_not_coming(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        flow(world)
        new = [
            NewEvent("Checkout Started", None, {}, hour)
            for hour in shop(until=world.now, per_hour=1)
            for _ in range(20)
        ]
        append_events(new, now=world.now, backfill=True)
        fold_tallies(now=world.now)
        assert silent_signals(now=world.now + 3 * HOUR) == []


@pages
def test_the_number_of_queries_does_not_grow_with_flows(world: World) -> None:
    counts = []
    with tenant_scope(world.shop.tenant.id):
        for number in range(3):
            flow(world, f"Kiln {number}", name=f"Flow{number}")
            used_to_come(f"Kiln {number}", world.now)
            with CaptureQueriesContext(connection) as queries:
                assert len(silent_signals(now=world.now + 3 * HOUR)) == number + 1
            counts.append(len(queries))
    assert counts[0] == counts[2]


@pages
def test_a_live_text_that_says_what_became_sensitive_is_a_concern(world: World) -> None:
    with tenant_scope(world.other.tenant.id):
        flow(world, "Treatment Booked")
    with tenant_scope(world.shop.tenant.id):
        append_events([NewEvent("Treatment Booked", None, {}, world.now)], now=world.now)
        flow(world, "Treatment Booked")
        assert revealing_signals() == []
        set_event_flags("Treatment Booked", changes={"is_sensitive": True}, now=world.now)
        [signal] = revealing_signals()
        assert signal.title == "Carts says what is sensitive"
        assert "event.note from Treatment Booked" in signal.detail
    with tenant_scope(world.other.tenant.id):
        assert revealing_signals() == []
