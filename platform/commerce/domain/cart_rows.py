"""Carts as events tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.carts import CartEvent, CartState, apply_event, apply_order
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
    names.CHECKOUT_STARTED: "snapshot",
}
_COLUMNS = (
    "key, contact_id, state, items, value_minor, currency, url, snapshot_at, ordered_at, applied,"
    " updated_at"
)
_ARRAYS = (
    "%s::text[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],"
    " %s::timestamptz[], %s::timestamptz[], %s::text[], %s::timestamptz[]"
)
_LOOKS = 5


def implicit_key(contact_id: UUID) -> str:
    """The key of the one cart of a contact whose shop names no carts."""
    return f"contact:{contact_id.hex}"


def project_carts(events: Sequence[EventRow], *, currency: str) -> None:
    """Fills and closes carts. An order without a cart id closes all that were open before it."""
    ours = [e for e in events if e.contact_id and (e.name in _KINDS or _is_order(e))]
    if not ours:
        return
    named = {_key_of(event) for event in ours}
    buyers = {
        e.contact_id for e in ours if _is_order(e) and not cart_key(e.properties) and e.contact_id
    }
    # A cart that another reaction makes at this moment is found at the second look; events that
    # have been applied by then say nothing new.
    for _ in range(_LOOKS):
        carts = _lock_carts(named, buyers)
        present = set(carts)
        changed = _fold(ours, carts, currency)
        made = _insert_carts([carts[key] for key in sorted(carts.keys() - present)])
        if made:
            break
    _write_carts([carts[key] for key in sorted(changed & present)])


def _fold(ours: Sequence[EventRow], carts: dict[str, CartState], currency: str) -> set[str]:
    """Applies events to carts, missing ones added empty; returns the keys that changed."""
    theirs: dict[UUID, set[str]] = {}
    for key, cart in carts.items():
        theirs.setdefault(cart.contact_id, set()).add(key)
    changed: set[str] = set()
    for event in ours:
        assert event.contact_id is not None  # noqa: S101 (see project_carts)
        own = theirs.setdefault(event.contact_id, set())
        for key in _touched(event, carts, own):
            if key not in carts:
                carts[key] = CartState(key, event.contact_id)
                own.add(key)
            if _apply(carts[key], event, currency):
                changed.add(key)
    return changed


def _is_order(event: EventRow) -> bool:
    return event.name == names.ORDER_COMPLETED


def _key_of(event: EventRow) -> str:
    assert event.contact_id is not None  # noqa: S101 (see project_carts)
    return cart_key(event.properties) or implicit_key(event.contact_id)


def _touched(event: EventRow, carts: dict[str, CartState], own: set[str]) -> list[str]:
    """The carts an event is about; `own`: those that were its contact's so far."""
    key = _key_of(event)
    if not _is_order(event):
        return [key]
    assert event.contact_id is not None  # noqa: S101 (see project_carts)
    if cart_key(event.properties):
        implicit = implicit_key(event.contact_id)
        return [key, implicit] if implicit in carts else [key]
    return sorted({key, *(k for k in own if carts[k].contact_id == event.contact_id)})


def _apply(cart: CartState, event: EventRow, currency: str) -> bool:
    assert event.contact_id is not None  # noqa: S101 (see project_carts)
    if _is_order(event):
        return apply_order(cart, placed_at=event.occurred_at)
    return apply_event(
        cart,
        CartEvent(
            id=event.id,
            kind=_KINDS[event.name],
            contact_id=event.contact_id,
            properties=event.properties,
            occurred_at=event.occurred_at,
            trusted=event.source != "public",
            currency=read_currency(event.properties.get("currency"), currency),
        ),
    )


def _insert_carts(carts: Sequence[CartState]) -> bool:
    """Makes carts; False when somebody else has just made one of them."""
    if not carts:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO commerce_cart (id, tenant_id, {_COLUMNS})
            SELECT id, %s, key, contact_id, state, items::jsonb, value_minor, currency, url,
                snapshot_at, ordered_at, applied::uuid[], updated_at
            FROM unnest(%s::uuid[], {_ARRAYS}) AS made(id, {_COLUMNS})
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
            f"SELECT {_COLUMNS} FROM commerce_cart WHERE tenant_id = %s AND key = ANY(%s)"
            " ORDER BY key FOR UPDATE",
            [tenant_id, wanted],
        )
        carts = {}
        for row in cursor.fetchall():
            values = list(row)
            values[3] = orjson.loads(values[3]) if isinstance(values[3], str) else values[3]
            carts[row[0]] = CartState(*values)
        return carts


def _write_carts(carts: Sequence[CartState]) -> None:
    if not carts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_cart held SET contact_id = given.contact_id, state = given.state,
                items = given.items::jsonb, value_minor = given.value_minor,
                currency = given.currency, url = given.url, snapshot_at = given.snapshot_at,
                ordered_at = given.ordered_at, applied = given.applied::uuid[],
                updated_at = given.updated_at
            FROM unnest({_ARRAYS}) AS given({_COLUMNS})
            WHERE held.tenant_id = %s AND held.key = given.key AND held.key = ANY(%s)
            """,
            [*_arrays_of(carts), current_tenant_id(), [cart.key for cart in carts]],
        )


def _arrays_of(carts: Sequence[CartState]) -> list[list[Any]]:
    """In the order of `_COLUMNS`."""
    return [
        [cart.key for cart in carts],
        [cart.contact_id for cart in carts],
        [cart.state for cart in carts],
        [orjson.dumps(cart.items).decode() for cart in carts],
        [cart.value_minor for cart in carts],
        [cart.currency for cart in carts],
        [cart.url for cart in carts],
        [cart.snapshot_at for cart in carts],
        [cart.ordered_at for cart in carts],
        # An array of arrays has to be square, so each list travels as text.
        ["{" + ",".join(each.hex for each in cart.applied) + "}" for cart in carts],
        [cart.updated_at for cart in carts],
    ]
