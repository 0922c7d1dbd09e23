from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people.models import Contact, Identifier
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.events.edges import count_rows, post, stored, track
from tests.support.world import World


def test_track_stores_an_event_of_a_new_contact(world: World) -> None:
    status, answer = post(
        "/v1/track",
        {"event": "order_completed", "userId": "u1", "properties": {"order_id": 7}},
        key=world.shop.write_key,
    )
    assert status == 200
    assert (answer["success"], answer["accepted"]) == (True, 1)
    (row,) = stored(world.shop, "id, name, original_name, order_id, source")
    assert row[1:] == ("Order Completed", "order_completed", "7", "server")
    assert answer["results"] == [{"index": 0, "status": "accepted", "id": show_id("evt", row[0])}]
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.get().external_id == "u1"
    assert count_rows(world.other) == dict.fromkeys(count_rows(world.other), 0)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Placed Order", "Order Completed"),
        ("started checkout", "Checkout Started"),
        ("Added to Cart", "Product Added"),
        ("productViewed", "Product Viewed"),
        ("orders/create", "Order Completed"),
        ("woocommerce_add_to_cart", "Product Added"),
        ("My Own Thing", "My Own Thing"),
    ],
)
def test_names_become_canonical_and_keep_the_original(world: World, sent: str, name: str) -> None:
    post("/v1/track", track(sent), key=world.shop.write_key)
    assert stored(world.shop, "name, original_name") == [(name, sent)]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("packed", [True, False])
def test_batch_takes_gzip_and_text_with_the_key_in_the_body(
    world: World, content_type: str, packed: bool
) -> None:
    body = {"batch": [track(), track("Cart Viewed")], "writeKey": world.shop.write_key}
    status, answer = post("/v1/batch", body, key=None, content_type=content_type, packed=packed)
    assert (status, answer["accepted"]) == (200, 2)
    assert stored(world.shop) == ["Product Viewed", "Cart Viewed"]


def test_packed_bytes_that_are_called_a_form_are_no_form(world: World) -> None:
    """As RudderStack's client for Node sends them, for whom nobody names a kind."""
    form = "application/x-www-form-urlencoded"
    body = {"batch": [track()]}
    key = world.shop.write_key
    status, answer = post("/v1/batch", body, key=key, content_type=form, packed=True)
    assert (status, answer["accepted"]) == (200, 1)
    status, answer = post("/v1/batch", body, key=key, content_type=form)
    assert (status, answer["code"]) == (415, "unsupported_media_type")
    assert stored(world.shop) == ["Product Viewed"]


def test_batch_answers_each_item_and_stores_only_the_good_ones(world: World) -> None:
    bad: list[Any] = [
        track(user=None),
        track(user="null"),
        track(event=""),
        track("SMS Sent"),
        track("sms_link_clicked"),
        {"type": "dance", "userId": "u1"},
        5,
        track(properties=[]),
        track(user=True),
        track(timestamp="yesterday"),
        track(timestamp="2999-01-01T00:00:00Z"),
        track(messageId="x" * 300),
        track(properties={"a": "\x00"}),
        track(properties={"a": "x" * 40_000}),
        {"type": "identify", "userId": "u2", "traits": {"phone": "12345"}},
        {"type": "identify", "userId": "u2", "traits": {"email": "nobody"}},
        {"type": "identify", "userId": "u2", "traits": {"timezone": "Mars/Base"}},
        {"type": "group", "userId": "u2"},
        {"type": "alias", "userId": "u2"},
    ]
    status, answer = post(
        "/v1/batch", {"batch": [track(), *bad, track("Cart Viewed")]}, key=world.shop.write_key
    )
    assert status == 200
    assert (answer["success"], answer["accepted"], answer["rejected"]) == (False, 2, len(bad))
    errors = [result["errors"][0] for result in answer["results"][1:-1]]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("userId", "required"),
        ("userId", "blocked_identifier"),
        ("event", "required"),
        ("event", "reserved_name"),
        ("event", "reserved_name"),
        ("type", "unknown_type"),
        ("", "wrong_type"),
        ("properties", "wrong_type"),
        ("userId", "wrong_type"),
        ("timestamp", "invalid_time"),
        ("timestamp", "time_in_future"),
        ("messageId", "invalid_message_id"),
        ("properties", "invalid_character"),
        ("", "event_too_large"),
        ("traits.phone", "invalid_phone"),
        ("traits.email", "invalid_email"),
        ("traits.timezone", "invalid_timezone"),
        ("groupId", "required"),
        ("previousId", "required"),
    ]
    assert all(error["detail"] for error in errors)
    assert stored(world.shop) == ["Product Viewed", "Cart Viewed"]
    with tenant_scope(world.shop.tenant.id):
        assert list(Contact.objects.values_list("external_id", flat=True)) == ["u1"]


