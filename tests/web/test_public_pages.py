"""Sign-up and opt-out for people without an account: script off, on a phone, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from consent.domain.sign_up import save_page
from consent.models import Consent
from delivery.domain.opting_out import opt_out_url
from tenancy.clock import business_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, make_contact, make_shop
from tests.support.browser import watch
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import AXE, TAGS, VIEWS

pytestmark = pytest.mark.browser
WORDS = {
    "headline": "Texts from Juniper & Oak",
    "intro": "Be the first to know. One text, straight to your phone.",
    "sends": "offers, new arrivals, and reminders about your cart",
    "frequency": "Up to 6 msgs a month",
    "terms_url": "https://juniper.example/terms",
    "privacy_url": "https://juniper.example/privacy",
}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}


def prepare(world: World, now: datetime) -> str:
    """A live sign-up page and a subscribed contact; returns the path of its opt-out link."""
    shop = make_shop(world.shop, now=now)
    with tenant_scope(shop.tenant_id):
        save_page(WORDS, asks_name=True, live=True, now=now)
        make_contact(LA, now=business_now() - timedelta(days=1))
        return "/stop/" + opt_out_url(LA).rpartition("/")[2]


def statuses(world: World) -> set[str]:
    with tenant_scope(world.shop.tenant.id):
        return set(Consent.objects.values_list("status", flat=True))


@pytest.mark.parametrize("view", VIEWS)
def test_public_pages_have_no_accessibility_problem(
    committed_world: World,
    live_server: Any,
    free_page: Callable[..., Page],
    now: datetime,
    tmp_path: Path,
    view: str,
) -> None:
    stop = prepare(committed_world, now)
    page = free_page(**VIEWS[view])
    found: list[Any] = []

    def look(name: str) -> None:
        page.evaluate(AXE())
        answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        found.extend(
            (name, each["id"], [node["target"] for node in each["nodes"]][:3])
            for each in answer["violations"]
        )
        if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            found.append((name, "scrolls sideways"))
        page.screenshot(path=str(tmp_path / f"{name}-{view}.png"), full_page=True)

    page.goto(f"{live_server.url}/join/juniper")
    assert page.locator("script").count() == 0
    look("join")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    look("join-refused")
    page.goto(f"{live_server.url}/join/juniper/done")
    look("joined")
    page.goto(live_server.url + stop)
    look("stop")
    page.get_by_role("button", name="Stop all texts").click()
    expect(page.get_by_role("heading", name="No more texts")).to_be_visible()
    look("stopped")
    assert found == []


def test_sign_up_and_opt_out_by_keyboard_without_a_script(
    committed_world: World, live_server: Any, browser: Browser, now: datetime
) -> None:
    stop = prepare(committed_world, now)
    context = browser.new_context(**PHONE)
    page = context.new_page()
    bad = watch(page)
    page.goto(f"{live_server.url}/join/juniper")
    page.keyboard.press("Tab")
    page.keyboard.type("310 555 0177")
    page.keyboard.press("Tab")
    page.keyboard.type("Maya")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox")).not_to_be_checked()
    expect(page.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Space")
    page.wait_for_timeout(1600)  # quicker would be a machine
    page.get_by_role("button", name="Sign up").press("Enter")
    expect(page.get_by_role("heading", name="Check your phone")).to_be_visible()
    assert statuses(committed_world) == {"subscribed", "pending"}

    page.goto(live_server.url + stop)
    assert statuses(committed_world) == {"subscribed", "pending"}
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No more texts")).to_be_visible()
    assert statuses(committed_world) == {"unsubscribed", "pending"}
    assert bad == []
    context.close()


def test_the_preview_follows_the_words(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    page: Page,
    now: datetime,
    tmp_path: Path,
) -> None:
    prepare(committed_world, now)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/sign-up/")
    page.get_by_label("What you text about").fill("hats and nothing else")
    expect(page.locator("#preview")).to_contain_text("We text you about: hats and nothing else.")
    page.get_by_label("Link to your terms").fill("https://juniper.example/new-terms")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator(".toast")).to_contain_text("Saved as version 2")
    page.screenshot(path=str(tmp_path / "settings.png"), full_page=True)
