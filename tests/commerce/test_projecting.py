from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.domain.projecting import project_events
from commerce.domain.queries import FactRef, facts_for, waiting_for_product
from commerce.domain.requests import fulfill_requests
from commerce.models import Cart, LoyaltyAccount, Order, Product
from events.domain.rows import EventRow
from tenancy.scope import tenant_scope
from tests.commerce.happening import happened, person
from tests.support.world import World

MINUTE = timedelta(minutes=1)


def cart_events(contact: UUID, now: datetime) -> list[EventRow]:
    mug = {"product_id": "mug", "name": "Ridge Mug", "price": 24.0, "quantity": 1}
    bag = {"product_id": "bag", "name": "Day Bag", "price": "99.50", "quantity": 2}
    return [
        happened("Product Added", contact, now, cart_id="c1", **mug),
        happened("Product Added", contact, now + MINUTE, cart_id="c1", **bag),
        happened("Product Added", contact, now + 2 * MINUTE, cart_id="c1", **mug),
        happened(
            "Product Removed", contact, now + 3 * MINUTE, cart_id="c1", **(bag | {"quantity": 1})
        ),
        happened(
            "Checkout Started",
            contact,
            now + 4 * MINUTE,
            cart_id="c1",
            checkout_url="https://juniper.example/c/1",
            value=147.5,
            currency="USD",
        ),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2, 4]))[::5])
def test_cart_is_the_same_in_any_order_and_repeated(world: World, order: tuple[int, ...]) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
        events = cart_events(contact, world.now)
        for index in (*order, 3, *order):
            project_events([events[index]], now=world.now)
        (facts,) = facts_for([FactRef(contact)], now=world.now)
    cart = facts["cart"]
    assert (cart["key"], cart["state"]) == ("c1", "open")
    assert cart["url"] == "https://juniper.example/c/1"
    assert sorted((i["name"], i["quantity"]) for i in cart["items"]) == [
        ("Day Bag", 1),
        ("Ridge Mug", 2),
    ]
    assert cart["value"] == {"minor": 14750, "currency": "USD"}
    # The dearest thing in the cart is what a text about it names.
    assert facts["product"]["name"] == "Day Bag"