def test_the_same_message_id_is_stored_once(world: World) -> None:
    body = {"batch": [track(messageId="m1"), track(messageId="m1"), track(messageId="m2")]}
    status, answer = post("/v1/batch", body, key=world.shop.write_key)
    assert (status, answer["accepted"], answer["duplicates"]) == (200, 2, 1)
    status, answer = post("/v1/batch", body, key=world.shop.write_key)
    assert (answer["accepted"], answer["duplicates"], answer["success"]) == (0, 3, True)
    assert len(stored(world.shop)) == 2
    status, answer = post("/v1/batch", body, key=world.other.write_key)
    assert answer["accepted"] == 2


def test_clock_of_the_client_is_corrected_by_sent_at(world: World) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3)
    body = {
        "batch": [track(timestamp=(ahead - timedelta(minutes=10)).isoformat())],
        "sentAt": ahead.isoformat(),
    }
    assert post("/v1/batch", body, key=world.shop.write_key)[0] == 200
    ((occurred, received, client, known),) = stored(
        world.shop, "occurred_at, received_at, client_time, known_at"
    )
    assert abs(received - occurred - timedelta(minutes=10)) < timedelta(seconds=1)
    assert client == ahead - timedelta(minutes=10)
    assert known == received


@pytest.mark.parametrize(("minutes", "status"), [(4, "accepted"), (6, "rejected")])
def test_up_to_five_minutes_ahead_counts_as_now(world: World, minutes: int, status: str) -> None:
    client = business_now() + timedelta(minutes=minutes)
    body = {"batch": [track(timestamp=client.isoformat())]}
    answer = post("/v1/batch", body, key=world.shop.write_key)[1]
    assert answer["results"][0]["status"] == status
    if status == "accepted":
        ((occurred, received, kept),) = stored(world.shop, "occurred_at, received_at, client_time")
        assert occurred == received
        assert kept == client


def test_import_is_history_known_since_it_occurred(world: World) -> None:
    body = {"batch": [track(timestamp="2024-03-01T10:00:00+01:00")]}
    assert post("/v1/import", body, key=world.shop.write_key)[1]["accepted"] == 1
    ((occurred, known, backfill),) = stored(world.shop, "occurred_at, known_at, backfill")
    assert occurred == known == datetime(2024, 3, 1, 9, tzinfo=UTC)
    assert backfill is True


def test_identify_fills_the_contact_and_tells_each_change(world: World) -> None:
    traits = {
        "firstName": "Ava",
        "last_name": "Reyes",
        "phone": "(310) 555-0142",
        "email": "Ava@Example.com",
        "address": {"city": "Austin", "state": "TX", "postalCode": "78701", "country": "us"},
        "timezone": "America/Chicago",
        "plan": "gold",
        "visits": 3,
        "vip": True,
    }
    call = {"userId": "u1", "anonymousId": "a1", "traits": traits}
    assert post("/v1/identify", call, key=world.shop.write_key)[0] == 200
    with tenant_scope(world.shop.tenant.id):
        contact = Contact.objects.get()
        assert (contact.first_name, contact.last_name) == ("Ava", "Reyes")
        assert (contact.phone, contact.email) == ("+13105550142", "ava@example.com")
        assert (contact.city, contact.region, contact.postal_code) == ("Austin", "TX", "78701")
        assert (contact.country, contact.timezone_source) == ("US", "explicit")
        assert contact.attributes == {
            "plan": "gold",
            "visits": 3,
            "vip": True,
            "address": traits["address"],
        }
        kinds = set(Identifier.objects.values_list("kind", "is_primary"))
    assert kinds == {
        ("external_id", True),
        ("phone", True),
        ("email", True),
        ("anonymous_id", False),
    }
    first, changed = stored(world.shop, "name, properties, id, cause_id")
    assert (first[0], changed[0]) == ("Contact Identified", "Contact Changed")
    assert changed[3] == first[2]
    news = json.loads(changed[1])
    assert news["new"]["phone"] == "+13105550142"
    assert news["old"]["city"] is None
    assert set(news["changed"]) >= {"phone", "email", "city", "plan", "visits", "vip"}
    # Saying it again changes nothing, taking one away is a change.
    call["traits"] = {"plan": "gold", "vip": True, "visits": None}
    post("/v1/identify", call, key=world.shop.write_key)
    last = stored(world.shop, "name, properties")[-1]
    assert json.loads(last[1]) == {
        "changed": ["visits"],
        "old": {"visits": 3},
        "new": {"visits": None},
    }


