"""The flow page fits its window: its head, its steps and its zoom buttons; and it says what stands
in a text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import Story, tell_story
from triggers.domain.editing import change_delay
from triggers.models import Flow

pytestmark = pytest.mark.browser


@pytest.fixture
def draft(committed_world: World, log_in: LogIn, page: Page, now: datetime, settings: Any) -> Story:
    """A live flow with a draft, as a demo shows it."""
    settings.KAIROS_MODE = "demo"
    story = tell_story(committed_world.shop, now=now)
    with tenant_scope(committed_world.shop.tenant.id):
        flow = Flow.objects.get(slug="cart-recovery")
        change_delay(flow, key="wait_1h", duration="PT2H", now=now)
    log_in(page.context, committed_world.shop)
    return story


def overflow(page: Page) -> dict[str, int]:
    found: dict[str, int] = page.evaluate(
        "({x: document.documentElement.scrollWidth - innerWidth,"
        " y: document.documentElement.scrollHeight - innerHeight,"
        " title: (h => h.scrollWidth - h.clientWidth)(document.querySelector('.bar h1'))})"
    )
    return found


def test_the_head_fits_a_laptop(draft: Story, live_server: Any, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(live_server.url + draft.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    expect(page.get_by_role("status").first).to_contain_text("is a draft")
    expect(page.locator("#demo-pill")).to_be_in_viewport(ratio=1)
    found = overflow(page)
    assert found["x"] <= 0, found
    assert found["y"] <= 0, found
    assert found["title"] <= 0, found
    for name in ("Numbers", "Pause"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    for name in ("Versions", "Review and publish"):
        expect(page.get_by_role("link", name=name)).to_be_in_viewport(ratio=1)


def test_the_head_and_the_zoom_buttons_fit_a_phone(
    draft: Story, live_server: Any, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + draft.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    found = overflow(page)
    assert found["x"] <= 0, found
    assert found["title"] <= 0, found
    expect(page.get_by_role("button", name="Pause")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Review and publish")).to_be_in_viewport(ratio=1)
    zoom = page.get_by_role("group", name="Zoom")
    for times in range(4):
        page.evaluate("document.querySelector('.pane').scrollTop = 1e6")
        page.locator("#step-text_2").scroll_into_view_if_needed()
        step, bar = page.locator("#step-text_2").bounding_box(), zoom.bounding_box()
        assert step is not None
        assert bar is not None
        above = step["y"] + step["height"] <= bar["y"]
        assert above or bar["y"] + bar["height"] <= step["y"], times
        page.get_by_role("button", name="Zoom out").click()


def test_the_canvas_and_the_differences_number_steps_alike(
    draft: Story, live_server: Any, page: Page
) -> None:
    page.goto(live_server.url + draft.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    expect(page.locator("#step-wait_1h")).to_contain_text("Step 1 ·")
    expect(page.locator("#step-text_2")).to_contain_text("Step 4 ·")
    page.locator("#step-wait_1h").click()
    panel = page.locator("#panel")
    expect(panel.locator("header")).to_contain_text("Step 1")
    expect(panel.locator(".diff dt")).to_have_text("Delay of step 1")
    # The template's own line breaks are not part of what changed.
    for words in panel.locator(".diff dd").all():
        assert words.evaluate("each => getComputedStyle(each).whiteSpace") == "normal"
        kept = words.locator(".verbatim")
        expect(kept).to_have_css("white-space", "pre-wrap")
        assert kept.evaluate("each => each.textContent === each.textContent.trim()")


def test_coverage_is_said_once_and_quietly(
    draft: Story, live_server: Any, free_page: Any, committed_world: World, log_in: LogIn
) -> None:
    page = free_page()
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}{draft.pages()['flow']}?step=text_1&edit=1")
    panel = page.locator("#panel")
    text = panel.get_by_label("Text", exact=True)
    uses = panel.locator("[data-uses]")
    expect(uses).to_contain_text("Cart link")
    text.fill("Hi [FirstName or 'there'], dear [LoyaltyTier or 'member']: [CartLink]")
    expect(uses.get_by_role("listitem")).to_have_count(3)
    expect(uses).to_contain_text("All of the newest 2 people have it")
    expect(uses).to_contain_text(
        "2 of the newest 2 people (100%) have none and read \u201cmember\u201d"
    )
    expect(panel.locator("[data-problems] li")).to_have_count(0)
    # Without a fallback it is a problem, said in one place: also after saving was refused.
    text.fill("Dear [LoyaltyTier]: [CartLink]")
    problem = panel.locator("[data-problems] [data-field=LoyaltyTier]")
    expect(problem).to_contain_text("LoyaltyTier has no fallback")
    expect(uses).not_to_contain_text("Loyalty tier")
    panel.get_by_role("button", name="Save draft").click()
    expect(panel.get_by_role("alert")).to_have_text(
        "Not saved What to put right stands under the text."
    )
    expect(panel.get_by_text("LoyaltyTier has no fallback")).to_have_count(1)
    expect(problem).to_contain_text("2 of the newest 2 people (100%) have none.")
    # An empty text is a mistake only once somebody typed.
    text.fill("x")
    text.fill("")
    expect(panel.locator("[data-problems]")).to_contain_text("The text is empty.")


def test_an_empty_text_is_no_mistake_before_anybody_typed(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/campaigns/")
    page.get_by_role("button", name="New campaign").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Spring")
    page.keyboard.press("Enter")
    text = page.get_by_label("Text", exact=True)
    expect(page.locator("[data-size]")).to_have_text("No text yet")
    expect(page.locator("[data-problems] li")).to_have_count(0)
    expect(text).not_to_have_attribute("aria-invalid", "true")
    text.fill("Hi [FirstName]")
    expect(page.locator("[data-problems]")).to_contain_text("FirstName has no fallback")
