"""A phone of 390 px: every page that has an address, without a side scroll or a cut row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from analytics.domain.rolling_up import roll_up_all
from events.domain.webhook_deliveries import send_test
from events.models import WebhookEndpoint
from tenancy.clock import business_now, wall_now
from tenancy.domain.workspaces import create_workspace
from tenancy.scope import tenant_scope
from tests.isolation.conftest import Objects, make_objects
from tests.isolation.permissions_table import AGENCY, PAGES
from tests.isolation.table import TABLE
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import add_people, tell_story

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"viewport": {"width": 390, "height": 844}}
# What may scroll within itself, because it is wider by nature and says so to the keyboard.
WIDE = "[tabindex='0'], .tabs, flow-canvas, .canvas, pre, textarea, select, input, dialog"
LOOK = """
wide => {
  const said = [];
  const root = document.documentElement;
  if (root.scrollWidth > 390) said.push(`the page is ${root.scrollWidth} wide`);
  for (const box of document.querySelectorAll("main *")) {
    if (!box.checkVisibility() || box.closest(wide) || box.closest("svg")) continue;
    const style = getComputedStyle(box);
    const name = `${box.tagName.toLowerCase()}.${box.className}`;
    if (/auto|scroll/.test(style.overflowX) && box.scrollWidth > box.clientWidth + 1)
      said.push(`${name} scrolls sideways: ${box.scrollWidth} in ${box.clientWidth}`);
    const place = box.getBoundingClientRect();
    if (place.width > 1 && place.height > 1 && (place.right > 391 || place.left < -1))
      said.push(`${name} is cut: ${Math.round(place.left)} to ${Math.round(place.right)}`);
  }
  return said;
}
"""


# What a browser saves instead of showing it.
DOWNLOADS = ("/export/", "/report/")


def addresses(objects: Objects) -> Iterator[str]:
    """Every page of the permission table that somebody opens, filled in."""
    known = {
        *(f"GET /w/<slug:slug>/{line[4:]}" for line in PAGES if line.startswith("GET ")),
        *(f"GET /agency/<slug:organization>/{line[4:]}" for line in AGENCY if line[:3] == "GET"),
    }
    for row in TABLE:
        if str(row) in known and row.own == 200 and not row.route.endswith(DOWNLOADS):
            yield objects.fill(row.route) + (f"?{row.data['query']}" if "query" in row.data else "")


def test_no_page_is_wider_than_a_phone(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
) -> None:
    shop = committed_world.shop
    story = tell_story(shop, now=now)
    add_people(story, 3, now=now)
    objects = make_objects(shop, "ours", now)
    create_workspace(
        shop.organization,
        name="A client whose name is longer than most of the names that clients have",
        slug="long",
        sms_name="A client",
        now=now,
    )
    with tenant_scope(shop.tenant.id):
        send_test(WebhookEndpoint.objects.get(), now=wall_now())
    paths = {*addresses(objects), *story.pages().values()}
    assert len(paths) > 50
    page = free_page(**PHONE)
    log_in(page.context, shop)
    found = {}
    for path in sorted(paths):
        page.goto(live_server.url + path)
        page.wait_for_load_state("load")
        if not page.locator("main").count():
            continue  # a fragment: it has no page of its own
        if said := page.evaluate(LOOK, WIDE):
            found[path] = said[:6]
    page.goto("about:blank")
    assert found == {}


def test_the_agencys_rows_are_cards_with_their_facts(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
) -> None:
    shop = committed_world.shop
    tell_story(shop, now=now)
    roll_up_all(now=business_now())
    page = free_page(**PHONE)
    log_in(page.context, shop)
    page.goto(f"{live_server.url}/agency/{shop.organization.slug}/")
    card = page.locator("#clients tbody tr")
    for said in ("Juniper & Oak", "Healthy"):
        assert said in card.inner_text()
    for label in ("Sent", "Opt-out rate", "Last event"):
        assert card.locator(f"[data-label='{label}']").is_visible()
    # Still a table to whoever listens to it.
    assert page.get_by_role("columnheader", name="Opt-out rate").count() == 1
