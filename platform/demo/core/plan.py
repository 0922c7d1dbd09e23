"""What the shop's data becomes: history to load, and two weeks to live through. Pure.

A plan is made of `Post`s: one Segment-style call each, at a time of the shop's clock. Backfill
posts lie before the lived weeks; lived posts are sent when the demo's clock reaches them.

The data tells what people bought, not what they nearly bought. So in the lived weeks each basket
begins as a checkout, and a seeded coin decides whether it is finished at once or left: a left one
is ordered only if the shopper comes back through a text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from demo.core.cast import BrandPlan, Person, make_people
from demo.core.records import Line, PageEvent, Purchase, read_page_events, read_purchases, sessions
from demo.core.shifting import in_zone, whole_weeks
from events.core.names import PRODUCT_SUBJECT

LIVED = timedelta(days=14)
FINISHED_AT_ONCE = 0.42
LOYALTY_RATE = 0.02
LOYALTY_SPENT_AT = 2500


@dataclass(frozen=True, slots=True)
class Post:
    """One `track` call: `body` is its properties. No user: the event is about a product alone."""

    at: datetime
    user_id: str
    name: str
    body: dict[str, Any]

    @property
    def about_product(self) -> bool:
        return self.name in PRODUCT_SUBJECT


@dataclass(slots=True)
class Plan:
    people: dict[str, Person]
    products: list[dict[str, Any]]
    history: list[Post] = field(default_factory=list)
    lived: list[Post] = field(default_factory=list)
    later: list[Post] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)


def make_plan(brand: BrandPlan, *, start: datetime) -> Plan:
    """The whole demo of one brand, with `start` (UTC) as the moment a visitor arrives."""
    if brand.data == "online_retail":
        return _shop_of_orders(brand, start)
    return _shop_of_visits(brand, start)


# --- a shop known by its orders ---------------------------------------------------------------


def _shop_of_orders(brand: BrandPlan, start: datetime) -> Plan:
    purchases = read_purchases()
    customers = sorted({purchase.customer_id for purchase in purchases})
    people = make_people(brand, customers)
    move = whole_weeks(purchases[-1].at.date(), (start - timedelta(days=1)).date())
    plan = Plan(people, _products_of(purchases, brand))
    dice = random.Random(brand.seed)  # noqa: S311 (a demo's dice)
    loyalty = _Loyalty()
    for purchase in purchases:
        at = in_zone(purchase.at + move, brand.timezone)
        person = people[purchase.customer_id]
        posts = list(_posts_of(purchase, person, at, brand, dice, start, plan))
        if any(post.name == "Order Completed" for post in posts):
            posts.append(
                loyalty.earn(person, purchase.total_minor, at + timedelta(minutes=9), brand)
            )
        for post in posts:
            _file(plan, post, start)
    _restock(plan, brand, start, dice)
    for posts in (plan.history, plan.lived, plan.later):
        posts.sort(key=lambda post: (post.at, post.name))
    return plan


def _posts_of(
    purchase: Purchase,
    person: Person,
    at: datetime,
    brand: BrandPlan,
    dice: random.Random,
    start: datetime,
    plan: Plan,
) -> Iterator[Post]:
    if purchase.refund:
        yield Post(
            at,
            person.user_id,
            "Order Refunded",
            {"order_id": purchase.number, "total": _money(purchase.total_minor), "currency": "USD"},
        )
        return
    order = _order(purchase, brand)
    first = purchase.lines[0]
    product = _product(first, brand)
    yield Post(at - timedelta(minutes=22), person.user_id, "Product Viewed", product)
    if at < start - LIVED:
        yield Post(at, person.user_id, "Order Completed", order)
        return
    cart = f"cart-{purchase.number}"
    left = dice.random() > FINISHED_AT_ONCE
    yield Post(
        at - timedelta(minutes=6),
        person.user_id,
        "Checkout Started",
        {
            **{name: order[name] for name in ("currency", "products")},
            "value": order["total"],
            "cart_id": cart,
            "cart_url": f"{brand.shop_url}/cart/{cart}",
        },
    )
    plan.orders[cart] = {**order, "cart_id": cart}
    if not left:
        yield Post(at, person.user_id, "Order Completed", {**order, "cart_id": cart})


def _restock(plan: Plan, brand: BrandPlan, start: datetime, dice: random.Random) -> None:
    """Eight popular things sell out before the lived weeks and come back during them."""
    popular = plan.products[:8] if len(plan.products) > 50 else plan.products[:4]
    people = sorted(plan.people.values(), key=lambda person: person.user_id)
    for number, product in enumerate(popular):
        gone = start - LIVED - timedelta(days=3, hours=number)
        back = start - LIVED + timedelta(days=1 + 1.5 * number, hours=2 + number % 5)
        body = {"product_id": product["product_id"], "name": product["name"]}
        _file(plan, Post(gone, "", "Product Inventory Changed", {**body, "quantity": 0}), start)
        for person in dice.sample(people, 9):
            asked = gone + timedelta(hours=dice.uniform(1, 60))
            _file(
                plan,
                Post(asked, person.user_id, "Back In Stock Requested", {**product}),
                start,
            )
        if back < start - timedelta(hours=4):
            _file(
                plan, Post(back, "", "Product Inventory Changed", {**body, "quantity": 40}), start
            )


def _products_of(purchases: list[Purchase], brand: BrandPlan) -> list[dict[str, Any]]:
    """The catalogue, most ordered first; prices are the newest seen."""
    newest: dict[str, Line] = {}
    count: dict[str, int] = {}
    for purchase in purchases:
        for line in purchase.lines:
            newest[line.sku] = line
            count[line.sku] = count.get(line.sku, 0) + 1
    ranked = sorted(newest.values(), key=lambda line: (-count[line.sku], line.sku))
    return [_product(line, brand) for line in ranked]


def _product(line: Line, brand: BrandPlan) -> dict[str, Any]:
    return {
        "product_id": line.sku,
        "name": line.name,
        "category": _category(line.name),
        "price": _money(line.price_minor),
        "currency": "USD",
        "url": f"{brand.shop_url}/p/{line.sku.lower()}",
    }


def _order(purchase: Purchase, brand: BrandPlan) -> dict[str, Any]:
    return {
        "order_id": purchase.number,
        "total": _money(purchase.total_minor),
        "currency": "USD",
        "products": [
            {**_product(line, brand), "quantity": line.quantity} for line in purchase.lines[:6]
        ],
    }


class _Loyalty:
    """Two cents of every dollar, at most $9 an order; spent now and then, so that it can grow."""

    def __init__(self) -> None:
        self.earned: dict[str, int] = {}

    def earn(self, person: Person, total: int, at: datetime, brand: BrandPlan) -> Post:
        before = self.earned.get(person.user_id, 0)
        if before >= LOYALTY_SPENT_AT:
            before = 0
        after = before + min(round(max(total, 0) * LOYALTY_RATE), 900)
        self.earned[person.user_id] = after
        return Post(
            at,
            person.user_id,
            "Loyalty Balance Changed",
            {
                "balance": _money(after),
                "previous_balance": _money(before),
                "currency": "USD",
                "redeem_url": f"{brand.shop_url}/rewards",
            },
        )


_KINDS = {
    "Kitchen": ("mug", "cake", "jar", "bowl", "plate", "tea", "kitchen", "lunch", "bottle", "jam"),
    "Lighting": ("light", "lamp", "lantern", "candle"),
    "Bags": ("bag", "shopper", "purse"),
    "Garden": ("garden", "flower", "bird", "plant"),
    "Stationery": ("card", "paper", "notebook", "pencil", "book", "wrap"),
}


def _category(name: str) -> str:
    words = name.lower()
    found = (kind for kind, marks in _KINDS.items() if any(mark in words for mark in marks))
    return next(found, "Home")


# --- a shop known by its visits ---------------------------------------------------------------

_GOODS = (
    ("hs-101", "Harbor Rain Jacket", 12900, "Outerwear"),
    ("hs-102", "Deckhand Beanie", 2800, "Accessories"),
    ("hs-103", "Pier Canvas Tote", 4200, "Bags"),
    ("hs-104", "Fisherman Knit", 9800, "Knitwear"),
    ("hs-105", "Breakwater Boots", 15900, "Shoes"),
    ("hs-106", "Lighthouse Tee", 3400, "Tops"),
    ("hs-107", "Tidal Chinos", 7900, "Trousers"),
    ("hs-108", "Anchor Socks", 1600, "Accessories"),
)


def _shop_of_visits(brand: BrandPlan, start: datetime) -> Plan:
    events = read_page_events()
    people = make_people(brand, sorted({event.user_id for event in events}))
    move = whole_weeks(events[-1].at.date(), (start - timedelta(days=1)).date())
    products = [
        _product(Line(sku, name, 1, price), brand) | {"category": category}
        for sku, name, price, category in _GOODS
    ]
    plan = Plan(people, products)
    loyalty = _Loyalty()
    for visit in sessions(events):
        person = people[visit[0].user_id]
        posts = list(_posts_of_visit(visit, person, move, brand, products, plan))
        for order in [post for post in posts if post.name == "Order Completed"]:
            total = round(float(order.body["total"]) * 100)
            posts.append(loyalty.earn(person, total, order.at + timedelta(minutes=9), brand))
        for post in posts:
            _file(plan, post, start)
    _restock(plan, brand, start, random.Random(brand.seed))  # noqa: S311 (a demo's dice)
    for posts in (plan.history, plan.lived, plan.later):
        posts.sort(key=lambda post: (post.at, post.name))
    return plan


def _posts_of_visit(
    visit: list[PageEvent],
    person: Person,
    move: timedelta,
    brand: BrandPlan,
    products: list[dict[str, Any]],
    plan: Plan,
) -> Iterator[Post]:
    dice = random.Random(f"{brand.seed} {visit[0].session_id}")  # noqa: S311 (a demo's dice)
    product = dice.choice(products)
    cart = f"cart-{visit[0].session_id}"
    value = round(float(product["price"]) * 2, 2)
    basket = {
        "cart_id": cart,
        "cart_url": f"{brand.shop_url}/cart/{cart}",
        "currency": "USD",
        "value": value,
        "products": [{**product, "quantity": 2}],
    }
    order = {
        "order_id": f"HS-{visit[0].session_id[-6:]}",
        "total": value,
        "currency": "USD",
        "cart_id": cart,
        "products": basket["products"],
    }
    for event in visit:
        at = in_zone(event.at + move, brand.timezone)
        if event.event == "product_view":
            yield Post(at, person.user_id, "Product Viewed", product)
        elif event.event == "add_to_cart":
            yield Post(at, person.user_id, "Product Added", {**product, "cart_id": cart})
        elif event.event == "shipping_details":
            plan.orders[cart] = order
            yield Post(at, person.user_id, "Checkout Started", basket)
        elif event.event == "purchase":
            yield Post(at, person.user_id, "Order Completed", order)


def _file(plan: Plan, post: Post, start: datetime) -> None:
    if post.at >= start:
        plan.later.append(post)
    elif post.at >= start - LIVED:
        plan.lived.append(post)
    else:
        plan.history.append(post)


def _money(minor: int) -> float:
    return round(minor / 100, 2)
