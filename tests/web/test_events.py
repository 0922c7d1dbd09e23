"""The pages of events in Chromium: what arrives, live; the catalogue and its flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from events.domain.folding import sweep_catalogue
from tenancy.clock import business_now
from tests.events.edges import post, track
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import VIEWS
from tests.web.test_replies import leave, look

pytestmark = pytest.mark.browser
BAD = {"type": "track", "event": "Order Completed", "userId": "u1", "timestamp": "yesterday",
       "properties": {"order_id": "A-1", "email": "maya@example.com"}}  # fmt: skip
SOON = 60_000


@pytest.mark.parametrize("view", VIEWS)
def test_watching_what_arrives(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    view: str,
) -> None:
    shop = committed_world.shop
    page = free_page(**VIEWS[view])
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/{shop.tenant.slug}/settings/events/arrivals/")
    look(page, f"arrivals-none-{view}")
    post("/v1/batch", {"batch": [BAD, track("Kiln Opened", messageId="m")]}, key=shop.write_key)
    post("/v1/batch", {"batch": [track("Kiln Opened", messageId="m")]}, key=shop.write_key)
    rows = page.locator("#arrival-rows > ul > li")
    expect(rows).to_have_count(3, timeout=SOON)  # without a reload
    wrong = rows.filter(has_text="Rejected")
    expect(wrong).to_contain_text("timestamp")
    wrong.locator("summary").click()
    expect(wrong.locator("pre")).to_contain_text("maya@example.com")
    post("/v1/batch", {"batch": [BAD]}, key=shop.write_key)
    expect(rows).to_have_count(4, timeout=SOON)
    expect(rows.filter(has_text="maya@example.com").locator("pre:visible")).to_have_count(1)
    look(page, f"arrivals-{view}")
    page.get_by_role("link", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_label("Outcome").select_option("duplicate")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    look(page, f"arrivals-paused-{view}")
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    leave(page)


@pytest.mark.parametrize("view", VIEWS)
def test_reading_the_catalogue_and_marking_an_event(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    view: str,
) -> None:
    shop = committed_world.shop
    page = free_page(**VIEWS[view])
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/w/{shop.tenant.slug}/settings/events/")
    expect(page.get_by_text("No event yet")).to_be_visible()
    look(page, f"events-none-{view}")
    items = [
        track("order_completed", properties={"order_id": "A-1", "total": "much", "gift": True}),
        track("Placed Order", properties={"order_id": 7, "total": 24, "currency": "USD"}),
        track("Treatment Booked", properties={"place": "12 Alder Street"}),
    ]
    post("/v1/batch", {"batch": items}, key=shop.write_key)
    sweep_catalogue(now=business_now())
    page.reload()
    look(page, f"events-{view}")
    page.get_by_role("link", name="Order Completed").click()
    expect(page.get_by_role("heading", name="Properties")).to_be_visible()
    page.locator(".bodies summary").first.click()
    look(page, f"event-{view}")
    page.get_by_role("link", name="All events").click()
    page.get_by_role("link", name="Treatment Booked").click()
    page.get_by_label("Sensitive").check()
    page.get_by_label("Customers expect").select_option("no")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h2 + .pill.stop")).to_have_text("Sensitive")
    look(page, f"event-sensitive-{view}")
    leave(page)
