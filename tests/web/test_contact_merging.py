"""Merging, exporting and erasing on the contact's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from people.domain.attributes import TraitChange, apply_traits
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact, ContactMerge
from tenancy.ids import show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.story import Story, tell_story

SPACE = {"workspace": "juniper"}


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    return tell_story(world.shop, now=now)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


@pytest.fixture
def twin(world: World, story: Story, now: datetime) -> str:
    with tenant_scope(world.shop.tenant.id):
        [key] = resolve_contacts([IdentityRef(phone="+13105550149")], now=now)
        assert key is not None
        apply_traits([TraitChange(key, {"first_name": "Maia", "city": "Pasadena"})], now=now)
        return show_id("con", key)


def page(shop: Client, path: str) -> Any:
    return shop.get(f"/w/juniper/contacts/{path}")


def test_search_preview_merge_and_undo(shop: Client, story: Story, twin: str, world: World) -> None:
    maya = show_id("con", story.maya)
    assert f"{maya}/merge/" in page(shop, f"{maya}/").content.decode()
    found = page(shop, f"{maya}/merge/?q=maia").content.decode()
    assert f"with={twin}" in found
    assert f"with={maya}" not in found
    told = page(shop, f"{maya}/merge/?with={twin}").content.decode()
    for words in (
        "What happens",
        "stays the number that is texted",
        "Consent belongs to a number",
        "Can be undone until",
    ):
        assert words in told
    with tenant_scope(world.shop.tenant.id):
        assert not ContactMerge.objects.exists()
    data = {**SPACE, "with": twin, "survivor": maya}
    answer = shop.post(f"/w/juniper/contacts/{maya}/merge/", data)
    assert answer["Location"] == f"/w/juniper/contacts/{maya}/"
    shown = page(shop, f"{maya}/").content.decode()
    for words in ("Undo merge", "Merged with another contact", "Maia"):
        assert words in shown
    old = page(shop, f"{twin}/?show=messages")
    assert (old.status_code, old["Location"]) == (307, f"/w/juniper/contacts/{maya}/?show=messages")
    with tenant_scope(world.shop.tenant.id):
        merge = ContactMerge.objects.get()
    data = {**SPACE, "merge": show_id("mrg", merge.id)}
    shop.post(f"/w/juniper/contacts/{maya}/unmerge/", data)
    assert page(shop, f"{twin}/").status_code == 200
    shown = page(shop, f"{maya}/").content.decode()
    assert "Undo merge" not in shown
    assert "Merge undone" in shown
    with tenant_scope(world.shop.tenant.id):
        actions = list(AuditEntry.objects.values_list("action", "actor"))
    actor = f"user:{world.shop.owner.email}"
    assert {("contact.merged", actor), ("contact.unmerged", actor)} <= set(actions)


def test_the_other_one_can_be_kept(shop: Client, story: Story, twin: str, world: World) -> None:
    maya = show_id("con", story.maya)
    told = page(shop, f"{maya}/merge/?with={twin}&survivor={twin}").content.decode()
    assert f'name="survivor" value="{twin}"' in told
    data = {**SPACE, "with": twin, "survivor": twin}
    answer = shop.post(f"/w/juniper/contacts/{maya}/merge/", data)
    assert answer["Location"] == f"/w/juniper/contacts/{twin}/"


def test_only_one_of_the_two_can_stay(shop: Client, story: Story, twin: str, world: World) -> None:
    maya, ruth = show_id("con", story.maya), show_id("con", story.ruth)
    data = {**SPACE, "with": twin, "survivor": ruth}
    assert shop.post(f"/w/juniper/contacts/{maya}/merge/", data).status_code == 422
    with tenant_scope(world.shop.tenant.id):
        assert not ContactMerge.objects.exists()


def test_undo_ends_after_thirty_days(
    shop: Client, story: Story, twin: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = show_id("con", story.maya)
    shop.post(f"/w/juniper/contacts/{maya}/merge/", {**SPACE, "with": twin, "survivor": maya})
    with tenant_scope(world.shop.tenant.id):
        merge = ContactMerge.objects.get()
        ContactMerge.objects.update(undo_until=merge.at - timedelta(days=1))
    assert "Undo merge" not in page(shop, f"{maya}/").content.decode()
    data = {**SPACE, "merge": show_id("mrg", merge.id)}
    shop.post(f"/w/juniper/contacts/{maya}/unmerge/", data)
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.exclude(merged_into_id=None).count() == 1


def test_a_file_with_everything(shop: Client, story: Story) -> None:
    maya = show_id("con", story.maya)
    told = page(shop, f"{maya}/export/")
    assert told["Content-Disposition"] == f'attachment; filename="{maya}.json"'
    assert told.json()["contact"]["first_name"] == "Maya"
    sheet = page(shop, f"{maya}/export/?as=csv")
    assert sheet["Content-Type"].startswith("text/csv")
    lines = sheet.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "heading,number,at,name,value"
    # A number begins with a plus, which a spreadsheet takes for a formula.
    assert any(",phone,'+13105550142" in line for line in lines)


def test_erasing_needs_the_word_and_the_right(
    shop: Client, story: Story, world: World, client: Client
) -> None:
    maya = show_id("con", story.maya)
    path = f"/w/juniper/contacts/{maya}/erase/"
    assert "There is no way back" in shop.get(path).content.decode()
    assert shop.post(path, {**SPACE, "confirm": "yes"}).status_code == 422
    assert page(shop, f"{maya}/").status_code == 200
    assert shop.post(path, {**SPACE, "confirm": "erase"}).status_code == 302
    assert page(shop, f"{maya}/").status_code == 404
    ruth = show_id("con", story.ruth)
    client.force_login(world.shop.analyst)
    assert client.get(f"/w/juniper/contacts/{ruth}/erase/").status_code == 403
    assert client.get(f"/w/juniper/contacts/{ruth}/export/").status_code == 403
    assert "Their data" not in client.get(f"/w/juniper/contacts/{ruth}/").content.decode()
