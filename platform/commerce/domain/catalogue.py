"""The product catalogue as the shop's server keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from commerce.domain.changes import changes_made, product_facts, show_amount
from commerce.domain.product_rows import (
    ProductState,
    insert_products,
    read_products,
    write_products,
)
from commerce.domain.variants import VariantInput, upsert_variants
from events.core.names import PRODUCT_INVENTORY_CHANGED, PRODUCT_PRICE_CHANGED
from events.domain.recording import NewEvent, append_events

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass(frozen=True, slots=True)
class ProductInput:
    """What the shop says of a product. None: leave as it is."""

    key: str
    name: str | None = None
    category: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None
    margin_band: str | None = None
    usage_days: int | None = None
    tip: str | None = None
    variants: Sequence[VariantInput] = ()


def upsert_products(inputs: Sequence[ProductInput], *, now: datetime) -> list[str]:
    """Creates and changes products; returns created, updated or unchanged for each input.

    Every change of stock or price is an event with the old and the new value (a new product's
    first ones too), so raising a stock from 0 sets off what waits for it; a variant's are none.
    Repeating is harmless. A variant's id that belongs to another product goes over to this one.
    """
    keys = {given.key for given in inputs}
    known = set(read_products(keys))
    insert_products(keys - known, now=now)
    before = read_products(keys, lock=True)
    states = dict(before)
    outcomes: list[str] = []
    steps: list[tuple[ProductState, ProductState, list[NewEvent]]] = []
    for given in inputs:
        old = states[given.key]
        new = _merge(old, given, now)
        states[given.key] = new
        if given.key not in known:
            outcomes.append(CREATED)
            known.add(given.key)
        else:
            outcomes.append(UPDATED if new != old else UNCHANGED)
        steps.append((old, new, _news(old, new, now)))
    _append(steps, states, now=now)
    write_products([s for key, s in sorted(states.items()) if s != before[key]], now=now)
    touched = upsert_variants({given.key: given.variants for given in inputs}, now=now)
    return [
        UPDATED if outcome == UNCHANGED and given.key in touched else outcome
        for given, outcome in zip(inputs, outcomes, strict=True)
    ]


def _append(
    steps: Sequence[tuple[ProductState, ProductState, list[NewEvent]]],
    states: dict[str, ProductState],
    *,
    now: datetime,
) -> None:
    """Appends what each step says, and what of it is news by itself."""
    ids = iter(append_events([event for *_, events in steps for event in events], now=now))
    derived: list[NewEvent] = []
    for old, new, events in steps:
        causes = {event.name: next(ids) for event in events}
        if PRODUCT_INVENTORY_CHANGED in causes:
            # The projection of this very event must find that it has been applied.
            event_id = causes[PRODUCT_INVENTORY_CHANGED]
            states[new.key] = replace(states[new.key], stock_event_id=event_id)
        derived += changes_made(old, new, causes, now=now)
    append_events(derived, now=now)


def _merge(old: ProductState, given: ProductInput, now: datetime) -> ProductState:
    described = {
        name: value
        for name in ("name", "category", "url", "image_url")
        if (value := getattr(given, name)) is not None and value != getattr(old, name)
    }
    changed: dict[str, Any] = {**described, "described_at": now} if described else {}
    changed |= {
        name: value
        for name in ("margin_band", "usage_days", "tip")
        if (value := getattr(given, name)) is not None and value != getattr(old, name)
    }
    price = (given.price_minor, given.currency)
    if given.price_minor is not None and price != (old.price_minor, old.currency):
        changed |= {"price_minor": price[0], "currency": price[1], "price_at": now}
    if given.stock is not None and given.stock != old.stock:
        changed |= {"stock": given.stock, "previous_stock": old.stock, "stock_at": now}
    return replace(old, **changed) if changed else old


def _news(old: ProductState, new: ProductState, now: datetime) -> list[NewEvent]:
    found = []
    if new.stock != old.stock:
        data: dict[str, Any] = {"quantity": new.stock, "previous_quantity": old.stock}
        found.append(_event(PRODUCT_INVENTORY_CHANGED, new, data, now))
    if (new.price_minor, new.currency) != (old.price_minor, old.currency):
        data = {"previous_price": show_amount(old.price_minor, old.currency)}
        found.append(_event(PRODUCT_PRICE_CHANGED, new, data, now))
    return found


def _event(name: str, product: ProductState, data: dict[str, Any], now: datetime) -> NewEvent:
    known = {key: value for key, value in data.items() if value not in (None, "")}
    return NewEvent(
        name,
        None,
        {**product_facts(product), **known},
        now,
        subject_kind="product",
        subject_id=product.key,
    )
