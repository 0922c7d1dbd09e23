"""The shell: dialogs keep their head and buttons in sight, tabs do not scroll up and down, and the
demo's pill stays small."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story

pytestmark = pytest.mark.browser
SIZES = {"laptop": (1280, 720), "phone": (390, 700)}
WITH_DIALOGS = ("keys", "webhooks", "connectors", "team", "sending", "flows", "campaigns", "agency")
LONG = {"new-api-key", "new-webhook"}  # longer than a phone

# What is cut off, covered or focused in an open dialog, after `scrolls` moved it to its end.
LOOK = """(dialog) => {
  const inside = (e) => {
    const box = e.getBoundingClientRect();
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.top >= 0 && box.bottom <= innerHeight && (e.contains(seen) || seen?.contains(e));
  };
  const foot = dialog.querySelector(".body > .row:last-child");
  const buttons = foot ? [...foot.querySelectorAll(".btn")] : [];
  const wide = [...dialog.querySelectorAll("*")].some((e) => e.getBoundingClientRect().right > innerWidth);
  return {
    head: inside(dialog.querySelector("header")),
    buttons: buttons.every(inside),
    count: buttons.length,
    fits: dialog.scrollHeight <= dialog.clientHeight,
    wide,
  };
}"""
FOCUS = """(dialog) => {
  const here = document.activeElement;
  const all = [...dialog.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const shown = all.filter((e) => e.offsetParent && !e.disabled);
  const first = shown.find((e) => e.type !== "radio" || e.checked);
  return {
    right: first ? here === first : dialog.contains(here) && !here.closest("header"),
    what: here.outerHTML.slice(0, 120),
  };
}"""


@pytest.mark.parametrize("size", SIZES)
def test_a_dialog_keeps_its_head_and_its_buttons_in_sight(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime, size: str
) -> None:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    opened = {}
    for name in WITH_DIALOGS:
        page.goto(live_server.url + story.pages()[name])
        openers = page.locator("main [data-opens]")
        for at in range(openers.count()):
            opener = openers.nth(at)
            if not opener.is_visible():
                continue
            key = str(opener.get_attribute("data-opens"))
            opener.click()
            dialog = page.locator(f"dialog#{key}")
            expect(dialog).to_be_visible()
            focus = dialog.evaluate(FOCUS)
            assert focus["right"], (key, focus)
            first = dialog.evaluate(LOOK)
            dialog.evaluate("dialog => { dialog.scrollTop = dialog.scrollHeight; }")
            last = dialog.evaluate(LOOK)
            for seen in (first, last):
                assert seen["head"], (key, seen)
                assert seen["buttons"], (key, seen)
                assert not seen["wide"], (key, seen)
            opened[key] = first
            page.keyboard.press("Escape")
            expect(dialog).to_be_hidden()
    assert set(opened) >= LONG | {"invite", "connect", "new-write-key", "new-client"}
    assert all(opened[key]["count"] for key in LONG)
    if size == "phone":
        assert not any(opened[key]["fits"] for key in LONG)  # or nothing was tried


@pytest.mark.parametrize("size", SIZES)
def test_at_its_end_a_long_form_is_not_under_its_buttons(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, size: str
) -> None:
    log_in(page.context, committed_world.shop)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{live_server.url}/w/juniper/settings/keys/")
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog", name="New API key")
    expect(dialog.get_by_label("Name")).to_be_focused()
    ticks = dialog.get_by_role("checkbox")
    for at in range(ticks.count()):
        page.keyboard.press("Tab")
        expect(ticks.nth(at)).to_be_focused()
        covered = ticks.nth(at).evaluate(
            """e => {
              const box = e.getBoundingClientRect();
              return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) !== e;
            }"""
        )
        assert not covered, at


def test_a_refused_dialog_opens_at_what_was_refused(
    committed_world: World, live_server: Any, log_in: LogIn, free_page: Callable[..., Page]
) -> None:
    page = free_page()  # the other one takes a refusal for a fault
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/webhooks/")
    page.get_by_role("button", name="New webhook").click()
    page.get_by_label("Address").fill("https://192.168.1.1/hooks")
    page.get_by_label("Note").fill("CRM")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.locator("#new-webhook .error")).to_contain_text("Only public addresses")
    expect(page.get_by_label("Address")).to_be_focused()
    expect(page.get_by_role("button", name="Add webhook")).to_be_in_viewport()


@pytest.mark.parametrize("size", SIZES)
def test_tabs_move_aside_and_never_up_and_down(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, size: str
) -> None:
    log_in(page.context, committed_world.shop)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{live_server.url}/w/juniper/settings/team/")
    tabs = page.get_by_role("navigation", name="Settings")
    expect(tabs.get_by_role("link", name="Team")).to_be_in_viewport()
    assert tabs.evaluate("e => e.scrollHeight - e.clientHeight") == 0
    if size == "laptop":  # nothing is hidden from who has no way to move them aside
        assert tabs.evaluate("e => e.scrollWidth - e.clientWidth") == 0


@pytest.mark.parametrize(("width", "short"), [(390, True), (1280, True), (1680, False)])
def test_the_demos_pill_is_one_short_line(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    page: Page,
    settings: Any,
    width: int,
    short: bool,
) -> None:
    settings.KAIROS_MODE = "demo"
    log_in(page.context, committed_world.shop)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/w/juniper/flows/")
    pill = page.locator("#demo-pill")
    expect(pill).to_be_in_viewport()
    expect(pill).to_contain_text("Demo data · nothing leaves this machine")  # read out, in full
    expect(pill).to_contain_text("in Los Angeles")
    box = pill.bounding_box()
    assert box is not None
    assert box["height"] < 24
    assert (box["width"] < 150) == short
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
