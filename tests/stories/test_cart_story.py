"""One cart from the event to the money, and the same cart stopped by STOP: over HTTP only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.support.platform import Platform
from tests.support.world import Brand

pytestmark = pytest.mark.django_db(transaction=True)

JONAS = "+13105550142"
FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "replace", "key": "cart_id", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "priority": 80,
    "steps": [
        {"key": "wait_1", "type": "delay", "for": "PT1H"},
        {"key": "text_1", "type": "message", "template": "cart-1"},
        {"key": "wait_2", "type": "delay", "for": "PT6H"},
        {"key": "text_2", "type": "message", "template": "cart-2", "requires_reply": False},
    ],
}
CART = {
    "cart_id": "c-1",
    "cart_url": "https://juniper.example/cart/c-1",
    "value": 80,
    "currency": "USD",
    "products": [{"product_id": "p-1", "name": "Walnut Tray", "price": 80, "quantity": 1}],
}


def set_up(platform: Platform, brand: Brand) -> None:
    for slug, body in (
        ("cart-1", "Your cart is saved. Finish checkout: [CartLink or 'https://juniper.example']"),
        (
            "cart-2",
            "Still thinking about [ProductName or 'it']? [CartLink or 'https://juniper.example']",
        ),
    ):
        made = platform.api(
            brand, "POST", "templates", {"slug": slug, "body": body, "approve": True}
        )
        assert made.status_code == 201, made.text
    assert platform.api(brand, "POST", "flows", {"name": "Cart", "definition": FLOW}).ok
    platform.identify(
        brand, "jonas", JONAS, firstName="Jonas", timezone="America/Los_Angeles", city="Los Angeles"
    )
    platform.opt_in(brand, "jonas")


def publish(platform: Platform, brand: Brand) -> None:
    live = platform.api(brand, "POST", "flows/cart/publication")
    assert live.status_code == 200, live.text


def acknowledge_cart_rule(brand: Brand) -> None:
    from consent.domain.settings import set_us_cart_rule
    from tenancy.clock import business_now
    from tenancy.scope import tenant_scope

    with tenant_scope(brand.tenant.id):
        set_us_cart_rule("acknowledged", acknowledgment="Read and agreed.", now=business_now())


def numbers(brand: Brand):  # type: ignore[no-untyped-def]
    from analytics.domain.home import home_numbers
    from delivery.core.periods import period_of
    from tenancy.clock import business_now
    from tenancy.scope import tenant_scope

    with tenant_scope(brand.tenant.id):
        last_day = period_of("24h", timezone="UTC", now=business_now())
        return home_numbers(last_day, currency="USD").current


def test_from_an_event_to_a_text_a_click_an_order_and_its_numbers(platform: Platform) -> None:
    shop, other = platform.world.shop, platform.world.other
    for brand in (shop, other):
        set_up(platform, brand)
        acknowledge_cart_rule(brand)
        publish(platform, brand)
    platform.track(shop, "jonas", "Checkout Started", **CART)
    platform.settle()
    assert platform.texts(JONAS) == []
    platform.pass_time(timedelta(minutes=59))
    assert platform.texts(JONAS) == []
    platform.pass_time(timedelta(minutes=2))
    (text,) = platform.texts(JONAS)
    assert text["from"] == platform.numbers[shop.tenant.slug]
    assert text["body"].startswith("Juniper & Oak: Your cart is saved. Finish checkout: ")
    assert "Reply STOP to opt out" in text["body"]
    assert text["status"] == "delivered"
    link = re.search(r"http\S+/t/\w+", text["body"])
    assert link is not None

    platform.pass_time(timedelta(minutes=3))
    answer = platform.tap(link.group(), method="HEAD")
    assert answer.status_code in {301, 302}
    answer = platform.tap(link.group())
    assert answer.headers["Location"].startswith("https://juniper.example/cart/c-1?")
    assert "utm_source=" in answer.headers["Location"]
    platform.pass_time(timedelta(minutes=5))
    platform.track(
        shop, "jonas", "Order Completed", order_id="o-1", total=80, currency="USD", cart_id="c-1"
    )
    platform.settle()
    found = numbers(shop)
    assert (found.sent, found.delivered, found.clicks, found.orders) == (1, 1, 1, 1)
    assert (found.attributed_orders, found.attributed_revenue_minor) == (1, 8000)
    platform.pass_time(timedelta(hours=8))
    assert len(platform.texts(JONAS)) == 1
    assert numbers(other).sent == 0


def test_stop_cancels_what_waits_and_says_so(platform: Platform) -> None:
    shop, other = platform.world.shop, platform.world.other
    for brand in (shop, other):
        set_up(platform, brand)
        acknowledge_cart_rule(brand)
        publish(platform, brand)
        platform.track(brand, "jonas", "Checkout Started", **CART)
    platform.settle()
    platform.pass_time(timedelta(minutes=61))
    assert len(platform.texts(JONAS)) == 2
    platform.reply(shop, JONAS, "Stop!")
    platform.settle()
    platform.pass_time(timedelta(hours=6, minutes=5))
    texts = platform.texts(JONAS)
    by_brand = {
        brand.tenant.slug: [t for t in texts if t["from"] == platform.numbers[brand.tenant.slug]]
        for brand in (shop, other)
    }
    marketing = [
        t
        for t in by_brand[shop.tenant.slug]
        if "cart is saved" in t["body"] or "Still" in t["body"]
    ]
    assert len(marketing) == 1
    # The look-alike at the other brand never said STOP: both of its texts went out.
    assert len(by_brand[other.tenant.slug]) == 2
    assert numbers(shop).opt_outs == 1
    assert numbers(other).opt_outs == 0
