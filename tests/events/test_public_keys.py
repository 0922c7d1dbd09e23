"""A key that stands in every shop page: what a stranger who reads it must not be able to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from events.views import limits
from people.models import Contact
from tenancy.domain.keys import create_write_key
from tenancy.scope import tenant_scope
from tests.events.edges import count_rows, post, stored
from tests.support.world import World

HERE = {"Origin": "https://juniper.example"}


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    limits._by_key.clear()
    limits._by_address.clear()


def visit(event: str = "Product Viewed", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "anonymousId": "a1", **more}


@pytest.mark.parametrize(
    "event",
    [
        "Product Viewed",
        "Product Added",
        "Cart Viewed",
        "Checkout Started",
        "Back In Stock Requested",
    ],
)
def test_visitor_events_are_taken(world: World, event: str) -> None:
    status, answer = post(
        "/v1/track",
        visit(event),
        key=world.shop.public_key,
        headers=HERE,
        content_type="text/plain",
    )
    assert (status, answer["accepted"]) == (200, 1)
    assert stored(world.shop, "name, source") == [(event, "public")]


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("track", visit(userId="u1"), "userId"),
        ("track", visit("Order Completed"), "event"),
        ("track", visit("orders/create"), "event"),
        ("track", visit("Loyalty Balance Changed"), "event"),
        ("track", visit("Product Inventory Changed"), "event"),
        ("track", visit("SMS Subscribed"), "event"),
        ("track", visit("Anything Else"), "event"),
        ("identify", {"anonymousId": "a1", "traits": {"phone": "+13105550142"}}, "type"),
        ("identify", {"anonymousId": "a1", "traits": {"city": "Rome"}}, "type"),
        ("alias", {"previousId": "a1", "userId": "u1"}, "type"),
        ("group", {"anonymousId": "a1", "groupId": "g"}, "type"),
        ("page", {"anonymousId": "a1", "traits": {"email": "a@b.co"}}, "traits"),
    ],
)
def test_what_a_browser_may_not_do(
    world: World, call: str, body: dict[str, Any], field: str
) -> None:
    status, answer = post(f"/v1/{call}", body, key=world.shop.public_key, headers=HERE)
    if answer["code"] == "invalid":  # reserved for everybody
        assert answer["errors"][0]["code"] == "reserved_name"
    else:
        assert (status, answer["code"]) == (403, "forbidden")
        assert answer["errors"][0]["field"] == field
    in_batch = {"batch": [{**body, "type": call}, visit()]}
    status, answer = post("/v1/batch", in_batch, key=world.shop.public_key, headers=HERE)
    assert (status, answer["accepted"], answer["rejected"]) == (200, 1, 1)
    assert stored(world.shop) == ["Product Viewed"]
    with tenant_scope(world.shop.tenant.id):
        contact = Contact.objects.get()
        assert (contact.phone, contact.email, contact.external_id) == (None, None, None)


def test_context_traits_of_a_browser_are_not_kept(world: World) -> None:
    body = visit(context={"traits": {"phone": "+13105550142"}, "locale": "en-US"})
    assert post("/v1/track", body, key=world.shop.public_key, headers=HERE)[0] == 200
    assert stored(world.shop, "context") == ['{"locale": "en-US"}']


def test_browser_cannot_backdate_by_import(world: World) -> None:
    body = {"batch": [visit(timestamp="2026-01-01T00:00:00Z")]}
    post("/v1/import", body, key=world.shop.public_key, headers=HERE)
    assert stored(world.shop, "backfill, known_at = received_at") == [(False, True)]


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://juniper.example",
        "https://juniper.example.evil.io",
    ],
)
def test_other_origins_are_refused(world: World, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    status, answer = post("/v1/track", visit(), key=world.shop.public_key, headers=headers)
    assert (status, answer["code"]) == (403, "origin_not_allowed")
    assert set(count_rows(world.shop).values()) == {0}


def test_key_without_origins_takes_nothing(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        _, secret = create_write_key(name="New", kind="public", now=world.now)
    status, answer = post("/v1/track", visit(), key=secret, headers=HERE)
    assert (status, answer["code"]) == (403, "origin_not_allowed")
    assert "allows no origin yet" in answer["detail"]


def test_allowed_origin_may_read_the_answer(world: World) -> None:
    client = Client()
    response = client.options(
        "/v1/track", headers={**HERE, "Access-Control-Request-Method": "POST"}
    )
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == HERE["Origin"]
    response = client.post(
        "/v1/track",
        {**visit(), "writeKey": world.shop.public_key},
        content_type="application/json",
        headers=HERE,
    )
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == HERE["Origin"]


def test_too_many_events_are_slowed_down(world: World) -> None:
    batch = {"batch": [visit() for _ in range(400)]}
    assert post("/v1/batch", batch, key=world.shop.public_key, headers=HERE)[0] == 200
    client = Client()
    response = client.post(
        "/v1/batch",
        {**batch, "writeKey": world.shop.public_key},
        content_type="application/json",
        headers=HERE,
    )
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert int(response["Retry-After"]) > 0
    assert count_rows(world.shop)["events_event"] == 400
