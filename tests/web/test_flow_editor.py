"""A flow from its recipe to live in the browser: started, edited, published, paused; by mouse, by
keyboard and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.web.conftest import LogIn
from tests.web.story import tell_story
from triggers.models import Flow, FlowVersion

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


def live_definition(brand: Brand) -> dict[str, Any]:
    with tenant_scope(brand.tenant.id):
        flow = Flow.objects.select_related("live_version").get(slug="cart-recovery")
        definition: dict[str, Any] = flow.live_version.definition
    return definition


def text_in_use(brand: Brand, slug: str) -> str:
    from templates_engine.models import Template

    with tenant_scope(brand.tenant.id):
        template = Template.objects.select_related("approved_version").get(slug=slug)
        return str(template.approved_version.body)


def test_from_an_empty_flows_page_to_live_by_mouse(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    shop = committed_world.shop
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/juniper/flows/")
    page.get_by_role("button", name="Start as a draft: Cart recovery").click()
    expect(page.locator(".toast")).to_contain_text("is a draft")
    expect(page.get_by_role("status").first).to_contain_text("was never live")
    panel = page.locator("#panel")

    # The text: a chip, its fallback, parts, previews.
    page.locator("#step-text_1").click()
    panel.get_by_role("link", name="Edit text").click()
    text = panel.get_by_label("Text", exact=True)
    expect(text).to_have_value("Your cart is saved. Finish checkout: [CartLink]")
    expect(panel.locator(".hl mark")).to_have_text("[CartLink]")
    expect(panel.locator("[data-size]")).to_contain_text("1 part")
    text.fill("Hi ")
    panel.get_by_role("button", name="Insert field").click()
    page.get_by_role("option", name="First name").click()
    expect(text).to_have_value("Hi [FirstName or 'there']")
    text.press_sequentially(", your cart is safe: [cart l")
    page.get_by_role("option", name="Cart link").click()
    expect(text).to_have_value("Hi [FirstName or 'there'], your cart is safe: [CartLink]")
    expect(panel.locator("[data-unknown]")).to_contain_text(
        "Juniper & Oak: Hi there, your cart is safe: http"
    )
    panel.get_by_role("button", name="Save draft").click()
    expect(page.locator(".toast")).to_contain_text("Saved as version 2. It is not live yet.")
    expect(panel.locator(".source").first).to_contain_text("your cart is safe")

    # The delay.
    page.locator("#step-wait_1h").click()
    panel.get_by_role("link", name="Edit delay").click()
    expect(panel.get_by_label("Days")).to_be_focused()
    panel.get_by_label("Hours").fill("2")
    panel.get_by_role("button", name="Save draft").click()
    expect(page.locator("#step-wait_1h")).to_contain_text("Wait 2 hours")

    # The filter.
    page.locator("#step-trigger").click()
    panel.get_by_role("link", name="Edit filter").click()
    first = panel.get_by_role("group", name="Condition 1")
    first.get_by_label("Property").fill("value")
    first.get_by_label("Comparison").select_option("is at least")
    first.get_by_label("Value").fill("50")
    panel.get_by_role("button", name="Add condition").click()
    expect(panel.locator(".condition")).to_have_count(2)
    panel.get_by_role("button", name="Save draft").click()
    expect(page.locator("#step-trigger")).to_contain_text("Value is at least 50")

    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_text("This flow was never live.")).to_be_visible()
    page.get_by_role("button", name="Publish version 4").click()
    expect(page.locator(".toast")).to_contain_text("Version 4 is live")
    definition = live_definition(shop)
    assert definition["trigger"]["filter"] == {"property": "value", "op": "gte", "value": 50}
    assert definition["steps"][0]["for"] == "PT2H"
    said = text_in_use(shop, "cart-1")
    assert said == "Hi [FirstName or 'there'], your cart is safe: [CartLink]"


def test_edited_and_published_by_keyboard(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + story.pages()["flow"])
    page.locator("flow-canvas:defined").wait_for()
    panel = page.locator("#panel")
    page.locator("#step-trigger").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    edit = panel.get_by_role("link", name="Edit text")
    edit.focus()
    page.keyboard.press("Enter")
    text = panel.get_by_label("Text", exact=True)
    text.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Hello [first")
    fields = page.get_by_role("listbox", name="Fields")
    expect(fields.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.type(": [city")
    expect(fields.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(text).to_have_value("Hello [FirstName or 'there']: [City or 'your area']")
    page.keyboard.type(" [")
    page.keyboard.press("Escape")
    page.keyboard.press("Backspace")
    # As somebody who is known: found by typing, read in the bubble.
    panel.get_by_label("Preview as", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.type("+13105550142")
    expect(panel.locator("[data-preview]")).to_contain_text("Hello Maya: Los Angeles")
    expect(panel.locator("[data-unknown]")).to_contain_text("Hello there: your area")
    text.focus()
    page.keyboard.press("Control+s")
    expect(page.locator(".toast")).to_contain_text("Saved as version 2")

    page.locator("#step-wait_1h").focus()
    page.keyboard.press("Enter")
    edit = panel.get_by_role("link", name="Edit delay")
    edit.focus()
    page.keyboard.press("Enter")
    expect(panel.get_by_label("Days")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved as version 3")

    page.locator("#step-trigger").focus()
    page.keyboard.press("Enter")
    edit = panel.get_by_role("link", name="Edit filter")
    edit.focus()
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Add condition").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("currency")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("USD")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved as version 4")

    page.get_by_role("link", name="Review and publish").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".diff dt")).to_have_count(3)
    page.get_by_role("button", name="Publish version 4").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Version 4 is live")
    definition = live_definition(committed_world.shop)
    assert definition["steps"][0]["for"] == "PT3H"
    assert definition["trigger"]["filter"]["property"] == "currency"


def test_what_is_refused_names_its_field_and_keeps_the_words(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
) -> None:
    page = free_page()  # a refusal is a 422, which the other fixture counts as a failed request
    story = tell_story(committed_world.shop, now=now)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}{story.pages()['flow']}?step=text_1&edit=1")
    panel = page.locator("#panel")
    text = panel.get_by_label("Text", exact=True)
    text.fill("Hi [FirstName] \N{WHITE HEAVY CHECK MARK}")
    problem = panel.locator("[data-problems] [data-field=FirstName]")
    expect(problem).to_contain_text("FirstName has no fallback")
    expect(problem).to_contain_text("of the newest 2 people have it")
    panel.get_by_role("button", name="Save draft").click()
    refused = panel.get_by_role("alert")
    expect(refused).to_contain_text("Not saved")
    expect(problem).to_contain_text("FirstName has no fallback")
    expect(text).to_have_value("Hi [FirstName] \N{WHITE HEAVY CHECK MARK}")
    with tenant_scope(committed_world.shop.tenant.id):
        assert FlowVersion.objects.filter(flow__slug="cart-recovery").count() == 1
    text.fill("It\N{RIGHT SINGLE QUOTATION MARK}s yours: [CartLink]")
    expect(panel.locator("[data-guilty]")).to_contain_text("right single quotation mark")
    panel.get_by_role("button", name="Use plain characters").click()
    expect(text).to_have_value("It's yours: [CartLink]")
    expect(panel.locator("[data-size]")).to_contain_text("GSM-7")


def test_read_and_paused_on_a_phone(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    story = tell_story(committed_world.shop, now=now)
    shop = committed_world.shop
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    log_in(page.context, shop)
    page.goto(live_server.url + story.pages()["flow"])
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause Cart recovery?")
    expect(dialog).to_contain_text(re.compile(r"\d+ (person is|people are) on the way"))
    dialog.get_by_role("button", name="Pause").click()
    expect(page.locator(".toast")).to_contain_text("is paused")
    page.get_by_role("button", name="Resume").click()
    dialog = page.get_by_role("dialog", name="Resume Cart recovery?")
    dialog.get_by_text("Take them out").click()
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".toast")).to_contain_text("is live again")
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    with tenant_scope(shop.tenant.id):
        assert Flow.objects.get(slug="cart-recovery").status == "live"
