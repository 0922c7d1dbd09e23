"""Contacts by hand through HTTP: forms, roles, what stays hidden, what is written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.queries import consent_history
from events.models import Event
from people.domain.attributes import change_contacts
from people.domain.queries import contacts_by_id
from people.models import Contact
from tenancy.ids import show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.pages import flat
from tests.support.world import World
from tests.web.story import Story, tell_story

SPACE = {"workspace": "juniper"}
PROOF = {
    "way": "proof",
    "consent_source": "Paper card in the store",
    "consent_wording": "Text me offers",
    "consent_date": "2026-11-16T15:30",
}


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    return tell_story(world.shop, now=now)


def add(client: Client, **data: str) -> Any:
    return client.post("/w/juniper/contacts/new/", {**SPACE, **data})


def status_of(world: World, key: UUID) -> str:
    with tenant_scope(world.shop.tenant.id):
        contact = contacts_by_id([key])[key]
        return facts_for([contact], now=world.now)[key].status


def only_contact(world: World) -> Contact:
    with tenant_scope(world.shop.tenant.id):
        found: Contact = Contact.objects.get()
        return found


def test_a_contact_with_proof_is_subscribed(shop: Client, world: World) -> None:
    answer = add(shop, phone="(310) 555-0142", first_name="Maya", email="maya@example.com", **PROOF)
    assert answer.status_code == 302
    contact = only_contact(world)
    assert answer["Location"] == f"/w/juniper/contacts/{show_id('con', contact.id)}/"
    assert (contact.phone, contact.first_name) == ("+13105550142", "Maya")
    assert status_of(world, contact.id) == "subscribed"
    with tenant_scope(world.shop.tenant.id):
        (record,) = consent_history("+13105550142", with_personal=True)
        assert (record.source, record.disclosure) == ("agent", "Text me offers")
        assert record.occurred_at.isoformat() == "2026-11-16T23:30:00+00:00"  # Los Angeles
        assert record.personal["agreed_at"] == "Paper card in the store"
        actions = set(AuditEntry.objects.values_list("action", flat=True))
        assert {"contact.saved", "consent.recorded"} <= actions
        assert Event.objects.filter(name="SMS Subscribed").exists()


def statuses_of(world: World, key: UUID) -> dict[str, str]:
    with tenant_scope(world.shop.tenant.id):
        return facts_for([contacts_by_id([key])[key]], now=world.now)[key].statuses


def test_a_proof_about_offers_says_nothing_about_other_texts(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", **PROOF)
    key = only_contact(world).id
    assert statuses_of(world, key) == {
        "marketing": "subscribed",
        "transactional": "never_subscribed",
        "conversational": "never_subscribed",
    }
    with tenant_scope(world.shop.tenant.id):
        [record] = consent_history("+13105550142")
        assert record.message_types == ("marketing",)
    page = shop.get(f"/w/juniper/contacts/{show_id('con', key)}/").content.decode()
    assert "About their own orders and appointments only" in page
    assert "Answers to what they write only" in page
    # The words may name them too; nobody opts in to being answered.
    consent(shop, key, act="record", **PROOF, covers_orders="on")
    assert statuses_of(world, key)["transactional"] == "subscribed"
    assert statuses_of(world, key)["conversational"] == "never_subscribed"


def test_pasted_proofs_speak_about_offers_unless_they_name_more(shop: Client, world: World) -> None:
    rows = {**SPACE, "consent_source": "Form", "consent_wording": "Yes", "act": "save"}
    rows |= {"consent_date": "2026-05-01"}
    shop.post("/w/juniper/contacts/paste/", {**rows, "rows": "3105550142"})
    shop.post("/w/juniper/contacts/paste/", {**rows, "rows": "2125550199", "covers_orders": "on"})
    with tenant_scope(world.shop.tenant.id):
        [offers] = consent_history("+13105550142")
        [both] = consent_history("+12125550199")
    assert offers.message_types == ("marketing",)
    assert both.message_types == ("marketing", "transactional")


def test_a_yes_confirms_what_was_asked_and_no_more(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", way="ask", consent_source="Phone call", covers_orders="on")
    key = only_contact(world).id
    with tenant_scope(world.shop.tenant.id):
        wish = OptIn(
            phone="+13105550142", source="confirmation", occurred_at=world.now, contact_id=key
        )
        record_opt_ins([wish], now=world.now)
    assert statuses_of(world, key) == {
        "marketing": "subscribed",
        "transactional": "never_subscribed",
        "conversational": "never_subscribed",
    }


def collide(monkeypatch: pytest.MonkeyPatch, code: str, *, times: int) -> list[str]:
    """PostgreSQL ends the transaction while contacts are written, as often as said; what is left."""
    left = [code] * times

    def met(*given: Any, **named: Any) -> Any:
        done = change_contacts(*given, **named)
        if left:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE 'met' USING ERRCODE = '{left.pop()}'; END $$")
        return done

    monkeypatch.setattr("events.domain.contacts.change_contacts", met)
    return left


@pytest.mark.parametrize("path", ["new", "paste"])
@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_meeting_another_writer_is_repeated_not_told(
    shop: Client, world: World, monkeypatch: pytest.MonkeyPatch, path: str, code: str
) -> None:
    left = collide(monkeypatch, code, times=2)
    sent = {"rows": "3105550142,Maya", "act": "save"} | {"phone": "3105550142", **PROOF}
    answer = shop.post(f"/w/juniper/contacts/{path}/", {**SPACE, **sent})
    assert answer.status_code in {200, 302}
    assert left == []
    contact = only_contact(world)
    assert contact.phone == "+13105550142"
    with tenant_scope(world.shop.tenant.id):
        assert len(consent_history("+13105550142")) == 1
        assert Event.objects.filter(name="SMS Subscribed").count() == 1


def test_what_keeps_colliding_is_told_and_changes_nothing(
    shop: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.raise_request_exception = False
    collide(monkeypatch, "40P01", times=50)
    sent = {"rows": "3105550142,Maya", "act": "save"}
    assert shop.post("/w/juniper/contacts/paste/", {**SPACE, **sent}).status_code >= 500
    with tenant_scope(world.shop.tenant.id):
        assert not Contact.objects.exists()


def test_asking_by_text_leaves_it_pending_until_a_yes(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", way="ask", consent_source="Phone call")
    assert status_of(world, only_contact(world).id) == "pending"


def test_without_a_word_about_consent_there_is_none(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", way="none", consent_source="x")
    assert status_of(world, only_contact(world).id) == "never_subscribed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Write a number, or at least an e-mail."),
        ({"phone": "12"}, "No carrier assigns"),
        ({"phone": "+442079460018"}, "This is a landline"),
        ({"phone": "3105550142", "first_name": "=1+1"}, "spreadsheet formula"),
        ({"phone": "3105550142", "first_name": "a\x00b"}, "NUL"),
        ({"phone": "3105550142", "first_name": "x" * 300}, "at most"),
        ({"phone": "3105550142", "email": "nobody"}, "no e-mail address"),
        ({"email": "maya@example.com", **PROOF}, "Consent belongs to a phone number."),
        ({"phone": "3105550142", **PROOF, "consent_wording": ""}, "Write the words"),
        ({"phone": "3105550142", **PROOF, "consent_date": ""}, "Say when they agreed."),
        ({"phone": "3105550142", **PROOF, "consent_date": "2027-01-01T10:00"}, "in the future"),
        ({"phone": "3105550142", "way": "ask"}, "Say where they agreed."),
        ({"phone": "3105550142", "way": "magic"}, "One of: none, proof, ask."),
    ],
)
def test_a_form_that_is_wrong_says_where_and_changes_nothing(
    shop: Client, world: World, data: dict[str, str], said: str
) -> None:
    answer = add(shop, **data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenant_scope(world.shop.tenant.id):
        assert not Contact.objects.exists()
        assert not Event.objects.exists()


def test_everything_that_is_wrong_is_said_at_once(shop: Client) -> None:
    answer = add(shop, phone="12", way="proof").content.decode()
    for said in ("No carrier assigns", "Say where they agreed", "Write the words", "Say when"):
        assert said in answer, said


def test_somebody_elses_address_is_refused(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", email="maya@example.com")
    answer = add(shop, phone="2125550199", email="maya@example.com")
    assert answer.status_code == 422
    assert "This belongs to another contact." in answer.content.decode()
    assert only_contact(world).phone == "+13105550142"


def test_paste_checks_first_and_then_saves(shop: Client, world: World) -> None:
    rows = {"rows": "3105550142,Maya\n12,Bad\n2125550199,<b>Ruth", **SPACE}
    rows |= {"consent_source": "Form", "consent_wording": "Yes", "consent_date": "2026-05-01"}
    checked = shop.post("/w/juniper/contacts/paste/", {**rows, "act": "check"})
    page = flat(checked)
    assert "This is what would happen" in page
    assert "2 created · 0 updated · 0 as they were · 1 rejected · 2 subscribed" in page
    assert "No carrier assigns" in page
    assert "&lt;b&gt;Ruth" in page
    assert "Save 2 contacts" in page
    with tenant_scope(world.shop.tenant.id):
        assert not Contact.objects.exists()
    saved = shop.post("/w/juniper/contacts/paste/", {**rows, "act": "save"}).content.decode()
    assert '<h2 id="result">Saved</h2>' in saved
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.count() == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"rows": ""}, "Paste at least one row."),
        ({"rows": "a,b\nc,d", "consent_date": "tomorrow"}, "Write the date as"),
        ({"rows": '3105550142,"x'}, "Line 1: a quotation mark"),
        ({"rows": "3105550142", "consent_source": "=1"}, "spreadsheet formula"),
    ],
)
def test_a_paste_that_cannot_be_read(shop: Client, data: dict[str, str], said: str) -> None:
    answer = shop.post("/w/juniper/contacts/paste/", {**SPACE, **data, "act": "save"})
    assert answer.status_code == 422
    assert said in answer.content.decode()


def edit(client: Client, key: UUID, **data: str) -> Any:
    ref = show_id("con", key)
    page = client.get(f"/w/juniper/contacts/{ref}/edit/")
    fields = {f["name"]: f["was"] for f in page.context["fields"]}
    was = {f"was.{name}": value for name, value in fields.items()}
    for row in page.context["attributes"]:
        fields[row["key"]] = was[f"was.{row['key']}"] = row["was"]
    return client.post(f"/w/juniper/contacts/{ref}/edit/", {**SPACE, **fields, **was, **data})


def test_editing_writes_what_changed_with_old_and_new(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", first_name="Maya")
    key = only_contact(world).id
    done = edit(
        shop, key, **{"first_name": "Nora", "city": "Austin", "new.name": "points",
                      "new.kind": "number", "new.value": "12"}
    )  # fmt: skip
    assert done.status_code == 302
    contact = only_contact(world)
    assert (contact.first_name, contact.city) == ("Nora", "Austin")
    assert contact.attributes == {"points": 12}
    with tenant_scope(world.shop.tenant.id):
        event = Event.objects.filter(name="Contact Changed").order_by("-id")[0]
        assert event.properties["old"] == {"first_name": "Maya", "city": None, "points": None}
        assert event.properties["new"] == {"first_name": "Nora", "city": "Austin", "points": 12}
        assert AuditEntry.objects.get(action="contact.changed").data == {
            "changed": ["city", "first_name", "points"]
        }
    assert edit(shop, key, **{"attribute.points": "12.5"}).status_code == 302
    assert only_contact(world).attributes == {"points": 12.5}
    assert edit(shop, key, **{"attribute.points": ""}).status_code == 302
    assert only_contact(world).attributes == {}


def test_a_change_made_meanwhile_is_not_overwritten(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", first_name="Maya")
    key = only_contact(world).id
    ref = show_id("con", key)
    stale = {"first_name": "Maya", "was.first_name": "Maya", "city": "Austin", "was.city": ""}
    edit(shop, key, first_name="Nora")
    assert shop.post(f"/w/juniper/contacts/{ref}/edit/", {**SPACE, **stale}).status_code == 302
    contact = only_contact(world)
    assert (contact.first_name, contact.city) == ("Nora", "Austin")


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ({"phone": "12"}, 422, "No carrier assigns"),
        ({"phone": "+442079460018"}, 422, "landline"),
        ({"timezone": "Mars/Olympus"}, 422, "IANA time zone"),
        ({"country": "Utopia"}, 422, "two-letter"),
        ({"first_name": "=cmd"}, 422, "spreadsheet formula"),
        ({"email": "ruth@example.com"}, 409, "Another contact has this email."),
        ({"new.name": "phone", "new.value": "x"}, 422, "field of its own"),
        ({"new.name": "points", "new.value": "abc", "new.kind": "number"}, 422, "Write a number"),
        ({"new.name": "points", "new.value": "NaN", "new.kind": "number"}, 422, "Write a number"),
        ({"new.name": "x", "new.value": "9" * 60, "new.kind": "number"}, 422, "Write a number"),
        ({"new.name": "x", "new.value": "1", "new.kind": "json"}, 422, "change it through the API"),
        ({"new.name": "only a name"}, 422, "a name and a value"),
    ],
)
def test_an_edit_that_is_wrong_changes_nothing(
    shop: Client, world: World, data: dict[str, str], status: int, said: str
) -> None:
    add(shop, phone="3105550142", first_name="Maya")
    key = only_contact(world).id
    add(shop, phone="2125550199", email="ruth@example.com")
    with tenant_scope(world.shop.tenant.id):
        before = Contact.objects.filter(id=key).values().get()
    answer = edit(shop, key, **data)
    assert answer.status_code == status
    assert said in answer.content.decode()
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.filter(id=key).values().get() == before


def consent(client: Client, key: UUID, **data: str) -> Any:
    ref = show_id("con", key)
    return client.post(f"/w/juniper/contacts/{ref}/consent/", {**SPACE, **data}, follow=True)


def test_consent_recorded_and_withdrawn_by_hand(shop: Client, world: World) -> None:
    add(shop, phone="3105550142", first_name="Maya")
    key = only_contact(world).id
    said = consent(shop, key, act="record", **PROOF).content.decode()
    assert "Paper card in the store" in said
    assert status_of(world, key) == "subscribed"
    gone = consent(
        shop, key, act="withdraw", stop_source="E-mail to support", stop_words="No more please"
    ).content.decode()
    assert "No more please" in gone
    assert "Nobody here can take that back" in gone
    assert status_of(world, key) == "unsubscribed"
    # A form drawn before the opt-out is sent after it: the opt-out stands.
    again = consent(shop, key, act="record", **PROOF).content.decode()
    assert "only they can take that back: the consent was not recorded" in again
    assert status_of(world, key) == "unsubscribed"
    with tenant_scope(world.shop.tenant.id):
        rows = consent_history("+13105550142", with_personal=True)
        assert [row.kind for row in rows] == ["opt_in", "opt_out"]
        assert rows[1].personal["entered_by"] == "user:owner@juniper.example"
        assert AuditEntry.objects.filter(action="consent.withdrawn").count() == 1


def test_a_stop_from_the_phone_is_not_lifted_by_asking(
    story: Story, world: World, shop: Client
) -> None:
    for way in ("proof", "ask"):
        consent(shop, story.ruth, act="record", **{**PROOF, "way": way})
        assert status_of(world, story.ruth) == "unsubscribed"


def test_withdrawing_needs_to_say_how(shop: Client, world: World) -> None:
    add(shop, phone="3105550142")
    key = only_contact(world).id
    answer = consent(shop, key, act="withdraw")
    assert answer.status_code == 422
    assert "Say how they told you." in answer.content.decode()
    assert consent(shop, key, act="other").status_code == 422


def test_roles(story: Story, world: World, client: Client) -> None:
    client.force_login(world.shop.analyst)
    maya = show_id("con", story.maya)
    for path in ("new/", "paste/", f"{maya}/edit/", f"{maya}/consent/"):
        assert client.get(f"/w/juniper/contacts/{path}").status_code == 403, path
        assert client.post(f"/w/juniper/contacts/{path}", SPACE).status_code == 403, path
    page = client.get("/w/juniper/contacts/").content.decode()
    assert "Add contact" not in page
    # A role without numbers finds by name and id, never by number or address.
    assert b"Maya" in client.get("/w/juniper/contacts/?q=may").content
    for term in ("0142", "+13105550142", "maya@", "310"):
        for path in ("contacts/", "find/"):
            found = client.get(f"/w/juniper/{path}", {"q": term}).content.decode()
            assert maya not in found, (path, term)


def test_search_by_parts_in_the_list_and_ctrl_k(story: Story, shop: Client) -> None:
    maya = show_id("con", story.maya)
    for term in ("may", "0142", "310 555"):
        assert maya in shop.get("/w/juniper/contacts/", {"q": term}).content.decode(), term
        assert maya in shop.get("/w/juniper/find/", {"q": term}).content.decode(), term
