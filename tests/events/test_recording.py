from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from events.domain.listening import set_listener
from events.domain.queries import batch_events, events_for, timeline
from events.domain.recording import NewEvent, append_events
from events.models import Event, EventBatch
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.support.world import World


def person(now: datetime) -> UUID:
    (found,) = resolve_contacts([IdentityRef(external_id="u1")], now=now)
    assert found is not None
    return found


def test_append_events_stores_them_once_with_one_batch(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = person(now)
        new = [
            NewEvent("SMS Sent", contact, {"message_id": "m"}, now, message_id="sent:1"),
            NewEvent("SMS Sent", contact, {"message_id": "n"}, now - timedelta(days=40)),
        ]
        ids = append_events(new, now=now)
        assert len(ids) == 2
        assert append_events(new[:1], now=now) == []
        batch = EventBatch.objects.get()
        assert (batch.event_count, batch.first_id, batch.last_id) == (2, ids[0], ids[1])
        rows = batch_events(batch.id, batch.first_id, batch.last_id, batch.received_at)
        assert [row.id for row in rows] == ids
        found = events_for([contact], ["SMS Sent"], since=now - timedelta(days=1), until=now)
        assert [row.properties for row in found] == [{"message_id": "m"}]
        assert [row.id for row in timeline(contact)] == ids[::-1]
    with tenant_scope(world.other.tenant.id):
        assert Event.objects.count() == 0


@pytest.mark.parametrize("heard", [True, False])
def test_batch_wakes_only_when_somebody_listens(world: World, heard: bool) -> None:
    with tenant_scope(world.shop.tenant.id):
        set_listener("flow:1", ["Support Question Asked"] if heard else ["Something Else"])
        contact = person(world.now)
        append_events([NewEvent("Support Question Asked", contact, {}, world.now)], now=world.now)
        batch = EventBatch.objects.get()
        assert batch.wakes is heard
        assert batch.state == ("pending" if heard else "done")


def test_message_id_of_last_month_is_still_a_duplicate(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person(world.now)
        event = NewEvent("Support Question Asked", contact, {}, world.now, message_id="same")
        assert len(append_events([event], now=world.now)) == 1
        assert append_events([event], now=world.now + timedelta(days=30)) == []


def test_raw_sql_without_a_scope_sees_nothing(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        append_events([NewEvent("X", None, {}, world.now)], now=world.now)
        with connection.cursor() as cursor:
            cursor.execute("SELECT tableoid::regclass::text FROM events_event")
            leaf = cursor.fetchone()[0]
    assert leaf.startswith("events_event_p")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE kairos_app")
        cursor.execute("SELECT count(*) FROM events_event")
        assert cursor.fetchone()[0] == 0
        cursor.execute(
            "SELECT has_table_privilege('kairos_app', %s, 'SELECT'),"
            " has_table_privilege('kairos_app', 'events_event', 'UPDATE')",
            [leaf],
        )
        assert cursor.fetchone() == (False, False)
