"""A text is written in the browser: the preview follows its type, and nothing is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from templates_engine.models import Template
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn

pytestmark = pytest.mark.browser


def test_a_text_is_written_by_keyboard_and_the_preview_follows_its_type(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page
) -> None:
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/templates/-/new/")
    page.get_by_label("Name", exact=True).fill("Pick-up ready")
    page.get_by_label("Text", exact=True).fill("Your order waits at the counter.")
    unknown = page.locator("[data-unknown]")
    expect(unknown).to_contain_text("Reply STOP to opt out")
    page.get_by_label("Type").select_option("transactional")
    expect(unknown).to_have_text("Juniper & Oak: Your order waits at the counter.")
    page.get_by_role("link", name="Cancel").focus()
    page.get_by_role("link", name="Contacts").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("You changed this text")
    page.get_by_role("button", name="Keep editing").click()
    page.get_by_role("button", name="Save and put in use").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pick-up ready")).to_be_visible()
    expect(page.get_by_text("What goes out")).to_be_visible()
    with tenant_scope(committed_world.shop.tenant.id):
        text = Template.objects.get()
        assert (text.slug, text.message_type) == ("pick-up-ready", "transactional")
        assert text.approved_version is not None
