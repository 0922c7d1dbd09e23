"""The contacts list through HTTP: narrowed, sorted, counted, and written into a file."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from people.core.cells import safe_cell
from people.domain import exporting, listing
from people.domain.attributes import TraitChange, change_contacts
from tenancy.ids import show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.story import Story, add_people, ask, tell_story

LIST = "/w/juniper/contacts/"
EXPORT = f"{LIST}export/"
SPACE = {"workspace": "juniper"}


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    return tell_story(world.shop, now=now, also=world.other)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def shown(answer: Any) -> list[str]:
    return [row["contact"].external_id for row in answer.context["rows"]]


def test_filters_stand_in_the_address_as_chips(story: Story, shop: Client) -> None:
    page = shop.get(LIST, {"consent": "unsubscribed", "has_phone": "true"})
    assert shown(page) == ["ruth"]
    assert page.context["chips"] == [
        ("SMS consent", "Unsubscribed", "?has_phone=true"),
        ("Number", "With a number", "?consent=unsubscribed"),
    ]
    text = page.content.decode()
    assert "1 contact<" in text
    assert '<span class="muted">Number</span> With a number' in text
    # What nobody knows is no filter, and what is left empty leaves the address.
    assert len(shown(shop.get(LIST, {"consent": "maybe", "sort": "magic"}))) == 2
    answer = shop.get(LIST, {"consent": "", "q": "", "sort": "name"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?sort=name")


@pytest.mark.parametrize(("sort", "first"), [("name", "maya"), ("newest", "more-11")])
def test_pages_keep_order_and_filters(
    story: Story,
    shop: Client,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    first: str,
) -> None:
    add_people(story, 12, now=now + timedelta(hours=13))
    monkeypatch.setattr("people.views.contacts.PAGE", 5)
    everybody = shown(shop.get(LIST, {"sort": sort}))
    assert len(everybody) == 5
    seen: list[str] = []
    asked = {"sort": sort, "has_phone": "true"}
    while True:
        page = shop.get(LIST, asked)
        seen += shown(page)
        if not page.context["next"]:
            break
        asked["after"] = page.context["next"]
    assert len(seen) == len(set(seen)) == 14
    assert seen == sorted(seen, key=seen.index)
    if sort == "name":
        assert seen[-2:] == ["maya", "ruth"]
    else:
        assert seen[0] == first
    # A cursor of another order, or none of ours, shows the first page.
    for wrong in (asked["after"], "!", "AAAA"):
        other = "newest" if sort == "name" else "last_seen"
        assert shop.get(LIST, {"sort": other, "after": wrong}).status_code == 200


def test_queries_do_not_grow_with_rows_or_filters(
    story: Story, shop: Client, now: datetime
) -> None:
    def count(**given: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert shop.get(LIST, given).status_code == 200
        return len(caught)

    given = {"sort": "last_seen", "has_phone": "true", "added_by": "event"}
    count(**given)
    few = count(**given)
    add_people(story, 12, now=now + timedelta(hours=13))
    assert count(**given) == few
    assert few <= 25


def test_whoever_writes_first_came_in_by_a_text(story: Story, shop: Client) -> None:
    ask(story.brand, "Do you ship to Ohio?", phone="+16145550133")
    [row] = shop.get(LIST, {"added_by": "text"}).context["rows"]
    assert row["contact"].phone == "+16145550133"
    assert row["seen"] is not None


def test_a_large_total_is_told_as_an_estimate(
    story: Story, shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.get(LIST).context["total_words"] == "2 contacts"
    monkeypatch.setattr(listing, "COUNTED", 1)
    assert shop.get(LIST).context["total_words"].startswith("about ")


def test_another_workspaces_rows_never_show(story: Story, world: World, client: Client) -> None:
    client.force_login(world.other.owner)
    theirs = client.get("/w/juniper-two/contacts/", {"consent": "unsubscribed"})
    assert shown(theirs) == ["ruth"]
    assert theirs.context["rows"][0]["contact"].id != story.ruth
    ours = show_id("con", story.ruth)
    answer = client.post(
        "/w/juniper-two/contacts/export/",
        {"workspace": "juniper-two", "ids": [ours], "act": "selected"},
    )
    assert len(read(answer)) == 0


def read(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeffcontact_id,")
    return list(csv.DictReader(StringIO(text.lstrip("\ufeff"))))


def test_all_that_match_are_exported_and_it_is_written_down(
    story: Story, world: World, shop: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(story, 7, now=now + timedelta(hours=13))
    monkeypatch.setattr(exporting, "ROWS", 3)
    answer = shop.post(EXPORT, {**SPACE, "act": "all", "sort": "name", "has_phone": "true"})
    assert answer.streaming
    assert answer["Content-Disposition"].startswith('attachment; filename="contacts-juniper-')
    rows = read(answer)
    assert [row["external_id"] for row in rows][-2:] == ["maya", "ruth"]
    assert len(rows) == 9
    assert rows[-1]["sms_consent"] == "Unsubscribed"
    assert rows[-1]["phone"] == "'+12125550117"
    found = read(shop.post(EXPORT, {**SPACE, "act": "all", "q": "0117"}))
    assert [row["external_id"] for row in found] == ["ruth"]
    with tenant_scope(world.shop.tenant.id):
        first, second = AuditEntry.objects.filter(action="contacts.exported").order_by("id")
        assert first.data == {
            "selected": None,
            "filters": {"has_phone": "true"},
            "searched": False,
            "with_numbers": True,
        }
        assert second.data["searched"]
        assert "0117" not in str(second.data)


def test_what_is_ticked_is_exported(story: Story, shop: Client) -> None:
    ref = show_id("con", story.maya)
    ticked = {**SPACE, "act": "selected", "ids": [ref, "con_x", "nonsense"], "q": "ruth"}
    assert [row["contact_id"] for row in read(shop.post(EXPORT, ticked))] == [ref]
    none = shop.post(EXPORT, {**SPACE, "act": "selected"}, follow=True)
    assert "Tick the contacts to export" in none.content.decode()


def test_no_number_leaves_with_a_role_that_sees_none(
    story: Story, world: World, client: Client, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        traits = {"email": "maya@example.com", "secret": "+13105550142"}
        change_contacts([TraitChange(story.maya, traits)], now=now)
    client.force_login(world.shop.analyst)
    answer = client.post(EXPORT, {**SPACE, "act": "all"})
    rows = read(answer)
    assert {row["external_id"]: row["phone"] for row in rows} == {
        "maya": "ends in 0142",
        "ruth": "ends in 0117",
    }
    assert "310555" not in str(rows)
    assert "example.com" not in str(rows)
    # Not even as a search: the file would tell whose number it is.
    assert read(client.post(EXPORT, {**SPACE, "act": "all", "q": "0142"})) == []


@pytest.mark.parametrize("text", ["=1+1", "+13105550142", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_run_as_a_formula(
    story: Story, world: World, shop: Client, now: datetime, text: str
) -> None:
    assert safe_cell(text) == f"'{text}"
    with tenant_scope(world.shop.tenant.id):
        change_contacts([TraitChange(story.maya, {"city": f"{text.strip()}"})], now=now)
    rows = read(shop.post(EXPORT, {**SPACE, "act": "selected", "ids": show_id("con", story.maya)}))
    assert rows[0]["city"] == f"'{text.strip()}"


def test_an_analyst_finds_by_name_with_ctrl_k_and_sees_four_digits(
    story: Story, world: World, client: Client
) -> None:
    client.force_login(world.shop.analyst)
    found = client.get("/w/juniper/find/", {"q": "may"}).content.decode()
    assert show_id("con", story.maya) in found
    assert "•••• 0142" in found
    assert "310" not in found.replace(show_id("con", story.maya), "")
    for term in ("0142", "3105550142", "+1 310 555 0142", "maya@", "@example", "example.com"):
        found = client.get("/w/juniper/find/", {"q": term}).content.decode()
        assert show_id("con", story.maya) not in found, term
