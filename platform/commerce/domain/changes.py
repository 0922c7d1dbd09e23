"""Changes of products that are news by themselves: appended as events of our own.

They are judged where a product's row is locked and written, in that transaction: by the verb of
the catalogue for what it changes, by the projection for what shops tell. Flows and webhooks hear
them like any other event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.changes import PriceDrop, is_restocked, price_drop, price_drop_id, restock_id
from commerce.core.money import decimals_of, to_minor
from commerce.domain.product_rows import Learned, ProductState
from events.core.names import (
    PRODUCT_INVENTORY_CHANGED,
    PRODUCT_PRICE_CHANGED,
    PRODUCT_PRICE_DROPPED,
    PRODUCT_RESTOCKED,
)
from events.domain.recording import NewEvent


def changes_told(told: Learned) -> list[NewEvent]:
    """What an event of a shop's server changed that is news.

    History is none, and of what our own catalogue changed it has told itself. An event that is
    older than what is known changed nothing.
    """
    old, new, news, event = told.old, told.new, told.news, told.event
    if event.backfill or event.source in ("internal", "public"):
        return []
    at, depth, found = event.occurred_at, event.depth + 1, []
    if event.name == PRODUCT_INVENTORY_CHANGED and new.stock_event_id == event.id:
        stated = news.previous_stock
        if new.stock is not None and is_restocked(old.stock, new.stock, stated=stated):
            before = stated if stated is not None else old.stock
            found.append(_restocked(new, before, event.id, at, depth))
    if event.name == PRODUCT_PRICE_CHANGED and news.price_minor is not None and new.price_at == at:
        stated = to_minor(event.properties.get("previous_price"), new.currency)
        drop = _drop_of(old, new, stated)
        if drop is not None:
            found.append(_dropped(new, drop, event.id, at, depth))
    return found


def changes_made(
    old: ProductState, new: ProductState, causes: Mapping[str, UUID], *, now: datetime
) -> list[NewEvent]:
    """What the catalogue's verb changed that is news. `causes`: the events that it appended about
    this product, by name."""
    found = []
    stock_event = causes.get(PRODUCT_INVENTORY_CHANGED)
    if stock_event and new.stock is not None and is_restocked(old.stock, new.stock):
        found.append(_restocked(new, old.stock, stock_event, now, 1))
    price_event = causes.get(PRODUCT_PRICE_CHANGED)
    drop = _drop_of(old, new, None) if price_event else None
    if drop is not None and price_event:
        found.append(_dropped(new, drop, price_event, now, 1))
    return found


def product_facts(product: ProductState) -> dict[str, Any]:
    """What every event of ours about a product says of it; what is not known is left out."""
    told = {
        "product_id": product.key,
        "name": product.name,
        "category": product.category,
        "price": show_amount(product.price_minor, product.currency),
        "currency": product.currency,
        "url": product.url,
        "image_url": product.image_url,
    }
    return {key: value for key, value in told.items() if value not in (None, "")}


def show_amount(minor: int | None, currency: str) -> str | None:
    """An amount in major units as text, "19.99": exact, and how shops write it."""
    if minor is None:
        return None
    decimals = decimals_of(currency)
    whole, part = divmod(minor, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def _drop_of(old: ProductState, new: ProductState, stated: int | None) -> PriceDrop | None:
    if new.price_minor is None or old.currency != new.currency:
        return None
    return price_drop(old.price_minor, new.price_minor, stated=stated)


def _restocked(
    product: ProductState, before: int | None, cause: UUID, at: datetime, depth: int
) -> NewEvent:
    data = {"quantity": product.stock, "previous_quantity": before}
    return _event(PRODUCT_RESTOCKED, product, data, restock_id(cause), cause, at, depth)


def _dropped(
    product: ProductState, drop: PriceDrop, cause: UUID, at: datetime, depth: int
) -> NewEvent:
    data = {
        "previous_price": show_amount(drop.before_minor, product.currency),
        "dropped_by": show_amount(drop.minor, product.currency),
        "dropped_percent": drop.percent,
    }
    key = price_drop_id(product.key, drop, product.currency, at)
    return _event(PRODUCT_PRICE_DROPPED, product, data, key, cause, at, depth)


def _event(
    name: str,
    product: ProductState,
    data: Mapping[str, Any],
    message_id: str,
    cause: UUID,
    at: datetime,
    depth: int,
) -> NewEvent:
    return NewEvent(
        name,
        None,
        {**product_facts(product), **data},
        at,
        message_id=message_id,
        cause_id=cause,
        depth=depth,
        subject_kind="product",
        subject_id=product.key,
    )
