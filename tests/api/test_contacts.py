"""Contacts over the API: made, found, changed, refused; consent, timeline and eligibility read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from events.models import Event
from people.models import Contact
from tenancy.domain.keys import create_api_key
from tenancy.scope import tenant_scope
from tests.api.calling import Api

NEW: dict[str, Any] = {
    "external_id": "u-77",
    "phone": "(213) 555-0155",
    "email": "Ines@Example.com",
    "first_name": "Inés",
    "timezone": "America/Los_Angeles",
    "attributes": {"plan": "gold", "visits": 3, "tags": ["a"]},
}


def test_a_contact_is_made_read_and_changed(api: Api) -> None:
    status, made = api.call("POST", "contacts", NEW)
    assert status == 201
    assert (made["phone"], made["email"]) == ("+12135550155", "ines@example.com")
    assert made["attributes"] == NEW["attributes"]
    assert api.call("GET", f"contacts/{made['id']}") == (200, made)
    change = {"first_name": "Ana", "city": None, "attributes": {"plan": None, "visits": 4}}
    status, changed = api.call("PATCH", f"contacts/{made['id']}", change)
    assert status == 200
    assert changed["first_name"] == "Ana"
    assert changed["attributes"] == {"visits": 4, "tags": ["a"]}
    assert (changed["phone"], changed["email"]) == (made["phone"], made["email"])
    assert api.call("GET", "contacts?search=u-77")[1]["contacts"] == [changed]
    with tenant_scope(api.brand.tenant.id):
        contact_id = Contact.objects.get(external_id="u-77").id
        told = Event.objects.filter(contact_id=contact_id, name="Contact Changed").order_by("id")
        newest = told.last()
        assert newest is not None
        assert newest.properties["new"] == {"first_name": "Ana", "plan": None, "visits": 4}


def test_the_same_again_changes_nothing_and_makes_nobody(api: Api) -> None:
    made = api.call("POST", "contacts", NEW)[1]
    status, again = api.call("POST", "contacts", NEW)
    assert (status, again) == (200, made)
    status, more = api.call("POST", "contacts", {"phone": "+12135550155", "city": "Austin"})
    assert (status, more["id"], more["city"]) == (200, made["id"], "Austin")


def test_identifiers_of_two_people_are_refused(api: Api) -> None:
    made = api.call("POST", "contacts", NEW)[1]
    status, problem = api.call("POST", "contacts", {**NEW, "external_id": "u-78"})
    assert (status, problem["code"]) == (409, "identifier_taken")
    status, problem = api.call("PATCH", f"contacts/{made['id']}", {"phone": "+13105550142"})
    assert (status, problem["code"]) == (409, "identifier_taken")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [("phone", "taken")]
    assert api.call("GET", f"contacts/{made['id']}")[1] == made


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"phone": "12"}, "phone", "invalid_phone"),
        ({"email": "x"}, "email", "invalid_email"),
        ({"timezone": "Mars"}, "timezone", "invalid_timezone"),
        ({"country": "X1"}, "country", "invalid_country"),
        ({"locale": "!"}, "locale", "invalid_locale"),
        ({"external_id": "null"}, "external_id", "blocked_identifier"),
        ({"attributes": {"phone": "+13105550142"}}, "attributes.phone", "reserved_name"),
        ({"attributes": {"firstName": "x"}}, "attributes.firstName", "reserved_name"),
        ({"attributes": {"userId": "x"}}, "attributes.userId", "reserved_name"),
        ({"attributes": {" ": "x"}}, "attributes. ", "invalid_name"),
        ({"attributes": {"a": 2**70}}, "attributes", "number_out_of_range"),
        ({"attributes": [1]}, "attributes", "not_a_dict"),
        ({"frist_name": "x"}, "frist_name", "unknown_field"),
        ({"first_name": 5.5}, "first_name", ""),
    ],
)
def test_what_is_wrong_is_named(api: Api, changes: dict[str, Any], field: str, code: str) -> None:
    status, problem = api.call("POST", "contacts", {**NEW, **changes})
    if not code:  # a number is taken as its text
        assert (status, problem["first_name"]) == (201, "5.5")
        return
    assert (status, problem["code"]) == (422, "invalid"), problem
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]
    with tenant_scope(api.brand.tenant.id):
        assert not Contact.objects.filter(external_id="u-77").exists()


def test_somebody_has_to_be_named(api: Api) -> None:
    status, problem = api.call("POST", "contacts", {"first_name": "Nobody"})
    assert (status, problem["errors"][0]["code"]) == (422, "required")
    status, problem = api.call("POST", "contacts", [NEW])
    assert (status, problem["errors"][0]["code"]) == (422, "not_an_object")


def test_another_workspaces_contact_does_not_exist(api: Api) -> None:
    key = api.other.api_key
    for path in ("", "/consent", "/timeline", "/eligibility"):
        assert api.call("GET", f"contacts/{api.ids['contacts']}{path}", key=key)[0] == 404
    path = f"contacts/{api.ids['contacts']}"
    assert api.call("PATCH", path, {"first_name": "X"}, key=key)[0] == 404
    assert api.call("GET", f"events?contact={api.ids['contacts']}", key=key)[1]["events"] == []
    theirs = api.call("GET", "contacts?search=maya", key=key)[1]["contacts"]
    assert api.ids["contacts"] not in {contact["id"] for contact in theirs}


def test_eligibility_is_the_gates_word(api: Api) -> None:
    status, said = api.call("GET", f"contacts/{api.ids['stopped']}/eligibility")
    assert (status, said["eligible"], said["status"]) == (200, False, "skipped")
    assert said["reason"] == "unsubscribed"
    path = f"contacts/{api.ids['contacts']}/eligibility"
    said = api.call("GET", path)[1]
    # The flows have texted her today.
    assert (said["eligible"], said["reason"]) == (False, "frequency_cap")
    api.call("POST", "templates", {"slug": "x", "body": "Hello", "approve": True})
    trial = {"template": "x", "contact": {"external_id": "maya"}, "dry_run": True}
    assert api.call("POST", "messages", trial)[1]["reason"] == "frequency_cap"
    assert api.call("GET", f"{path}?message_type=compliance")[0] == 422


def test_consent_is_read_with_its_ledger(api: Api) -> None:
    status, said = api.call("GET", f"contacts/{api.ids['contacts']}/consent")
    assert (status, said["statuses"]["marketing"], said["suppression"]) == (
        200, "subscribed", None,
    )  # fmt: skip
    assert said["history"]
    said = api.call("GET", f"contacts/{api.ids['stopped']}/consent")[1]
    assert said["statuses"]["marketing"] == "unsubscribed"
    assert said["history"][-1]["source"] == "keyword"


def test_the_timeline_tells_what_the_page_tells(api: Api) -> None:
    items = api.all(f"contacts/{api.ids['contacts']}/timeline", "timeline", limit=50)
    assert {"message", "event"} <= {item["kind"] for item in items}
    # As moments: written out, a whole second sorts behind its own fractions.
    times = [datetime.fromisoformat(item["at"]) for item in items]
    assert times == sorted(times, reverse=True)
    texts = [item for item in items if item["checks"]]
    assert texts
    assert {line["ok"] for item in texts for line in item["checks"]} <= {True, False, None}
    only = api.all(f"contacts/{api.ids['contacts']}/timeline?show=messages", "timeline", limit=50)
    assert 0 < len(only) < len(items)


def test_events_are_listed_of_everybody_and_of_one(api: Api) -> None:
    everybody = api.all("events", "events", limit=200)
    mine = api.all(f"events?contact={api.ids['contacts']}", "events", limit=200)
    assert 0 < len(mine) < len(everybody)
    assert {event["contact"] for event in mine} == {api.ids["contacts"]}
    path = f"events?contact={api.ids['contacts']}&name=Checkout+Started"
    assert {event["event"] for event in api.call("GET", path)[1]["events"]} == {"Checkout Started"}
    status, problem = api.call("GET", "events?name=Checkout+Started")
    assert (status, problem["errors"][0]["code"]) == (422, "needs_contact")


def test_whoever_may_only_write_reads_nothing_by_writing(api: Api, now: datetime) -> None:
    with tenant_scope(api.brand.tenant.id):
        _, writer = create_api_key(name="Writer", scopes=["contacts:write"], now=now)
    path = f"contacts/{api.ids['contacts']}"
    for method, where, body in (
        ("POST", "contacts", {"external_id": "maya"}),
        ("PATCH", path, {"city": "Los Angeles"}),
    ):
        status, told = api.call(method, where, body, key=writer)
        assert (status, told["id"]) == (200, api.ids["contacts"])
        assert set(map(str, told.values())) <= {
            api.ids["contacts"], told["created_at"], told["updated_at"], "None", "", "{}",
        }  # fmt: skip
    assert api.call("GET", path, key=writer)[0] == 403
