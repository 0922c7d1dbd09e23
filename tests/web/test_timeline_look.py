"""A contact's timeline: one look for every entry, with details or without."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story

pytestmark = pytest.mark.browser
# Each entry's second line: where it begins, in which type, and whether a box is drawn around it.
LINES = """
() => [...document.querySelectorAll("#timeline .timeline > li:not(.day)")].flatMap(entry => {
  const line = entry.querySelector(".sub");
  if (!line) return [];
  const words = line.querySelector("summary") ?? line;
  const style = getComputedStyle(words);
  const box = getComputedStyle(line);
  return [{
    details: line.tagName === "DETAILS",
    look: [
      Math.round(words.getBoundingClientRect().left), style.fontSize, style.fontWeight, style.color,
      style.backgroundColor, box.borderTopWidth, box.borderLeftWidth, box.paddingLeft,
    ].join(" "),
  }];
})
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_entries_with_details_look_like_those_without(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    page: Page,
    now: datetime,
    width: int,
) -> None:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + story.pages()["contact"])
    found = page.evaluate(LINES)
    assert {each["details"] for each in found} == {True, False}
    assert len({each["look"] for each in found}) == 1, found
    # The caret is there to open them, by keyboard too.
    summary = page.locator("#timeline details.checks summary").first
    expect(summary.locator("svg")).to_be_visible()
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#timeline details[open] li").first).to_be_visible()
    page.goto("about:blank")
