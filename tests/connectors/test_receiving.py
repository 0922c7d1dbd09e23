"""The door: who is believed, what is stored, what a repetition or a stranger changes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from connectors.domain.connectors import rotate_secret, state_of
from connectors.domain.receiving import KEPT_BODIES, KEPT_FAILURES, KEPT_FOR
from connectors.domain.sweeping import forget_old, sweep_bodies
from connectors.models import Connector, ReceivedBody
from consent.models import ConsentRecord
from events.models import Event
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.connectors.door import SECRET, Door, example, open_door, people
from tests.events.edges import stored
from tests.support.world import World

pytestmark = pytest.mark.django_db


def order(now: datetime, **more: Any) -> dict[str, Any]:
    at = (now - timedelta(minutes=1)).isoformat()
    return {**example("shopify/2025-10_order"), "processed_at": at, "created_at": at, **more}


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world.shop, "shopify")


def test_a_signed_order_becomes_one_event_of_one_contact(
    world: World, door: Door, now: datetime
) -> None:
    assert door.told("orders/create", order(now)) == [("Order Completed", "accepted")]
    assert stored(world.shop).count("Order Completed") == 1
    (contact,) = people(world.shop)
    assert (contact.external_id, contact.phone) == ("207119551", "+16135550107")
    assert people(world.other) == []


def test_posted_twice_counts_once_whatever_the_delivery_is_called(
    world: World, door: Door, now: datetime
) -> None:
    body = order(now)
    assert door.post("orders/create", body, delivery="d1")[1]["duplicate"] is False
    status, again = door.post("orders/create", body, delivery="d1")
    assert (status, again["duplicate"]) == (200, True)
    assert door.told("orders/create", body, delivery="d2") == [("Order Completed", "duplicate")]
    # Paying is told by another topic and is the same order.
    assert door.told("orders/paid", body, delivery="d3") == [("Order Completed", "duplicate")]
    assert stored(world.shop).count("Order Completed") == 1
    assert [body.times for body in door.bodies()] == [2, 1, 1]


@pytest.mark.parametrize("kind", ["shopify", "woocommerce", "webhook"])
def test_a_wrong_signature_changes_nothing_but_a_counted_failure(
    world: World, now: datetime, kind: str
) -> None:
    door = open_door(world.shop, kind)
    status, answer = door.post("orders/create", order(now), secret="another-secret-0123456789")
    assert (status, answer["code"]) == (401, "bad_signature")
    row = door.row()
    assert (row.failure_count, row.failures[0]["reason"]) == (1, "bad_signature")
    assert state_of(row) == "failing"
    assert row.first_signed_at is None
    assert (stored(world.shop), people(world.shop), door.bodies()) == ([], [], [])
    text = json.dumps(row.failures)
    assert "613555" not in text
    assert "bob.norman" not in text


def test_an_unsigned_request_and_one_before_the_secret_are_told_apart(
    world: World, now: datetime
) -> None:
    door = open_door(world.shop, "shopify", secret="")
    assert door.post("orders/create", order(now), secret=SECRET)[1]["code"] == "no_secret"
    with tenant_scope(world.shop.tenant.id):
        rotate_secret(Connector.objects.get(), secret=SECRET, now=wall_now())
    bare = Client().post(door.path, b"{}", "application/json")
    assert (bare.status_code, bare.json()["code"]) == (401, "no_signature")
    door.secret = SECRET
    assert door.told("orders/create", order(now)) == [("Order Completed", "accepted")]
    assert state_of(door.row()) == "connected"


def test_failures_are_capped_and_a_flood_of_them_is_not_written_down(
    world: World, door: Door
) -> None:
    codes = [door.post("x", {}, secret="another-secret-0123456789")[1]["code"] for _ in range(30)]
    assert set(codes) == {"bad_signature", "rate_limited"}
    row = door.row()
    assert row.failure_count == codes.count("bad_signature") < 30
    assert len(row.failures) <= KEPT_FAILURES
    # Somebody else's noise does not shut the shop out.
    assert door.post("coupons/create", {"id": 1})[0] == 200


def test_both_secrets_count_while_one_is_replaced(world: World, now: datetime) -> None:
    door = open_door(world.shop, "woocommerce")
    with tenant_scope(world.shop.tenant.id):
        connector = Connector.objects.get()
        made = rotate_secret(connector, now=wall_now())
    assert made.startswith("whsec_")
    assert door.post("coupon.created", {"id": 1}, secret=SECRET)[0] == 200
    assert door.post("coupon.created", {"id": 2}, secret=made)[0] == 200
    with tenant_scope(world.shop.tenant.id):
        Connector.objects.update(old_secret_until=wall_now() - timedelta(seconds=1))
    assert door.post("coupon.created", {"id": 3}, secret=SECRET)[0] == 401
    assert door.post("coupon.created", {"id": 4}, secret=made)[0] == 200


def test_secrets_are_encrypted_at_rest(world: World, door: Door) -> None:
    assert SECRET.encode() not in bytes(door.row().secrets_encrypted)
    assert door.row().secrets == (SECRET,)


def test_the_same_body_at_two_workspaces_never_mixes(
    world: World, door: Door, now: datetime
) -> None:
    other = open_door(world.other, "shopify")
    body = order(now)
    door.told("orders/create", body, delivery="same")
    assert people(world.other) == []
    assert other.told("orders/create", body, delivery="same") == [("Order Completed", "accepted")]
    assert {each.id for each in people(world.shop)} & {
        each.id for each in people(world.other)
    } == set()
    assert len(door.bodies()) == len(other.bodies()) == 1
    # The secret of one opens no door of the other.
    wrong = open_door(world.other, "woocommerce", secret="of-the-other-shop-0123456789")
    assert wrong.post("order.created", body, secret=SECRET)[0] == 401


def test_two_shops_of_one_workspace_keep_their_ids_apart(world: World, now: datetime) -> None:
    first, second = (open_door(world.shop, "woocommerce") for _ in range(2))
    customer = {**example("woocommerce/customer"), "date_modified_gmt": now.isoformat()[:19]}
    stranger = {
        **customer,
        "email": "somebody.else@x.example",
        "billing": {**customer["billing"], "email": "somebody.else@x.example"},
    }
    first.told("customer.created", customer)
    second.told("customer.created", stranger)
    ids = [each.external_id for each in people(world.shop)]
    assert ids == ["25", f"{second.row().id_prefix}25"]


def test_an_address_that_is_nobodys_is_not_there(world: World) -> None:
    for name in ("x" * 32, "short", "é" * 20):
        answer = Client().post(f"/webhooks/in/{name}", b"{}", "application/json")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"id": [', 400, "malformed_json"),
        (b"[]", 400, "malformed_json"),
        (b'"x"', 400, "malformed_json"),
        (b'{"name": "\xff\xfe"}', 400, "malformed_json"),
        (rb'{"name": "\ud800"}', 400, "malformed_json"),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 400, "malformed_json"),
        (b'{"id": NaN}', 400, "malformed_json"),
        (b'{"a": "' + b"x" * 600_000 + b'"}', 413, "body_too_large"),
    ],
    ids=["half", "list", "word", "not utf-8", "surrogate", "deep", "nan", "large"],
)
def test_a_body_that_is_none_is_refused_though_signed(
    world: World, door: Door, body: bytes, status: int, code: str
) -> None:
    got, answer = door.post("orders/create", body)
    assert (got, answer["code"]) == (status, code)
    assert (door.bodies(), stored(world.shop)) == ([], [])


def test_a_nul_in_a_body_harms_nobody(world: World, door: Door, now: datetime) -> None:
    body = order(now, name="#10\x0001")
    body["customer"]["first_name"] = "Bo\x00b"
    assert door.told("orders/create", body) == [("Order Completed", "accepted")]
    assert people(world.shop)[0].first_name == "Bob"


def test_a_packed_body_and_another_method_are_refused(world: World, door: Door) -> None:
    packed = Client().post(
        door.path, b"x", "application/json", headers={"Content-Encoding": "gzip"}
    )
    assert (packed.status_code, packed.json()["code"]) == (415, "unsupported_encoding")
    assert Client().get(door.path).status_code == 405


def test_an_unknown_topic_is_taken_and_ignored_by_name(world: World, door: Door) -> None:
    status, answer = door.post("themes/publish", {"id": 1})
    assert status == 200
    assert answer["results"][0]["code"] == "unknown_topic"
    assert stored(world.shop) == []


def test_what_a_request_has_not_finished_the_sweep_does(
    world: World, door: Door, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("connectors.domain.processing.accept_events", None)
        status, answer = door.post("orders/create", order(now))
    assert (status, answer["results"]) == (200, [])
    assert stored(world.shop) == []
    assert sweep_bodies() == 0  # it is still the request's own for a minute
    with tenant_scope(world.shop.tenant.id):
        ReceivedBody.objects.update(retry_at=wall_now() - timedelta(seconds=1))
    assert sweep_bodies() == 1
    assert stored(world.shop).count("Order Completed") == 1
    assert door.bodies()[0].state == "done"


def test_bodies_are_kept_in_number_and_in_time(world: World, door: Door, now: datetime) -> None:
    for number in range(KEPT_BODIES + 5):
        door.post("coupons/create", {"id": number})
    assert len(door.bodies()) == KEPT_BODIES
    with tenant_scope(world.shop.tenant.id):
        newest = door.bodies()[-1]
        ReceivedBody.objects.exclude(id=newest.id).update(
            received_at=now - KEPT_FOR - timedelta(seconds=1)
        )
    assert forget_old() == KEPT_BODIES - 1
    assert [body.id for body in door.bodies()] == [newest.id]


def test_what_happened_long_ago_is_history_and_starts_nothing(
    world: World, door: Door, now: datetime
) -> None:
    old = (now - timedelta(days=3)).isoformat()
    door.told("orders/create", order(now, id=1, processed_at=old))
    door.told("orders/create", order(now, id=2))
    with tenant_scope(world.shop.tenant.id):
        found = dict(
            Event.objects.filter(name="Order Completed").values_list("order_id", "backfill")
        )
        assert found == {"1": True, "2": False}
        assert ConsentRecord.objects.count() == 0
