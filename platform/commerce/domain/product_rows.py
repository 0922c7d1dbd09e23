"""Products as events and the catalogue tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce.core.reading import ProductNews, item_list, read_news
from events.core import names
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_STOCK_EVENTS = frozenset({names.PRODUCT_INVENTORY_CHANGED})
_ABOUT_ONE = frozenset(
    {
        names.PRODUCT_VIEWED,
        names.PRODUCT_ADDED,
        names.BACK_IN_STOCK_REQUESTED,
        names.PRODUCT_INVENTORY_CHANGED,
        names.PRODUCT_PRICE_CHANGED,
    }
)
_DESCRIBED = ("name", "category", "url", "image_url")


@dataclass(frozen=True, slots=True)
class ProductState:
    """A product as stored. "" and None: not known."""

    key: str
    name: str = ""
    category: str = ""
    price_minor: int | None = None
    currency: str = ""
    stock: int | None = None
    previous_stock: int | None = None
    url: str = ""
    image_url: str = ""
    stock_at: datetime | None = None
    stock_event_id: UUID | None = None
    price_at: datetime | None = None
    described_at: datetime | None = None
    margin_band: str = ""
    usage_days: int | None = None
    tip: str = ""


_FIELDS = tuple(field.name for field in fields(ProductState))
_TYPES = {
    "price_minor": "bigint",
    "stock": "bigint",
    "previous_stock": "bigint",
    "stock_at": "timestamptz",
    "stock_event_id": "uuid",
    "price_at": "timestamptz",
    "described_at": "timestamptz",
    "usage_days": "int",
}


@dataclass(frozen=True, slots=True)
class Learned:
    """What one event changed of a product."""

    old: ProductState
    new: ProductState
    news: ProductNews
    event: EventRow


def project_products(
    events: Sequence[EventRow], *, currency: str, now: datetime
) -> tuple[dict[UUID, dict[str, Any]], list[Learned]]:
    """Learns names, prices, links and stock. A browser's word makes a product known, no more:
    what it says would stand in other people's texts.

    Returns per event what stood there before it, and each step; the products stay locked.
    """
    told: list[tuple[EventRow, ProductNews]] = []
    for event in events:
        for news in _news_of(event, currency):
            told.append((event, news))
    if not told:
        return {}, []
    keys = {news.key for _, news in told}
    held = read_products(keys)
    if _would_change(told, held):
        # Made first and locked then, so that two reactions see each other's stock.
        insert_products(keys - held.keys(), now=now)
        held = read_products(keys, lock=True)
    states = dict(held)
    before: dict[UUID, dict[str, Any]] = {}
    learned: list[Learned] = []
    for event, news in told:
        state = states.get(news.key)
        if state is None:
            continue
        if event.name in _STOCK_EVENTS and state.stock_event_id == event.id:
            before[event.id] = {"previous_quantity": state.previous_stock}
            continue
        states[news.key] = learn(state, news, event)
        learned.append(Learned(state, states[news.key], news, event))
        if event.name in _STOCK_EVENTS and news.stock is not None:
            known = news.previous_stock if news.previous_stock is not None else state.stock
            before[event.id] = {"previous_quantity": known}
    write_products([s for key, s in states.items() if s != held.get(key)], now=now)
    return before, learned


def learn(state: ProductState, news: ProductNews, event: EventRow) -> ProductState:
    """The product after the event. Each group of facts has its own time; newer wins."""
    at, changed = event.occurred_at, dict[str, Any]()
    if event.source == "public":
        return state
    if state.described_at is None or at >= state.described_at:
        changed = {
            name: value
            for name in _DESCRIBED
            if (value := getattr(news, name)) is not None and value != getattr(state, name)
        }
        if changed:
            changed["described_at"] = at
    price = (news.price_minor, news.currency)
    # An event about the price alone sets its time too, so that an older one finds itself late.
    is_news = event.name == names.PRODUCT_PRICE_CHANGED or price != (
        state.price_minor,
        state.currency,
    )
    if price[0] is not None and is_news and (state.price_at is None or at >= state.price_at):
        changed |= {"price_minor": price[0], "currency": price[1], "price_at": at}
    tells_stock = event.name in _STOCK_EVENTS and news.stock is not None
    if tells_stock and (state.stock_at is None or at >= state.stock_at):
        known = news.previous_stock if news.previous_stock is not None else state.stock
        changed |= {
            "stock": news.stock,
            "previous_stock": known,
            "stock_at": at,
            "stock_event_id": event.id,
        }
    return replace(state, **changed) if changed else state


def read_products(keys: Iterable[str], *, lock: bool = False) -> dict[str, ProductState]:
    wanted = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_FIELDS)} FROM commerce_product"
            " WHERE tenant_id = %s AND key = ANY(%s) ORDER BY key"
            + (" FOR UPDATE" if lock else ""),
            [current_tenant_id(), wanted],
        )
        return {row[0]: ProductState(*row) for row in cursor.fetchall()}


def insert_products(keys: Iterable[str], *, now: datetime) -> None:
    """Makes products of which only the key is known; those that exist are left alone."""
    wanted = sorted(set(keys))
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_product (id, tenant_id, key, name, category, currency, url,
                image_url, margin_band, tip, units_sold, observed_gaps, created_at, updated_at)
            SELECT id, %s, key, '', '', '', '', '', '', '', 0, 0, %s, %s
            FROM unnest(%s::uuid[], %s::text[]) AS made(id, key)
            ON CONFLICT (tenant_id, key) DO NOTHING
            """,
            [current_tenant_id(), now, now, new_ids(len(wanted)), wanted],
        )


def write_products(states: Sequence[ProductState], *, now: datetime) -> None:
    """Stores products that were read locked. One query."""
    if not states:
        return
    written = _FIELDS[1:]
    arrays = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE commerce_product held
            SET {", ".join(f"{name} = given.{name}" for name in written)}, updated_at = %s
            FROM unnest({arrays}) AS given({", ".join(_FIELDS)})
            WHERE held.tenant_id = %s AND held.key = given.key AND held.key = ANY(%s)
            """,
            [
                now,
                *([getattr(state, name) for state in states] for name in _FIELDS),
                current_tenant_id(),
                [state.key for state in states],
            ],
        )


def _news_of(event: EventRow, currency: str) -> list[ProductNews]:
    if event.name in _ABOUT_ONE:
        tells_stock = event.name in _STOCK_EVENTS
        found = [read_news(event.properties, currency, tells_stock=tells_stock)]
    else:
        found = [read_news(item, currency) for item in item_list(event.properties)]
    return [news for news in found if news is not None]


def _would_change(
    told: Sequence[tuple[EventRow, ProductNews]], held: dict[str, ProductState]
) -> bool:
    for event, news in told:
        state = held.get(news.key)
        if state is None or learn(state, news, event) != state:
            return True
    return False
