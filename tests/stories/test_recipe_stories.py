"""The three recipes as they are installed, each over HTTP from the shop's event to the last text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tenancy.clock import business_now
from tenancy.scope import tenant_scope
from tests.support.platform import Platform
from tests.support.world import Brand
from triggers.domain.recipes import install_recipe

pytestmark = pytest.mark.django_db(transaction=True)

JONAS, LENA, OMAR = "+13105550142", "+12125550117", "+13125550163"
CART = {
    "cart_id": "c-1",
    "cart_url": "https://juniper.example/cart/c-1",
    "value": 80,
    "currency": "USD",
    "products": [
        {
            "product_id": "tray",
            "name": "Walnut Tray",
            "price": 80,
            "quantity": 1,
            "url": "https://juniper.example/p/tray",
        }
    ],
}


def open_shop(platform: Platform, brand: Brand, recipe: str, *people: tuple[str, str]) -> None:
    """The recipe live, and people who opted in a month ago."""
    with tenant_scope(brand.tenant.id):
        install_recipe(recipe, now=business_now())
    live = platform.api(brand, "POST", f"flows/{recipe}/publication")
    assert live.status_code == 200, live.text
    for name, phone in people:
        platform.identify(brand, name, phone, firstName=name.title())
        platform.opt_in(brand, name)


def bodies(platform: Platform, brand: Brand, phone: str) -> list[str]:
    """What this brand has texted to a phone, without its name and the way out of it."""
    number = platform.numbers[brand.tenant.slug]
    return [
        text["body"].removeprefix(f"{brand.tenant.name}: ").partition("\n")[0]
        for text in platform.texts(phone)
        if text["from"] == number and text["direction"] != "inbound"
    ]


def sent_to(platform: Platform, brand: Brand, phone: str, *parts: str) -> None:
    """Exactly these texts, in this order, each known by a part of it."""
    found = bodies(platform, brand, phone)
    assert len(found) == len(parts), found
    for body, part in zip(found, parts, strict=True):
        assert part in body, found


def test_cart_recovery_answers_size_and_shipping_and_goes_on(platform: Platform) -> None:
    shop, other = platform.world.shop, platform.world.other
    for brand in (shop, other):
        open_shop(platform, brand, "cart-recovery", ("jonas", JONAS))
        platform.track(brand, "jonas", "Checkout Started", **CART)
    platform.settle()
    platform.pass_time(timedelta(minutes=61))
    first = "Your cart is saved. Finish checkout: "
    sent_to(platform, shop, JONAS, first)
    sent_to(platform, other, JONAS, first)

    platform.pass_time(timedelta(minutes=4))
    platform.reply(shop, JONAS, "Size?")
    platform.settle()
    size = "You find the sizes of Walnut Tray on its page"
    sent_to(platform, shop, JONAS, first, size)
    platform.reply(shop, JONAS, "shiping")
    platform.settle()
    shipping = "Shipping costs and delivery times are shown before you pay"
    sent_to(platform, shop, JONAS, first, size, shipping)
    platform.reply(shop, JONAS, "my cat sat on it")
    platform.settle()
    sent_to(platform, shop, JONAS, first, size, shipping)

    # Jonas replied to the one brand: its second text goes out. The other one's waits for a reply.
    platform.pass_time(timedelta(hours=6))
    second = "Need help with size or shipping? Reply SIZE or SHIPPING. Checkout: "
    sent_to(platform, shop, JONAS, first, size, shipping, second)
    sent_to(platform, other, JONAS, first)

    platform.track(shop, "jonas", "Order Completed", order_id="o-1", total=80, currency="USD")
    platform.settle()
    platform.pass_time(timedelta(days=2))
    assert len(bodies(platform, shop, JONAS)) == 4
    assert len(bodies(platform, other, JONAS)) == 1


def test_back_in_stock_tells_those_who_asked_and_nobody_else(platform: Platform) -> None:
    shop, other = platform.world.shop, platform.world.other
    people = (("jonas", JONAS), ("lena", LENA), ("omar", OMAR))
    tray: dict[str, Any] = {
        "product_id": "tray",
        "name": "Walnut Tray",
        "price": 80,
        "url": "https://juniper.example/p/tray",
        "stock": 0,
    }
    for brand in (shop, other):
        open_shop(platform, brand, "back-in-stock", *people)
        made = platform.api(brand, "POST", "products", {"products": [tray]})
        assert made.status_code == 200, made.text
    for name in ("jonas", "lena"):
        platform.track(shop, name, "Back In Stock Requested", product_id="tray")
        platform.track(other, name, "Back In Stock Requested", product_id="another")
    platform.settle()
    platform.pass_time(timedelta(minutes=30))
    assert bodies(platform, shop, JONAS) == []

    for brand in (shop, other):
        platform.track(brand, "warehouse", "Product Inventory Changed", product_id="tray",
                       quantity=5, previous_quantity=0)  # fmt: skip
    # Lena has it already; nobody has reacted to her order yet.
    platform.track(shop, "lena", "Order Completed", order_id="o-9", total=80, currency="USD",
                   products=[{"product_id": "tray", "price": 80}])  # fmt: skip
    platform.settle()
    back = "It's back ✅ Walnut Tray is in stock again. Grab it now: "
    sent_to(platform, shop, JONAS, back)
    assert bodies(platform, shop, LENA) == []
    assert bodies(platform, shop, OMAR) == []
    for phone in (JONAS, LENA, OMAR):
        assert bodies(platform, other, phone) == []

    # More of what is there already is no news; nor is its return to somebody who has been told.
    for quantity, before in ((9, 5), (0, 9), (4, 0)):
        platform.pass_time(timedelta(minutes=20))
        platform.track(shop, "warehouse", "Product Inventory Changed", product_id="tray",
                       quantity=quantity, previous_quantity=before)  # fmt: skip
        platform.settle()
    sent_to(platform, shop, JONAS, back)


def test_loyalty_nudge_goes_once_when_the_balance_passes_ten(platform: Platform) -> None:
    shop, other = platform.world.shop, platform.world.other
    for brand in (shop, other):
        open_shop(platform, brand, "loyalty-nudge", ("jonas", JONAS))

    def earn(brand: Brand, balance: float, before: float) -> None:
        platform.track(brand, "jonas", "Loyalty Balance Changed", balance=balance,
                       previous_balance=before, currency="USD",
                       redeem_url="https://juniper.example/rewards")  # fmt: skip
        platform.settle()

    earn(shop, 8, 0)
    assert bodies(platform, shop, JONAS) == []
    earn(shop, 12.5, 8)
    nudge = "You've got $12.50 ready to use. Want to apply it today? Redeem: "
    sent_to(platform, shop, JONAS, nudge)
    platform.pass_time(timedelta(minutes=30))
    earn(shop, 15, 12.5)
    earn(shop, 2, 15)
    earn(shop, 11, 2)  # again, and still within the day
    sent_to(platform, shop, JONAS, nudge)
    assert bodies(platform, other, JONAS) == []
