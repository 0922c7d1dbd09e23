"""A campaign in the browser: by hand from the list to the live page, by keyboard, on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segments.domain.segments import build_segment, create_segment
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import add_people, tell_story
from tests.web.test_pages import AXE, TAGS, VIEWS
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.campaigns import launch_campaign
from triggers.domain.fanning import fan_out
from triggers.models import Campaign

pytestmark = pytest.mark.browser


def test_a_campaign_from_the_list_to_the_live_page(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now, also=committed_world.other)
    add_people(story, 3, now=business_now())
    tenant_id = committed_world.shop.tenant.id
    with tenant_scope(tenant_id):
        definition = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}
        segment = create_segment("In Los Angeles", definition=definition, now=business_now())
        build_segment(segment.id, now=business_now())
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/")
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("button", name="New campaign").first.click()
    dialog = page.get_by_role("dialog", name="New campaign")
    dialog.get_by_label("Name").fill("Early access")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Early access")).to_be_visible()
    expect(page.locator("#checks-title + span")).to_have_text("Of what is saved")
    expect(page.locator(".note")).to_contain_text("Choose who gets it.")

    page.get_by_label("Audience").select_option("segment:in-los-angeles")
    page.get_by_label("Text", exact=True).fill("Hi [FirstName or 'there'], early access is open.")
    page.get_by_role("button", name="Save", exact=True).click()
    # Maya had her two texts of the day from flows.
    expect(page.locator(".funnel li").first).to_contain_text("4")
    expect(page.locator(".funnel li").last).to_contain_text("3")
    expect(page.locator(".tally")).to_contain_text("Frequency cap")
    expect(page.get_by_text("0.0083 USD")).to_be_visible()

    page.get_by_role("button", name="Review and send").click()
    review = page.get_by_role("dialog", name="Send Early access")
    expect(review.locator("dd").first).to_have_text("3")
    expect(review).to_contain_text("early access is open.")
    expect(review.locator(".told")).to_contain_text("In Los Angeles, 4 contacts")
    expect(review.locator(".told")).to_contain_text("Contacts whose city is Los Angeles.")
    expect(review).to_contain_text("Without the carriers' fees")
    review.get_by_role("button", name="Not yet").click()
    expect(review).to_be_hidden()
    page.get_by_role("button", name="Review and send").click()
    review.get_by_role("button", name="Send now").press("Enter")

    expect(page.get_by_role("heading", name="Waiting for its time")).to_be_visible()
    expect(page.locator(".stats")).to_contain_text(re.compile(r"Planned\s*4"))
    assert fan_out(tenant_id, now=business_now()) > 0
    # The page finds out by itself that it is on its way, and draws itself anew.
    expect(page.get_by_role("heading", name="On its way")).to_be_visible(timeout=60_000)
    expect(page.locator("#progress")).to_contain_text("of 4")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("link", name="Stop").click()
    stop = page.get_by_role("dialog", name="Stop Early access")
    expect(stop).to_contain_text("cannot be called back")
    stop.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("heading", name="Stopped", exact=True)).to_be_visible()
    with tenant_scope(tenant_id):
        assert Campaign.objects.get().status == "stopped"
    with tenant_scope(committed_world.other.tenant.id):
        assert not Campaign.objects.exists()


@pytest.mark.parametrize("view", VIEWS)
def test_campaign_pages_have_no_accessibility_problem(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
    view: str,
) -> None:
    story = tell_story(committed_world.shop, now=now)
    add_people(story, 3, now=business_now())
    tenant_id = committed_world.shop.tenant.id
    with tenant_scope(tenant_id):
        definition = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}
        segment = create_segment("In Los Angeles", definition=definition, now=business_now())
        build_segment(segment.id, now=business_now())
        empty = create_campaign(Wanted("Only a name"), now=business_now())
        words = "Hi [FirstName or 'there'], our autumn glazes are in."
        text = Wanted("Autumn glazes", "everybody", exclude=[segment.slug], body=words)
        full = create_campaign(text, now=business_now())
        live = create_campaign(Wanted("Early access", "everybody", body=words), now=business_now())
        launch_campaign(live, now=business_now())
    assert fan_out(tenant_id, now=business_now()) > 0
    base = "/w/juniper/campaigns/{}"
    pages = {
        "list": "",
        "empty": f"{show_id('cmp', empty.id)}/",
        "full": f"{show_id('cmp', full.id)}/",
        "review": f"{show_id('cmp', full.id)}/?review=1",
        "live": f"{show_id('cmp', live.id)}/",
        "stop": f"{show_id('cmp', live.id)}/?stop=1",
    }
    addresses = {name: base.format(path) for name, path in pages.items()}
    addresses["costs"] = "/w/juniper/settings/costs/"
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    found: list[tuple[str, str, Any]] = []
    for name, path in addresses.items():
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
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
