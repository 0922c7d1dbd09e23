"""Orders as events tell of them: told once or many times, in any order, counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.money import read_currency
from commerce.core.reading import cart_key, item_list, order_key, read_item, read_total
from events.core import names
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_NAMES = frozenset({names.ORDER_COMPLETED, names.ORDER_REFUNDED, names.ORDER_CANCELLED})
_COLUMNS = (
    "key",
    "contact_id",
    "state",
    "total_minor",
    "refunded_minor",
    "currency",
    "reporting_minor",
    "reporting_currency",
    "placed_at",
    "items",
    "source_cart_key",
    "event_id",
    "told_at",
    "applied",
)
_TYPES = {
    "contact_id": "uuid",
    "total_minor": "bigint",
    "refunded_minor": "bigint",
    "reporting_minor": "bigint",
    "placed_at": "timestamptz",
    "event_id": "uuid",
    "told_at": "timestamptz",
}
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)
_CASTS = {"items": "items::jsonb", "applied": "applied::uuid[]"}
_LOOKS = 5


@dataclass(slots=True)
class OrderState:
    """An order as stored. `event_id` None: only a refund or a cancellation is known."""

    key: str
    contact_id: UUID
    state: str
    total_minor: int
    refunded_minor: int
    currency: str
    reporting_minor: int | None
    reporting_currency: str
    placed_at: datetime
    items: list[dict[str, Any]]
    source_cart_key: str | None
    event_id: UUID | None
    told_at: datetime | None
    applied: list[UUID] = field(default_factory=list)


def project_orders(events: Sequence[EventRow], *, currency: str) -> None:
    """Keeps orders, refunds and cancellations. `currency` is the workspace's reporting currency."""
    ours = [(_key_of(e), e) for e in events if e.name in _NAMES and e.contact_id is not None]
    if not ours:
        return
    # An order that another reaction makes at this moment is found at the second look; events that
    # have been applied by then say nothing new.
    for _ in range(_LOOKS):
        orders = _lock_orders({key for key, _ in ours})
        present = set(orders)
        changed = set()
        for key, event in ours:
            if key not in orders:
                orders[key] = _new_order(key, event, currency)
            if _apply(orders[key], event, currency):
                changed.add(key)
        if _insert_orders([orders[key] for key in sorted(orders.keys() - present)]):
            break
    _write_orders([orders[key] for key in sorted(changed & present)])


def _new_order(key: str, event: EventRow, currency: str) -> OrderState:
    assert event.contact_id is not None  # noqa: S101 (see project_orders)
    return OrderState(
        key=key,
        contact_id=event.contact_id,
        state="placed",
        total_minor=0,
        refunded_minor=0,
        currency=currency,
        reporting_minor=None,
        reporting_currency=currency,
        placed_at=event.occurred_at,
        items=[],
        source_cart_key=None,
        event_id=None,
        told_at=None,
    )


def _key_of(event: EventRow) -> str:
    return order_key(event.properties) or f"event:{event.id.hex}"


def _apply(order: OrderState, event: EventRow, reporting: str) -> bool:
    if event.id in order.applied:
        return False
    order.applied = [*order.applied, event.id]
    currency = read_currency(event.properties.get("currency"), reporting)
    total = read_total(event.properties, currency)
    if event.name == names.ORDER_COMPLETED:
        if order.told_at is not None and event.occurred_at < order.told_at:
            return True
        assert event.contact_id is not None  # noqa: S101 (see project_orders)
        order.contact_id = event.contact_id
        if order.event_id is None:
            order.placed_at = event.occurred_at
            order.event_id = event.id
        order.told_at = event.occurred_at
        order.currency = currency
        order.total_minor = total or 0
        order.reporting_minor = order.total_minor if currency == reporting else None
        order.reporting_currency = reporting
        read = (read_item(item, currency) for item in item_list(event.properties))
        order.items = [item for item in read if item is not None]
        order.source_cart_key = cart_key(event.properties)
    elif event.name == names.ORDER_CANCELLED:
        order.state = "cancelled"
    else:
        order.refunded_minor += order.total_minor if total is None else total
        if order.state == "placed":
            order.state = "refunded"
    return True


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
        orders = {}
        for row in cursor.fetchall():
            values = list(row)
            values[9] = orjson.loads(values[9]) if isinstance(values[9], str) else values[9]
            orders[row[0]] = OrderState(*values)
        return orders


def _write_orders(orders: Sequence[OrderState]) -> None:
    if not orders:
        return
    settings = ", ".join(
        f"{name} = given.{_CASTS.get(name, name)}" for name in _COLUMNS if name != "key"
    )
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
    values["items"] = [orjson.dumps(order.items).decode() for order in orders]
    # An array of arrays has to be square, so each list travels as text.
    values["applied"] = ["{" + ",".join(i.hex for i in order.applied) + "}" for order in orders]
    return list(values.values())
