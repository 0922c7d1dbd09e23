"""What was changed in a campaign's form is not lost without a word: a link, the closing of the tab."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from segments.domain.segments import create_segment
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.models import Campaign

pytestmark = pytest.mark.browser
OLD = "Everything is 20% off."
SEGMENT = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}


def draft(world: World, now: datetime) -> str:
    tell_story(world.shop, now=now)
    with tenant_scope(world.shop.tenant.id):
        create_segment("Angelenos", slug="angelenos", definition=SEGMENT, now=now)
        campaign = create_campaign(Wanted("Sale", "everybody", body=OLD), now=business_now())
    return f"/w/juniper/campaigns/{show_id('cmp', campaign.id)}/"


@pytest.fixture
def campaign(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> Page:
    path = draft(committed_world, now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + path)
    ready(page)
    return page


def ready(page: Page) -> None:
    page.locator("unsaved-guard:defined").wait_for(state="attached")
    page.locator("text-composer:defined").wait_for()


def saved(world: World) -> Campaign:
    with tenant_scope(world.shop.tenant.id):
        found: Campaign = Campaign.objects.select_related("template_version").get()
    return found


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name="You changed this campaign")


def leave(page: Page) -> None:
    page.get_by_role("link", name="Contacts", exact=True).click()


def test_a_link_asks_first(campaign: Page, committed_world: World) -> None:
    page, ask = campaign, question(campaign)
    text = page.get_by_label("Text", exact=True)
    text.fill("Only until Sunday.")

    # Keep editing: the words stay, the cursor goes back to them.
    leave(page)
    expect(ask).to_contain_text("Save it, or leave it as it was?")
    ask.get_by_role("button", name="Keep editing").click()
    expect(ask).to_be_hidden()
    expect(text).to_have_value("Only until Sunday.")
    expect(text).to_be_focused()

    # Leave it: the other page, and nothing is saved.
    leave(page)
    ask.get_by_role("button", name="Leave it as it was").click()
    page.wait_for_url("**/contacts/")
    assert saved(committed_world).template_version.body == OLD
    page.go_back()
    ready(page)

    # Save it: saved, and then the other page.
    text.fill("Only until Sunday.")
    leave(page)
    expect(ask.get_by_role("button", name="Save", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/contacts/")
    expect(page.locator(".toast")).to_contain_text("Saved.")
    assert saved(committed_world).template_version.body == "Only until Sunday."


def test_each_field_counts_and_what_is_put_back_does_not(campaign: Page) -> None:
    page, ask = campaign, question(campaign)
    page.get_by_text("Leave out").click()
    on_time = page.get_by_role("radio", name="At a time in")
    now = page.locator("[name=timing][value=now]")
    moment = page.get_by_label("Day and time")  # shown once a time is wanted

    def set_a_moment() -> None:
        on_time.check()
        moment.fill("2026-12-01T10:00")

    def forget_it() -> None:
        moment.fill("")
        now.check()

    for change, back in (
        (lambda: page.get_by_label("Name").fill("Fall"), lambda: page.get_by_label("Name").fill("Sale")),
        (
            lambda: page.get_by_label("Audience").select_option("segment:angelenos"),
            lambda: page.get_by_label("Audience").select_option("everybody"),
        ),
        (
            lambda: page.get_by_label("Angelenos").check(),
            lambda: page.get_by_label("Angelenos").uncheck(),
        ),
        (on_time.check, now.check),
        (set_a_moment, forget_it),
    ):  # fmt: skip
        change()
        leave(page)
        expect(ask).to_be_visible()
        page.keyboard.press("Escape")
        expect(ask).to_be_hidden()
        back()
    leave(page)
    page.wait_for_url("**/contacts/")


def test_saving_and_reviewing_ask_nothing(campaign: Page, committed_world: World) -> None:
    page = campaign
    asked: list[str] = []

    def hear(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", hear)
    page.get_by_label("Name").fill("Fall sale")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Fall sale")).to_be_visible()
    ready(page)
    page.get_by_label("Name").fill("Winter sale")
    page.get_by_role("button", name="Review and send").click()
    expect(page.get_by_role("dialog", name="Send Winter sale")).to_be_visible()
    assert asked == []
    assert saved(committed_world).name == "Winter sale"


def test_closing_the_tab_asks_only_when_something_would_be_lost(campaign: Page) -> None:
    page = campaign
    asked: list[str] = []

    def hear(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", hear)
    page.get_by_label("Name").fill("Fall")
    page.get_by_label("Name").fill("Sale")
    page.reload()
    assert asked == []
    ready(page)
    page.get_by_label("Name").fill("Fall")
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    expect(page.get_by_label("Name")).to_have_value("Fall")
    assert asked == ["beforeunload"]


def test_a_refused_campaign_is_unsaved_though_nobody_typed_since(
    committed_world: World, live_server: Any, log_in: LogIn, free_page: Any, now: datetime
) -> None:
    page = free_page()  # a refusal is a 422, which the other fixture counts as a failed request
    path = draft(committed_world, now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + path)
    ready(page)
    page.get_by_label("Text", exact=True).fill("Hi [FirstName]")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    ready(page)
    leave(page)
    expect(question(page)).to_be_visible()


def test_who_may_only_read_is_asked_nothing(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    path = draft(committed_world, now)
    shop = committed_world.shop
    log_in(page.context, replace(shop, owner=shop.analyst))
    page.goto(live_server.url + path)
    expect(page.get_by_role("heading", name="Sale")).to_be_visible()
    assert page.locator("unsaved-guard").count() == 0
