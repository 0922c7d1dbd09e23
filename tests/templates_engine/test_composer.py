"""The composer's edge: parts, previews, coverage and problems of a text that is being written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from django.test import Client

from events.domain.recording import NewEvent, append_events
from people.domain.attributes import TraitChange, apply_traits
from people.domain.resolving import IdentityRef, resolve_contacts
from templates_engine.core.fields import find_field
from templates_engine.core.inlining import inline_fallbacks, insertion
from tenancy.ids import show_id
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World

URL = "/w/juniper/composer/"


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def compose(client: Client, body: str, **given: str) -> dict[str, Any]:
    answer = client.post(URL, {"workspace": "juniper", "body": body, **given})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def add(brand: Brand, key: str, now: datetime, **traits: Any) -> UUID:
    with tenant_scope(brand.tenant.id):
        [contact] = resolve_contacts(
            [IdentityRef(external_id=key, phone=f"+1310555{crc32(key.encode()) % 10000:04d}")],
            now=now,
        )
        assert contact is not None
        apply_traits([TraitChange(contact, traits)], now=now)
    return contact


def field_of(written: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in written["fields"] if one["key"] == key)
    return found


def test_the_first_text_somebody_unknown_would_read(shop: Client) -> None:
    written = compose(shop, "Hi [FirstName or 'there'], your cart: [CartLink]")
    assert written["unknown_preview"].startswith("Juniper & Oak: Hi there, your cart: http")
    assert written["unknown_preview"].endswith("Reply STOP to opt out")
    assert (written["num_segments"], written["encoding"]) == (1, "GSM-7")
    assert written["characters"] == len(written["unknown_preview"])
    assert written["left"] == 160 - written["characters"]
    assert written["problems"] == []
    assert written["preview"] == ""


def test_only_marketing_carries_the_way_out(shop: Client) -> None:
    assert "STOP" not in compose(shop, "Shipped", message_type="transactional")["unknown_preview"]
    said = compose(shop, "Sale. Text STOP to end")["unknown_preview"]
    assert said.count("STOP") == 1


def test_the_guilty_character_is_named(shop: Client) -> None:
    written = compose(
        shop, "It\N{RIGHT SINGLE QUOTATION MARK}s back \N{WHITE HEAVY CHECK MARK}" + "x" * 60
    )
    assert (written["encoding"], written["num_segments"]) == ("UCS-2", 2)
    assert [(one["character"], one["plain"]) for one in written["guilty"]] == [
        ("\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        ("\N{WHITE HEAVY CHECK MARK}", ""),
    ]
    assert written["guilty"][0]["name"] == "Right single quotation mark"
    assert written["plain_body"].startswith("It's back")


def test_preview_as_a_contact_and_as_nobody(shop: Client, world: World, now: datetime) -> None:
    maya = add(world.shop, "maya", now, first_name="Maya")
    with tenant_scope(world.shop.tenant.id):
        happened = NewEvent(
            name="Checkout Started",
            contact_id=maya,
            properties={"cart_url": "https://juniper.example/c", "value": 64, "currency": "USD"},
            occurred_at=now,
            kind="track",
        )
        append_events([happened], now=now)
    written = compose(
        shop,
        "Hi [FirstName or 'there']: [CartTotal or 'your total']",
        contact=show_id("con", maya),
        audience="event:Checkout Started",
    )
    assert "Hi Maya: $64" in written["preview"]
    assert "Hi there: your total" in written["unknown_preview"]
    assert written["characters"] == len(written["preview"])


def test_without_its_field_a_text_is_not_sent(shop: Client, world: World, now: datetime) -> None:
    nameless = add(world.shop, "nameless", now, city="Austin")
    written = compose(shop, "Hi [FirstName or skip]", contact=show_id("con", nameless))
    assert written["preview"] == ""
    assert "FirstName is missing" in written["preview_note"]
    assert written["problems"] == []


def test_a_missing_fallback_says_whom_it_concerns(
    shop: Client, world: World, now: datetime
) -> None:
    for number in range(4):
        traits = {"city": "Austin"} if number else {"city": "Austin", "first_name": "Ada"}
        add(world.shop, f"p{number}", now, **traits)
    add(world.other, "theirs", now, first_name="Eve")
    written = compose(shop, "Hi [FirstName], so near [City]?")
    problems = {one["field"]: one for one in written["problems"]}
    assert problems["FirstName"]["code"] == "fallback_missing"
    assert "3 of the newest 4 people (75%) have none." in problems["FirstName"]["detail"]
    assert "all of the newest 4 people have it" in problems["City"]["detail"]
    assert field_of(written, "first_name")["coverage"] == 0.25
    assert field_of(written, "city")["coverage"] == 1.0
    assert written["audience"] == 4
    assert written["num_segments"] == 0


def test_coverage_is_the_audiences(shop: Client, world: World, now: datetime) -> None:
    add(world.shop, "quiet", now, first_name="Quin")
    buyer = add(world.shop, "buyer", now, city="Austin")
    with tenant_scope(world.shop.tenant.id):
        append_events(
            [
                NewEvent(
                    name="Checkout Started",
                    contact_id=buyer,
                    properties={"value": value, "currency": "USD"},
                    occurred_at=now + timedelta(seconds=value),
                    kind="track",
                )
                for value in (5, 9)
            ],
            now=now + timedelta(minutes=1),
        )
    written = compose(shop, "Hello", audience="event:Checkout Started")
    assert written["audience"] == 1
    assert field_of(written, "first_name")["coverage"] == 0.0
    assert field_of(written, "cart_total")["coverage"] == 1.0
    assert compose(shop, "Hello", audience="nonsense:x")["audience"] == 0
    assert field_of(compose(shop, "Hello", audience="nonsense:x"), "city")["coverage"] is None


def test_fields_carry_what_a_chip_inserts(shop: Client) -> None:
    written = compose(shop, "Yours, [BrandName]")
    assert written["fields"][0]["key"] == "brand_name"
    assert written["fields"][0]["used"]
    assert field_of(written, "first_name")["insert"] == "[FirstName or 'there']"
    assert field_of(written, "cart_link")["insert"] == "[CartLink]"
    assert field_of(written, "first_name")["fallback"] == "there"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "template_syntax"),
        ("Hi [FirstName", "template_syntax"),
        ("Hi [Frstname or 'x']", "field_unknown"),
        ("x" * 1601, "template_too_long"),
        ("x" * 4001, "template_too_long"),
        ("[CartLink or 'soon']", "fallback_not_link"),
    ],
)
def test_what_is_wrong_is_the_answer(shop: Client, body: str, code: str) -> None:
    assert [one["code"] for one in compose(shop, body)["problems"]] == [code]


def test_bad_input_is_named(shop: Client, world: World, now: datetime) -> None:
    theirs = add(world.other, "theirs", now, first_name="Eve")
    for given, status in (
        ({"syntax": "php"}, 422),
        ({"message_type": "spam"}, 422),
        ({"contact": "con_x"}, 404),
        ({"contact": show_id("con", theirs)}, 404),
    ):
        answer = shop.post(URL, {"workspace": "juniper", "body": "Hi", **given})
        assert answer.status_code == status, given
    assert shop.get(URL).status_code == 405


def test_who_may_not_see_numbers_sees_none(client: Client, world: World, now: datetime) -> None:
    maya = add(world.shop, "maya", now, first_name="Maya", email="maya@secret.example")
    body = {"body": "To [contact.email or 'you']", "contact": show_id("con", maya)}
    said = {}
    for name, person in (("owner", world.shop.owner), ("analyst", world.shop.analyst)):
        assert isinstance(person, User)
        client.force_login(person)
        said[name] = compose(client, **body)["preview"]
        listed = client.get("/w/juniper/composer/contacts/").json()["contacts"]
        said[f"{name} list"] = listed[0]["name"]
    assert "maya@secret.example" in said["owner"]
    assert "secret" not in said["analyst"]
    assert "+1 (310) 555" in said["owner list"]
    assert "555" not in said["analyst list"].replace(said["analyst list"][-4:], "")


def test_people_to_preview_as(shop: Client, world: World, now: datetime) -> None:
    maya = add(world.shop, "maya", now, first_name="Maya")
    add(world.other, "theirs", now, first_name="Eve")
    listed = shop.get("/w/juniper/composer/contacts/").json()["contacts"]
    assert [one["id"] for one in listed] == [show_id("con", maya)]
    found = shop.get("/w/juniper/composer/contacts/", {"q": "maya"}).json()["contacts"]
    assert [one["id"] for one in found] == [show_id("con", maya)]
    assert shop.get("/w/juniper/composer/contacts/", {"q": "nobody"}).json() == {"contacts": []}
    # Whoever may not see an address may not try one out either.
    apply = [TraitChange(maya, {"email": "maya@secret.example"})]
    with tenant_scope(world.shop.tenant.id):
        apply_traits(apply, now=now)
    by_mail = {"q": "maya@secret.example"}
    assert len(shop.get("/w/juniper/composer/contacts/", by_mail).json()["contacts"]) == 1
    shop.force_login(world.shop.analyst)
    assert shop.get("/w/juniper/composer/contacts/", by_mail).json() == {"contacts": []}


def test_stored_fallbacks_are_written_out_for_editing() -> None:
    shop_url = "https://juniper.example"
    body = "It's back [ProductName]: [ProductLink] \\[x\\] [City or skip]"
    fields = {"ProductName": "Your 'item'", "ProductLink": f"{shop_url}/"}
    shown = inline_fallbacks(body, fields, shop_url=shop_url)
    assert shown == (
        "It's back [ProductName or 'Your \\'item\\'']: [ProductLink] \\[x\\] [City or skip]"
    )
    assert inline_fallbacks(shown, {}, shop_url=shop_url) == shown
    elsewhere = inline_fallbacks("[CartLink]", {"CartLink": "https://x.example/a"})
    assert elsewhere == "[CartLink or 'https://x.example/a']"
    assert inline_fallbacks("Hi [Broken", {}) == "Hi [Broken"
    tip = find_field("ProductTip")
    assert tip is not None
    assert insertion(tip) == "[ProductTip]"
