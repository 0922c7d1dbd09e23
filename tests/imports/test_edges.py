"""Imports over the API and in pages: what is refused, what is told, and docs/imports.md as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imports.domain.working import work
from imports.models import Import
from people.models import Contact
from tenancy.domain.keys import create_api_key
from tenancy.domain.workspaces import add_member
from tenancy.ids import show_id
from tenancy.models import User
from tenancy.scope import tenant_scope
from tests.api.test_docs import commands, run
from tests.imports.making import PROOF, check, go_on, live_flow, read
from tests.support.world import World

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "imports.md").read_text()
FILE = b"phone,name\n3105550142,Maya\n3105550142,Maya\nx,Bad\n"
SPACE = {"workspace": "juniper"}


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def api(world: World, method: str, path: str, body: Any = b"", key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or world.shop.api_key}"}
    raw = isinstance(body, bytes)
    return Client().generic(
        method, f"/api/v1/imports{path}", body if raw else json.dumps(body),
        "text/csv" if raw and method == "PUT" else "application/json", headers=headers,
    )  # fmt: skip


def test_every_curl_of_the_page_works(world: World) -> None:
    """In order, with a worker between them."""
    values = {"API_KEY": world.shop.api_key, "IMPORT": ""}
    seen = []
    for words in commands(DOCS):
        what, status, said = run(words, values)
        assert status < 300, (what, said)
        seen.append(what.rpartition("/")[2])
        if what == "POST /api/v1/imports":
            values["IMPORT"] = said["id"]
        if what.endswith(("/check", "/resume")):
            work(world.shop.tenant.id)
    assert {"file", "check", "start", "pause", "resume", "report"} <= set(seen)
    told = api(world, "GET", f"/{values['IMPORT']}").json()
    assert (told["state"], told["counts"]["created"], told["row_count"]) == ("done", 2, 2)
    assert told["tallies"] == {"subscribed": 1}
    with tenant_scope(world.shop.tenant.id):
        maya = Contact.objects.get(phone="+13105550142")
        assert maya.attributes == {"points": 120, "last_purchase_date": "2026-05-31"}


def test_what_the_api_refuses_names_the_field_and_changes_nothing(world: World) -> None:
    made = api(world, "POST", "", {"kind": "shoes", "name": "x"})
    assert [(e["field"], e["code"]) for e in made.json()["errors"]] == [("kind", "invalid_choice")]
    ref = api(world, "POST", "", {"kind": "contacts", "name": "x.csv"}).json()["id"]
    early = api(world, "POST", f"/{ref}/check", {})
    assert (early.status_code, early.json()["code"]) == (409, "not_now")
    for data, code in ((b"", "empty"), (b"phone\n", "no_rows")):
        answer = api(world, "PUT", f"/{ref}/file", data)
        assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [("file", code)]
    assert api(world, "PUT", f"/{ref}/file", FILE).status_code == 200
    wrong = {
        "mapping": [{"column": 9, "field": "city"}],
        "date_order": "iso",
        "consent_date": "soon",
    }
    answer = api(world, "POST", f"/{ref}/check", wrong)
    assert answer.status_code == 422
    assert {(e["field"], e["code"]) for e in answer.json()["errors"]} == {
        ("mapping.9", "no_such_column"),
        ("mapping", "no_identifier"),
        ("consent_date", "invalid_date"),
    }
    twice = [{"column": 1, "field": "phone"}, {"column": 1, "field": "email"}]
    answer = api(world, "POST", f"/{ref}/check", {"mapping": twice})
    assert [e["field"] for e in answer.json()["errors"]] == ["mapping[1].column"]
    assert api(world, "GET", f"/{ref}").json()["state"] == "uploaded"


def test_a_file_that_is_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = api(world, "POST", "", {"kind": "contacts", "name": "x.csv"}).json()["id"]
    monkeypatch.setattr("imports.api.MAX_BYTES", 30)
    answer = api(world, "PUT", f"/{ref}/file", FILE)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert api(world, "GET", f"/{ref}").json()["state"] == "empty"


def test_a_key_starts_flows_only_with_the_scope_for_flows(world: World) -> None:
    job = check(world.shop, FILE, world, **PROOF)
    ref = show_id("imp", job.id)
    with tenant_scope(world.shop.tenant.id):
        _, narrow = create_api_key(
            name="Importer", scopes=["contacts:read", "contacts:write"], now=world.now
        )
    wish = {"starts_flows": True, "confirmed": True}
    assert api(world, "POST", f"/{ref}/start", wish, narrow).status_code == 403
    unsure = api(world, "POST", f"/{ref}/start", {"starts_flows": True})
    assert [e["code"] for e in unsure.json()["errors"]] == ["confirm_needed"]
    assert api(world, "POST", f"/{ref}/start", wish).json()["starts_flows"] is True


def test_what_would_start_is_told_before(world: World) -> None:
    live_flow(world.shop, "Thanks", {"type": "event", "event": "SMS Subscribed"}, now=world.now)
    live_flow(world.other, "Other", {"type": "event", "event": "SMS Subscribed"}, now=world.now)
    job = check(world.shop, FILE, world, **PROOF)
    told = api(world, "GET", f"/{show_id('imp', job.id)}").json()
    assert told["would_start"] == [{"flow": "thanks", "name": "Thanks", "at_most": 1}]


def test_the_report_is_safe_to_open(world: World) -> None:
    job = check(world.shop, FILE, world)
    answer = api(world, "GET", f"/{show_id('imp', job.id)}/report")
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert lines == [
        "row,outcome,code,reason",
        "2,created,,",
        "3,duplicate,twice,The same number stands in line 2.",
        "4,rejected,invalid_phone,This is no phone number.",
    ]


def test_the_wizard_page_by_page(shop: Client, world: World) -> None:
    file = SimpleUploadedFile("people; list.csv", FILE)
    sent = shop.post("/w/juniper/imports/new/", {**SPACE, "kind": "contacts", "file": file})
    assert sent.status_code == 302
    address = sent["Location"]
    page = shop.get(address).content.decode()
    assert re.search(r'value="phone"\s+selected', page)
    assert "UTF-8, comma" in page
    wrong = shop.post(f"{address}check/", {**SPACE, "field_2": "first_name", "has_header": "on"})
    assert (wrong.status_code, "Some column has to hold" in wrong.content.decode()) == (422, True)
    fields = {"field_1": "phone", "field_2": "attribute:text", "name_2": "nick", "has_header": "on"}
    assert shop.post(f"{address}check/", {**SPACE, **fields}).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        job = Import.objects.get()
    assert "hx-get" in shop.get(address).content.decode()
    polled = shop.get(f"{address}progress/?state=checking")
    assert "HX-Refresh" not in polled
    go_on(world.shop, job, world)
    assert shop.get(f"{address}progress/?state=checking")["HX-Refresh"] == "true"
    page = shop.get(address).content.decode()
    assert "The same number stands in line 2." in page
    assert re.search(r'value="none"\s+checked', page)
    unsure = shop.post(f"{address}act/", {**SPACE, "act": "start", "flows": "start"})
    assert (unsure.status_code, "Say that you want that." in unsure.content.decode()) == (422, True)
    assert shop.post(f"{address}act/", {**SPACE, "act": "start"}).status_code == 302
    work(world.shop.tenant.id)
    assert read(world.shop, job.id).state == "done"
    assert "To the contacts" in shop.get(address).content.decode()
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.get().attributes == {"nick": "Maya"}
    assert "people; list.csv" in shop.get("/w/juniper/imports/").content.decode()
    assert b"".join(shop.get(f"{address}report/")).count(b"\n") == 4


def test_a_page_says_what_is_wrong_with_a_file(shop: Client, world: World) -> None:
    for given, said in (
        ({}, "Choose a file first."),
        ({"file": SimpleUploadedFile("x.csv", b"phone\n")}, "no row below it"),
        ({"file": SimpleUploadedFile("x.csv", b" ")}, "empty"),
    ):
        answer = shop.post("/w/juniper/imports/new/", {**SPACE, "kind": "contacts", **given})
        assert (answer.status_code, said in answer.content.decode()) == (422, True)
    with tenant_scope(world.shop.tenant.id):
        assert Import.objects.count() == 0


def test_support_imports_and_starts_no_flow(client: Client, world: World) -> None:
    user = User.objects.create_user("sue@juniper.example", None, name="Sue")
    add_member(world.shop.organization, user=user, role="support", now=world.now)
    client.force_login(user)
    job = check(world.shop, FILE, world)
    address = f"/w/juniper/imports/{show_id('imp', job.id)}/"
    assert "Start flows" not in client.get(address).content.decode()
    wish = {**SPACE, "act": "start", "flows": "start", "confirmed": "on"}
    assert client.post(f"{address}act/", wish).status_code == 403
    assert read(world.shop, job.id).state == "checked"
    assert client.post(f"{address}act/", {**SPACE, "act": "start"}).status_code == 302
