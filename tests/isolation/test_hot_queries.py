"""The queries that run all day, explained as the app role with many rows: each takes an index.

Row security turns off every index whose operator is not leakproof, so what is fast as the owner may
scan the table as the application. What is explained here are the very statements that the product's
functions send, caught on their way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from tenancy.clock import wall_now
from tenancy.scope import router_scope, tenant_scope
from tests.isolation.conftest import Objects, Pair
from tests.isolation.test_walls import owner, pair

__all__ = ["owner", "pair"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

_EXPLAINABLE = {"SELECT", "WITH", "UPDATE", "INSERT", "DELETE"}
MANY = 8_000
FEW = 1_000  # more rows than this may not be looked at and thrown away

# How copies of a workspace's rows differ from each other, by table: column -> SQL (g counts them).
ANYBODY = "gen_random_uuid()"
COPIES: dict[str, dict[str, str]] = {
    "people_contact": {
        "external_id": "'copy-' || g",
        "phone": "'+1999' || lpad(g::text, 7, '0')",
        "email": "NULL",
        "phone_token": "'k1:' || md5('person' || g)",
        "first_name": "'Copy ' || g",
        "last_seen_at": "t.last_seen_at - g * interval '1 minute'",
        "added_by": "'event'",
    },
    "people_identifier": {"value": "'copy-' || g", "contact_id": ANYBODY},
    "people_searchtoken": {"token": "'copy' || g", "contact_id": ANYBODY},
    "events_event": {
        "message_id": "'copy-' || g",
        "contact_id": ANYBODY,
        "source_contact_id": ANYBODY,
        "batch_id": ANYBODY,
    },
    "events_eventbatch": {"state": "'done'", "first_id": ANYBODY, "last_id": ANYBODY},
    "delivery_message": {
        "dedupe_key": "'copy-' || g",
        "contact_id": ANYBODY,
        "run_id": ANYBODY,
        "phone": "'+1999' || lpad(g::text, 7, '0')",
        "status": "'delivered'",
        "due_at": "NULL",
        "sid": "'SMcopy' || g",
        "attempt_id": ANYBODY,
        "created_at": "t.created_at - g * interval '1 minute'",
    },
    "delivery_messagecontent": {},
    "delivery_sendattempt": {
        "message_id": ANYBODY,
        "sid": "'SMcopy' || g",
        "next_check_at": "NULL",
        "state": "'accepted'",
    },
    "delivery_trackedlink": {
        "token": "substr(md5('copy' || g || t.tenant_id), 1, length(t.token))",
        "message_id": ANYBODY,
        "contact_id": ANYBODY,
    },
    "triggers_flowrun": {
        "contact_id": ANYBODY,
        "entry_key": "'copy-' || g",
        "state": "'finished'",
        "due_at": "NULL",
        "ended_at": "t.entered_at",
        "trigger_event_id": ANYBODY,
    },
    "triggers_runstep": {"run_id": ANYBODY, "contact_id": ANYBODY},
    "triggers_entrydecision": {"contact_id": ANYBODY, "event_id": ANYBODY},
    "consent_consent": {"phone_token": "'k1:' || md5('copy' || g)"},
    "consent_consentrecord": {
        "phone_token": "'k1:' || md5('copy' || g)",
        "contact_id": ANYBODY,
    },
    "consent_capslot": {
        "message_id": ANYBODY,
        "contact_id": ANYBODY,
        "phone_token": "'k1:' || md5('copy' || g)",
        "run_id": ANYBODY,
    },
    "segments_segmentmembership": {"contact_id": ANYBODY},
    # Half of them wait for another try, a month from now.
    "events_webhookdelivery": {
        "event_id": ANYBODY,
        "state": "(ARRAY['pending', 'delivered'])[1 + g %% 2]",
        "due_at": "CASE g %% 2 WHEN 0 THEN now() + interval '30 days' END",
    },
    "events_webhookfeed": {},
    "triggers_datedue": {"contact_id": ANYBODY, "due_at": "now() + interval '30 days'"},
    "commerce_product": {"key": "'copy-' || g"},
    "commerce_cart": {"key": "'copy-' || g", "contact_id": ANYBODY},
    "commerce_loyaltyaccount": {"contact_id": ANYBODY},
}


def fatten(owner: psycopg.Connection[Any], pair: Pair) -> set[str]:
    """Copies one row per table and workspace many times; the names of the tables that grew."""
    owner.execute("SET session_replication_role = replica")  # copies point at nobody
    segment = "SELECT id FROM segments_segment WHERE tenant_id = %(t)s LIMIT 1"
    maya = "SELECT id FROM people_contact WHERE tenant_id = %(t)s AND external_id = 'maya'"
    grown = set()
    for objects in (pair.ours, pair.theirs):
        tenant = {"t": objects.brand.tenant.id}
        owner.execute(
            "INSERT INTO segments_segmentmembership (id, tenant_id, segment_id, contact_id,"
            f" entered_at) SELECT gen_random_uuid(), %(t)s, ({segment}), ({maya}), now()"
            " ON CONFLICT DO NOTHING",
            tenant,
        )
        owner.execute(
            "INSERT INTO events_webhookdelivery (id, tenant_id, endpoint_id, event_id, event_name,"
            " event_received_at, is_test, state, attempts, created_at, due_at, response_body, error)"
            " SELECT gen_random_uuid(), %(t)s, id, gen_random_uuid(), 'SMS Sent', now(), false,"
            " 'pending', 0, now(), now() - interval '1 minute', '', ''"
            " FROM events_webhookendpoint WHERE tenant_id = %(t)s",
            tenant,
        )
        owner.execute(
            "INSERT INTO triggers_datedue (id, tenant_id, watch_id, contact_id, subject, due_at,"
            " reached) SELECT gen_random_uuid(), %(t)s, id, gen_random_uuid(), '', now(), ''"
            " FROM triggers_watcheddate WHERE tenant_id = %(t)s LIMIT 1",
            tenant,
        )
        owner.execute(
            "INSERT INTO events_webhookfeed (id, tenant_id, first_id, last_id, received_at)"
            " SELECT gen_random_uuid(), %(t)s, gen_random_uuid(), gen_random_uuid(), now()",
            tenant,
        )
        for table, sets in COPIES.items():
            columns = [
                row[0]
                for row in owner.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                    " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                    [table],
                )
            ]
            values = [
                sets.get(name) or (ANYBODY if name == "id" else f't."{name}"') for name in columns
            ]
            names = ", ".join(f'"{name}"' for name in columns)
            done = owner.execute(
                f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM"
                f" (SELECT * FROM {table} WHERE tenant_id = %(t)s LIMIT 1) t,"
                f" generate_series(1, {MANY}) g ON CONFLICT DO NOTHING",
                tenant,
            )
            if done.rowcount == MANY:
                grown.add(table)
    owner.commit()
    owner.autocommit = True
    owner.execute("ANALYZE")
    return grown


Hot = Callable[[Objects, datetime], object]


def hot_queries() -> dict[str, Hot]:
    """Every query of the day by name: a function that runs it inside the workspace's scope."""
    from commerce.domain.queries import FactRef, waiting_for_product
    from commerce.domain.queries import facts_for as commerce_facts
    from consent.domain.facts import facts_for as consent_facts
    from consent.domain.queries import consent_history
    from delivery.domain.claiming import claim_queued
    from delivery.domain.deciding import _find_due
    from delivery.domain.history import list_messages
    from delivery.domain.queries import inbound_of
    from events.domain.queries import events_for, timeline
    from events.domain.webhook_sending import _claim
    from events.models import WebhookDelivery
    from events.views.api_webhooks import by_id
    from people.domain.queries import contacts_by_id, contacts_by_phone, list_contacts
    from people.domain.resolving import IdentityRef, resolve_contacts
    from segments.domain.queries import member_ids, segments_of
    from segments.models import Segment
    from tenancy.ids import parse_id
    from triggers.domain.batches import claim_batches
    from triggers.domain.dates import due_dates
    from triggers.domain.records import find_due, running_of
    from triggers.domain.timeline import timeline_of

    def deliveries(objects: Objects, now: datetime) -> object:
        endpoint = parse_id("whk", objects.kwargs["hook"])
        held = WebhookDelivery.objects.filter(endpoint_id=endpoint)
        return list(by_id.cut(held, by_id.read({}), "id"))

    def maya(objects: Objects) -> UUID:
        return parse_id("con", objects.kwargs["ref"])

    def consent(objects: Objects, now: datetime) -> object:
        return consent_facts(list(contacts_by_id([maya(objects)]).values()), now=now)

    def members(objects: Objects, now: datetime) -> object:
        return member_ids(Segment.objects.order_by("id")[0].id, limit=50)

    def resolve(objects: Objects, now: datetime) -> object:
        known = IdentityRef(external_id="maya", phone="+13105550142")
        return resolve_contacts(
            [known, IdentityRef(external_id="new", email="n@e.example")], now=now
        )

    return {
        "contact by its identifiers": resolve,
        "contact by phone": lambda o, now: contacts_by_phone(["+13105550142"]),
        "contacts, a page": lambda o, now: list_contacts(),
        "contacts by a part of a name": lambda o, now: list_contacts(search="may"),
        "contacts by the last digits": lambda o, now: list_contacts(search="50142"),
        "contacts by a domain": lambda o, now: list_contacts(search="@exam"),
        "contacts by two names": lambda o, now: list_contacts(search="maya lin"),
        "contacts by four digits": lambda o, now: list_contacts(search="0142"),
        "contacts by an address": lambda o, now: list_contacts(search="maya@ex"),
        **lists_of_contacts(),
        "timeline of a contact": lambda o, now: timeline_of(
            maya(o), zone="America/Los_Angeles", now=now
        ),
        "timeline, events alone": lambda o, now: timeline(maya(o)),
        "events in a window": lambda o, now: events_for(
            [maya(o)], ["Checkout Started"], since=now - timedelta(days=14), until=now
        ),
        "pending batches": lambda o, now: claim_batches(limit=500, batches=100),
        "due dates": lambda o, now: due_dates(now, limit=500),
        "due runs": lambda o, now: find_due(now, limit=1000),
        "runs of contacts": lambda o, now: running_of([maya(o)]),
        "due messages": lambda o, now: _find_due(now),
        "queued messages": lambda o, now: claim_queued(16, now=now, wall=now),
        "messages, a page": lambda o, now: list_messages(limit=50),
        "inbound of a contact": lambda o, now: inbound_of(maya(o)),
        "consent, caps and slots": consent,
        "consent history": lambda o, now: consent_history("+13105550142"),
        "members of a segment": members,
        "segments of a contact": lambda o, now: segments_of([maya(o)]),
        "facts of a text": lambda o, now: commerce_facts(
            [FactRef(maya(o), {}, product_key="mug", cart_key=f"c-{maya(o).hex[-4:]}")],
            now=now,
        ),
        "webhooks, what is due": lambda o, now: _claim(o.brand.tenant.id, now=wall_now()),
        "webhooks, a page of deliveries": deliveries,
        "who waits for a product": lambda o, now: waiting_for_product(["mug"]),
    }


