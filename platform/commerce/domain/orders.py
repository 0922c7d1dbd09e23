"""Orders as events tell of them: told once or many times, in any order, counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.orders import (
    CANCELLED,
    COMPLETED,
    REFUNDED,
    UPDATED,
    OrderEvent,
    OrderState,
    apply_event,
)
from commerce.core.reading import order_key
from events.core import names
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_KINDS = {
    names.ORDER_COMPLETED: COMPLETED,
    names.ORDER_UPDATED: UPDATED,
    names.ORDER_REFUNDED: REFUNDED,
    names.ORDER_CANCELLED: CANCELLED,
}
_COLUMNS = (
    "key",
    "contact_id",
    "state",
    "total_minor",
    "refunded_minor",
    "net_minor",
    "currency",
    "reporting_minor",
    "reporting_currency",
    "placed_at",
    "cancelled_at",
    "items",
    "source_cart_key",
    "event_id",
    "told_at",
    "loose_at",
    "facts",
)
_TYPES = {
    "contact_id": "uuid",
    "total_minor": "bigint",
    "refunded_minor": "bigint",
    "net_minor": "bigint",
    "reporting_minor": "bigint",
    "placed_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "event_id": "uuid",
    "told_at": "timestamptz",
    "loose_at": "timestamptz",
}
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)
_JSON = frozenset({"items", "facts"})
_CASTS = {name: f"{name}::jsonb" for name in _JSON}
_LOOKS = 5


def project_orders(events: Sequence[EventRow], *, currency: str) -> set[UUID]:
    """Keeps orders, refunds and cancellations; returns the contacts whose orders changed.

    `currency` is the workspace's reporting currency.
    """
    ours = [
        (_key_of(e), _event_of(e, e.contact_id))
        for e in events
        if e.name in _KINDS and e.contact_id is not None
    ]
    if not ours:
        return set()
    # An order that another reaction makes at this moment is found at the second look; events that
    # have been applied by then say nothing new.
    for _ in range(_LOOKS):
        orders = _lock_orders({key for key, _ in ours})
        present = set(orders)
        changed, theirs = set(), set()
        for key, event in ours:
            order = orders.setdefault(key, OrderState(key, event.contact_id))
            owner = order.contact_id
            if apply_event(order, event, reporting=currency):
                changed.add(key)
                theirs |= {owner, order.contact_id}
        if _insert_orders([orders[key] for key in sorted(orders.keys() - present)]):
            break
    _write_orders([orders[key] for key in sorted(changed & present)])
    return theirs


def _key_of(event: EventRow) -> str:
    return order_key(event.properties) or f"event:{event.id.hex}"


def _event_of(event: EventRow, contact_id: UUID) -> OrderEvent:
    return OrderEvent(
        id=event.id,
        kind=_KINDS[event.name],
        contact_id=contact_id,
        properties=event.properties,
        occurred_at=event.occurred_at,
    )


def _insert_orders(orders: Sequence[OrderState]) -> bool:
    """Makes orders; False when somebody else has just made one of them."""
    if not orders:
        return True
    columns = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO commerce_order (id, tenant_id, {columns})
            SELECT id, %s, {", ".join(_CASTS.get(name, name) for name in _COLUMNS)}
            FROM unnest(%s::uuid[], {_ARRAYS}) AS made(id, {columns})
            ON CONFLICT (tenant_id, key) DO NOTHING
            """,
            [current_tenant_id(), new_ids(len(orders)), *_arrays_of(orders)],
        )
        return int(cursor.rowcount) == len(orders)


def _lock_orders(keys: set[str]) -> dict[str, OrderState]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM commerce_order"
            " WHERE tenant_id = %s AND key = ANY(%s) ORDER BY key FOR UPDATE",
            [current_tenant_id(), sorted(keys)],
        )
        return {row[0]: _state_of(row) for row in cursor.fetchall()}


def _state_of(row: Sequence[Any]) -> OrderState:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return OrderState(**values)


def _write_orders(orders: Sequence[OrderState]) -> None:
    if not orders:
        return
    settings = ", ".join(f"{name} = given.{_CASTS.get(name, name)}" for name in _COLUMNS[1:])
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_order held SET {settings}
            FROM unnest({_ARRAYS}) AS given({", ".join(_COLUMNS)})
            WHERE held.tenant_id = %s AND held.key = given.key AND held.key = ANY(%s)
            """,
            [*_arrays_of(orders), current_tenant_id(), [order.key for order in orders]],
        )


def _arrays_of(orders: Sequence[OrderState]) -> list[list[Any]]:
    """In the order of `_COLUMNS`."""
    values: dict[str, list[Any]] = {
        name: [getattr(order, name) for order in orders] for name in _COLUMNS
    }
    for name in _JSON:
        values[name] = [orjson.dumps(value).decode() for value in values[name]]
    return list(values.values())
