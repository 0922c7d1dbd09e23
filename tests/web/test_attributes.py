"""Attributes on the pages: what is listed, who decides, what a contact's page and form say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from people.domain.attributes import TraitChange, apply_traits
from people.domain.declaring import declare_attribute
from people.domain.definitions import read_rules
from people.domain.lines import note_landlines
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from segments.domain.segments import create_segment
from templates_engine.domain.templates import save_and_approve
from tenancy.ids import show_id
from tenancy.models import AuditEntry, User
from tenancy.scope import tenant_scope
from tests.events.edges import logged_in
from tests.support.world import Brand, World

BASE = "/w/juniper/settings/attributes/"
SPACE = {"workspace": "juniper"}


def add(brand: Brand, key: str, now: datetime, phone: str = "", **traits: Any) -> UUID:
    with tenant_scope(brand.tenant.id):
        [contact] = resolve_contacts([IdentityRef(external_id=key, phone=phone or None)], now=now)
        assert contact is not None
        apply_traits([TraitChange(contact, traits, by="event")], now=now)
    return contact


@pytest.fixture
def maya(world: World, now: datetime) -> UUID:
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("visits", {"kind": "number"}, now=now)
        declare_attribute("mood", {"kind": "text", "is_sensitive": True}, now=now)
    add(world.other, "maya", now, first_name="Theirs", secret="theirs")
    add(world.shop, "ruth", now, first_name="Ruth", visits="often")
    return add(
        world.shop, "maya", now, phone="+13105550142", first_name="TEST", visits="12", mood="gloomy",
        birthday="March 14",
    )  # fmt: skip


def read(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def squeezed(html: str) -> str:
    return " ".join(html.split())


def send(client: Client, name: str, **data: str) -> Any:
    return client.post(f"{BASE}change/{name}/", {**SPACE, **data})


@pytest.mark.django_db
def test_the_list_names_types_shares_uses_and_nothing_of_others(
    world: World, maya: UUID, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        save_and_approve("hello", body="Hi [FirstName or 'there']", now=now)
        definition = {"all": [{"attribute": "visits", "op": "gt", "value": 3}]}
        create_segment("Regulars", definition=definition, now=now)
    html = read(logged_in(world.shop), BASE)
    for said in ("visits", "birthday", "lifecycle_stage", "first_name", "Regulars", "Hello"):
        assert said in html, said
    assert "secret" not in html
    assert "theirs" not in html.lower()
    assert "secret" not in read(logged_in(world.shop), f"{BASE}?q=birth")
    assert ">visits<" not in read(logged_in(world.shop), f"{BASE}?q=birth")


@pytest.mark.django_db
def test_sensitive_values_are_masked_and_others_only_for_roles_that_do_not_see_them(
    world: World, maya: UUID
) -> None:
    owner, analyst = logged_in(world.shop), signed_in(world.shop.analyst)
    assert "gloomy" not in read(owner, f"{BASE}name/mood/")
    assert "•••••" in read(owner, f"{BASE}name/mood/")
    assert "Ruth" in read(owner, f"{BASE}name/first_name/")
    assert "Ruth" not in read(analyst, f"{BASE}name/first_name/")
    assert "it is a test value" in read(analyst, f"{BASE}name/first_name/")
    assert "What would not fit" not in read(analyst, f"{BASE}name/first_name/")
    assert send(analyst, "visits", kind="text").status_code == 403
    read(owner, f"{BASE}name/secret/", 404)


@pytest.mark.django_db
def test_a_check_says_what_would_not_fit_and_saves_nothing(
    world: World, maya: UUID, now: datetime
) -> None:
    for key, size in (("a", 4), ("b", "12"), ("c", "huge")):
        add(world.shop, key, now, size=size)
    owner = logged_in(world.shop)
    answer = send(owner, "size", kind="number", act="check")
    html = squeezed(answer.content.decode())
    assert answer.status_code == 200
    assert "1 of 3 values would not fit" in html
    assert "1 fit as they are, 1 would be read as the new type" in html
    assert "“huge” (1)" in html
    with tenant_scope(world.shop.tenant.id):
        assert read_rules().by_name["size"].kind == "number"  # inferred from the 4 that came first
        assert not read_rules().by_name["size"].is_declared
        assert not AuditEntry.objects.filter(target="size").exists()
    assert send(owner, "size", kind="number", act="save", kept_days="30").status_code == 302
    with tenant_scope(world.shop.tenant.id):
        rule = read_rules().by_name["size"]
        assert (rule.is_declared, rule.kept_days, rule.is_sensitive) == (True, 30, False)
        assert AuditEntry.objects.filter(target="size").count() == 1
    assert "Of another type" in read(owner, f"{BASE}name/size/")
    wrong = send(owner, "size", kind="number", kept_days="soon")
    assert wrong.status_code == 422
    assert "Write a number of days." in wrong.content.decode()


@pytest.mark.django_db
def test_an_attribute_is_declared_before_anybody_tells_it(world: World, maya: UUID) -> None:
    owner = logged_in(world.shop)
    said = {"name": "plan", "kind": "choice", "choices": "Basic\nGold", "kept_days": ""}
    answer = owner.post(f"{BASE}new/", {**SPACE, **said})
    assert answer.status_code == 302
    assert "Gold" in read(owner, answer["Location"])
    again = owner.post(f"{BASE}new/", {**SPACE, **said})
    assert again.status_code == 422
    assert "There is an attribute of this name." in again.content.decode()
    with tenant_scope(world.other.tenant.id):
        assert "plan" not in read_rules().by_name


@pytest.mark.django_db
def test_a_contacts_page_says_who_told_what_and_why_it_is_not_said(
    world: World, maya: UUID, now: datetime
) -> None:
    add(world.shop, "maya", now, visits="many")
    path = f"/w/juniper/contacts/{show_id('con', maya)}/"
    html = squeezed(read(logged_in(world.shop), path))
    for said in (
        "TEST", "Not said", "It is a test value.", "Events, ", "--03-14",
        "“many” was told and is not a number, such as 12 or 4.5.", "It is marked sensitive.",
        "by the numbering plan",
    ):  # fmt: skip
        assert said in html, said
    analyst = squeezed(read(signed_in(world.shop.analyst), path))
    assert "“many”" not in analyst
    assert "gloomy" not in analyst


@pytest.mark.django_db
def test_the_form_takes_a_value_in_its_type(world: World, maya: UUID) -> None:
    owner = logged_in(world.shop)
    path = f"/w/juniper/contacts/{show_id('con', maya)}/edit/"
    html = read(owner, path)
    assert "<option selected>new</option>" not in html
    assert "lapsed" in html

    def edit(**data: str) -> Any:
        return owner.post(path, {**SPACE, **data})

    wrong = edit(**{"attribute.visits": "many", "was.attribute.visits": "12"})
    assert wrong.status_code == 422
    assert "This must be a number, such as 12 or 4.5." in wrong.content.decode()
    wrong = edit(**{"attribute.birthday": "03/04", "was.attribute.birthday": "--03-14"})
    assert wrong.status_code == 422
    assert edit(
        **{
            "attribute.visits": "13", "was.attribute.visits": "12",
            "attribute.lifecycle_stage": "repeat", "was.attribute.lifecycle_stage": "",
            "attribute.birthday": "1990-03-14", "was.attribute.birthday": "--03-14",
        }
    ).status_code == 302  # fmt: skip
    with tenant_scope(world.shop.tenant.id):
        found = contacts_by_id([maya])[maya]
    assert found.attributes == {
        "visits": 13, "mood": "gloomy", "birthday": "1990-03-14", "lifecycle_stage": "repeat",
    }  # fmt: skip
    assert found.told["visits"][0] == "hand"


@pytest.mark.django_db
def test_a_landline_is_marked_where_the_carrier_said_so(
    world: World, maya: UUID, now: datetime
) -> None:
    owner, later = logged_in(world.shop), now + timedelta(hours=1)
    assert "Landline" not in read(owner, "/w/juniper/contacts/")
    theirs = add(world.other, "zoe", now, phone="+13105550142")
    with tenant_scope(world.shop.tenant.id):
        assert note_landlines([(maya, "+13105550199"), (theirs, "+13105550142")], now=later) == 0
        assert note_landlines([(maya, "+13105550142")], now=later) == 1
    assert "Landline" in read(owner, "/w/juniper/contacts/")
    path = f"/w/juniper/contacts/{show_id('con', maya)}/"
    assert "as the carrier reported" in read(owner, path)
    with tenant_scope(world.shop.tenant.id):
        apply_traits([TraitChange(maya, {"phone": "+12125550117"}, by="api")], now=later)
        assert "phone_type" not in contacts_by_id([maya])[maya].told
    assert "as the carrier reported" not in read(owner, path)


def test_somebody_tries_a_type_and_saves_it(
    page: Page, live_server: Any, log_in: Any, committed_world: World, now: datetime
) -> None:
    shop = committed_world.shop
    for key, size in (("a", 4), ("b", "huge")):
        add(shop, key, now, size=size)
    log_in(page.context, shop)
    page.goto(f"{live_server.url}{BASE}")
    page.get_by_role("link", name="size", exact=True).click()
    page.get_by_label("Type", exact=True).select_option("number")
    page.get_by_role("button", name="What would not fit?", exact=True).click()
    expect(page.locator(".note[role=status]")).to_contain_text("1 of 2 values would not fit")
    expect(page.get_by_label("Type", exact=True)).to_have_value("number")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#attribute")).to_have_text("size")
    expect(page.get_by_text("it is not of the declared type")).to_be_visible()