def lists_of_contacts() -> dict[str, Hot]:
    """The contacts list in every order, under every filter that finds few, and both."""
    from people.domain.listing import SORTS, count_contacts, list_contacts
    from people.filters import read_filters

    def some(sort: str, given: dict[str, str]) -> Hot:
        def run(objects: Objects, now: datetime) -> object:
            found = read_filters(given, strict=True).conditions
            page = list_contacts(filters=found, sort=sort, limit=25)
            if given in few:  # counting everybody may as well read everybody, up to its limit
                count_contacts(filters=found)
            return page.next_key and list_contacts(
                filters=found, sort=sort, after=page.next_key, limit=25
            )

        return run

    few = [
        {"consent": "pending"},
        {"consent": "suppressed"},
        {"has_phone": "false"},
        {"country": "PT"},
        {"timezone": "Europe/Lisbon"},
        {"added_by": "hand"},
    ]
    many = [{"consent": "never_subscribed"}, {"has_phone": "true"}, {"added_by": "event"}]
    return {
        f"contacts, {sort}, {given}": some(sort, given)
        for sort in SORTS
        for given in ({}, *few, *many)
    }


def test_hot_queries_take_an_index(
    pair: Pair, owner: psycopg.Connection[Any], now: datetime
) -> None:
    grown = fatten(owner, pair)
    assert grown == set(COPIES)
    fat = fat_relations(owner)
    later = now + timedelta(hours=14)
    slow: dict[str, list[str]] = {}
    for name, run in hot_queries().items():
        with tenant_scope(pair.ours.brand.tenant.id):
            with caught() as statements:
                run(pair.ours, later)
            assert statements, name
            found = [flaw for each in statements for flaw in flaws_of(*each, fat)]
            if found:
                slow[name] = found
            connection.set_rollback(True)
    assert slow == {}


