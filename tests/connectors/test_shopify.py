"""Shopify's own bodies: what each topic becomes, and that only an explicit SMS consent counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from commerce.models import Cart, Order, Product
from connectors.core import shopify
from connectors.core.items import Shop
from events.models import Event
from tenancy.scope import tenant_scope
from tests.connectors.door import Door, example, open_door, people, react
from tests.support.world import World

pytestmark = pytest.mark.django_db
PHONE = "+16135550107"


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world.shop, "shopify")


def customer(at: datetime, **consent: Any) -> dict[str, Any]:
    """The documented customer, changed a minute ago; `consent` in place of theirs."""
    body = example("shopify/2025-10_customer")
    body["updated_at"] = at.isoformat()
    body["sms_marketing_consent"] = consent or None
    return body


def test_a_customer_becomes_a_contact_with_fields(world: World, door: Door, now: datetime) -> None:
    assert door.told("customers/update", customer(now)) == [("Contact Identified", "accepted")]
    (found,) = people(world.shop)
    assert (found.first_name, found.city, found.region) == ("Bob", "Louisville", "KY")
    assert found.attributes["shopify_tags"] == ["New Customer", "Repeat Customer"]
    assert people(world.other) == []


def test_a_number_nobody_can_use_is_left_out_and_said(
    world: World, door: Door, now: datetime
) -> None:
    body = {**customer(now), "phone": "555-625-1199"}
    status, answer = door.post("customers/update", body)
    assert status == 200
    assert "left out" in answer["results"][0]["notes"][0]
    assert people(world.shop)[0].phone is None
    assert people(world.shop)[0].email == "bob.norman@mail.example.com"


# --- carts, checkouts, orders ---------------------------------------------------------------


def test_a_checkout_starts_once_however_often_it_is_told(
    world: World, door: Door, now: datetime
) -> None:
    body = example("shopify/2025-10_checkout")
    body |= {"created_at": (now - timedelta(minutes=9)).isoformat(), "updated_at": now.isoformat()}
    nobody = {**body, "customer": None, "email": None, "phone": None}
    assert door.post("checkouts/create", nobody)[1]["results"][0]["code"] == "nobody"
    told = door.told("checkouts/update", body)
    assert told == [("Checkout Started", "accepted"), ("Cart Updated", "accepted")]
    later = {**body, "updated_at": (now + timedelta(minutes=1)).isoformat()}
    told = door.told("checkouts/update", later)
    assert told == [("Checkout Started", "duplicate"), ("Cart Updated", "accepted")]
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        cart = Cart.objects.get()
        assert cart.value_minor == 37969
        assert cart.url.startswith("https://checkout.local/")


def test_a_cart_is_its_buyers_once_they_check_out(world: World, door: Door, now: datetime) -> None:
    at = (now - timedelta(minutes=5)).isoformat()
    cart = {**example("shopify/carts")["carts"][0], "token": "c1", "updated_at": at}
    assert door.told("carts/update", cart) == [("Cart Updated", "accepted")]
    (visitor,) = people(world.shop)
    assert visitor.phone is None
    body = example("shopify/2025-10_checkout")
    door.told("checkouts/create", {**body, "cart_token": "c1", "updated_at": now.isoformat()})
    (buyer,) = people(world.shop)
    assert buyer.phone == PHONE
    with tenant_scope(world.shop.tenant.id):
        names = list(Event.objects.filter(contact_id=buyer.id).values_list("name", flat=True))
    assert "Cart Updated" in names
    assert "Checkout Started" in names


def test_an_order_its_refund_its_parcel_and_its_cancellation(
    world: World, door: Door, now: datetime
) -> None:
    order = example("shopify/2025-10_order") | {"processed_at": now.isoformat()}
    refund = example("shopify/refund") | {"created_at": now.isoformat()}
    parcel = example("shopify/fulfillment") | {"created_at": now.isoformat()}
    early = door.post("refunds/create", refund)[1]["results"][0]
    assert (early["status"], early["code"]) == ("rejected", "order_unknown")
    assert door.bodies()[0].state == "pending"  # looked at again by the sweep
    door.told("orders/create", order)
    react(world.shop, now)
    assert door.told("refunds/create", refund, delivery="r2") == [("Order Refunded", "accepted")]
    assert door.told("fulfillments/create", parcel) == [("Order Shipped", "accepted")]
    canceled = order | {"cancelled_at": now.isoformat()}
    assert door.told("orders/cancelled", canceled) == [("Order Cancelled", "accepted")]
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        held = Order.objects.get()
        assert (held.key, held.total_minor, held.refunded_minor) == ("450789469", 59894, 20900)
        assert held.state == "cancelled"
        owners = set(
            Event.objects.filter(name__startswith="Order").values_list("contact_id", flat=True)
        )
        assert owners == {held.contact_id}


def test_a_relabeled_topic_cancels_nothing(world: World, door: Door, now: datetime) -> None:
    """The topic is a header that nobody signs."""
    order = example("shopify/2025-10_order") | {"cancelled_at": None}
    assert door.post("orders/cancelled", order)[1]["results"][0]["code"] == "not_canceled"


# --- stock ----------------------------------------------------------------------------------


def test_a_product_and_its_levels_keep_the_stock(world: World, door: Door, now: datetime) -> None:
    product = example("shopify/2025-10_product") | {"updated_at": now.isoformat()}
    level = example("shopify/2025-10_inventory_level")
    first = door.post("inventory_levels/update", level)[1]["results"][0]
    assert first["code"] == "product_unknown"
    assert [name for name, _ in door.told("products/update", product)] == [
        "Product Price Changed",
        "Product Inventory Changed",
    ]
    later = level | {"available": 0, "updated_at": (now + timedelta(minutes=1)).isoformat()}
    assert door.told("inventory_levels/update", later) == [
        ("Product Inventory Changed", "accepted")
    ]
    react(world.shop, now + timedelta(minutes=2))
    with tenant_scope(world.shop.tenant.id):
        held = Product.objects.get(key="632910392")
        assert (held.price_minor, held.stock, held.name) == (19900, 90, "IPod Nano - 8GB")
        assert held.url == "https://juniper.example/products/ipod-nano"
    # An older level changes nothing, and at several places one level is not the whole stock.
    assert (
        door.post("inventory_levels/update", level | {"available": 7})[1]["results"][0]["code"]
        == "older"
    )
    elsewhere = later | {"location_id": 2, "updated_at": (now + timedelta(minutes=2)).isoformat()}
    assert (
        door.post("inventory_levels/update", elsewhere)[1]["results"][0]["code"] == "several_places"
    )


@pytest.mark.parametrize("topic", shopify.TOPICS)
@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": {"a": 1}}, {"id": 1, "line_items": "x"}])
def test_no_topic_stumbles_over_a_body_of_another_shape(topic: str, body: dict[str, Any]) -> None:
    found = shopify.translate(topic, body, Shop())
    assert found.ignored or found.items
