from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected

from events.core.incoming import Incoming
from events.domain import ingestion
from events.domain.appending import MAX_DEPTH
from events.domain.ingestion import accept_events, ingest_events
from events.domain.listening import listen_always, set_listener
from events.domain.recording import NewEvent, append_events
from events.models import EventBatch, EventListener
from people.domain.resolving import IdentityRef
from people.models import Contact
from tenancy.scope import OutsideTenant, tenant_scope
from tests.support.world import World


def incoming(name: str = "Something Own", user: str = "u1", **more: Any) -> Incoming:
    return Incoming("track", name=name, ref=IdentityRef(external_id=user), **more)


@pytest.mark.parametrize(("count", "lane"), [(1, "live"), (50, "live"), (51, "bulk")])
def test_many_events_at_once_leave_the_live_lane(world: World, count: int, lane: str) -> None:
    accept_events(
        world.shop.tenant.id, [incoming() for _ in range(count)], source="server", now=world.now
    )
    with tenant_scope(world.shop.tenant.id):
        batch = EventBatch.objects.get()
        assert (batch.lane, batch.event_count) == (lane, count)


def test_history_fills_in_and_replaces_nothing(world: World) -> None:
    tenant_id = world.shop.tenant.id
    now: dict[str, Any] = {"traits": {"city": "Rome"}}
    then: dict[str, Any] = {
        "traits": {"city": "Oslo", "plan": "old"},
        "timestamp": (world.now - timedelta(days=400)).isoformat(),
    }
    accept_events(tenant_id, [incoming(**now)], source="server", now=world.now)
    accept_events(tenant_id, [incoming(**then)], source="server", backfill=True, now=world.now)
    with tenant_scope(tenant_id):
        contact = Contact.objects.get()
        assert (contact.city, contact.attributes) == ("Rome", {"plan": "old"})


def test_deadlock_with_another_call_is_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = ingestion.ingest_events, []

    def unlucky(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        result = honest(*args, **kwargs)
        if len(calls) < 3:
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return result

    monkeypatch.setattr(ingestion, "ingest_events", unlucky)
    results = accept_events(
        world.shop.tenant.id, [incoming(message_id="m1")], source="server", now=world.now
    )
    assert [result.status for result in results] == ["accepted"]
    assert len(calls) == 3
    with tenant_scope(world.shop.tenant.id):
        assert EventBatch.objects.count() == 1


def test_other_database_errors_are_not_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(ingestion, "ingest_events", broken)
    with pytest.raises(OperationalError):
        accept_events(world.shop.tenant.id, [incoming()], source="server", now=world.now)


def test_taking_in_needs_a_scope(world: World) -> None:
    with pytest.raises(OutsideTenant):
        ingest_events([incoming()], source="server", now=world.now)


def test_listeners_wake_by_name_until_they_stop(world: World) -> None:
    def wakes() -> bool:
        accept_events(world.shop.tenant.id, [incoming()], source="server", now=world.now)
        with tenant_scope(world.shop.tenant.id):
            return bool(EventBatch.objects.order_by("-id")[0].wakes)

    with tenant_scope(world.other.tenant.id):
        set_listener("flow:1", ["Something Own"])
    assert not wakes()
    for names in (["Something Own"], ["*"]):
        with tenant_scope(world.shop.tenant.id):
            set_listener("flow:1", names)
            set_listener("flow:1", names)
            assert EventListener.objects.count() == 1
        assert wakes()
    with tenant_scope(world.shop.tenant.id):
        set_listener("flow:1", [])
    assert not wakes()
    with tenant_scope(world.other.tenant.id):
        assert EventListener.objects.count() == 1


def test_events_that_cause_each_other_come_to_rest(world: World) -> None:
    listen_always("test", ["Chain"])
    try:
        with tenant_scope(world.shop.tenant.id):
            for depth in (MAX_DEPTH, MAX_DEPTH + 1):
                event = NewEvent("Chain", None, {}, world.now, depth=depth)
                append_events([event], now=world.now)
            assert [b.wakes for b in EventBatch.objects.order_by("id")] == [True, False]
    finally:
        listen_always("test", [])
