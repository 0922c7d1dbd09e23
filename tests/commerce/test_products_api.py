from __future__ import annotations

import json

import pytest

from commerce.models import Product
from events.models import Event
from tenancy.domain.keys import create_api_key
from tenancy.scope import tenant_scope
from tests.events.edges import post, stored
from tests.support.world import World

MUG = {
    "product_id": "mug",
    "name": "Ridge Mug",
    "price": "24.00",
    "stock": 0,
    "url": "https://juniper.example/mug",
}


def test_products_are_created_changed_and_left_alone(world: World) -> None:
    status, answer = post("/api/v1/products", {"products": [MUG]}, key=world.shop.api_key)
    assert status == 200
    assert answer == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "results": [{"product_id": "mug", "status": "created"}],
    }
    again = post("/api/v1/products", {"products": [MUG]}, key=world.shop.api_key)[1]
    assert again["unchanged"] == 1
    more = {"product_id": "mug", "stock": 12, "price": 19.99}
    changed = post("/api/v1/products", {"products": [more]}, key=world.shop.api_key)[1]
    assert changed["updated"] == 1
    with tenant_scope(world.shop.tenant.id):
        product = Product.objects.get()
        assert (product.name, product.stock, product.previous_stock) == ("Ridge Mug", 12, 0)
        assert (product.price_minor, product.currency) == (1999, "USD")
    rows = stored(world.shop, "name, subject_id, properties")
    assert [(row[0], row[1]) for row in rows] == [
        ("Product Inventory Changed", "mug"),
        ("Product Price Changed", "mug"),
    ] * 2 + [("Product Restocked", "mug"), ("Product Price Dropped", "mug")]
    data = json.loads(rows[2][2])
    assert (data["quantity"], data["previous_quantity"], data["name"]) == (12, 0, "Ridge Mug")
    assert json.loads(rows[3][2])["previous_price"] == "24.00"
    with tenant_scope(world.other.tenant.id):
        assert Product.objects.count() == 0


@pytest.mark.parametrize(
    ("product", "field", "code"),
    [
        ({"name": "No id"}, "products[1].product_id", "required"),
        ({**MUG, "price": "dear"}, "products[1].price", "invalid_price"),
        ({**MUG, "price": -1}, "products[1].price", "invalid_price"),
        ({**MUG, "price": 1e300}, "products[1].price", "invalid_price"),
        ({**MUG, "currency": "dollars"}, "products[1].currency", "invalid_currency"),
        ({**MUG, "stock": "many"}, "products[1].stock", "wrong_type"),
        ({**MUG, "stock": 10**18}, "products[1].stock", "invalid_stock"),
        ({**MUG, "url": "javascript:alert(1)"}, "products[1].url", "invalid_url"),
        ({**MUG, "name": "x" * 301}, "products[1].name", "too_long"),
        ({**MUG, "name": "a\x00"}, "products[1].name", "too_long"),
        ({**MUG, "product_id": " "}, "products[1].product_id", "invalid_key"),
        ({**MUG, "colour": "red"}, "products[1].colour", "unknown_field"),
        (5, "products[1]", "wrong_type"),
    ],
)
def test_one_wrong_product_changes_nothing(
    world: World, product: object, field: str, code: str
) -> None:
    body = {"products": [{"product_id": "fine", "stock": 3}, product]}
    status, answer = post("/api/v1/products", body, key=world.shop.api_key)
    assert (status, answer["code"]) == (422, "invalid")
    assert [(each["field"], each["code"]) for each in answer["errors"]] == [(field, code)]
    with tenant_scope(world.shop.tenant.id):
        assert Product.objects.count() == Event.objects.count() == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"products": []}', b'{"products": {}}', b""])
def test_malformed_bodies_are_refused(world: World, body: bytes) -> None:
    status, answer = post("/api/v1/products", body, key=world.shop.api_key)
    assert status in {400, 422}
    assert answer["code"] in {"malformed_json", "invalid"}


def test_products_need_a_key_with_the_scope(world: World) -> None:
    assert post("/api/v1/products", {"products": [MUG]}, key=None)[0] == 401
    assert post("/api/v1/products", {"products": [MUG]}, key=world.shop.write_key)[0] == 403
    with tenant_scope(world.shop.tenant.id):
        _, secret = create_api_key(name="Events", scopes=["events:write"], now=world.now)
    status, answer = post("/api/v1/products", {"products": [MUG]}, key=secret)
    assert (status, answer["code"]) == (403, "forbidden")
