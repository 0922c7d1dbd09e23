"""The catalogue: what is counted, what is read of bodies, whose it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.domain.catalogue import latest_events, list_event_types, observations_of
from events.domain.folding import fold_tallies, forget_hours, sweep_catalogue, tenants_to_fold
from events.domain.recording import NewEvent, append_events
from events.models import EventHour, EventTally, EventType
from events.tasks import fold_catalogue
from tenancy.scope import tenant_scope
from tests.support.world import World

DAY = timedelta(days=1)
Say = Callable[..., None]


@pytest.fixture
def say(world: World) -> Say:
    """Appends events of one name, as one batch."""

    def one(name: str, *bodies: dict[str, Any], at: datetime | None = None, **more: Any) -> None:
        when = at or world.now
        new = [NewEvent(name, None, body, when) for body in bodies or ({},)]
        append_events(new, now=more.pop("now", when), **more)

    return one


def test_volumes_are_exact_before_and_after_folding(world: World, say: Say) -> None:
    now = world.now
    with tenant_scope(world.other.tenant.id):
        say("Order Completed")
    with tenant_scope(world.shop.tenant.id):
        for day in range(3):
            at = now - day * DAY
            new = [NewEvent("Order Completed", None, {}, at), NewEvent("Cart Viewed", None, {}, at)]
            append_events([*new, NewEvent("Cart Viewed", None, {}, at)], now=now)
        seen = list_event_types(now=now)
        assert [(one.name, one.volume, one.last_24h) for one in seen] == [
            ("Cart Viewed", 6, 6),
            ("Order Completed", 3, 3),
        ]
        assert seen[0].first_seen_at == now - 2 * DAY
        assert seen[0].last_seen_at == now
        assert fold_tallies(now=now) == 6
        after = list_event_types(now=now)
        assert [(one.name, one.volume, one.last_24h, one.first_seen_at) for one in after] == [
            (one.name, one.volume, one.last_24h, one.first_seen_at) for one in seen
        ]
        assert (EventTally.objects.count(), EventType.objects.count()) == (0, 2)
        say("Cart Viewed")
        assert fold_tallies(now=now) == 1
        assert list_event_types(now=now)[0].volume == 7
        assert fold_tallies(now=now) == 0


def test_windows_count_hours_and_history_counts_when_it_happened(world: World, say: Say) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        for hours in (0, 23, 24, 24 * 7 - 1, 24 * 7, 24 * 30 - 1, 24 * 30):
            say("Cart Viewed", at=now - timedelta(hours=hours))
        say("Order Completed", at=now - 3 * DAY, now=now, backfill=True)
        say("Order Completed", at=now - 400 * DAY, now=now, backfill=True)
        before = {one.name: one for one in list_event_types(now=now)}
        fold_tallies(now=now)
        after = {one.name: one for one in list_event_types(now=now)}
        for seen in (before["Cart Viewed"], after["Cart Viewed"]):
            assert (seen.last_24h, seen.last_7d, seen.last_30d, seen.volume) == (2, 4, 6, 7)
        orders = after["Order Completed"]
        assert (orders.last_24h, orders.last_7d, orders.last_30d, orders.volume) == (0, 1, 1, 2)
        assert orders.first_seen_at == now - 400 * DAY


def test_a_batch_of_history_is_counted_once_though_its_names_are_folded_apart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = world.now
    monkeypatch.setattr("events.domain.folding.FOLD_ROWS", 1)
    with tenant_scope(world.shop.tenant.id):
        new = [NewEvent(name, None, {}, now - DAY) for name in ("A", "B", "B", "C")]
        append_events(new, now=now, backfill=True)
        assert [fold_tallies(now=now) for _ in range(4)] == [1, 1, 1, 0]
        counted = EventHour.objects.order_by("name").values_list("name", "volume")
        assert list(counted) == [("A", 1), ("B", 2), ("C", 1)]


def test_bodies_are_read_for_properties_types_and_flaws(world: World, say: Say) -> None:
    now = world.now
    with tenant_scope(world.other.tenant.id):
        say("Order Completed", {"order_id": "A", "secret": 1})
        fold_tallies(now=now)
    with tenant_scope(world.shop.tenant.id):
        say("Order Completed", {"order_id": "A-1", "total": 19.5, "gift": True, "note": None})
        say("Order Completed", {"order_id": 7, "total": "20.00", "products": [{}], "note": "hi"})
        fold_tallies(now=now)
        say("Order Completed", {"total": "a lot", "maya@example.com": 1, "8412399": 2})
        say("Order Completed", {"order_id": "A-2", "total": {"minor": 5}})
        fold_tallies(now=now)
        seen = observations_of("Order Completed")
        found = {one.name: (dict(one.types), one.seen, one.wrong) for one in seen.properties}
        assert found == {
            "order_id": ({"string": 2, "number": 1}, 3, 1),
            "total": ({"number": 1, "string": 2, "object": 1}, 4, 2),
            "gift": ({"boolean": 1}, 1, 0),
            "note": ({"null": 1, "string": 1}, 2, 0),
            "products": ({"array": 1}, 1, 0),
        }
        expected = {one.name: one.expected for one in seen.properties}
        assert expected["total"] == "an amount, such as 19.99"
        assert expected["gift"] == ""
        [row] = list_event_types(now=now)
        assert (row.looked_at, row.invalid, row.valid_share) == (4, 2, 0.5)


def test_names_without_a_standard_are_never_called_wrong(world: World, say: Say) -> None:
    with tenant_scope(world.shop.tenant.id):
        say("Kiln Opened", {"order_id": [1]})
        fold_tallies(now=world.now)
        [row] = list_event_types(now=world.now)
        assert (row.looked_at, row.invalid, row.valid_share) == (1, 0, None)


def test_a_flood_is_counted_whole_and_read_in_part(
    world: World, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.domain.folding.LOOK_AT", 6)
    with tenant_scope(world.shop.tenant.id):
        for number in range(8):
            say("Cart Viewed", {"n": number}, {"n": number})
        say("Order Completed", {"order_id": "A"})
        fold_tallies(now=world.now)
        found = {one.name: (one.volume, one.looked_at) for one in list_event_types(now=world.now)}
        # Three bodies of each name at most.
        assert found == {"Cart Viewed": (16, 3), "Order Completed": (1, 1)}


def test_the_newest_bodies_are_found_even_behind_many_others(world: World, say: Say) -> None:
    with tenant_scope(world.other.tenant.id):
        say("Kiln Opened", {"whose": "theirs"})
        fold_tallies(now=world.now)
    with tenant_scope(world.shop.tenant.id):
        for number in range(3):
            say("Kiln Opened", {"n": number}, at=world.now - timedelta(hours=3 - number))
        fold_tallies(now=world.now)
        append_events([NewEvent("Cart Viewed", None, {}, world.now)] * 2_100, now=world.now)
        assert [row.properties for row in latest_events("Kiln Opened")] == [
            {"n": 2},
            {"n": 1},
            {"n": 0},
        ]
        say("Kiln Opened", {"n": 3})  # not folded yet
        assert [row.properties["n"] for row in latest_events("Kiln Opened", limit=2)] == [3, 2]


def test_properties_of_one_name_are_bounded(world: World, say: Say) -> None:
    with tenant_scope(world.shop.tenant.id):
        for start in (0, 80):
            say(
                "Kiln Opened",
                {f"key {chr(97 + n // 26)}{n % 26}": 1 for n in range(start, start + 80)},
            )
            fold_tallies(now=world.now)
        assert len(observations_of("Kiln Opened").properties) == 100


def test_duplicates_are_not_counted(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        event = NewEvent("Order Completed", None, {}, world.now, message_id="m1")
        for _ in range(3):
            append_events([event, event], now=world.now)
        assert [one.volume for one in list_event_types(now=world.now)] == [1]
        fold_tallies(now=world.now)
        assert [one.volume for one in list_event_types(now=world.now)] == [1]


def test_the_sweep_folds_every_workspace_that_has_something(world: World, say: Say) -> None:
    assert tenants_to_fold() == []
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            say("Cart Viewed")
    assert set(tenants_to_fold()) == {world.shop.tenant.id, world.other.tenant.id}
    assert sweep_catalogue(now=world.now) == 2
    assert tenants_to_fold() == []
    with tenant_scope(world.shop.tenant.id):
        say("Cart Viewed")
    assert fold_catalogue() == 1


def test_ingesting_waits_for_no_counter(world: World, say: Say) -> None:
    """One tally per name and batch, in the statement that appends; nothing is updated."""
    with tenant_scope(world.shop.tenant.id):
        new = [NewEvent(name, None, {}, world.now) for name in ("A", "B", "A")]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            append_events(new, now=world.now)
        written = [one["sql"] for one in queries if "events_event" in one["sql"]]
        assert len(written) == 1
        assert EventTally.objects.count() == 2
        assert EventType.objects.count() == EventHour.objects.count() == 0


def test_hours_nobody_asks_about_are_forgotten(world: World, say: Say) -> None:
    now = datetime(2026, 11, 17, 18, 30, tzinfo=UTC)
    for brand in (world.other, world.shop):
        with tenant_scope(brand.tenant.id):
            for days in (0, 34, 36):
                hour = (now - days * DAY).replace(minute=0)
                EventHour.objects.create(name="Cart Viewed", hour=hour, volume=1)
    with tenant_scope(world.shop.tenant.id):
        assert forget_hours(now=now) == 1
        assert EventHour.objects.count() == 2
    with tenant_scope(world.other.tenant.id):
        assert EventHour.objects.count() == 3
