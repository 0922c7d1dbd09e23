"""Writing new contacts and identifiers as sets: all of a plan, or nothing when somebody was first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from people.core.identifiers import ADDRESSES, phone_type
from people.domain.binding import Plan
from people.domain.queries import lock_contacts
from people.domain.searching import index_contacts
from people.models import NEVER, AddedBy
from tenancy.crypto import phone_token
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class Origin:
    """How people who are new came in. `is_seen`: they themselves did something just now."""

    added_by: str = AddedBy.EVENT
    is_seen: bool = False


BY_EVENT = Origin()


def write_plan(plan: Plan, now: datetime, origin: Origin) -> bool:
    """Writes the plan; False when somebody else was first, with nothing written."""
    point = transaction.savepoint()
    if _insert_all(plan, now, origin):
        transaction.savepoint_commit(point)
        return True
    transaction.savepoint_rollback(point)
    return False


def _lock_owners(plan: Plan) -> None:
    """Locks everybody the refs name who was there before, when any of them gets an address or turns
    out to be a visitor we know.

    All at once and first of all: the caller locks the same people next to write their traits, and
    whoever locked only some of them here would then wait crosswise with another call. Without the
    lock, of two calls that each add a number the later would forget the earlier's tokens.
    """
    found_by = {owner for (kind, _), (owner, _) in plan.identifiers.items() if kind in ADDRESSES}
    visitors = {each.visitor_id for each in plan.result.recognized}
    if visitors or (found_by | set(plan.fields)).difference(plan.new):
        named = {each for each in plan.result.ids if each is not None}
        lock_contacts((named | visitors).difference(plan.new))


def _insert_all(plan: Plan, now: datetime, origin: Origin) -> bool:
    _lock_owners(plan)
    _insert_contacts(plan, now, origin)
    written = _insert_identifiers(plan, now) and _move_all(plan, now) and _fill_fields(plan, now)
    if written:
        index_contacts(
            owner for (kind, _), (owner, _) in plan.identifiers.items() if kind in ADDRESSES
        )
    return written


def _insert_contacts(plan: Plan, now: datetime, origin: Origin) -> None:
    if not plan.new:
        return
    tenant_id = current_tenant_id()
    own = [plan.held[contact_id] for contact_id in plan.new]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_contact (id, tenant_id, external_id, phone, phone_type, email,
                first_name, last_name, locale, timezone, timezone_source, city, region,
                postal_code, country, attributes, created_at, updated_at, phone_token, added_by,
                last_seen_at)
            SELECT id, %s, external_id, phone, phone_type, email,
                '', '', '', '', '', '', '', '', '', '{}', %s, %s, phone_token, %s, %s
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
              AS made(id, external_id, phone, phone_type, email, phone_token)
            """,
            [
                tenant_id,
                now,
                now,
                origin.added_by,
                now if origin.is_seen else NEVER,
                plan.new,
                [held.external_id for held in own],
                [held.phone for held in own],
                [phone_type(held.phone) for held in own],
                [held.email for held in own],
                [phone_token(tenant_id, held.phone) if held.phone else None for held in own],
            ],
        )


def _insert_identifiers(plan: Plan, now: datetime) -> bool:
    # Sorted, so that two calls which share several new identifiers wait for each other in
    # one order; the loser finds its rows missing from the count and starts over.
    rows = sorted(plan.identifiers.items())
    if not rows:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_identifier
                (id, tenant_id, kind, value, contact_id, is_primary, first_seen_at)
            SELECT id, %s, kind, value, contact_id, is_primary, %s
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::boolean[])
              AS made(id, kind, value, contact_id, is_primary)
            ON CONFLICT DO NOTHING
            """,
            [
                current_tenant_id(),
                now,
                [new_id() for _ in rows],
                [key[0] for key, _ in rows],
                [key[1] for key, _ in rows],
                [owner for _, (owner, _) in rows],
                [is_primary for _, (_, is_primary) in rows],
            ],
        )
        return int(cursor.rowcount) == len(rows)


def _move_all(plan: Plan, now: datetime) -> bool:
    if not plan.moves:
        return True
    rows = sorted(plan.moves.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_identifier i SET contact_id = moved.target, first_seen_at = %s
            FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::uuid[])
              AS moved(kind, value, source, target)
            WHERE i.tenant_id = %s AND i.kind = moved.kind AND i.value = moved.value
              AND i.contact_id = moved.source
            """,
            [
                now,
                [key[0] for key, _ in rows],
                [key[1] for key, _ in rows],
                [source for _, (source, _) in rows],
                [target for _, (_, target) in rows],
                current_tenant_id(),
            ],
        )
        return int(cursor.rowcount) == len(rows)


def _fill_fields(plan: Plan, now: datetime) -> bool:
    """Own id, phone and e-mail of contacts that were there before and had none."""
    rows = {cid: values for cid, values in plan.fields.items() if not plan.held[cid].is_new}
    if not rows:
        return True
    ids = sorted(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_contact c SET
                external_id = COALESCE(c.external_id, given.external_id),
                phone_type = CASE WHEN c.phone IS NULL AND given.phone IS NOT NULL
                                  THEN given.phone_type ELSE c.phone_type END,
                phone = COALESCE(c.phone, given.phone),
                email = COALESCE(c.email, given.email),
                updated_at = GREATEST(c.updated_at, %s)
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
              AS given(id, external_id, phone, phone_type, email)
            WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)
            """,
            [
                now,
                ids,
                [rows[each].get("external_id") for each in ids],
                [rows[each].get("phone") for each in ids],
                [phone_type(rows[each].get("phone")) for each in ids],
                [rows[each].get("email") for each in ids],
                current_tenant_id(),
                ids,
            ],
        )
        return int(cursor.rowcount) == len(rows)
