"""The catalogue's pages and API: what is shown to whom, and who may decide what."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.domain.folding import sweep_catalogue
from segments.domain.segments import create_segment
from tenancy.clock import business_now
from tenancy.domain.keys import create_api_key
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.events.edges import logged_in, post, track
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db
ORDER = {"order_id": "A-9", "total": "much", "email": "maya@example.com"}


@pytest.fixture
def shop(world: World) -> Brand:
    """Two names came, one in two spellings; the look-alike has one name of its own."""
    send(world.shop, track("order_completed", properties=ORDER))
    send(world.shop, track("Placed Order", properties={"order_id": 1, "total": 5}))
    send(world.shop, track("Kiln / opened?", properties={"shelf": 2}))
    send(world.other, track("Glaze Mixed", properties={"secret": "theirs"}))
    sweep_catalogue(now=business_now())
    return world.shop


def send(brand: Brand, *items: dict[str, Any]) -> None:
    status, answer = post("/v1/batch", {"batch": list(items)}, key=brand.write_key)
    assert (status, answer["rejected"]) == (200, 0), answer


def api(brand: Brand, path: str = "", *, key: str = "", body: Any = None) -> tuple[int, Any]:
    answer = Client().generic(
        "GET" if body is None else "PATCH",
        f"/api/v1/event-definitions{path}",
        "" if body is None else json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {key or brand.api_key}"},
    )
    return answer.status_code, answer.json()


def base(brand: Brand) -> str:
    return f"/w/{brand.tenant.slug}/settings/events/"


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_names_what_came_here_and_nowhere_else(shop: Brand) -> None:
    html = read(logged_in(shop), base(shop))
    assert "Order Completed" in html
    assert "Kiln / opened?" in html
    assert "50%" in html  # one of two orders has a total that is no amount
    assert "Glaze Mixed" not in html
    own = read(logged_in(shop), f"{base(shop)}?show=own")
    assert "Order Completed" not in own
    found = read(logged_in(shop), f"{base(shop)}?q=kiln")
    assert "Order Completed" not in found
    assert "Kiln / opened?" in found


def test_a_page_tells_properties_spellings_and_bodies(shop: Brand) -> None:
    html = read(logged_in(shop), f"{base(shop)}name/Order%20Completed/")
    for said in ("order_completed", "Placed Order", "woocommerce_add", "an amount, such as 19.99"):
        assert (said in html) is (said != "woocommerce_add"), said
    assert "maya@example.com" in html
    assert "50% of 2 read as expected" in " ".join(html.split())


def test_names_with_odd_letters_have_a_page(shop: Brand) -> None:
    html = read(logged_in(shop), f"{base(shop)}name/{quote('Kiln / opened?')}/")
    assert "shelf" in html


def test_roles_without_numbers_see_masked_bodies(shop: Brand) -> None:
    html = read(logged_in(shop, "developer"), f"{base(shop)}name/Order%20Completed/")
    assert "A-9" in html
    assert "maya@example.com" not in html


def test_the_other_workspace_does_not_know_the_name(world: World, shop: Brand) -> None:
    client = logged_in(world.other)
    assert client.get(f"{base(world.other)}name/Order%20Completed/").status_code == 404
    assert api(world.other, "/Order%20Completed")[0] == 404
    assert api(world.other, "/Order%20Completed", body={"is_sensitive": True})[0] == 404
    assert [one["name"] for one in api(world.other)[1]["event_definitions"]] == ["Glaze Mixed"]


def test_a_marketer_decides_and_it_is_written_down(world: World, shop: Brand) -> None:
    client = logged_in(shop, "marketer")
    form = {"workspace": shop.tenant.slug, "is_expected": "no", "is_sensitive": "on"}
    answer = client.post(f"{base(shop)}change/Order%20Completed/", form)
    assert answer.status_code == 302
    status, shown = api(shop, "/Order%20Completed")
    assert (status, shown["is_expected"], shown["is_sensitive"]) == (200, False, True)
    with tenant_scope(shop.tenant.id):
        [entry] = AuditEntry.objects.filter(action="event_definition.changed")
    assert entry.target == "Order Completed"
    assert entry.data["after"] == {"is_expected": False, "is_sensitive": True}
    form |= {"is_expected": "", "is_sensitive": ""}
    client.post(f"{base(shop)}change/Order%20Completed/", form)
    shown = api(shop, "/Order%20Completed")[1]
    assert (shown["is_expected"], shown["is_sensitive"]) == (True, False)
    bad = client.post(f"{base(shop)}change/Order%20Completed/", {**form, "is_expected": "maybe"})
    assert bad.status_code == 422
    assert "Choose one of the answers." in bad.content.decode()


@pytest.mark.parametrize("role", ["analyst", "support", "developer"])
def test_others_may_look_only(shop: Brand, role: str) -> None:
    client = Client()
    if role == "analyst":
        client.force_login(shop.analyst)
    else:
        client = logged_in(shop, role)
    assert "Save" not in read(client, f"{base(shop)}name/Order%20Completed/")
    form = {"workspace": shop.tenant.slug, "is_expected": "no"}
    assert client.post(f"{base(shop)}change/Order%20Completed/", form).status_code == 403


def test_the_api_tells_and_changes(shop: Brand) -> None:
    status, page = api(shop, "?limit=1")
    assert [one["name"] for one in page["event_definitions"]] == ["Kiln / opened?"]
    status, page = api(shop, f"?limit=1&cursor={page['next_cursor']}")
    [order] = page["event_definitions"]
    assert page["next_cursor"] is None
    assert order["volume"] == {"total": 2, "last_24h": 2, "last_7d": 2, "last_30d": 2}
    assert (order["valid_share"], order["is_standard"], order["is_own"]) == (0.5, True, False)
    assert "Placed Order" in order["aliases"]
    status, one = api(shop, "/placed_order")  # by an alias
    assert (status, one["name"], one["looked_at"]) == (200, "Order Completed", 2)
    assert one["spellings"] == {"order_completed": 1, "Placed Order": 1}
    total = next(each for each in one["properties"] if each["name"] == "total")
    assert (total["types"], total["wrong"]) == ({"number": 1, "string": 1}, 1)
    status, one = api(shop, "/Order%20Completed", body={"is_sensitive": True})
    assert (status, one["is_sensitive"], one["is_expected"]) == (200, True, True)
    status, one = api(shop, "/Order%20Completed", body={"is_expected": False})
    assert (one["is_sensitive"], one["is_expected"]) == (True, False)
    status, one = api(shop, "/Order%20Completed", body={"is_expected": None})
    assert (one["is_sensitive"], one["is_expected"]) == (True, True)


def test_what_may_not_be_changed(shop: Brand) -> None:
    send(shop, {"type": "identify", "userId": "u1", "traits": {"city": "Austin"}})
    status, problem = api(shop, "/Contact%20Changed", body={"is_sensitive": True})
    assert (status, problem["errors"][0]["code"]) == (422, "reserved_name")
    assert api(shop, "/Never%20Came", body={"is_sensitive": True})[0] == 404
    assert api(shop, "/Order%20Completed", body={"is_sensitiv": True})[0] == 422
    with tenant_scope(shop.tenant.id):
        _, reads = create_api_key(name="R", scopes=["events:read"], now=business_now())
    assert api(shop, "/Order%20Completed", key=reads)[0] == 200
    assert api(shop, "/Order%20Completed", key=reads, body={"is_sensitive": True})[0] == 403


def test_segments_that_ask_about_it_are_named(world: World, shop: Brand) -> None:
    definition = {
        "all": [{"event": "Order Completed", "count": {"op": "gte", "value": 1}, "within": "P30D"}]
    }
    for brand, name in ((world.other, "Theirs"), (shop, "Buyers")):
        with tenant_scope(brand.tenant.id):
            create_segment(name, definition=definition, now=world.now)
    used = api(shop, "/Order%20Completed")[1]["used_in"]
    assert used == [{"kind": "segment", "name": "Buyers", "role": "asks", "live": True}]
    assert "Buyers" in read(logged_in(shop), f"{base(shop)}name/Order%20Completed/")


def test_the_list_asks_as_many_queries_for_many_names(shop: Brand) -> None:
    client = logged_in(shop)
    read(client, base(shop))
    with CaptureQueriesContext(connection) as few:
        read(client, base(shop))
    send(shop, *(track(f"Kiln {number}", messageId=str(number)) for number in range(30)))
    sweep_catalogue(now=business_now())
    with CaptureQueriesContext(connection) as many:
        html = read(client, base(shop))
    assert len(many) == len(few)
    assert 'rel="next"' in html
