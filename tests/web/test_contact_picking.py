"""Ticking contacts and narrowing the list in Chromium, at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = 60_000


def test_rows_are_ticked_and_written_to_a_file(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.set_default_timeout(LONG)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{live_server.url}/w/juniper/contacts/")
    export = page.get_by_role("button", name=re.compile(r"^Export(?! all)"))
    expect(export).to_be_hidden()
    page.get_by_label("Select Maya Okonkwo").check()
    expect(export).to_have_text("Export 1 selected", timeout=LONG)
    page.get_by_label("Select this page").check()
    expect(export).to_have_text("Export 2 selected", timeout=LONG)
    page.get_by_label("Select Ruth Okonkwo").uncheck()
    expect(page.get_by_label("Select this page")).not_to_be_checked()
    with page.expect_download() as download:
        export.click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "Maya" in text
    assert "Ruth" not in text


def test_a_filter_is_chosen_shown_as_a_chip_and_taken_away(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.set_default_timeout(LONG)
    page.goto(f"{live_server.url}/w/juniper/contacts/")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("SMS consent").select_option("Unsubscribed")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(
        f"{live_server.url}/w/juniper/contacts/?consent=unsubscribed&sort=newest", timeout=LONG
    )
    expect(page.get_by_role("status").filter(has_text="1 contact")).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="Without SMS consent Unsubscribed").click()
    expect(page.get_by_role("link", name="Maya Okonkwo")).to_be_visible(timeout=LONG)
    page.get_by_label("Sort").select_option("Name")
    expect(page).to_have_url(f"{live_server.url}/w/juniper/contacts/?sort=name", timeout=LONG)


@pytest.mark.parametrize("width", [1280, 390])
def test_no_row_is_cut_off(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
    width: int,
) -> None:
    tell_story(committed_world.shop, now=now)
    page = free_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(LONG)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/contacts/?has_phone=true&consent=unsubscribed")
    table = page.get_by_role("table")
    expect(table).to_be_visible(timeout=LONG)
    over = table.evaluate("e => e.parentElement.scrollWidth - e.parentElement.clientWidth")
    assert over <= 0
    expect(page.get_by_text("+1 (212) 555-0117")).to_be_visible()
