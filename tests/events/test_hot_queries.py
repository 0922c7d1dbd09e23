"""What runs for every event, as the application's role: by index, whatever the statistics say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from commerce.domain.projecting import project_events
from commerce.domain.queries import FactRef, facts_for, waiting_for_product
from commerce.models import Product, ProductVariant
from events.domain.queries import EventRow, batch_events, events_for
from events.domain.recording import NewEvent, append_events
from events.models import EventBatch
from people.domain.attributes import TraitChange, apply_traits
from people.domain.queries import list_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.events.edges import post, track
from tests.support import database
from tests.support.world import World

PEOPLE = 3_000
NAMES = (
    "Product Added",
    "Loyalty Balance Changed",
    "Order Completed",
    "Back In Stock Requested",
    "Appointment Scheduled",
)
# Tables that do not grow with contacts or events.
SMALL = {
    "events_eventlistener",
    "events_webhookendpoint",
    "people_attributedefinition",  # only what somebody declared, and a workspace holds few
    "tenancy_tenant",
    "tenancy_clockoffset",
}


@contextmanager
def plans() -> Iterator[list[dict[str, Any]]]:
    """The plan of every statement on a tenant's tables."""
    found: list[dict[str, Any]] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.split(None, 1)[0].upper()
        if verb in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"} and "set_config" not in sql:
            execute(f"EXPLAIN (FORMAT JSON) {sql}", params, many, context)
            plan = context["cursor"].fetchone()[0]
            found.append((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
        return execute(sql, params, many, context)

    # 3,000 rows are so few that reading them all may be right: a scan has to be a last resort.
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    try:
        with connection.execute_wrapper(explain):
            yield found
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET enable_seqscan")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def check_by_index(found: list[dict[str, Any]]) -> None:
    assert found
    leaves = _leaves_with_events()
    for plan in found:
        for node in nodes(plan):
            table = node.get("Relation Name", "")
            if table.startswith("events_event_p") and table not in leaves:
                continue  # months without events
            if node["Node Type"] == "Seq Scan":
                assert table in SMALL, json.dumps(plan, indent=1)[:3000]
            # The workspace alone is no condition: that would read all of its rows.
            alone = re.fullmatch(r"\(tenant_id = '[^']+'::uuid\)", node.get("Index Cond", ""))
            assert table in SMALL or not alone, json.dumps(node, indent=1)


def _leaves_with_events() -> set[str]:
    with database._connect(str(connection.settings_dict["NAME"])) as owner:
        rows = owner.execute(
            "SELECT DISTINCT tableoid::regclass::text FROM events_event"
        ).fetchall()
    return {str(row[0]) for row in rows}


@pytest.fixture
def people(committed_world: World) -> list[UUID]:
    """Some thousand contacts with what they do, and statistics that know of them."""
    world = committed_world
    with tenant_scope(world.shop.tenant.id):
        refs = [
            IdentityRef(external_id=f"u{i}", anonymous_id=f"a{i}", email=f"u{i}@mail.example")
            for i in range(PEOPLE)
        ]
        ids = [each for each in resolve_contacts(refs, now=world.now) if each]
        events = [
            NewEvent(name, contact, properties_of(i), world.now - timedelta(minutes=i))
            for i, contact in enumerate(ids)
            for name in NAMES
        ]
        append_events(events, now=world.now, lane="bulk")
        project_events(all_events(), now=world.now)
        products = list(Product.objects.order_by("id"))
        ProductVariant.objects.bulk_create(
            ProductVariant(
                product=each, key=f"{each.key}-s", created_at=world.now, updated_at=world.now
            )
            for each in products
        )
    # The application may not analyze; in life autovacuum does.
    with database._connect(str(connection.settings_dict["NAME"])) as owner:
        owner.execute("ANALYZE")
    return ids


def properties_of(i: int) -> dict[str, Any]:
    return {
        "product_id": f"p{i}",
        "balance": i,
        "order_id": f"o{i}",
        "price": 3,
        "cart_id": f"c{i}",
        "appointment_id": f"b{i}",
    }


def all_events() -> list[EventRow]:
    return [
        row
        for batch in EventBatch.objects.order_by("id")
        for row in batch_events(batch.id, batch.first_id, batch.last_id, batch.received_at)
    ]


def test_taking_events_in(committed_world: World, people: list[UUID]) -> None:
    batch: list[dict[str, Any]] = [track(user=f"u{i}", messageId=f"m{i}") for i in range(30)]
    batch.append({"type": "identify", "userId": "u1", "traits": {"phone": "+13105550199"}})
    batch.append({"type": "identify", "userId": "new", "traits": {"email": "a@example.com"}})
    with plans() as found:
        answer = post("/v1/batch", {"batch": batch}, key=committed_world.shop.write_key)[1]
    assert answer["accepted"] == 32
    check_by_index([plan for plan in found if "tenancy_" not in json.dumps(plan)])


def test_projecting_and_reading(committed_world: World, people: list[UUID]) -> None:
    world = committed_world
    with tenant_scope(world.shop.tenant.id):
        some = [
            NewEvent(name, people[i], {**properties_of(i), "balance": -i}, world.now)
            for i in range(20)
            for name in NAMES
        ]
        append_events(some, now=world.now + timedelta(days=1))
        rows = all_events()[-len(some) :]
        with plans() as found:
            project_events(rows, now=world.now)
            facts_for([FactRef(people[i], rows[i].properties) for i in range(20)], now=world.now)
            waiting_for_product(["p1", "p2"])
            events_for(people[:20], ["Product Added"], since=None, until=world.now)
            since = world.now - timedelta(days=9)
            events_for(people[:20], None, since=since, until=world.now, known_until=world.now)
            apply_traits([TraitChange(each, {"plan": 1}) for each in people[:20]], now=world.now)
            resolve_contacts([IdentityRef(external_id=f"u{i}") for i in range(20)], now=world.now)
    check_by_index(found)


def test_page_of_contacts_reads_the_page_only(committed_world: World, people: list[UUID]) -> None:
    with tenant_scope(committed_world.shop.tenant.id), plans() as found:
        list_contacts(limit=5)
        list_contacts(limit=5, after=people[20])
    for plan in found:
        kinds = [node["Node Type"] for node in nodes(plan)]
        assert "Sort" not in kinds
        assert "Seq Scan" not in kinds
