"""What an order is after everything told of it, in whatever order it was told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.facts import Fact, fact, read_stamp, remember, when
from commerce.core.money import read_currency, to_minor
from commerce.core.reading import Data, cart_key, item_list, product_key, read_amount, read_item

COMPLETED, UPDATED, REFUNDED, CANCELLED = "completed", "updated", "refunded", "cancelled"
_TELLINGS = frozenset({COMPLETED, UPDATED})
_KEPT = 100


@dataclass(slots=True)
class OrderState:
    """An order as stored. `event_id` None: only a refund or a cancellation is known.

    `net_minor` is what the shop keeps: the total less its refunds, never below 0; 0 when it was
    cancelled; less than 0 when a refund is known and the order itself is not.
    """

    key: str
    contact_id: UUID
    state: str = "placed"
    total_minor: int = 0
    refunded_minor: int = 0
    net_minor: int = 0
    currency: str = ""
    reporting_minor: int | None = None
    reporting_currency: str = ""
    placed_at: datetime | None = None
    cancelled_at: datetime | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    source_cart_key: str | None = None
    event_id: UUID | None = None
    told_at: datetime | None = None
    loose_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """`kind`: completed, updated, refunded or cancelled."""

    id: UUID
    kind: str
    contact_id: UUID
    properties: Data
    occurred_at: datetime


def apply_event(order: OrderState, event: OrderEvent, *, reporting: str) -> bool:
    """Changes the order; False when the event says nothing new.

    The newest telling of an order counts, refunds add up, a cancellation is final. A refund that
    names no amount and no priced products gives the whole order back; one in another currency
    than the order's is seen in the state, and not in the sums.
    """
    told = list(order.facts.get("told", ()))
    new = _read(event, reporting)
    if event.kind in _TELLINGS:
        kept = _tell(told, new)
        if kept is None:
            return False
        if not told or when(new) > max(map(when, told)):
            currency = new["currency"]
            read = (read_item(item, currency) for item in item_list(event.properties))
            order.items = [item for item in read if item is not None]
        order.facts = {**order.facts, "told": kept}
    else:
        list_name = "refunds" if event.kind == REFUNDED else "cancels"
        held = remember(list(order.facts.get(list_name, ())), new, keep=_KEPT)
        if held is None:
            return False
        order.facts = {**order.facts, list_name: held}
    _settle_owner(order, event)
    _work_out(order, reporting)
    return True


def _read(event: OrderEvent, reporting: str) -> Fact:
    data = event.properties
    named = read_currency(data.get("currency"), "")
    if event.kind in _TELLINGS:
        return fact(
            event.id,
            event.occurred_at,
            kind=event.kind,
            amount=read_amount(data),
            currency=named or reporting,
            cart=cart_key(data),
        )
    if event.kind == CANCELLED:
        return fact(event.id, event.occurred_at)
    amount = read_amount(data)
    lines = _lines(data) if amount is None else None
    return fact(
        event.id, event.occurred_at, amount=amount, lines=lines or None, currency=named or None
    )


def _lines(data: Data) -> list[list[Any]]:
    """[product id, quantity, price or None] of products given back."""
    found = []
    for item in item_list(data):
        key, line = product_key(item), read_item(item, "")
        if key is not None and line is not None:
            found.append([key, line["quantity"], read_amount({"value": item.get("price")})])
    return found


def _tell(told: list[Fact], new: Fact) -> list[Fact] | None:
    """The tellings that still matter: the first completed, the newest completed, the newest of
    those without a cart, and the newest of all."""
    if any(one["id"] == new["id"] for one in told):
        return None
    all_of_them = sorted([*told, new], key=when)
    completed = [one for one in all_of_them if one["kind"] == COMPLETED]
    loose = [one for one in completed if "cart" not in one]
    matter = [*completed[:1], *completed[-1:], *loose[-1:], *all_of_them[-1:]]
    kept = [one for one in all_of_them if any(one is each for each in matter)]
    return None if kept == told else kept


def _settle_owner(order: OrderState, event: OrderEvent) -> None:
    """Whose it is: the contact of the newest telling; before there is one, of the newest event."""
    rank = 1 if event.kind in _TELLINGS else 0
    claim = [rank, *when(fact(event.id, event.occurred_at))]
    if claim > order.facts.get("owner", [-1]):
        order.contact_id = event.contact_id
        order.facts = {**order.facts, "owner": claim}


def _work_out(order: OrderState, reporting: str) -> None:
    """The columns, out of the facts."""
    told: Sequence[Fact] = order.facts.get("told", ())
    refunds: Sequence[Fact] = order.facts.get("refunds", ())
    cancels: Sequence[Fact] = order.facts.get("cancels", ())
    completed = [one for one in told if one["kind"] == COMPLETED]
    loose = [one for one in completed if "cart" not in one]
    newest = told[-1] if told else None
    order.reporting_currency = reporting
    if newest is not None:
        order.currency = newest["currency"]
        order.total_minor = to_minor(newest.get("amount"), order.currency) or 0
        order.source_cart_key = newest.get("cart")
        order.reporting_minor = order.total_minor if order.currency == reporting else None
    else:
        named = [one["currency"] for one in refunds if "currency" in one]
        order.currency = named[0] if named else reporting
    first = completed[0] if completed else None
    order.event_id = UUID(first["id"]) if first else None
    order.told_at = read_stamp(completed[-1]["at"]) if completed else None
    order.loose_at = read_stamp(loose[-1]["at"]) if loose else None
    known = completed or told or sorted([*refunds, *cancels], key=when)
    order.placed_at = read_stamp(known[0]["at"])
    order.cancelled_at = read_stamp(cancels[0]["at"]) if cancels else None
    order.refunded_minor = sum(_refunded(order, one) for one in refunds)
    order.state = _state(order, is_known=newest is not None, has_refunds=bool(refunds))
    if cancels:
        order.net_minor = 0
    elif newest is not None:
        order.net_minor = max(0, order.total_minor - order.refunded_minor)
    else:
        order.net_minor = -order.refunded_minor


def _refunded(order: OrderState, refund: Fact) -> int:
    if refund.get("currency", order.currency) != order.currency:
        return 0
    if "amount" in refund:
        return abs(to_minor(refund["amount"], order.currency) or 0)
    prices = {item["product_id"]: item["price_minor"] for item in order.items}
    sums = []
    for key, quantity, price in refund.get("lines", ()):
        each = to_minor(price, order.currency) if price is not None else prices.get(key)
        sums.append(None if each is None else abs(each) * quantity)
    known = [each for each in sums if each is not None]
    return sum(known) if sums and len(known) == len(sums) else order.total_minor


def _state(order: OrderState, *, is_known: bool, has_refunds: bool) -> str:
    if order.cancelled_at is not None:
        return "cancelled"
    if not has_refunds:
        return "placed"
    whole = not is_known or order.refunded_minor >= order.total_minor
    return "refunded" if whole else "partly_refunded"
