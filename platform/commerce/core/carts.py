"""What a cart holds after everything told of it, in whatever order events arrive. Pure.

`facts` of a cart: {"first": [received, event id, contact], "trusted": [at, event id, contact],
"orders": [times], "ops": [facts]}. Each part only ever keeps a smallest, a largest or the newest
few, so the row is a function of the events and not of the way they came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.facts import Fact, fact, read_stamp, remember, stamp, when
from commerce.core.money import to_minor
from commerce.core.reading import (
    item_list,
    lists_items,
    read_amount,
    read_cart_url,
    read_item,
)

OPEN, ORDERED = "open", "ordered"
_KEPT = 100
# What goes in and out of a whole list's past: where to pay, and that a checkout was begun.
_LASTING = ("url", "checkout")


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
    checkout_at: datetime | None = None
    ordered_at: datetime | None = None
    updated_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CartEvent:
    """`kind`: snapshot (the event lists the whole cart), checkout (a snapshot that starts one),
    add or remove."""

    id: UUID
    kind: str
    contact_id: UUID
    properties: Mapping[str, Any]
    occurred_at: datetime
    received_at: datetime
    trusted: bool
    currency: str


def apply_event(cart: CartState, event: CartEvent) -> bool:
    """Notes the event; False when it says nothing new. Call `work_out` when all are noted."""
    facts = cart.facts
    changed = False
    who = event.contact_id.hex
    first = [stamp(event.received_at), event.id.hex, who]
    if "first" not in facts or first < facts["first"]:
        facts, changed = {**facts, "first": first}, True
    if event.trusted:
        claim = [stamp(event.occurred_at), event.id.hex, who]
        if claim > facts.get("trusted", []):
            facts, changed = {**facts, "trusted": claim}, True
    held = list(facts.get("ops", ()))
    ops = remember(held, _read(event), keep=_KEPT)
    if ops is not None and (kept := _prune(ops, facts.get("orders", ()))) != held:
        facts, changed = {**facts, "ops": kept}, True
    cart.facts = facts
    return changed


def apply_order(cart: CartState, *, placed_at: datetime) -> bool:
    """The cart was bought then. What came into it later is a new one."""
    held = list(cart.facts.get("orders", ()))
    at = stamp(placed_at)
    orders = sorted({*held, at})[-2:]
    if orders == held:
        return False
    ops = _prune(list(cart.facts.get("ops", ())), orders)
    cart.facts = {**cart.facts, "orders": orders, "ops": ops}
    return True


def owner_of(cart: CartState) -> UUID | None:
    """The contact a server named last; without one, the browser that was heard first. None: no
    event has filled it."""
    claim = cart.facts.get("trusted") or cart.facts.get("first")
    return UUID(claim[2]) if claim else None


def work_out(cart: CartState, *, closed_at: datetime | None = None) -> None:
    """The columns, out of the facts. `closed_at`: an order of the owner's that named no cart."""
    owner = owner_of(cart)
    orders = cart.facts.get("orders", ())
    cart.contact_id = owner or cart.contact_id
    cart.ordered_at = read_stamp(orders[-1]) if orders else None
    closed = max([*orders, *([stamp(closed_at)] if closed_at else [])], default="")
    ours = [
        one
        for one in cart.facts.get("ops", ())
        if one.get("trusted") or (owner is not None and one["who"] == owner.hex)
    ]
    fresh = [one for one in ours if one["at"] > closed]
    cart.state = ORDERED if closed and not fresh else OPEN
    told = fresh if cart.state == OPEN else ours
    cart.items, cart.value_minor = _fold(told)
    urls = [one["url"] for one in told if "url" in one]
    started = [one["at"] for one in told if "checkout" in one]
    cart.currency = told[-1]["currency"] if told else cart.currency
    cart.url = urls[-1] if urls else ""
    cart.checkout_at = read_stamp(started[-1]) if started else None
    newest = told[-1]["at"] if told else orders[-1] if orders else None
    cart.updated_at = read_stamp(newest) if newest else cart.updated_at


def _read(event: CartEvent) -> Fact:
    data = event.properties
    snapshot = event.kind in {"snapshot", "checkout"}
    listed = None
    if snapshot and lists_items(data):
        read = (read_item(item, event.currency) for item in item_list(data))
        listed = [item for item in read if item is not None]
    return fact(
        event.id,
        event.occurred_at,
        kind="snapshot" if snapshot else event.kind,
        who=event.contact_id.hex,
        trusted=True if event.trusted else None,
        currency=event.currency,
        url=read_cart_url(data) if event.kind != "add" else None,
        checkout=True if event.kind == "checkout" else None,
        listed=listed,
        item=None if snapshot else read_item(data, event.currency),
        total=read_amount(data) if snapshot else None,
    )


def _prune(ops: list[Fact], orders: Any) -> list[Fact]:
    """Without what can change nothing any more: what a later whole list by the same hand has
    replaced, and what was bought two orders ago."""
    before = orders[0] if len(orders) > 1 else ""
    newest: dict[str, tuple[str, str]] = {}
    for one in ops:
        if "listed" in one:
            newest[_hand(one)] = when(one)
    whole = newest.get("trusted")
    kept: list[Fact] = []
    lasting: set[tuple[str, str]] = set()
    for one in reversed(ops):
        if one["at"] <= before:
            continue
        limits = [each for each in (whole, newest.get(_hand(one))) if each is not None]
        if not limits or when(one) >= max(limits):
            kept.append(one)
        else:
            # Of what was replaced, the newest address and the newest checkout live on.
            still = [name for name in _LASTING if name in one and (_hand(one), name) not in lasting]
            if still:
                bare = {n: v for n, v in one.items() if n not in {"listed", "item", "total"}}
                bare = {n: v for n, v in bare.items() if n not in _LASTING or n in still}
                kept.append({**bare, "kind": "touch"})
        lasting |= {(_hand(one), name) for name in _LASTING if name in one}
    return kept[::-1]


def _hand(one: Fact) -> str:
    return "trusted" if one.get("trusted") else str(one["who"])


def _fold(ops: list[Fact]) -> tuple[list[dict[str, Any]], int | None]:
    items: list[dict[str, Any]] = []
    value: int | None = None
    for one in ops:
        if one["kind"] == "touch":
            continue
        if one["kind"] == "snapshot":
            if "listed" in one:
                items = [{**item, "added_at": one["at"]} for item in one["listed"]]
                value = _sum(items)
            total = to_minor(one.get("total"), one["currency"])
            value = value if total is None else total
        elif "item" in one:
            items = _change(items, one)
            value = _sum(items)
    return items, value


def _change(items: list[dict[str, Any]], one: Fact) -> list[dict[str, Any]]:
    item = one["item"]
    held = next((each for each in items if each["product_id"] == item["product_id"]), None)
    if one["kind"] == "remove":
        if held is not None:
            held["quantity"] -= item["quantity"]
        return [each for each in items if each["quantity"] > 0]
    if held is None:
        return [*items, {**item, "added_at": one["at"]}]
    held["quantity"] += item["quantity"]
    held["added_at"] = one["at"]
    return items


def _sum(items: list[dict[str, Any]]) -> int | None:
    total = 0
    for item in items:
        price = item.get("price_minor")
        if price is None:
            return None
        total += int(price) * int(item["quantity"])
    return total if items else None
