"""Carts as events tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.carts import CartEvent, CartState, apply_event, apply_order, owner_of, work_out
from commerce.core.money import read_currency
from commerce.core.reading import cart_key
from events.core import names
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_KINDS = {
    names.PRODUCT_ADDED: "add",
    names.PRODUCT_REMOVED: "remove",
    names.CART_VIEWED: "snapshot",
    "Cart Updated": "snapshot",
    names.CHECKOUT_STARTED: "checkout",
}
_TYPES = {
    "contact_id": "uuid",
    "value_minor": "bigint",
    "checkout_at": "timestamptz",
    "ordered_at": "timestamptz",
    "updated_at": "timestamptz",
}
_COLUMNS = (
    "key",
    "contact_id",
    "state",
    "items",
    "value_minor",
    "currency",
    "url",
    "checkout_at",
    "ordered_at",
    "updated_at",
    "facts",
)
_JSON = frozenset({"items", "facts"})
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)
_CAST = ", ".join(f"{name}::jsonb" if name in _JSON else name for name in _COLUMNS)
_LOOKS = 5

Closings = dict[UUID, tuple[datetime | None, datetime | None]]


def implicit_key(contact_id: UUID) -> str:
    """The key of the one cart of a contact whose shop names no carts."""
    return f"contact:{contact_id.hex}"


def project_carts(events: Sequence[EventRow], *, currency: str) -> None:
    """Fills and closes carts. An order without a cart id closes all that were open before it, so
    the orders have to be there (`project_orders`)."""
    ours = [e for e in events if e.contact_id and (e.name in _KINDS or _is_order(e))]
    if not ours:
        return
    named = {key for event in ours if (key := _key_of(event)) is not None}
    buyers = {e.contact_id for e in ours if _is_order(e) and e.contact_id}
    # A cart that another reaction makes at this moment is found at the second look; events that
    # have been applied by then say nothing new.
    for _ in range(_LOOKS):
        carts = _lock_carts(named, buyers)
        present, before = set(carts), {key: cart.facts for key, cart in carts.items()}
        for event in ours:
            _note(event, carts, currency)
        touched = {
            k for k, c in carts.items() if before.get(k) != c.facts or c.contact_id in buyers
        }
        _work_out([carts[key] for key in sorted(touched)])
        if _insert_carts([carts[key] for key in sorted(touched - present)]):
            break
    _write_carts([carts[key] for key in sorted(touched & present)])


def _is_order(event: EventRow) -> bool:
    return event.name == names.ORDER_COMPLETED


def _key_of(event: EventRow) -> str | None:
    """The cart an event fills or buys; None for an order that names none."""
    assert event.contact_id is not None  # noqa: S101 (see project_carts)
    key = cart_key(event.properties)
    return key if key or _is_order(event) else implicit_key(event.contact_id)


def _note(event: EventRow, carts: dict[str, CartState], currency: str) -> None:
    key = _key_of(event)
    if key is None:
        return
    assert event.contact_id is not None  # noqa: S101 (see project_carts)
    cart = carts.setdefault(key, CartState(key, event.contact_id))
    if _is_order(event):
        apply_order(cart, placed_at=event.occurred_at)
        return
    apply_event(
        cart,
        CartEvent(
            id=event.id,
            kind=_KINDS[event.name],
            contact_id=event.contact_id,
            properties=event.properties,
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            trusted=event.source != "public",
            currency=read_currency(event.properties.get("currency"), currency),
        ),
    )


def _work_out(carts: Sequence[CartState]) -> None:
    owners = {cart.key: owner_of(cart) or cart.contact_id for cart in carts}
    closings = _closings(set(owners.values()))
    for cart in carts:
        owner = owners[cart.key]
        loose, newest = closings.get(owner, (None, None))
        work_out(cart, closed_at=newest if cart.key == implicit_key(owner) else loose)


def _closings(contact_ids: set[UUID]) -> Closings:
    """When these contacts last ordered without naming a cart, and at all."""
    if not contact_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, max(loose_at), max(told_at) FROM commerce_order"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) GROUP BY contact_id",
            [current_tenant_id(), sorted(contact_ids)],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _insert_carts(carts: Sequence[CartState]) -> bool:
    """Makes carts; False when somebody else has just made one of them."""
    if not carts:
        return True
    columns = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO commerce_cart (id, tenant_id, {columns})
            SELECT id, %s, {_CAST} FROM unnest(%s::uuid[], {_ARRAYS}) AS made(id, {columns})
            ON CONFLICT (tenant_id, key) DO NOTHING
            """,
            [current_tenant_id(), new_ids(len(carts)), *_arrays_of(carts)],
        )
        return int(cursor.rowcount) == len(carts)


def _lock_carts(named: Iterable[str], buyers: Iterable[UUID]) -> dict[str, CartState]:
    """The named carts and the open ones of these buyers, locked in the order of their keys."""
    wanted, theirs, tenant_id = sorted(named), sorted(buyers), current_tenant_id()
    with connection.cursor() as cursor:
        if theirs:
            cursor.execute(
                "SELECT key FROM commerce_cart WHERE tenant_id = %s AND contact_id = ANY(%s)"
                " AND state = 'open'",
                [tenant_id, theirs],
            )
            wanted = sorted({*wanted, *(row[0] for row in cursor.fetchall())})
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM commerce_cart WHERE tenant_id = %s"
            " AND key = ANY(%s) ORDER BY key FOR UPDATE",
            [tenant_id, wanted],
        )
        return {row[0]: _state_of(row) for row in cursor.fetchall()}


def _state_of(row: Sequence[Any]) -> CartState:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return CartState(**values)


def _write_carts(carts: Sequence[CartState]) -> None:
    if not carts:
        return
    settings = ", ".join(
        f"{name} = given.{name}{'::jsonb' if name in _JSON else ''}" for name in _COLUMNS[1:]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_cart held SET {settings}
            FROM unnest({_ARRAYS}) AS given({", ".join(_COLUMNS)})
            WHERE held.tenant_id = %s AND held.key = given.key AND held.key = ANY(%s)
            """,
            [*_arrays_of(carts), current_tenant_id(), [cart.key for cart in carts]],
        )


def _arrays_of(carts: Sequence[CartState]) -> list[list[Any]]:
    """In the order of `_COLUMNS`."""
    return [
        [
            orjson.dumps(v).decode() if name in _JSON else v
            for cart in carts
            for v in [getattr(cart, name)]
        ]
        for name in _COLUMNS
    ]
