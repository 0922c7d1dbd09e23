"""What was changed in a flow's panel is not lost without a word: another step, a link, the keyboard,
the closing of the tab."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story
from triggers.models import FlowVersion

pytestmark = pytest.mark.browser
NEW = "Back for your cart? [CartLink]"
OLD = "Your cart is saved. Finish checkout: [CartLink]"


@pytest.fixture
def flow(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> Page:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + story.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    return page


def versions(world: World) -> int:
    with tenant_scope(world.shop.tenant.id):
        return int(FlowVersion.objects.filter(flow__slug="cart-recovery").count())


def begin(page: Page, step: str, edit: str) -> Locator:
    page.locator(f"#step-{step}").click()
    panel = page.locator("#panel")
    panel.get_by_role("link", name=edit).click()
    panel.locator("unsaved-guard:defined").wait_for(state="attached")
    return panel


def test_another_step_asks_first(flow: Page, committed_world: World) -> None:
    panel = begin(flow, "text_1", "Edit text")
    text = panel.get_by_label("Text", exact=True)
    text.fill(NEW)
    ask = flow.get_by_role("dialog", name="You changed this text")

    # Keep editing: the words stay, the cursor goes back to them.
    flow.locator("#step-wait_1h").click()
    expect(ask).to_be_visible()
    expect(ask).to_contain_text("Save it, or leave it as it was?")
    ask.get_by_role("button", name="Keep editing").click()
    expect(ask).to_be_hidden()
    expect(text).to_have_value(NEW)
    expect(text).to_be_focused()
    expect(flow.locator("#step-text_1")).to_have_attribute("aria-current", "true")

    # Leave it: the other step opens, nothing is saved.
    flow.locator("#step-wait_1h").click()
    ask.get_by_role("button", name="Leave it as it was").click()
    expect(panel.get_by_role("heading", name="Wait 1 hour")).to_be_visible()
    assert versions(committed_world) == 1

    # Save it: a draft, and then the other step.
    panel = begin(flow, "text_1", "Edit text")
    expect(text).to_have_value(OLD)
    text.fill(NEW)
    flow.locator("#step-trigger").click()
    ask.get_by_role("button", name="Save draft").click()
    expect(flow.locator(".toast")).to_contain_text("Saved as version 2")
    expect(panel.get_by_role("heading", name="Checkout Started")).to_be_visible()
    assert versions(committed_world) == 2


def test_by_keyboard_and_for_delay_and_filter(flow: Page, committed_world: World) -> None:
    panel = begin(flow, "wait_1h", "Edit delay")
    panel.get_by_label("Hours").fill("4")
    flow.locator("#step-text_1").focus()
    flow.keyboard.press("Enter")
    ask = flow.get_by_role("dialog", name="You changed this delay")
    expect(ask.get_by_role("button", name="Save draft")).to_be_focused()
    flow.keyboard.press("Escape")
    expect(ask).to_be_hidden()
    expect(panel.get_by_label("Hours")).to_be_focused()
    expect(panel.get_by_label("Hours")).to_have_value("4")
    # Cancel says itself what it does.
    panel.get_by_role("link", name="Cancel").click()
    expect(panel.get_by_role("link", name="Edit delay")).to_be_visible()

    panel = begin(flow, "trigger", "Edit filter")
    panel.get_by_role("button", name="Add condition").click()
    flow.locator("#step-text_1").click()  # an empty line says nothing, so there is nothing to ask
    expect(panel.get_by_role("link", name="Edit text")).to_be_visible()
    panel = begin(flow, "trigger", "Edit filter")
    first = panel.get_by_role("group", name="Condition 1")
    first.get_by_label("Property").fill("value")
    first.get_by_label("Comparison").select_option("is known")
    flow.get_by_role("link", name="Versions").click()
    ask = flow.get_by_role("dialog", name="You changed this filter")
    ask.get_by_role("button", name="Save draft").click()
    flow.wait_for_url("**/versions/")
    expect(flow.locator(".toast")).to_contain_text("Saved as version 2")
    assert versions(committed_world) == 2


def test_closing_the_tab_asks_only_when_something_would_be_lost(flow: Page) -> None:
    asked: list[str] = []

    def hear(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    flow.on("dialog", hear)
    panel = begin(flow, "text_1", "Edit text")
    text = panel.get_by_label("Text", exact=True)
    text.fill(NEW)
    text.fill(OLD)
    flow.reload()
    assert asked == []
    panel = begin(flow, "text_1", "Edit text")
    text.fill(NEW)
    with flow.expect_event("dialog"):
        flow.close(run_before_unload=True)
    expect(text).to_have_value(NEW)
    assert asked == ["beforeunload"]


def test_a_refused_text_is_unsaved_though_nobody_typed_since(
    committed_world: World, live_server: Any, log_in: LogIn, free_page: Any, now: datetime
) -> None:
    page = free_page()  # a refusal is a 422, which the other fixture counts as a failed request
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + story.pages()["flow"])
    panel = begin(page, "text_1", "Edit text")
    panel.get_by_label("Text", exact=True).fill("Hi [FirstName]")
    panel.get_by_role("button", name="Save draft").click()
    expect(panel.get_by_role("alert")).to_contain_text("Not saved")
    panel.locator("unsaved-guard:defined").wait_for(state="attached")
    page.locator("#step-wait_1h").click()
    expect(page.get_by_role("dialog", name="You changed this text")).to_be_visible()