def test_this_look_sees_a_scan_and_rows_read_in_vain(
    pair: Pair, owner: psycopg.Connection[Any]
) -> None:
    fatten(owner, pair)
    fat = fat_relations(owner)
    with tenant_scope(pair.ours.brand.tenant.id):
        for condition in ("lower(first_name) = %s", "external_id LIKE %s"):
            statement = f"SELECT id FROM people_contact WHERE tenant_id = tenant_id AND {condition}"
            assert flaws_of(statement, ["x"], "kairos_app", fat), condition


def test_finding_the_tenant_takes_an_index_too(
    pair: Pair, owner: psycopg.Connection[Any], now: datetime
) -> None:
    from delivery.domain.links import find_target, forget_targets
    from events.domain.webhook_work import tenants_with_webhooks
    from triggers.domain.finding import tenants_with_work

    fatten(owner, pair)
    fat = fat_relations(owner)
    forget_targets()
    with caught() as statements:
        assert find_target(pair.ours.kwargs["token"]) is not None
        assert tenants_with_work(business=now, wall=now) is not None
        assert pair.ours.brand.tenant.id in tenants_with_webhooks()
    slow = []
    for statement, values, role in statements:
        if role == "kairos_router":
            with router_scope():
                slow += flaws_of(statement, values, role, fat)
        else:
            with tenant_scope(pair.ours.brand.tenant.id):
                slow += flaws_of(statement, values, role, fat)
    assert len(statements) >= 3
    assert slow == []


