"""What contacts' orders and looks add up to, kept per contact for conditions, texts and pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.affinity import CART, VIEW, add_look
from commerce.core.facts import Fact, fact
from commerce.core.reading import product_key, read_text
from commerce.core.reorder import Habit
from commerce.core.summaries import BoughtOrder, Catalogue, Summary, count_orders, judge
from events.core import names
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_LOOKS = {names.PRODUCT_VIEWED: VIEW, names.PRODUCT_ADDED: CART}
_TYPES = {
    "contact_id": "uuid",
    "order_count": "int",
    "first_order_at": "timestamptz",
    "last_order_at": "timestamptz",
    "categories": "text",
    "preferred_confidence": "float8",
    "net_minor": "bigint",
    "average_minor": "bigint",
    "last_viewed_at": "timestamptz",
    "reorder_at": "timestamptz",
}
_COLUMNS = (
    "contact_id",
    "order_count",
    "first_order_at",
    "last_order_at",
    "last_category",
    "categories",
    "preferred_category",
    "preferred_confidence",
    "net_minor",
    "average_minor",
    "currency",
    "lifetime",
    "last_viewed_key",
    "last_viewed_at",
    "most_viewed_key",
    "reorder_at",
    "reorder_key",
    "reorder",
    "bought",
    "looks",
)
# What a look can change. The other columns of a wide row are left where they are.
_FROM_LOOKS = (
    "contact_id",
    "preferred_category",
    "preferred_confidence",
    "last_viewed_key",
    "last_viewed_at",
    "most_viewed_key",
    "looks",
)
_BOUGHT = tuple(each.name for each in fields(BoughtOrder))
_JSON = frozenset({"categories", "lifetime", "reorder", "bought", "looks"})


def project_summaries(
    events: Sequence[EventRow], ordered: Iterable[UUID], *, currency: str
) -> None:
    """Takes in what these events say, and counts the orders of the contacts in `ordered` anew."""
    looks: dict[UUID, list[Fact]] = defaultdict(list)
    for event in events:
        if event.name in _LOOKS and event.contact_id is not None:
            looks[event.contact_id].append(_look_of(event))
    refresh_summaries(ordered, looks, currency=currency)


def refresh_summaries(
    ordered: Iterable[UUID], looks: Mapping[UUID, Sequence[Fact]] | None = None, *, currency: str
) -> None:
    """Counts the orders of `ordered` anew and adds `looks` by contact. Nine queries at most."""
    looks, counted = looks or {}, set(ordered)
    wanted = sorted({*counted, *looks})
    if not wanted:
        return
    summaries = _lock_summaries(wanted, currency)
    orders = _orders_of(counted) if counted else {}
    keys = {str(item["product_id"]) for held in orders.values() for o in held for item in o.items}
    keys |= {
        str(one["product"])
        for held in looks.values()
        for one in held
        if "category" not in one and "product" in one
    }
    known = _catalogue_of(keys)
    changed: set[UUID] = set()
    for contact_id, told in looks.items():
        for one in told:
            category = one.get("category") or known.categories.get(one.get("product", ""), "")
            kept = add_look(summaries[contact_id].looks, {**one, "category": category})
            if kept is not None:
                summaries[contact_id].looks = kept
                changed.add(contact_id)
    for contact_id in counted:
        count_orders(summaries[contact_id], orders.get(contact_id, ()), known, currency=currency)
    for contact_id in changed | counted:
        judge(summaries[contact_id])
    _write_summaries([summaries[each] for each in sorted(changed - counted)], _FROM_LOOKS)
    _write_summaries([summaries[each] for each in sorted(counted)], _COLUMNS)


def _look_of(event: EventRow) -> Fact:
    data = event.properties
    return fact(
        event.id,
        event.occurred_at,
        kind=_LOOKS[event.name],
        product=product_key(data),
        category=read_text(data, ("category", "product_type"), 200),
    )


def _orders_of(contact_ids: set[UUID]) -> dict[UUID, list[BoughtOrder]]:
    found: dict[UUID, list[BoughtOrder]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, key, state, total_minor, refunded_minor, net_minor, currency,"
            " placed_at, told_at IS NOT NULL, items FROM commerce_order"
            " WHERE tenant_id = %s AND contact_id = ANY(%s)",
            [current_tenant_id(), sorted(contact_ids)],
        )
        for row in cursor.fetchall():
            values = dict(zip(_BOUGHT, row[1:], strict=True))
            if isinstance(values["items"], str):
                values["items"] = orjson.loads(values["items"])
            found[row[0]].append(BoughtOrder(**values))
    return found


def _catalogue_of(keys: Iterable[str]) -> Catalogue:
    wanted = sorted(keys)
    if not wanted:
        return Catalogue()
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, category, usage_days, observed_days, observed_gaps, id"
            " FROM commerce_product WHERE tenant_id = %s AND key = ANY(%s)",
            [tenant_id, wanted],
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT key, usage_days FROM commerce_productvariant"
            " WHERE tenant_id = %s AND product_id = ANY(%s) AND usage_days IS NOT NULL",
            [tenant_id, [row[5] for row in rows]],
        )
        variants = dict(cursor.fetchall())
    return Catalogue(
        categories={row[0]: row[1] for row in rows if row[1]},
        habits={row[0]: Habit(row[2], row[3], row[4]) for row in rows},
        variants=variants,
    )


def make_summaries(contact_ids: Iterable[UUID], *, currency: str) -> None:
    """Empty rows for contacts that have none."""
    wanted = sorted(contact_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_buyingsummary (id, tenant_id, contact_id, order_count,
                last_category, categories, preferred_category, preferred_confidence, net_minor,
                currency, lifetime, last_viewed_key, most_viewed_key, reorder_key, reorder, bought,
                looks)
            SELECT id, %s, contact_id, 0, '', '[]', '', 0, 0, %s, '{}', '', '', '', '{}', '{}', '[]'
            FROM unnest(%s::uuid[], %s::uuid[]) AS made(id, contact_id)
            ON CONFLICT (tenant_id, contact_id) DO NOTHING
            """,
            [current_tenant_id(), currency, new_ids(len(wanted)), wanted],
        )


def _lock_summaries(contact_ids: Sequence[UUID], currency: str) -> dict[UUID, Summary]:
    held = _read_locked(contact_ids)
    missing = [each for each in contact_ids if each not in held]
    if missing:
        make_summaries(missing, currency=currency)
        held |= _read_locked(missing)
    return held


def _read_locked(contact_ids: Sequence[UUID]) -> dict[UUID, Summary]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM commerce_buyingsummary"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) ORDER BY contact_id FOR UPDATE",
            [current_tenant_id(), list(contact_ids)],
        )
        return {row[0]: _summary_of(row) for row in cursor.fetchall()}


def _summary_of(row: Sequence[Any]) -> Summary:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return Summary(**values)


def _write_summaries(summaries: Sequence[Summary], columns: Sequence[str]) -> None:
    if not summaries:
        return
    settings = ", ".join(
        f"{name} = given.{name}{'::jsonb' if name in _JSON else ''}" for name in columns[1:]
    )
    types = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in columns)
    arrays = [
        [
            orjson.dumps(value).decode() if name in _JSON else value
            for value in (getattr(each, name) for each in summaries)
        ]
        for name in columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_buyingsummary held SET {settings}
            FROM unnest({types}) AS given({", ".join(columns)})
            WHERE held.tenant_id = %s AND held.contact_id = given.contact_id
              AND held.contact_id = ANY(%s)
            """,
            [*arrays, current_tenant_id(), [each.contact_id for each in summaries]],
        )
