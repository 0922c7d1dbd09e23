"""Restocks and price drops: told once, on the edge, and never at first sight."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from commerce.core.changes import is_restocked, price_drop
from commerce.core.reading import read_news
from commerce.domain.changes import changes_told
from commerce.domain.product_rows import Learned, ProductState, learn
from commerce.domain.projecting import project_events
from commerce.models import Product
from events.domain.rows import EventRow
from tenancy.clock import business_now
from tenancy.scope import tenant_scope
from tests.commerce.happening import happened
from tests.events.edges import post, stored, track
from tests.support.world import Brand, World
from triggers.domain.reacting import react

MINUTE = timedelta(minutes=1)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
STOCK, PRICE = "Product Inventory Changed", "Product Price Changed"


def news_of(brand: Brand) -> list[tuple[str, dict[str, Any]]]:
    """What was appended beside the changes themselves: (name, properties)."""
    rows = stored(brand, "name, subject_id, properties")
    ours = ("Product Restocked", "Product Price Dropped")
    return [(row[0], json.loads(row[2])) for row in rows if row[0] in ours]


def tell(brand: Brand, event: str, at: datetime, **properties: Any) -> None:
    call = track(event, user=None, timestamp=at.isoformat(), properties=properties)
    assert post("/v1/track", call, key=brand.write_key)[0] == 200


def settle(brand: Brand) -> None:
    while react(brand.tenant.id, now=business_now()):
        pass


def test_stock_that_comes_back_and_a_price_that_falls_are_events(world: World) -> None:
    at = business_now() - 10 * MINUTE
    tell(world.shop, STOCK, at, product_id="mug", quantity=0, name="Ridge Mug")
    tell(world.shop, STOCK, at + MINUTE, product_id="mug", quantity=7)
    tell(world.shop, PRICE, at + MINUTE, product_id="mug", price="24.00", currency="USD")
    tell(world.shop, PRICE, at + 2 * MINUTE, product_id="mug", price="19.00", currency="USD")
    settle(world.shop)
    settle(world.shop)
    (restocked, back), (dropped, drop) = news_of(world.shop)
    assert (restocked, back["quantity"], back["previous_quantity"]) == ("Product Restocked", 7, 0)
    assert (back["product_id"], back["name"]) == ("mug", "Ridge Mug")
    assert dropped == "Product Price Dropped"
    assert (drop["price"], drop["previous_price"], drop["currency"]) == ("19.00", "24.00", "USD")
    assert (drop["dropped_by"], drop["dropped_percent"]) == ("5.00", 20.8)
    assert news_of(world.other) == []


def test_the_catalogue_tells_the_same_once_for_each_change(world: World) -> None:
    for stock, price in ((0, "24.00"), (5, "24.00"), (5, "18.00"), (5, "18.00"), (0, "20.00")):
        product = {"product_id": "mug", "stock": stock, "price": price}
        assert post("/api/v1/products", {"products": [product]}, key=world.shop.api_key)[0] == 200
    settle(world.shop)
    assert [name for name, _ in news_of(world.shop)] == [
        "Product Restocked",
        "Product Price Dropped",
    ]
    with tenant_scope(world.shop.tenant.id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT caused.name, cause.name, caused.depth FROM events_event caused"
            " JOIN events_event cause ON cause.id = caused.cause_id ORDER BY caused.id"
        )
        assert cursor.fetchall() == [
            ("Product Restocked", STOCK, 1),
            ("Product Price Dropped", PRICE, 1),
        ]


def test_a_product_seen_for_the_first_time_is_no_news_and_neither_is_history(world: World) -> None:
    at = business_now() - 10 * MINUTE
    tell(world.shop, STOCK, at, product_id="mug", quantity=5, previous_quantity=0)
    tell(world.shop, PRICE, at, product_id="mug", price=10, previous_price=20)
    first = {"product_id": "hat", "stock": 5, "price": "10"}
    post("/api/v1/products", {"products": [first]}, key=world.shop.api_key)
    settle(world.shop)
    with tenant_scope(world.shop.tenant.id):
        old = {"product_id": "bag", "quantity": 0}
        events = [
            happened(STOCK, None, world.now, **old),
            _history(happened(STOCK, None, world.now + MINUTE, **old | {"quantity": 4})),
        ]
        project_events(events, now=world.now)
        assert Product.objects.get(key="bag").stock == 4
    assert news_of(world.shop) == []


def test_what_arrives_late_or_twice_changes_nothing(world: World) -> None:
    at = business_now() - 60 * MINUTE
    tell(world.shop, STOCK, at, product_id="mug", quantity=0)
    tell(world.shop, STOCK, at + 9 * MINUTE, product_id="mug", quantity=4, previous_quantity=0)
    settle(world.shop)
    # Late: it was out at five; what is known is newer.
    tell(world.shop, STOCK, at + 5 * MINUTE, product_id="mug", quantity=0)
    tell(world.shop, STOCK, at + 6 * MINUTE, product_id="mug", quantity=2)
    # The same news again in other words, as shops send it after a timeout.
    tell(world.shop, STOCK, at + 9 * MINUTE, product_id="mug", quantity=4, previous_quantity=0)
    tell(world.shop, PRICE, at, product_id="mug", price=20)
    for minute in (1, 2):
        tell(world.shop, PRICE, at + minute * MINUTE, product_id="mug", price=15, previous_price=20)
    tell(world.shop, PRICE, at + 30 * MINUTE, product_id="mug", price=20)
    settle(world.shop)
    # The price of two minutes past was confirmed at thirty: an older lower one comes too late.
    tell(world.shop, PRICE, at + 20 * MINUTE, product_id="mug", price=12)
    settle(world.shop)
    assert [name for name, _ in news_of(world.shop)] == [
        "Product Restocked",
        "Product Price Dropped",
    ]


def test_nobody_outside_may_claim_a_restock(world: World) -> None:
    for name in ("Product Restocked", "product_price_dropped"):
        call = track(name, user=None, properties={"product_id": "mug"})
        answer = post("/v1/track", call, key=world.shop.write_key)[1]
        assert answer["errors"][0]["code"] == "reserved_name"
    assert stored(world.shop) == []


def test_eight_at_once_raise_the_stock_and_one_event_tells_it(committed_world: World) -> None:
    shop = committed_world.shop
    gone = {"products": [{"product_id": "mug", "stock": 0, "price": "24.00"}]}
    back = {"products": [{"product_id": "mug", "stock": 6, "price": "12.00"}]}
    assert post("/api/v1/products", gone, key=shop.api_key)[0] == 200
    barrier = Barrier(8)

    def raise_stock(_: int) -> int:
        try:
            barrier.wait()
            return post("/api/v1/products", back, key=shop.api_key)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(raise_stock, range(8))) == [200] * 8

    def work(_: int) -> None:
        try:
            settle(shop)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [name for name, _ in news_of(shop)] == ["Product Restocked", "Product Price Dropped"]


stocks = st.lists(st.integers(-2, 3), min_size=1, max_size=12)


@given(stocks, st.randoms(use_true_random=False))
def test_restocks_are_the_edges_in_order_and_never_more_out_of_order(
    levels: list[int], chance: Any
) -> None:
    events = [
        happened(STOCK, None, START + n * MINUTE, product_id="mug", quantity=level)
        for n, level in enumerate(levels)
    ]
    edges = sum(a <= 0 < b for a, b in itertools.pairwise(levels))
    assert len(_fold(events)) == edges
    chance.shuffle(events)
    told = _fold([*events, *events])
    # What comes late is left out, so two ways in may be one edge; none is told twice.
    assert len(told) == len(set(told)) <= sum(level > 0 for level in levels)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_price_drop_is_its_difference_and_a_share_rounded_down(before: int, after: int) -> None:
    drop = price_drop(before, after)
    assert price_drop(None, after, stated=before) is None  # seen for the first time
    if after >= before:
        assert drop is None
        return
    assert drop is not None
    assert (drop.before_minor, drop.minor) == (before, before - after)
    exact = Decimal(before - after) * 100 / Decimal(before)
    assert 0 <= exact - Decimal(str(drop.percent)) < Decimal("0.1")


@pytest.mark.parametrize(
    ("known", "after", "stated", "back"),
    [
        (0, 1, None, True),
        (-3, 1, None, True),
        (1, 2, None, False),
        (0, 0, None, False),
        (None, 5, None, False),
        (None, 5, 0, False),
        (3, 5, 0, True),
        (5, 5, 0, False),
        (0, 5, 4, True),
    ],
)
def test_a_restock_is_an_edge(
    known: int | None, after: int, stated: int | None, back: bool
) -> None:
    assert is_restocked(known, after, stated=stated) is back


def _fold(events: list[EventRow]) -> list[str | None]:
    state, told = ProductState("mug"), []
    for event in events:
        news = read_news(event.properties, "USD", tells_stock=True)
        assert news is not None
        if state.stock_event_id == event.id:
            continue
        new = learn(state, news, event)
        told += [one.message_id for one in changes_told(Learned(state, new, news, event))]
        state = new
    return list(dict.fromkeys(told))


def _history(event: EventRow) -> EventRow:
    return replace(event, backfill=True)
