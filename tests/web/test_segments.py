"""Segments in the browser: found, read, copied; and said again where a campaign chooses one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segments.domain.segments import build_segment, create_segment
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.web.conftest import LogIn
from tests.web.story import add_people, tell_story
from tests.web.test_pages import AXE, TAGS, VIEWS
from triggers.domain.campaign_drafts import Wanted, create_campaign

pytestmark = pytest.mark.browser
LOOKING = {
    "all": [
        {"attribute": "city", "op": "is", "value": "Los Angeles"},
        {
            "any": [
                {"event": "Checkout Started", "within": "P14D"},
                {"event": "Product Viewed", "count": {"op": "gte", "value": 2}, "within": "P7D"},
            ]
        },
        {"not": {"event": "Order Completed", "within": "P30D"}},
    ]
}
SENTENCE = (
    "Contacts whose city is Los Angeles, (with Checkout Started in the last 14 days, or with 2 or"
    " more Product Viewed in the last 7 days), and without Order Completed in the last 30 days."
)


def fill(brand: Brand) -> str:
    """Two segments and a campaign that has chosen nobody; its id."""
    with tenant_scope(brand.tenant.id):
        for name, definition in (
            ("Looking in LA", LOOKING),
            ("New York", {"attribute": "city", "op": "is", "value": "New York"}),
        ):
            made = create_segment(name, definition=definition, now=business_now())
            build_segment(made.id, now=business_now())
        return show_id("cmp", create_campaign(Wanted("Early"), now=business_now()).id)


def test_a_segment_is_found_read_and_copied(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now, also=committed_world.other)
    add_people(story, 3, now=business_now())
    fill(committed_world.shop)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Segments").click()
    expect(page.get_by_text(SENTENCE)).to_be_visible()
    page.get_by_role("link", name="Looking in LA").click()
    expect(page.get_by_role("heading", name="Looking in LA")).to_be_visible()
    lines = page.locator(".page .conditions").first
    expect(lines).to_contain_text("At least one of these")
    expect(lines.locator(".conditions li")).to_have_count(2)
    members = page.get_by_role("region", name="Members")
    expect(members.get_by_role("link", name="Maya Okonkwo")).to_be_visible()
    expect(members.get_by_role("link")).to_have_count(4)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the definition").click()
    expect(page.get_by_role("button", name="Copy the definition")).to_contain_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == LOOKING
    members.get_by_role("link", name="Maya Okonkwo").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()


def test_a_segment_is_made_from_lines(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
) -> None:
    tell_story(committed_world.shop, now=now)
    page = free_page()
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/segments/")
    page.get_by_role("link", name="New segment").click()
    page.get_by_label("Name", exact=True).fill("Looked twice")
    first, second = (page.get_by_role("group", name=f"Line {n}") for n in (1, 2))
    chosen = first.get_by_label("Event")
    expect(chosen).to_have_css("padding-right", "28px")  # the caret stands beside the words
    chosen.select_option("Product Viewed")
    first.get_by_label("At least").fill("2")
    second.get_by_label("Event").select_option("Order Completed")
    second.get_by_label("In the last").fill("many")
    page.get_by_role("button", name="Make the segment").click()
    expect(second).to_contain_text("Days are a whole number")
    expect(first.get_by_label("At least")).to_have_value("2")
    second.get_by_label("In the last").fill("30")
    page.get_by_role("button", name="Make the segment").click()
    expect(page.get_by_role("heading", name="Looked twice")).to_be_visible()
    expect(
        page.get_by_text(
            "Contacts with 2 or more Product Viewed at any time, and without Order Completed in"
            " the last 30 days."
        )
    ).to_be_visible()


def test_a_campaign_for_now_asks_for_no_time(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    campaign = fill(committed_world.shop)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/campaigns/{campaign}/")
    moment = page.get_by_label("Day and time")
    expect(moment).to_be_hidden()
    page.get_by_text("At this time on each contact's own clock").click()
    expect(moment).to_be_visible()


def test_the_composer_says_who_is_chosen_as_it_is_chosen(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    campaign = fill(committed_world.shop)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/campaigns/{campaign}/")
    words = page.locator("#who-words")
    expect(words).to_be_hidden()
    page.get_by_label("Audience").select_option("segment:looking-in-la")
    expect(words).to_contain_text(SENTENCE)
    expect(words).to_contain_text("1 with a phone number")
    page.get_by_text("Leave out").click()
    page.get_by_role("checkbox", name="New York").check()
    expect(words).to_contain_text("Without New York: Contacts whose city is New York.")
    page.get_by_role("checkbox", name="Looking in LA").check()
    expect(words).to_contain_text("0 with a phone number, after those who are left out.")
    page.get_by_label("Audience").select_option("everybody")
    expect(words).to_contain_text("marketing consent")
    expect(words).not_to_contain_text("with a phone number")


@pytest.mark.parametrize("view", VIEWS)
def test_segment_pages_have_no_accessibility_problem(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
    view: str,
) -> None:
    story = tell_story(committed_world.shop, now=now)
    add_people(story, 30, now=business_now())
    fill(committed_world.shop)
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    found: list[tuple[str, str, Any]] = []
    for path in ("segments/", "segments/-/new/", "segments/looking-in-la/", "segments/new-york/"):
        page.goto(f"{live_server.url}/w/juniper/{path}")
        page.wait_for_load_state("load")
        page.evaluate(AXE())
        answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        found += [
            (path, each["id"], [node["target"] for node in each["nodes"]][:3])
            for each in answer["violations"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append((path, "scrolls sideways", wide))
    assert found == []