def test_whole_list_replaces_what_was_added_before_it(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
        added, *_ = cart_events(contact, world.now)
        viewed = happened(
            "Cart Viewed",
            contact,
            world.now + MINUTE,
            cart_id="c1",
            products=[{"product_id": "hat", "name": "Hat", "price": 10}],
        )
        later = happened(
            "Product Added", contact, world.now + 2 * MINUTE, cart_id="c1", product_id="sock"
        )
        project_events([later], now=world.now)
        project_events([viewed], now=world.now)
        project_events([added], now=world.now)
        assert [i["product_id"] for i in Cart.objects.get().items] == ["hat", "sock"]


@pytest.mark.parametrize("first", ["cart", "order"])
def test_order_closes_the_cart_whichever_comes_first(world: World, first: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
        events = cart_events(contact, world.now)
        order = happened(
            "Order Completed",
            contact,
            world.now + 10 * MINUTE,
            order_id="o1",
            cart_id="c1",
            total="147.50",
            currency="usd",
        )
        both = [[order], events] if first == "order" else [events, [order]]
        for some in both:
            project_events(some, now=world.now)
        assert Cart.objects.get().state == "ordered"
        stored = Order.objects.get()
        assert (stored.total_minor, stored.currency, stored.reporting_minor) == (
            14750,
            "USD",
            14750,
        )
        assert stored.source_cart_key == "c1"
        # Filled again after the order, it is open again, with the new thing only.
        again = happened(
            "Product Added", contact, world.now + 20 * MINUTE, cart_id="c1", product_id="pen"
        )
        project_events([again], now=world.now)
        cart = Cart.objects.get()
        assert (cart.state, [item["product_id"] for item in cart.items]) == ("open", ["pen"])


def test_order_without_a_cart_closes_the_buyers_open_carts_only(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        buyer, stranger = person("u1", world.now), person("u2", world.now)
        project_events(
            [
                happened("Product Added", buyer, world.now, cart_id="a", product_id="x"),
                happened("Product Added", buyer, world.now, product_id="x"),
                happened("Product Added", stranger, world.now, cart_id="b", product_id="x"),
            ],
            now=world.now,
        )
        project_events(
            [happened("Order Completed", buyer, world.now + MINUTE, order_id=1, revenue=5)],
            now=world.now,
        )
        states = dict(Cart.objects.values_list("key", "state"))
    assert states == {"a": "ordered", f"contact:{buyer.hex}": "ordered", "b": "open"}


def test_order_is_counted_once_and_refunds_add_up(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
        told = {"order_id": "o1", "currency": "EUR"}
        refund = happened("Order Refunded", contact, world.now + 5 * MINUTE, total=3, **told)
        project_events([refund], now=world.now)
        assert Order.objects.get().event_id is None
        first = happened("Order Completed", contact, world.now, total=20, **told)
        newer = happened("Order Completed", contact, world.now + MINUTE, total=25, **told)
        for events in ([newer], [first], [first, newer], [refund]):
            project_events(events, now=world.now)
        order = Order.objects.get()
    assert (order.total_minor, order.refunded_minor, order.state) == (2500, 300, "partly_refunded")
    # No rate is known from euros to dollars, so no reporting amount is invented.
    assert order.reporting_minor is None
    # It was placed when it was first told of, whichever telling came in first.
    assert (order.event_id, order.placed_at) == (first.id, world.now)
    assert (order.net_minor, order.told_at) == (2200, world.now + MINUTE)


def test_back_in_stock_request_is_open_once_and_fulfilled_once(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        first, second = person("u1", world.now), person("u2", world.now)
        asked = happened("Back In Stock Requested", first, world.now, product_id="mug")
        later = happened("Back In Stock Requested", second, world.now + MINUTE, product_id="mug")
        project_events([later, asked], now=world.now)
        project_events([asked], now=world.now)
        waiting = waiting_for_product(["mug", "bag"])
        assert [(who, key) for who, key, _ in waiting] == [(first, "mug"), (second, "mug")]
        ids = [request_id for _, _, request_id in waiting]
        assert fulfill_requests(ids[:1], now=world.now + 5 * MINUTE) == 1
        assert fulfill_requests(ids[:1], now=world.now + 6 * MINUTE) == 0
        project_events([asked], now=world.now)
        assert [who for who, _, _ in waiting_for_product(["mug"])] == [second]
        again = happened("Back In Stock Requested", first, world.now + 9 * MINUTE, product_id="mug")
        project_events([again], now=world.now)
        assert [who for who, _, _ in waiting_for_product(["mug"])] == [second, first]
    with tenant_scope(world.other.tenant.id):
        assert waiting_for_product(["mug"]) == []


def test_balances_tell_what_stood_before_them(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
        first = happened("Loyalty Balance Changed", contact, world.now, balance=8.5)
        second = happened(
            "Loyalty Balance Changed",
            contact,
            world.now + MINUTE,
            balance=12,
            points=1200,
            redeem_url="https://juniper.example/r",
        )
        assert project_events([first], now=world.now) == {
            first.id: {"previous_balance": None, "previous_points": None}
        }
        told = {second.id: {"previous_balance": 8.5, "previous_points": None}}
        assert project_events([second], now=world.now) == told
        assert project_events([second], now=world.now) == told
        assert project_events([first], now=world.now) == {}
        (facts,) = facts_for([FactRef(contact)], now=world.now)
        assert facts["loyalty"] == {
            "balance": {"minor": 1200, "currency": "USD"},
            "previous_balance": {"minor": 850, "currency": "USD"},
            "points": 1200,
            "previous_points": None,
            "redeem_url": "https://juniper.example/r",
            "tier": "",
        }
    with tenant_scope(world.other.tenant.id):
        assert LoyaltyAccount.objects.count() == 0


def test_stock_keeps_the_newest_and_the_one_before(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        sold_out = happened(
            "Product Inventory Changed", None, world.now, product_id="mug", quantity=0
        )
        back = happened(
            "Product Inventory Changed", None, world.now + MINUTE, product_id="mug", quantity=7
        )
        project_events([sold_out], now=world.now)
        assert project_events([back], now=world.now) == {back.id: {"previous_quantity": 0}}
        assert project_events([back, sold_out], now=world.now)[back.id] == {"previous_quantity": 0}
        product = Product.objects.get()
    assert (product.stock, product.previous_stock) == (7, 0)


def test_browser_cannot_put_words_into_other_peoples_texts(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        victim, attacker = person("u1", world.now), person("u2", world.now)
        project_events(
            [
                happened(
                    "Product Viewed", victim, world.now, product_id="mug", name="Mug", price=5
                ),
                happened("Product Added", victim, world.now, cart_id="c1", product_id="mug"),
            ],
            now=world.now,
        )
        evil = {"name": "Evil", "price": 0.01, "url": "https://evil.example", "quantity": 9}
        later = world.now + MINUTE
        project_events(
            [
                happened("Product Viewed", attacker, later, "public", product_id="mug", **evil),
                happened("Product Viewed", attacker, later, "public", product_id="new", **evil),
                happened(
                    "Product Added",
                    attacker,
                    later,
                    "public",
                    cart_id="c1",
                    product_id="new",
                    **evil,
                ),
            ],
            now=world.now,
        )
        products = {p.key: (p.name, p.price_minor, p.url) for p in Product.objects.all()}
        cart = Cart.objects.get()
    assert products == {"mug": ("Mug", 500, ""), "new": ("", None, "")}
    assert cart.contact_id == victim
    assert [item["product_id"] for item in cart.items] == ["mug"]


def test_queries_do_not_grow_with_the_set(world: World) -> None:
    def queries(people: int, start: int) -> int:
        events: list[EventRow] = []
        for i in range(start, start + people):
            contact = person(f"p{i}", world.now)
            events += [
                happened("Product Viewed", contact, world.now, product_id=f"k{i}", name="N"),
                happened("Product Added", contact, world.now, product_id=f"k{i}", price=3),
                happened("Back In Stock Requested", contact, world.now, product_id=f"k{i}"),
                happened("Loyalty Balance Changed", contact, world.now, balance=i),
                happened("Order Completed", contact, world.now + MINUTE, order_id=f"o{i}", total=3),
            ]
        with CaptureQueriesContext(connection) as caught:
            project_events(events, now=world.now)
            facts_for(
                [FactRef(e.contact_id, e.properties) for e in events if e.contact_id],
                now=world.now,
            )
        return len(caught)

    with tenant_scope(world.shop.tenant.id):
        queries(1, 1000)
        assert queries(1, 0) == queries(20, 1)


def test_reactions_at_once_lose_nothing(committed_world: World) -> None:
    world, threads = committed_world, 6
    with tenant_scope(world.shop.tenant.id):
        contact = person("u1", world.now)
    sets = [
        [
            happened(
                "Product Added", contact, world.now + n * MINUTE, cart_id="c1", product_id="x"
            ),
            happened("Product Added", contact, world.now, cart_id=f"own{n}", product_id="x"),
            happened("Order Completed", contact, world.now, order_id="o1", cart_id="z", total=n),
            happened("Order Refunded", contact, world.now, order_id="o1", total=1),
            happened("Loyalty Balance Changed", contact, world.now + n * MINUTE, balance=n),
            happened("Back In Stock Requested", contact, world.now, product_id="x"),
        ]
        for n in range(threads)
    ]
    barrier = Barrier(threads)

    def react(events: list[EventRow]) -> None:
        try:
            barrier.wait()
            for _ in range(2):
                with tenant_scope(world.shop.tenant.id):
                    project_events(events, now=world.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(react, sets))
    with tenant_scope(world.shop.tenant.id):
        (item,) = Cart.objects.get(key="c1").items
        assert item["quantity"] == threads
        assert Cart.objects.filter(key__startswith="own").count() == threads
        assert Order.objects.get().refunded_minor == threads * 100
        assert LoyaltyAccount.objects.get().balance_minor == (threads - 1) * 100
        assert len(waiting_for_product(["x"])) == 1
