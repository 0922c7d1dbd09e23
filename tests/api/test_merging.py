"""Merging, exporting and erasing over HTTP: answers, old ids, keys, audit."""

from __future__ import annotations

from typing import Any

import pytest

from api.views import openapi
from people.models import Contact
from tenancy.domain.keys import create_api_key
from tenancy.ids import show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.api.calling import Api


@pytest.fixture
def twin(api: Api) -> str:
    """Another contact that is Maya too."""
    status, made = api.call(
        "POST", "contacts", {"email": "maya@home.example", "first_name": "M.", "city": "Pasadena"}
    )
    assert status == 201
    return str(made["id"])


def actions(api: Api) -> list[tuple[str, str]]:
    with tenant_scope(api.brand.tenant.id):
        return list(AuditEntry.objects.order_by("id").values_list("action", "target"))


def test_the_older_one_with_an_external_id_stays(api: Api, twin: str) -> None:
    maya = api.ids["contacts"]
    status, merge = api.call("POST", f"contacts/{twin}/merge", {"contact": maya})
    assert status == 200
    assert (merge["survivor"], merge["merged"], merge["undone_at"]) == (maya, twin, None)
    assert merge["moved"] == {"events": 1, "identifiers": 1}
    assert api.call("GET", f"contacts/{maya}")[1]["email"] == "maya@home.example"
    assert ("contact.merged", maya) in actions(api)


def test_an_old_id_leads_to_the_survivor(api: Api, twin: str) -> None:
    maya = api.ids["contacts"]
    api.call("POST", f"contacts/{maya}/merge", {"contact": twin})
    for place in ("", "/timeline?limit=5", "/consent", "/eligibility", "/export"):
        answer = api.raw("GET", f"contacts/{twin}{place}")
        assert answer.status_code == 307, place
        assert answer["Location"] == f"/api/v1/contacts/{maya}{place}"
        assert answer.json()["errors"][0] == {"field": "id", "code": "merged_into", "detail": maya}
    status, problem = api.call("PATCH", f"contacts/{twin}", {"city": "Austin"})
    assert (status, problem["code"]) == (409, "contact_merged")
    assert problem["errors"][0]["detail"] == maya
    # A text to the old id goes to the person.
    wish = {"template": "plain", "contact": {"id": twin}, "dry_run": True}
    status, text = api.call("POST", "messages", wish)
    assert (status, text["contact"]) == (200, maya)


def test_every_address_that_meets_an_old_id_says_so(api: Api, twin: str) -> None:
    """Who reads is led on (307), who writes is refused (409), and the description tells of both."""
    maya = api.ids["contacts"]
    api.call("POST", f"contacts/{maya}/merge", {"contact": twin})
    bodies = {
        "changeContact": {"city": "Austin"},
        "mergeContacts": {"contact": api.ids["stopped"]},
        "eraseContact": {"confirm": twin},
        "recordConsent": {
            "action": "opt_out",
            "contact": twin,
            "occurred_at": "2026-11-17T18:00:00Z",
            "evidence": {"words": "By telephone"},
        },
    }
    met = set()
    for path, methods in openapi()["paths"].items():
        for method, told in methods.items():
            key, responses = told["operationId"], told["responses"]
            by_path = path.startswith("/api/v1/contacts/{ref}") and key != "unmergeContacts"
            described = {
                s for s, each in responses.items() if "`contact_merged`" in each["description"]
            }
            wanted = "307" if method == "get" else "409"
            if not (by_path or path == "/api/v1/consents"):
                assert described == set(), key
                continue
            assert described == {wanted}, key
            place = path.removeprefix("/api/v1/").replace("{ref}", twin)
            place += f"?contact={twin}" if key == "listConsents" else ""
            answer = api.raw(method.upper(), place, bodies.get(key))
            assert (str(answer.status_code), answer.json()["code"]) == (wanted, "contact_merged"), (
                key
            )
            if wanted == "307":
                assert answer["Location"] == f"/api/v1/{place}".replace(twin, maya)
                assert "Location" in responses["307"]["headers"], key
            met.add(key)
    assert {"readContact", "readTimeline", "exportContact", "eraseContact", "giveUpNumber"} <= met


