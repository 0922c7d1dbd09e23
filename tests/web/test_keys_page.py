"""Settings, Keys: the same words in the dialog and in the list, and nothing ticked by itself."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tenancy.domain.keys import SCOPES, create_api_key, revoke_key
from tenancy.models import ApiKey
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn

KEYS = "/w/juniper/settings/keys/"


def plain(page: str) -> str:
    """What a page says, tags off."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_list_says_what_the_dialog_said(client: Client, world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ApiKey.objects.all().delete()
    client.force_login(world.shop.owner)
    for scopes in (["messages:read", "messages:write"], sorted(SCOPES)[:9], ["gateway:read"]):
        asked = {"workspace": "juniper", "name": "Backend", "scopes": scopes}
        made = plain(client.post(f"{KEYS}api/", asked).content.decode())
        listed, _, dialog = made.partition("New API key Name May")
        for scope, words in SCOPES.items():
            said = f"{words} {scope}"
            assert said in dialog
            assert (said in listed) == (scope in scopes), said
        with tenant_scope(world.shop.tenant.id):
            ApiKey.objects.all().delete()


def test_a_key_that_may_everything_says_so(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    listed, _, _ = plain(client.get(KEYS).content.decode()).partition("New API key Name May")
    assert "Everything" in listed
    assert "events:write" not in listed


def test_living_keys_come_first(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    with tenant_scope(world.shop.tenant.id):
        for number in range(3):
            key, _ = create_api_key(
                name=f"Number {number}",
                scopes=["events:write"],
                now=world.now + timedelta(hours=number + 1),
            )
            if number == 2:
                revoke_key(key, now=world.now + timedelta(days=1))
    page = client.get(KEYS).content.decode()
    order = re.findall(r"<b>(All|Number \d)</b>", page)
    assert order == ["Number 1", "Number 0", "All", "Number 2"]


@pytest.mark.browser
def test_nothing_is_ticked_before_somebody_ticks_it(
    committed_world: World, live_server: Any, log_in: LogIn, free_page: Callable[..., Page]
) -> None:
    page = free_page()  # the other one takes a refusal for a fault
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + KEYS)
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog", name="New API key")
    expect(dialog.get_by_role("checkbox")).to_have_count(len(SCOPES))
    expect(dialog.get_by_role("checkbox", checked=True)).to_have_count(0)
    dialog.get_by_label("Name").fill("Nightly")
    dialog.get_by_role("button", name="Make key").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose at least one thing")
    dialog.get_by_label("Read products").check()
    dialog.get_by_role("button", name="Make key").click()
    row = page.get_by_role("row").filter(has_text="Nightly")
    expect(row).to_contain_text("Read products products:read")
