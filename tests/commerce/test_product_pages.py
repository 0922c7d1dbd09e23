"""The catalogue in pages: found by words, category and stock; one product's history and who waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from commerce.core.telling import change_words
from commerce.models import Product
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.commerce.test_changes import settle, tell
from tests.events.edges import logged_in, post, track
from tests.support.world import Brand, World
from triggers.domain.flows import publish_flow
from triggers.domain.recipes import install_recipe
from triggers.models import Flow
from web.templatetags.ui import money

MINUTE = timedelta(minutes=1)


def save(brand: Brand, *products: dict[str, Any]) -> None:
    assert post("/api/v1/products", {"products": products}, key=brand.api_key)[0] == 200


def listed(client: Client, brand: Brand, query: str = "") -> str:
    answer = client.get(f"/w/{brand.tenant.slug}/products/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(client: Client, brand: Brand, key: str) -> str:
    with tenant_scope(brand.tenant.id):
        ref = show_id("prod", Product.objects.get(key=key).id)
    answer = client.get(f"/w/{brand.tenant.slug}/products/{ref}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_products_are_found_by_words_category_and_stock(world: World) -> None:
    client = logged_in(world.shop)
    assert "No product yet" in listed(client, world.shop)
    save(
        world.shop,
        {
            "product_id": "m-1",
            "name": "Ridge Mug",
            "category": "Kitchen",
            "price": "24",
            "stock": 3,
        },
        {"product_id": "h-1", "name": "Wool <b>Hat</b>", "category": "Wear", "stock": 0},
        {"product_id": "x-9"},
    )
    save(world.other, {"product_id": "m-1", "name": "Their Mug", "category": "Secret"})
    page = listed(client, world.shop)
    assert "$24" in page
    assert "Wool &lt;b&gt;Hat&lt;/b&gt;" in page
    assert "Their Mug" not in page
    assert "Secret" not in page
    for query, found in {
        "?q=mug": {"Ridge Mug"},
        "?q=MUG+ridge": {"Ridge Mug"},
        "?q=x-": {"x-9"},
        "?category=Wear": {"Wool"},
        "?stock=in": {"Ridge Mug"},
        "?stock=out": {"Wool"},
        "?stock=unknown": {"x-9"},
        "?q=mug&stock=out": set(),
        "?q=%25": set(),
        "?q=%00": {"Ridge Mug", "Wool", "x-9"},
        "?stock=nonsense&after=nonsense": {"Ridge Mug", "Wool", "x-9"},
    }.items():
        page = listed(client, world.shop, query)
        assert {name for name in ("Ridge Mug", "Wool", "x-9") if f">{name}" in page} == found, query
    assert "No product is found by this" in listed(client, world.shop, "?q=nothing")


def test_pages_of_25_hold_every_product_once(world: World) -> None:
    client = logged_in(world.shop)
    save(world.shop, *({"product_id": f"p-{n:02}", "stock": 1} for n in range(60)))
    seen: list[str] = []
    query = ""
    for _ in range(3):
        page = listed(client, world.shop, query)
        seen += [f"p-{n:02}" for n in range(60) if f">p-{n:02}<" in page]
        found = page.split('rel="next" href="')
        query = found[1].split('"')[0] if len(found) > 1 else ""
    assert sorted(seen) == [f"p-{n:02}" for n in range(60)]
    assert query == ""


def test_a_product_shows_its_history_who_waits_and_which_flows_react(world: World) -> None:
    client, shop = logged_in(world.shop), world.shop
    with tenant_scope(shop.tenant.id):
        install_recipe("back-in-stock", now=world.now)
        publish_flow(Flow.objects.get(slug="back-in-stock"), now=world.now)
    at = business_now() - 30 * MINUTE
    tell(shop, "Product Inventory Changed", at, product_id="mug", quantity=4, name="Ridge Mug")
    tell(shop, "Product Inventory Changed", at + MINUTE, product_id="mug", quantity=0)
    tell(shop, "Product Price Changed", at, product_id="mug", price=24, currency="USD")
    tell(shop, "Product Price Changed", at + MINUTE, product_id="mug", price=19, currency="USD",
         previous_price=24)  # fmt: skip
    tell(shop, "Product Inventory Changed", at, product_id="hat", quantity=77)
    for brand in (shop, world.other):
        for number in range(12):
            call = track("Back In Stock Requested", f"u{number}", properties={"product_id": "mug"})
            assert post("/v1/track", call, key=brand.write_key)[0] == 200
        settle(brand)
    page = page_of(client, shop, "mug")
    assert "Out of stock" in page
    assert "$24 → $19" in page
    assert "$24 → $19, 20.8% less" in page
    assert "4 in stock" in page
    assert "77 in stock" not in page
    assert "The first 10 of 12." in page
    assert "u0<" in page
    assert "Back in stock" in page
    assert "Product Inventory Changed" in page


def test_another_workspaces_product_is_no_page(world: World) -> None:
    save(world.other, {"product_id": "mug"})
    with tenant_scope(world.other.tenant.id):
        ref = show_id("prod", Product.objects.get().id)
    client = logged_in(world.shop)
    for wrong in (ref, "prod_nothing", "con_1"):
        assert client.get(f"/w/{world.shop.tenant.slug}/products/{wrong}/").status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("Product Inventory Changed", {"product_id": "m", "stock": 1200}, "1,200 in stock"),
        ("Product Restocked", {"product_id": "m", "quantity": 5, "previous_quantity": 0},
         "0 → 5 in stock"),
        ("Product Inventory Changed", {"product_id": "m"}, ""),
        ("Product Price Changed", {"price": "19.5", "currency": "EUR"}, "€19.50"),
        ("Product Price Changed", {"price": "dear"}, ""),
        ("Product Price Dropped",
         {"price": 9, "previous_price": "10", "dropped_percent": 10.0, "currency": "USD"},
         "$10 → $9, 10% less"),
    ],
)  # fmt: skip
def test_a_change_in_words(name: str, data: dict[str, Any], words: str) -> None:
    assert change_words(name, data, currency="USD", show=money) == words
