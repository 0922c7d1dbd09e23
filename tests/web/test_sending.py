"""Sending, in Chromium, against the carrier simulator that calls this server back: from nothing
to a live gateway, a confirmed phone and a text on it, by keyboard where it matters."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from delivery.domain.callbacks import apply_callbacks
from delivery.domain.submitting import submit_queued
from delivery.models import Gateway
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.support.browser import watch
from tests.support.carrier import CarrierProcess
from tests.support.carrier import carrier as carrier
from tests.support.carrier import carrier_process as carrier_process
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import AXE, TAGS, VIEWS

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KAIROS_PICTURES", "")
FIRST, NEXT = "twilio-auth-token-4321", "twilio-auth-token-next-1111"
SID, KEY, NUMBER, PHONE = "AC" + "1" * 32, "SK" + "2" * 32, "+13105550177", "+13105550142"


def look(page: Page, name: str) -> None:
    """Nothing wrong for axe, no side scroll; a picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    page.evaluate(AXE())
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    bad = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]]
    assert bad == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.fixture
def twilio(carrier: CarrierProcess, live_server: Any, settings: Any) -> CarrierProcess:
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    settings.KAIROS_PUBLIC_BASE_URL = live_server.url
    settings.KAIROS_LINK_BASE_URL = live_server.url
    register(carrier, campaigns=[])
    return carrier


def register(
    carrier: CarrierProcess,
    *,
    campaigns: list[str],
    inbound_url: str = "",
    token: str = FIRST,
) -> None:
    carrier.account(
        SID,
        token=token,
        api_keys={KEY: "twilio-key-secret-8765"},
        numbers=[{"phone": NUMBER, "inbound_url": inbound_url}],
        services=[{"sid": "MG" + "3" * 32, "numbers": [NUMBER], "campaigns": campaigns}],
    )


@pytest.fixture
def refused_page(browser: Browser) -> Iterator[Page]:
    """A page under the real content security policy, on which forms may be refused."""
    context = browser.new_context()
    page = context.new_page()
    bad = watch(page)
    yield page
    context.close()
    assert [line for line in bad if "422" not in line] == []


