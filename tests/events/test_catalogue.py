from __future__ import annotations

from datetime import timedelta

import pytest

from events.domain.catalogue import list_event_types, squash_tallies
from events.domain.recording import NewEvent, append_events
from events.models import EventTally, EventType
from tenancy.scope import tenant_scope
from tests.support.world import World


def test_volumes_are_exact_before_and_after_squashing(world: World) -> None:
    now = world.now
    with tenant_scope(world.other.tenant.id):
        append_events([NewEvent("Order Completed", None, {}, now)], now=now)
    with tenant_scope(world.shop.tenant.id):
        for day in range(3):
            at = now - timedelta(days=day)
            new = [NewEvent("Order Completed", None, {}, at), NewEvent("Cart Viewed", None, {}, at)]
            append_events([*new, NewEvent("Cart Viewed", None, {}, at)], now=now)
        seen = list_event_types()
        assert [(one.name, one.volume) for one in seen] == [
            ("Cart Viewed", 6),
            ("Order Completed", 3),
        ]
        assert seen[0].first_seen_at == now - timedelta(days=2)
        assert seen[0].last_seen_at == now
        assert squash_tallies() == 6
        assert list_event_types() == seen
        assert (EventTally.objects.count(), EventType.objects.count()) == (0, 2)
        append_events([NewEvent("Cart Viewed", None, {}, now)], now=now)
        assert squash_tallies() == 1
        assert list_event_types()[0].volume == 7
        assert squash_tallies() == 0


def test_ingestion_squashes_now_and_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.domain.catalogue._SQUASH_EVERY", 1)
    with tenant_scope(world.shop.tenant.id):
        append_events([NewEvent("Order Completed", None, {}, world.now)], now=world.now)
        assert EventTally.objects.count() == 0
        assert [one.volume for one in list_event_types()] == [1]


def test_duplicates_are_not_counted(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        event = NewEvent("Order Completed", None, {}, world.now, message_id="m1")
        for _ in range(3):
            append_events([event, event], now=world.now)
        assert [one.volume for one in list_event_types()] == [1]
