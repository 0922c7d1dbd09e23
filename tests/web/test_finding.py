"""Ctrl K: pages by their names and by other words, for the role; people before mere synonyms."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from people.domain.attributes import TraitChange, change_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.domain.workspaces import add_member
from tenancy.models import User
from tenancy.permissions import ROLES
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.web.conftest import LogIn

PAGES = {
    "keys": "settings/keys/",
    "api key": "settings/keys/",
    "API keys": "settings/keys/",
    "write key": "settings/keys/",
    "quiet": "settings/quiet-hours/",
    "webhook": "settings/webhooks/",
    "endpoint": "settings/webhooks/",
    "shopify": "settings/connectors/",
    "woocommerce": "settings/connectors/",
    "segment": "",
    "team": "settings/team/",
    "invite": "settings/team/",
    "invites": "settings/team/",
    "number": "settings/sending/",
    "twilio": "settings/sending/",
    "time zone": "settings/workspace/",
    "timezone": "settings/workspace/",
    "zone time": "settings/workspace/",
    "inbox": "replies/",
    "flo": "flows/",
    "settings": "settings/",
}


def found(client: Client, words: str, slug: str = "juniper") -> list[tuple[str, list[str]]]:
    """(heading, addresses in the workspace) of what Ctrl K shows."""
    page = client.get(f"/w/{slug}/find/", {"q": words}).content.decode()
    groups = re.split(r"<h3>", page)[1:]
    return [
        (group.partition("<")[0], re.findall(rf'href="/w/{slug}/([^"]*)"', group))
        for group in groups
    ]


def client_of(brand: Brand, role: str, now: Any) -> Client:
    user = User.objects.create_user(f"new-{role}@{brand.tenant.slug}.example", None, name=role)
    add_member(brand.organization, user=user, role=role, now=now)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("words", PAGES)
def test_pages_are_found_by_what_people_call_them(client: Client, world: World, words: str) -> None:
    client.force_login(world.shop.owner)
    [(heading, addresses)] = found(client, words)
    assert heading == "Go to"
    assert addresses[0] == PAGES[words] if PAGES[words] else addresses
    for address in addresses:
        assert client.get(f"/w/juniper/{address}", follow=True).status_code == 200


@pytest.mark.parametrize("words", ["zzz", "api zzz", "%", "", "ey"])
def test_what_is_no_page_is_not_found(client: Client, world: World, words: str) -> None:
    client.force_login(world.shop.owner)
    assert found(client, words) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_finds_what_it_may_open(world: World, role: str) -> None:
    client = client_of(world.shop, role, world.now)
    seen = set()
    for words in PAGES:
        for _, addresses in found(client, words):
            seen |= set(addresses)
    for address in seen:
        assert client.get(f"/w/juniper/{address}", follow=True).status_code == 200, address
    assert ("settings/keys/" in seen) == (role in {"owner", "admin", "developer"})
    assert ("settings/team/" in seen) == (role in {"owner", "admin"})


def test_a_name_comes_before_a_synonym_and_after_a_pages_own_name(
    client: Client, world: World
) -> None:
    with tenant_scope(world.shop.tenant.id):
        keys = resolve_contacts(
            [IdentityRef(external_id="tim"), IdentityRef(external_id="mo")], now=world.now
        )
        names = ({"first_name": "Timothy"}, {"first_name": "Teamona"})
        change_contacts(
            [TraitChange(key, name) for key, name in zip(keys, names, strict=True) if key],
            now=world.now,
        )
    client.force_login(world.shop.owner)
    assert [heading for heading, _ in found(client, "tim")] == ["Contacts", "Go to"]
    assert [heading for heading, _ in found(client, "team")] == ["Go to", "Contacts"]


@pytest.mark.browser
def test_ctrl_k_leads_to_the_keys_and_to_quinn(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    with tenant_scope(committed_world.shop.tenant.id):
        keys = resolve_contacts(
            [IdentityRef(external_id=str(n)) for n in range(2)], now=committed_world.now
        )
        for key, last in zip(keys, ("Moss", "Carter"), strict=True):
            assert key is not None
            change_contacts(
                [TraitChange(key, {"first_name": "Quinn", "last_name": last})],
                now=committed_world.now,
            )
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/flows/")
    page.keyboard.press("Control+k")
    finder = page.get_by_role("dialog", name="Find")
    page.keyboard.type("quinn c")
    expect(finder.get_by_role("link")).to_have_count(1)
    expect(finder.get_by_role("link")).to_contain_text("Quinn Carter")
    finder.get_by_label("Find").fill("api key")
    expect(finder.get_by_role("link")).to_contain_text("Keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/keys/")