def test_from_nothing_to_a_text_on_my_phone(
    committed_world: World,
    twilio: CarrierProcess,
    live_server: Any,
    log_in: LogIn,
    refused_page: Page,
) -> None:
    page = refused_page
    shop = committed_world.shop
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/juniper/settings/sending/")
    expect(page.get_by_role("heading", name="Nothing can be sent yet")).to_be_visible()

    page.get_by_role("button", name="Connect Twilio").press("Enter")
    dialog = page.get_by_role("dialog", name="Connect Twilio")
    dialog.get_by_label("Account SID").fill("AC12")
    dialog.get_by_label("API key SID").fill(KEY)
    dialog.get_by_label("Secret of the key").fill("wrong-secret-1234567")
    dialog.get_by_label("Auth token").fill("twilio-auth-token-4321")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("AC and 32 more")
    expect(dialog.get_by_label("Secret of the key")).to_have_value("")
    dialog.get_by_label("Account SID").fill(SID)
    dialog.get_by_label("Secret of the key").fill("wrong-secret-1234567")
    dialog.get_by_label("Auth token").fill("twilio-auth-token-4321")
    dialog.get_by_role("button", name="Connect").click()
    expect(page.locator(".toast")).to_contain_text("stored, not checked yet")

    page.get_by_role("button", name="Add a number").click()
    page.get_by_role("dialog", name="Add a number").get_by_label("Number, short code").fill(NUMBER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="Not checked yet")).to_be_visible()
    page.get_by_role("button", name="Check").click()
    check = page.locator(".findings")
    expect(check).to_contain_text("Wrong key: Twilio does not accept it for this account (20003)")
    expect(page.locator(".toast")).to_contain_text("found what stops texts")
    off = page.get_by_role("button", name="Take into use")
    expect(off).to_be_disabled()
    expect(off).to_have_accessible_description("The last check found what stops every text.")
    page.get_by_role("button", name="Change key").click()
    dialog = page.get_by_role("dialog", name="Change the key")
    dialog.get_by_label("Secret of the key").fill("twilio-key-secret-8765")
    dialog.get_by_role("button", name="Store the key").click()
    page.get_by_role("button", name="Check").click()
    expect(check).to_contain_text("has no 10DLC campaign")

    with tenant_scope(shop.tenant.id):
        gateway = Gateway.objects.get()
    inbound = page.locator("copy-text", has_text="/inbound").locator("code").inner_text()
    assert inbound == f"{live_server.url}/webhooks/twilio/{gateway.id}/inbound"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the address for incoming texts").click()
    assert page.evaluate("navigator.clipboard.readText()") == inbound
    register(twilio, campaigns=["VERIFIED"], inbound_url=inbound)
    page.get_by_role("button", name="Check").click()
    expect(check).to_contain_text("has a verified 10DLC campaign")
    expect(check).to_contain_text(f"Replies to {NUMBER} come here.")
    expect(page.locator(".toast")).to_contain_text("Twilio is connected.")
    expect(page.get_by_role("cell", name="Can send")).to_be_visible()

    page.get_by_role("button", name="Take into use").click()
    dialog = page.get_by_role("dialog", name="Send through Twilio?")
    dialog.get_by_label("Type the workspace's name").fill("Juniper")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("exactly as it stands here")
    dialog.get_by_label("Type the workspace's name").fill("Juniper & Oak")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Texts go out through Twilio")).to_be_visible()

    expect(page.get_by_text("No signed callback has arrived yet")).to_be_visible()
    page.get_by_role("button", name="Use my phone").click()
    say = page.locator("copy-text", has_text="TEST").locator("code").inner_text()
    assert re.fullmatch(r"TEST \d{6}", say)
    told = twilio.inject(PHONE, NUMBER, say.lower())
    assert told["webhook"]["status"] == 204
    # The card notices by itself.
    expect(page.get_by_text("+1 (310) 555-0142")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Send me a test text").click()
    submit_queued(shop.tenant.id, now=committed_world.now, wall=wall_now())
    twilio.wait_idle()
    apply_callbacks(shop.tenant.id, now=committed_world.now)
    with tenant_scope(shop.tenant.id):
        gateway.refresh_from_db()
    assert gateway.last_heard_at is not None
    page.reload()
    expect(page.get_by_text("A signed callback arrived just now")).to_be_visible()
    assert page.content().count("twilio-key-secret-8765") == 0
    assert page.content().count("twilio-auth-token-4321") == 0


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_with_everything_on_it(
    committed_world: World,
    twilio: CarrierProcess,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    view: str,
) -> None:
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/sending/")
    look(page, f"sending-empty-{view}")
    page.get_by_role("button", name="Connect Twilio").click()
    dialog = page.get_by_role("dialog", name="Connect Twilio")
    look(page, f"sending-connect-{view}")
    dialog.get_by_label("Account SID").fill(SID)
    dialog.get_by_label("API key SID").fill(KEY)
    dialog.get_by_label("Secret of the key").fill("twilio-key-secret-8765")
    dialog.get_by_label("Auth token").fill("twilio-auth-token-4321")
    dialog.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Add a number").click()
    page.get_by_role("dialog", name="Add a number").get_by_label("Number, short code").fill(NUMBER)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Use my phone").click()
    page.get_by_role("button", name="Rotate").click()
    page.get_by_label("New auth token").fill("twilio-auth-token-next-1111")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Retire the old one")).to_be_visible()
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".findings li.stop").first).to_be_visible()
    # Twilio knows only the older token: nothing may go out like this.
    expect(page.get_by_role("button", name="Take into use")).to_be_disabled()
    look(page, f"sending-full-{view}")
    page.get_by_role("button", name="Change key").click()
    look(page, f"sending-key-{view}")
    page.keyboard.press("Escape")
    register(twilio, campaigns=["VERIFIED"], token=NEXT)
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Take into use").click()
    look(page, f"sending-use-{view}")
    page.goto(f"{live_server.url}/w/juniper/settings/test-texts/")
    look(page, f"test-texts-{view}")