def test_phone_change_keeps_the_old_number_as_identifier(world: World) -> None:
    for phone in ("+13105550142", "+13105550143"):
        call = {"userId": "u1", "traits": {"phone": phone}}
        assert post("/v1/identify", call, key=world.shop.write_key)[0] == 200
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.get().phone == "+13105550143"
        held = Identifier.objects.filter(kind="phone").order_by("value")
        assert list(held.values_list("value", "is_primary")) == [
            ("+13105550142", False),
            ("+13105550143", True),
        ]
    news = json.loads(stored(world.shop, "name, properties")[-1][1])
    assert (news["old"], news["new"]) == ({"phone": "+13105550142"}, {"phone": "+13105550143"})


def test_phone_of_somebody_else_is_a_conflict_and_moves_nothing(world: World) -> None:
    for user in ("u1", "u2"):
        call = {"userId": user, "traits": {"phone": "+13105550142", "city": user}}
        assert post("/v1/identify", call, key=world.shop.write_key)[0] == 200
    with tenant_scope(world.shop.tenant.id):
        held = dict(Contact.objects.values_list("external_id", "phone"))
        owner = Contact.objects.get(external_id="u1")
    assert held == {"u1": "+13105550142", "u2": None}
    names = stored(world.shop, "name, properties")
    conflicts = [json.loads(each) for name, each in names if name == "Identity Conflict Detected"]
    assert conflicts == [{"identifier": "phone", "belongs_to": show_id("con", owner.id)}]


def test_anonymous_visitor_becomes_the_person_who_identifies(world: World) -> None:
    visit = {"event": "Product Viewed", "anonymousId": "a1"}
    post("/v1/track", visit, key=world.shop.write_key)
    post("/v1/identify", {"anonymousId": "a1", "userId": "u1"}, key=world.shop.write_key)
    post("/v1/track", track(), key=world.shop.write_key)
    assert len(set(stored(world.shop, "contact_id"))) == 1
    # A second device of the same person: its visitor's identifier moves to the known contact.
    post("/v1/track", {**visit, "anonymousId": "a2"}, key=world.shop.write_key)
    post("/v1/alias", {"previousId": "a2", "userId": "u1"}, key=world.shop.write_key)
    post("/v1/track", {**visit, "anonymousId": "a2"}, key=world.shop.write_key)
    known = stored(world.shop, "contact_id")
    assert known[-1] == known[0]
    # Somebody else's device stays theirs.
    post("/v1/identify", {"anonymousId": "a1", "userId": "u9"}, key=world.shop.write_key)
    post("/v1/track", {**visit, "anonymousId": "a1"}, key=world.shop.write_key)
    assert stored(world.shop, "contact_id")[-1] == known[0]


def test_device_time_zone_never_replaces_an_explicit_one(world: World) -> None:
    call = track(context={"timezone": "America/Denver"})
    post("/v1/track", call, key=world.shop.write_key)
    with tenant_scope(world.shop.tenant.id):
        contact = Contact.objects.get()
        assert (contact.timezone, contact.timezone_source) == ("America/Denver", "device")
    traits = {"timezone": "America/Chicago"}
    post("/v1/identify", {"userId": "u1", "traits": traits}, key=world.shop.write_key)
    post("/v1/track", call, key=world.shop.write_key)
    with tenant_scope(world.shop.tenant.id):
        contact = Contact.objects.get()
        assert (contact.timezone, contact.timezone_source) == ("America/Chicago", "explicit")


def test_page_and_screen_are_page_views(world: World) -> None:
    call = {"userId": "u1", "name": "Home", "properties": {"url": "https://juniper.example/"}}
    assert post("/v1/page", call, key=world.shop.write_key)[0] == 200
    assert post("/v1/screen", call, key=world.shop.write_key)[0] == 200
    rows = stored(world.shop, "name, kind, properties ->> 'name'")
    assert rows == [("Page Viewed", "page", "Home"), ("Screen Viewed", "page", "Home")]


def test_product_events_are_about_the_product(world: World) -> None:
    call = track("Product Inventory Changed", properties={"product_id": "sku-1", "quantity": 4})
    post("/v1/track", call, key=world.shop.write_key)
    assert stored(world.shop, "contact_id, subject_kind, subject_id") == [
        (None, "product", "sku-1")
    ]
    status, answer = post(
        "/v1/track", track("Product Inventory Changed", user=None), key=world.shop.write_key
    )
    assert (status, answer["errors"][0]["field"]) == (422, "properties.product_id")


@pytest.mark.parametrize("known", [True, False])
def test_number_of_queries_does_not_grow_with_the_batch(world: World, known: bool) -> None:
    def queries(count: int, start: int) -> int:
        batch = [
            track(user="u0" if known else f"n{start + i}", messageId=f"{known}{start}{i}")
            for i in range(count)
        ]
        with CaptureQueriesContext(connection) as caught:
            answer = post("/v1/batch", {"batch": batch}, key=world.shop.write_key)[1]
        assert answer["accepted"] == count
        return len(caught.captured_queries)

    queries(1, 10_000)
    assert queries(50, 100) == queries(1, 1)
