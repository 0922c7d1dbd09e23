"""Templates and flows over the API: made, refused, published, paused; and never another's."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.support.world import Brand, World

FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "after_exit"},
    "exit": [{"event": "Order Completed"}],
    "steps": [
        {"key": "wait_1", "type": "delay", "for": "PT1H"},
        {"key": "text_1", "type": "message", "template": "cart"},
    ],
}


def call(client: Client, brand: Brand, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = getattr(client, method)(
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {brand.api_key}"},
    )
    return answer.status_code, answer.json()


def test_a_flow_is_made_published_paused_and_resumed(client: Client, world: World) -> None:
    text = {
        "slug": "cart",
        "body": "Your cart is saved: [CartLink or 'https://juniper.example']",
        "approve": True,
    }
    status, template = call(client, world.shop, "post", "templates", text)
    assert (status, template["state"], template["version"]) == (201, "approved", 1)
    status, flow = call(client, world.shop, "post", "flows", {"name": "Cart", "definition": FLOW})
    assert (status, flow["status"], flow["live_version"]) == (201, "draft", None)
    status, live = call(client, world.shop, "post", "flows/cart/publication")
    assert (status, live["status"]) == (200, "live")
    assert call(client, world.shop, "post", "flows/cart/pause")[1]["status"] == "paused"
    assert call(client, world.shop, "delete", "flows/cart/pause")[1]["status"] == "live"
    status, read = call(client, world.shop, "get", "flows/cart")
    assert [version["number"] for version in read["versions"]] == [1]
    assert read["versions"][0]["live"] is True


def test_a_flow_with_an_unknown_template_cannot_go_live(client: Client, world: World) -> None:
    call(client, world.shop, "post", "flows", {"name": "Cart", "definition": FLOW})
    status, problem = call(client, world.shop, "post", "flows/cart/publication")
    assert (status, problem["code"]) == (422, "not_publishable")
    assert problem["errors"][0]["field"]


def test_a_template_with_an_unguarded_field_is_not_even_saved(client: Client, world: World) -> None:
    text = {"slug": "cart", "body": "[ProductName] waits", "approve": True}
    status, problem = call(client, world.shop, "post", "templates", text)
    assert (status, problem["code"]) == (422, "fallback_missing")
    assert call(client, world.shop, "get", "templates/cart")[0] == 404


def test_another_workspaces_flow_and_template_do_not_exist_here(
    client: Client, world: World
) -> None:
    text = {"slug": "cart", "body": "Your cart is saved", "approve": True}
    call(client, world.shop, "post", "templates", text)
    call(client, world.shop, "post", "flows", {"name": "Cart", "definition": FLOW})
    assert call(client, world.other, "get", "flows")[1] == {"flows": [], "next_cursor": None}
    assert call(client, world.other, "get", "templates")[1] == {
        "templates": [],
        "next_cursor": None,
    }
    for method, path in (
        ("get", "flows/cart"),
        ("get", "templates/cart"),
        ("post", "flows/cart/publication"),
        ("post", "flows/cart/pause"),
        ("delete", "flows/cart/pause"),
    ):
        assert call(client, world.other, method, path)[0] == 404, path


def test_a_write_key_and_a_narrow_key_may_not(client: Client, world: World) -> None:
    answer = client.get(
        "/api/v1/flows", headers={"Authorization": f"Bearer {world.shop.write_key}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = client.get("/api/v1/flows")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
