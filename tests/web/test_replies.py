"""The replies page in Chromium: read and answer by keyboard and on a phone; what comes in shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from delivery.models import Answer, Message
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import ask, tell_story
from tests.web.test_pages import AXE, TAGS, VIEWS

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KAIROS_PICTURES", "")


def look(page: Page, name: str) -> None:
    """Nothing wrong for axe, no side scroll; a picture where one is wanted."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
    page.evaluate(AXE())
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    bad = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]]
    assert bad == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def leave(page: Page) -> None:
    """Ends the polling before the tables are emptied under it."""
    page.goto("about:blank")
    page.wait_for_timeout(500)


def test_walking_and_answering_by_keyboard(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/{story.slug}/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Replies", exact=True)).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".said .bub").last).to_have_text("Is the oak tray dishwasher safe?")
    page.keyboard.press("r")
    page.keyboard.type("No: oak likes a cloth and a little oil.")
    expect(page.locator("#answer-size")).to_contain_text("1 part")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said.ours .bub").last).to_contain_text("oak likes a cloth")
    expect(page.locator(".said.ours .meta").last).to_contain_text("Olga Owner")
    expect(page.locator("header.bar .pill.good")).to_have_text("Answered")
    with tenant_scope(story.brand.tenant.id):
        assert Message.objects.get(source_kind="answer").status == "queued"
        assert Answer.objects.get().member_name == "Olga Owner"
    # What comes in meanwhile shows by itself, and a STOP is said in red.
    ask(story.brand, "STOP")
    expect(page.locator(".sysline.stop")).to_be_visible()
    expect(page.locator(".box .note")).to_contain_text("No answer can go out")
    leave(page)


@pytest.mark.parametrize("view", VIEWS)
def test_reading_and_answering_in_every_view(
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
    page.goto(f"{live_server.url}/w/{story.slug}/replies/")
    look(page, f"replies-{view}")
    page.get_by_role("link", name="Maya").first.click()
    page.locator("#answer-body").fill("It is not: wipe it with a cloth.")
    expect(page.locator("#answer-size")).to_contain_text("1 part")
    look(page, f"reply-{view}")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".said.ours .bub").last).to_contain_text("wipe it with a cloth")
    look(page, f"reply-answered-{view}")
    ask(story.brand, "STOP")
    page.goto(f"{live_server.url}/w/{story.slug}/replies/{show_id('con', story.maya)}/")
    expect(page.locator(".box .note")).to_be_visible()
    look(page, f"reply-stopped-{view}")
    leave(page)