@contextmanager
def caught() -> Iterator[list[tuple[str, Any, str]]]:
    """(statement, values, role) of what runs inside, but for settings and savepoints."""
    found: list[tuple[str, Any, str]] = []

    def keep(execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        words = statement.lstrip("( \n").split(None, 1)[0].upper()
        if words in _EXPLAINABLE and not many and "set_config(" not in statement:
            with context["connection"].connection.cursor() as bare:
                role = bare.execute("SELECT current_user").fetchone()[0]
            if role != "kairos_login":
                found.append((statement, values, role))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(keep):
        yield found


def flaws_of(statement: str, values: Any, role: str, fat: set[str]) -> list[str]:
    """Scans of whole tables, and rows that were read to be thrown away."""
    reads = statement.lstrip("( \n").upper().startswith("SELECT")
    options = "ANALYZE, FORMAT JSON" if reads else "FORMAT JSON"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}) {statement}", values)
        said = cursor.fetchone()[0]
    plan = json.loads(said) if isinstance(said, str) else said
    short = " ".join(statement.split())[:160]
    return [f"{flaw}: {short}" for flaw in _flaws(plan[0]["Plan"], fat)]


def _flaws(node: dict[str, Any], fat: set[str]) -> Iterator[str]:
    relation = node.get("Relation Name", "")
    if relation in fat:
        if node["Node Type"] == "Seq Scan":
            yield f"scans {relation}"
        loops = node.get("Actual Loops", 1)
        if node.get("Rows Removed by Filter", 0) * loops > FEW:
            yield f"reads {relation} in vain by {node.get('Index Name')}"
    for child in node.get("Plans", ()):
        yield from _flaws(child, fat)


def fat_relations(owner: psycopg.Connection[Any]) -> set[str]:
    rows: Sequence[Any] = owner.execute(
        sql.SQL("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > {}").format(FEW)
    ).fetchall()
    return {row[0] for row in rows}
