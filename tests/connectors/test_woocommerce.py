"""WooCommerce's own bodies: the ping, guests without an account, orders on their way, products."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from commerce.models import Cart, Order, Product
from connectors.core import woocommerce
from connectors.core.items import Shop
from connectors.domain.connectors import state_of
from consent.models import ConsentRecord
from events.models import Event
from tenancy.scope import tenant_scope
from tests.connectors.door import Door, example, open_door, people, react
from tests.events.edges import stored
from tests.support.world import World

pytestmark = pytest.mark.django_db
PHONE = "+13105550142"


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world.shop, "woocommerce")


def order(now: datetime, **more: Any) -> dict[str, Any]:
    body = example("woocommerce/order")
    body["billing"]["phone"] = "(310) 555-0142"
    at = now.isoformat()[:19]
    times = {f"date_{name}_gmt": at for name in ("created", "modified", "paid")}
    return {**body, **times, **more}


def test_the_ping_is_answered_and_says_nothing_about_being_connected(
    world: World, door: Door
) -> None:
    answer = Client().post(door.path, b"webhook_id=7", "application/x-www-form-urlencoded")
    assert answer.status_code == 200
    row = door.row()
    assert row.pinged_at is not None
    assert state_of(row) == "waiting"
    assert row.failure_count == 0
    assert (door.bodies(), stored(world.shop)) == ([], [])


@pytest.mark.parametrize("body", [b"webhook_id=x", b"id=7", b"webhook_id=7&order=9"])
def test_only_a_ping_passes_without_a_signature(world: World, door: Door, body: bytes) -> None:
    answer = Client().post(door.path, body, "application/x-www-form-urlencoded")
    assert answer.status_code == 401
    assert door.row().pinged_at is None


def test_a_ping_opens_no_other_kind_of_door(world: World) -> None:
    door = open_door(world.shop, "shopify")
    answer = Client().post(door.path, b"webhook_id=7", "application/x-www-form-urlencoded")
    assert answer.status_code == 401


def test_a_guests_order_is_found_by_number_and_address(
    world: World, door: Door, now: datetime
) -> None:
    assert order(now)["customer_id"] == 0
    assert door.told("order.created", order(now)) == [("Order Completed", "accepted")]
    (guest,) = people(world.shop)
    assert (guest.external_id, guest.phone, guest.email) == (None, PHONE, "john.doe@example.com")
    assert guest.first_name == "John"
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        held = Order.objects.get()
        assert (held.key, held.total_minor, held.contact_id) == ("727", 2935, guest.id)
        names = [item["name"] for item in held.items]
        assert names == ["Woo Single #1", "Ship Your Idea \u2013 Color: Black, Size: M Test"]
        assert ConsentRecord.objects.count() == 0
    assert people(world.other) == []


def test_an_unpaid_order_is_a_checkout_until_it_is_paid(
    world: World, door: Door, now: datetime
) -> None:
    placed = order(now, status="pending", date_paid_gmt=None)
    assert door.told("order.created", placed) == [("Checkout Started", "accepted")]
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        assert Cart.objects.get().state == "open"
        assert not Order.objects.exists()
    paid = order(now + timedelta(minutes=3))
    assert door.told("order.updated", paid) == [("Order Completed", "accepted")]
    # Every later change of the order says that it was placed, and it stays one order.
    shipped = order(now + timedelta(minutes=4), status="completed")
    assert door.told("order.updated", shipped) == [("Order Completed", "duplicate")]
    react(world.shop, now + timedelta(minutes=5))
    with tenant_scope(world.shop.tenant.id):
        assert Cart.objects.get().state == "ordered"
        assert Order.objects.get().total_minor == 2935


def test_refunds_count_once_each(world: World, door: Door, now: datetime) -> None:
    door.told("order.created", order(now))
    part = order(now, refunds=[{"id": 9, "reason": "too small", "total": "-9.35"}])
    assert ("Order Refunded", "accepted") in door.told("order.updated", part)
    both = order(now, status="refunded", refunds=[*part["refunds"], {"id": 10, "total": "-20.00"}])
    assert door.told("order.updated", both) == [
        ("Order Completed", "duplicate"),
        ("Order Refunded", "duplicate"),
        ("Order Refunded", "accepted"),
    ]
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        assert Order.objects.get().refunded_minor == 2935


def test_a_canceled_order(world: World, door: Door, now: datetime) -> None:
    door.told("order.created", order(now))
    gone = order(now, status="cancelled")
    assert door.told("order.updated", gone) == [("Order Cancelled", "accepted")]
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        assert Order.objects.get().state == "cancelled"


def test_a_customer_with_an_account(world: World, door: Door, now: datetime) -> None:
    body = example("woocommerce/customer") | {"date_modified_gmt": now.isoformat()[:19]}
    status, answer = door.post("customer.updated", body)
    assert status == 200
    # (555) 555-5555 is nobody's number.
    assert "left out" in answer["results"][0]["notes"][0]
    (found,) = people(world.shop)
    assert (found.external_id, found.city, found.postal_code) == ("25", "San Francisco", "94103")


def test_a_product_tells_price_and_counted_stock(world: World, door: Door, now: datetime) -> None:
    body = example("woocommerce/product") | {"date_modified_gmt": now.isoformat()[:19]}
    assert [name for name, _ in door.told("product.updated", body)] == ["Product Price Changed"]
    counted = body | {"manage_stock": True, "stock_quantity": 3}
    door.told("product.updated", counted, delivery="2")
    react(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        held = Product.objects.get()
        assert (held.price_minor, held.stock) == (2199, 3)
        assert held.url == "https://example.com/product/premium-quality-19/"
        assert Event.objects.filter(contact_id__isnull=False).count() == 0


@pytest.mark.parametrize("topic", woocommerce.TOPICS)
@pytest.mark.parametrize(
    "body", [{}, {"id": True}, {"id": 1, "refunds": 3}, {"id": 1, "billing": []}]
)
def test_no_topic_stumbles_over_a_body_of_another_shape(topic: str, body: dict[str, Any]) -> None:
    found = woocommerce.translate(topic, body, Shop())
    assert found.ignored or found.items