def test_an_undone_merge_gives_both_back(api: Api, twin: str) -> None:
    maya = api.ids["contacts"]
    before = [api.call("GET", f"contacts/{each}")[1] for each in (maya, twin)]
    api.call("POST", f"contacts/{maya}/merge", {"contact": twin})
    status, undone = api.call("POST", f"contacts/{twin}/unmerge", {})
    assert status == 200
    assert undone["undone_at"] is not None
    assert [api.call("GET", f"contacts/{each}")[1] for each in (maya, twin)] == before
    assert ("contact.unmerged", maya) in actions(api)
    status, problem = api.call("POST", f"contacts/{twin}/unmerge", {"merge": undone["id"]})
    assert (status, problem["code"]) == (409, "already_undone")
    assert api.call("POST", f"contacts/{twin}/unmerge", {})[0] == 404


def test_who_stays_can_be_said(api: Api, twin: str) -> None:
    maya = api.ids["contacts"]
    wish = {"contact": twin, "survivor": twin}
    status, merge = api.call("POST", f"contacts/{maya}/merge", wish)
    assert (status, merge["survivor"]) == (200, twin)
    assert api.call("GET", f"contacts/{twin}")[1]["external_id"] == "maya"


def test_wishes_that_make_no_sense_change_nothing(api: Api, twin: str) -> None:
    maya, nobody = api.ids["contacts"], "con_" + "0" * 32
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"contact": maya}, 422, "invalid"),
        ({"contact": nobody}, 404, "not_found"),
        ({"contact": "maya"}, 422, "invalid"),
        ({"contact": twin, "survivor": api.ids["stopped"]}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"contact": twin, "keep": maya}, 422, "invalid"),
    ]
    for wish, status, code in cases:
        got, problem = api.call("POST", f"contacts/{maya}/merge", wish)
        assert (got, problem["code"]) == (status, code), wish
    with tenant_scope(api.other.tenant.id):
        theirs = show_id("con", Contact.objects.all()[0].id)
    assert api.call("POST", f"contacts/{maya}/merge", {"contact": theirs})[0] == 404
    with tenant_scope(api.brand.tenant.id):
        assert not Contact.objects.exclude(merged_into_id=None).exists()


def test_the_same_key_merges_once(api: Api, twin: str) -> None:
    maya = api.ids["contacts"]
    first = api.raw("POST", f"contacts/{maya}/merge", {"contact": twin}, Idempotency_Key="m1")
    again = api.raw("POST", f"contacts/{maya}/merge", {"contact": twin}, Idempotency_Key="m1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    status, problem = api.call("POST", f"contacts/{maya}/merge", {"contact": twin})
    assert (status, problem["code"]) == (409, "contact_merged")


def test_a_person_can_have_their_data(api: Api) -> None:
    status, kept = api.call("GET", f"contacts/{api.ids['contacts']}/export")
    assert status == 200
    assert kept["contact"]["phone"] == "+13105550142"
    assert {"texts", "events", "consent", "replies", "orders"} <= set(kept)
    assert any(text["body"] for text in kept["texts"])
    assert ("contact.exported", api.ids["contacts"]) in actions(api)


def test_erasing_asks_twice_and_leaves_nobody(api: Api) -> None:
    maya = api.ids["contacts"]
    status, problem = api.call("POST", f"contacts/{maya}/erase", {"confirm": api.ids["stopped"]})
    assert (status, problem["errors"][0]["code"]) == (422, "not_confirmed")
    status, gone = api.call("POST", f"contacts/{maya}/erase", {"confirm": maya})
    assert (status, gone["id"]) == (200, maya)
    assert api.call("GET", f"contacts/{maya}")[0] == 404
    assert api.call("POST", f"contacts/{maya}/erase", {"confirm": maya})[0] == 404
    assert api.call("GET", "contacts?search=0142")[1]["contacts"] == []
    assert ("contact.erased", maya) in actions(api)


def test_erasing_needs_a_scope_of_its_own(api: Api) -> None:
    with tenant_scope(api.brand.tenant.id):
        _, key = create_api_key(
            name="Writer", scopes=["contacts:read", "contacts:write"], now=api_now(api)
        )
    maya = api.ids["contacts"]
    status, problem = api.call("POST", f"contacts/{maya}/erase", {"confirm": maya}, key=key)
    assert (status, problem["code"]) == (403, "forbidden")


def api_now(api: Api) -> Any:
    from tenancy.clock import business_now

    return business_now()
