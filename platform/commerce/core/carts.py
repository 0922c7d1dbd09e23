"""What a cart holds after an event, in whatever order events arrive. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.reading import (
    item_list,
    lists_items,
    product_key,
    read_cart_url,
    read_item,
    read_total,
)

OPEN, ORDERED = "open", "ordered"
_REMEMBERED = 100


@dataclass(slots=True)
class CartState:
    """One cart. Items: {"product_id", "name", "quantity", "price_minor", ..., "added_at"}."""

    key: str
    contact_id: UUID
    state: str = OPEN
    items: list[dict[str, Any]] = field(default_factory=list)
    value_minor: int | None = None
    currency: str = ""
    url: str = ""
    snapshot_at: datetime | None = None
    ordered_at: datetime | None = None
    applied: list[UUID] = field(default_factory=list)
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CartEvent:
    """`kind`: snapshot (the event lists the whole cart), add, remove or touch."""

    id: UUID
    kind: str
    contact_id: UUID
    properties: Mapping[str, Any]
    occurred_at: datetime
    trusted: bool
    currency: str


def apply_event(cart: CartState, event: CartEvent) -> bool:
    """Changes the cart; False when the event says nothing new.

    A repeated event, a browser's event for somebody else's cart, and what happened before the
    order change nothing. A list of the whole cart replaces what was added before it.
    """
    if event.id in cart.applied:
        return False
    if cart.contact_id != event.contact_id and cart.updated_at is not None and not event.trusted:
        return False
    if cart.ordered_at is not None and event.occurred_at <= cart.ordered_at:
        return False
    if cart.state == ORDERED:
        cart.state, cart.items, cart.value_minor, cart.ordered_at = OPEN, [], None, None
    cart.applied = [*cart.applied, event.id][-_REMEMBERED:]
    newest = cart.updated_at is None or event.occurred_at >= cart.updated_at
    if newest:
        cart.contact_id = event.contact_id
        cart.currency = event.currency
        cart.url = read_cart_url(event.properties) or cart.url if event.kind != "add" else cart.url
        cart.updated_at = event.occurred_at
    if event.kind == "snapshot" and lists_items(event.properties):
        _replace(cart, event)
    elif event.kind in {"add", "remove"}:
        _change(cart, event)
    total = read_total(event.properties, event.currency) if event.kind == "snapshot" else None
    if total is not None and newest:
        cart.value_minor = total
    elif event.kind != "touch" and not (event.kind == "snapshot" and not newest):
        cart.value_minor = _sum(cart)
    return True


def apply_order(cart: CartState, *, placed_at: datetime) -> bool:
    """The cart was bought, unless somebody has filled it again since."""
    if cart.ordered_at is not None and cart.ordered_at >= placed_at:
        return False
    if cart.updated_at is not None and cart.updated_at > placed_at:
        return False
    cart.state, cart.ordered_at, cart.updated_at = ORDERED, placed_at, placed_at
    return True


def _replace(cart: CartState, event: CartEvent) -> None:
    if cart.snapshot_at is not None and event.occurred_at < cart.snapshot_at:
        return
    at = event.occurred_at.isoformat()
    later = [item for item in cart.items if item.get("added_at", "") > at]
    read = (read_item(item, event.currency) for item in item_list(event.properties))
    listed = [{**item, "added_at": at} for item in read if item is not None]
    cart.items = listed + later
    cart.snapshot_at = event.occurred_at


def _change(cart: CartState, event: CartEvent) -> None:
    if cart.snapshot_at is not None and event.occurred_at <= cart.snapshot_at:
        return
    item = read_item(event.properties, event.currency)
    key = product_key(event.properties)
    if item is None or key is None:
        return
    at = event.occurred_at.isoformat()
    held = next((each for each in cart.items if each["product_id"] == key), None)
    if event.kind == "remove":
        if held is not None:
            held["quantity"] -= item["quantity"]
            cart.items = [each for each in cart.items if each["quantity"] > 0]
    elif held is None:
        cart.items = [*cart.items, {**item, "added_at": at}]
    else:
        held["quantity"] += item["quantity"]
        held["added_at"] = max(held.get("added_at", ""), at)


def _sum(cart: CartState) -> int | None:
    total = 0
    for item in cart.items:
        price = item.get("price_minor")
        if price is None:
            return None
        total += int(price) * int(item["quantity"])
    return total if cart.items else None
