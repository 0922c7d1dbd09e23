"""The settings pages: what each role sees, what is masked, and that errors name their field."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connectors.models import Connector
from tenancy.scope import tenant_scope
from tests.connectors.door import SECRET, Door, example, open_door
from tests.events.edges import logged_in, stored
from tests.support.world import World
from triggers.domain.recipes import install_recipe

pytestmark = pytest.mark.django_db
BASE = "/w/juniper/settings/connectors/"


def page_of(door: Door) -> str:
    return f"{BASE}cnr_{door.connector_id.hex}/"


def post(client: Any, path: str, **data: str) -> Any:
    return client.post(path, {"workspace": "juniper", **data})


def test_the_secret_is_shown_once_and_connected_only_after_a_signed_body(world: World) -> None:
    client = logged_in(world.shop)
    made = post(client, f"{BASE}new/", kind="woocommerce", name="Our shop")
    assert made.status_code == 201
    with tenant_scope(world.shop.tenant.id):
        connector = Connector.objects.get()
    (secret,) = connector.secrets
    assert secret in made.content.decode()
    path = f"{BASE}cnr_{connector.id.hex}/"
    shown = client.get(path).content.decode()
    assert secret not in shown
    assert f"/webhooks/in/{connector.public_id}" in shown
    assert "Waiting for a first body" in shown
    assert ">Connected<" not in shown
    door = Door(
        world.shop, connector.id, "woocommerce", f"/webhooks/in/{connector.public_id}", secret
    )
    door.post("coupon.created", {"id": 1})
    assert ">Connected<" in client.get(path).content.decode()
    door.post("coupon.created", {"id": 1}, secret="wrong-secret-0123456789")
    refused = client.get(path).content.decode()
    assert "Last request refused" in refused
    assert "made with another secret" in refused


def test_personal_data_is_masked_for_who_may_not_see_it(world: World, now: datetime) -> None:
    door = open_door(world.shop, "shopify")
    body = example("shopify/2025-10_customer") | {"updated_at": now.isoformat()}
    door.told("customers/update", body)
    for role, sees in (("owner", True), ("developer", False)):
        client = logged_in(world.shop, role)
        for path in (page_of(door), f"{page_of(door)}bodies/"):
            shown = client.get(path).content.decode()
            assert ("+16135550107" in shown) is sees
            assert ("bob.norman@" in shown) is sees
            assert "customers/update" in shown


def test_a_replay_from_the_page_does_nothing_twice(world: World, now: datetime) -> None:
    door = open_door(world.shop, "shopify")
    body = example("shopify/2025-10_customer") | {"updated_at": now.isoformat()}
    door.told("customers/update", body)
    before = stored(world.shop)
    (held,) = door.bodies()
    client = logged_in(world.shop)
    answer = post(client, f"{page_of(door)}replay/", body=f"bdy_{held.id.hex}")
    assert answer.status_code == 302
    assert stored(world.shop) == before
    assert (door.bodies()[0].replays, door.bodies()[0].state) == (1, "done")


def test_shopifys_own_secret_is_taken_and_a_cut_one_is_not(world: World, now: datetime) -> None:
    client = logged_in(world.shop)
    door = open_door(world.shop, "shopify", secret="")
    cut = post(client, f"{page_of(door)}act/", do="rotate", secret="short")
    assert cut.status_code == 422
    assert "copy it whole" in cut.content.decode()
    assert post(client, f"{page_of(door)}act/", do="rotate").status_code == 422
    assert post(client, f"{page_of(door)}act/", do="rotate", secret=SECRET).status_code == 302
    door.secret = SECRET
    assert door.post("coupons/create", {"id": 1})[0] == 200


def test_the_mapping_is_previewed_and_its_errors_stand_at_their_fields(world: World) -> None:
    door = open_door(world.shop, "webhook")
    client = logged_in(world.shop)
    form = {"event": "$.kind", "phone": "$.who", "properties": "n = $.n\ngone = $.gone"}
    empty = post(client, f"{page_of(door)}preview/", **form).content.decode()
    assert "No body has come yet" in empty
    tried = post(client, f"{page_of(door)}preview/", **form, sample='{"kind": "X", "who": {}}')
    assert "<code>phone</code>" in tried.content.decode()
    door.post("", {"kind": "Ticket Solved", "who": "(310) 555-0142", "n": 3})
    shown = post(client, f"{page_of(door)}preview/", **form).content.decode()
    assert "Ticket Solved" in shown
    assert "+13105550142" in shown
    assert "<code>gone</code> is not in it" in shown
    hidden = post(logged_in(world.shop, "developer"), f"{page_of(door)}preview/", **form)
    assert "+13105550142" not in hidden.content.decode()
    assert stored(world.shop) == []
    wrong = post(client, f"{page_of(door)}mapping/", event="", phone="tel", properties="x")
    assert wrong.status_code == 422
    assert "A path begins with $" in wrong.content.decode()
    assert post(client, f"{page_of(door)}mapping/", **form).status_code == 302
    assert door.row().mapping["properties"] == {"n": "$.n", "gone": "$.gone"}


def test_a_removed_connector_takes_nothing_more(world: World) -> None:
    door = open_door(world.shop, "webhook")
    door.post("", {"event": "X", "phone": "+13105550142"})
    client = logged_in(world.shop)
    assert post(client, f"{page_of(door)}act/", do="delete").status_code == 302
    assert door.post("", {"event": "X"})[0] == 404
    assert stored(world.shop).count("X") == 1
    assert client.get(page_of(door)).status_code == 404


def test_there_is_an_end_to_how_many(world: World) -> None:
    for _ in range(10):
        open_door(world.shop, "webhook")
    answer = post(logged_in(world.shop), f"{BASE}new/", kind="webhook")
    assert answer.status_code == 422
    assert "at most 10 connectors" in answer.content.decode()


def test_what_depends_on_a_connector_is_named(world: World, now: datetime) -> None:
    door, other = open_door(world.shop, "shopify"), open_door(world.shop, "webhook")
    client = logged_in(world.shop)
    assert "Nothing yet." in client.get(page_of(door)).content.decode()
    with tenant_scope(world.shop.tenant.id):
        install_recipe("cart-recovery", now=now)
    shown = client.get(page_of(door)).content.decode()
    assert "/w/juniper/flows/cart-recovery/" in shown
    assert "Nothing yet." in client.get(page_of(other)).content.decode()
    # A signed webhook's events are those it brought, or those its mapping names.
    other.post("", {"event": "Checkout Started", "phone": "+13105550142"})
    assert "/w/juniper/flows/cart-recovery/" in client.get(page_of(other)).content.decode()
