"""Every page: in Chromium, in both schemes and on a phone, without a violation or a side scroll."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story

pytestmark = pytest.mark.browser
AXE = (
    Path(__file__).parents[2] / "platform/web/frontend/node_modules/axe-core/axe.min.js"
).read_text
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.mark.parametrize("view", VIEWS)
def test_no_page_has_an_accessibility_problem(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
    view: str,
) -> None:
    story = tell_story(committed_world.shop, now=now)
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    found: list[tuple[str, str, Any]] = []
    for name, path in story.pages().items():
        page.goto(live_server.url + path)
        page.wait_for_load_state("load")
        page.evaluate(AXE())
        answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        found += [
            (name, each["id"], [node["target"] for node in each["nodes"]][:3])
            for each in answer["violations"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append((name, "scrolls sideways", wide))
    assert found == []


def test_log_in_page(
    committed_world: World, live_server: Any, free_page: Callable[..., Page]
) -> None:
    page = free_page()
    page.goto(f"{live_server.url}/w/juniper/contacts/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("E-mail").fill("owner@juniper.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.evaluate(AXE())
    answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert [each["id"] for each in answer["violations"]] == []


def test_pages_tell_what_happened(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    # The other workspace looks the same; nothing of it may show.
    story = tell_story(committed_world.shop, now=now, also=committed_world.other)
    log_in(page.context, committed_world.shop)
    pages = story.pages()

    page.goto(live_server.url + pages["home"])
    held = page.get_by_role("region", name="Held back, on purpose")
    expect(held).to_contain_text("Unsubscribed")
    held.get_by_role("link", name="Unsubscribed").click()
    rows = page.locator(".msgs > li")
    expect(rows.first).to_contain_text("Skipped · unsubscribed")
    assert {text.split("\n")[0] for text in rows.locator(".whom").all_inner_texts()} == {
        "Ruth Okonkwo"
    }

    page.goto(live_server.url + pages["contact"])
    timeline = page.locator("#timeline")
    expect(timeline).to_contain_text("Entered Loyalty nudge")
    expect(timeline).to_contain_text("12 checks passed")
    timeline.locator("details.checks summary").first.click()
    expect(timeline.locator("details[open] li").first).to_contain_text("Workspace")
    # Polling redraws the list: what somebody has opened stays open.
    page.wait_for_timeout(3600)
    expect(timeline.locator("details[open]")).to_have_count(1)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#would")).to_contain_text("Frequency cap")

    page.goto(live_server.url + pages["contact-stopped"])
    expect(page.locator(".bar")).to_contain_text("Unsubscribed")
    expect(page.locator("#timeline")).to_contain_text("Skipped · unsubscribed")


def test_flow_is_a_list_for_the_keyboard(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + story.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    expect(page.locator(".wires path")).not_to_have_count(0)
    page.locator("#step-trigger").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel = page.locator("#panel")
    expect(panel).to_contain_text("As somebody unknown would read it")
    expect(panel.locator(".source .tok")).not_to_have_count(0)
    expect(panel.locator(".bub").first).to_contain_text("Juniper & Oak:")
    expect(page.locator(".step[aria-current=true]")).to_have_count(1)


def test_switcher_keys_and_theme(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/contacts/")
    page.keyboard.press("w")
    switcher = page.get_by_role("dialog", name="Switch workspace")
    expect(switcher.get_by_role("link")).to_have_count(1)  # the look-alike is not ours
    nobody = switcher.get_by_text("No workspace of that name.")
    expect(nobody).to_be_hidden()
    page.keyboard.type("zzz")
    expect(nobody).to_be_visible()
    expect(switcher.get_by_role("link")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(switcher).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Find")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Find")).to_be_hidden()
    page.keyboard.type("gf")
    page.wait_for_url("**/flows/")
    page.get_by_role("button", name="Olga Owner").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_on_a_phone_the_open_pages_tab_is_in_sight(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    log_in(page.context, committed_world.shop)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/w/juniper/settings/team/")
    expect(page.get_by_role("link", name="Team", exact=True)).to_be_in_viewport()


def test_a_key_is_shown_once(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/keys/")
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog", name="New API key")
    dialog.get_by_label("Name").fill("Nightly export")
    dialog.get_by_label("Read contacts, their numbers, events and timeline").check()
    dialog.get_by_role("button", name="Make key").click()
    secret = page.locator("copy-text code").inner_text()
    assert secret.startswith("kairos_")
    page.goto(f"{live_server.url}/w/juniper/settings/keys/")
    assert secret not in page.content()
    expect(page.get_by_text("Nightly export")).to_be_visible()
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Revoke Nightly export").click()
    expect(page.locator(".toast")).to_contain_text("opens nothing any more")
