"""Connecting a shop in Chromium: add it, follow the steps, see what came and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connectors.models import Connector
from tenancy.scope import tenant_scope
from tests.connectors.door import SECRET, Door, example
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import VIEWS
from tests.web.test_replies import leave, look

pytestmark = pytest.mark.browser


def door_of(world: World, kind: str, secret: str = "") -> Door:
    with tenant_scope(world.shop.tenant.id):
        row = Connector.objects.get(kind=kind)
        held = secret or row.secrets[0]
    return Door(world.shop, row.id, kind, f"/webhooks/in/{row.public_id}", held)


@pytest.mark.parametrize("view", VIEWS)
def test_connecting_shopify_in_three_steps(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    now: datetime,
    view: str,
) -> None:
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/connectors/")
    look(page, f"connectors-none-{view}")
    page.get_by_role("button", name="New connector", exact=True).click()
    look(page, f"connectors-new-{view}")
    page.get_by_role("button", name="Add connector", exact=True).click()
    expect(page.locator("header .pill")).to_have_text("Waiting for its secret")
    expect(page.locator("copy-text code")).to_contain_text("/webhooks/in/")
    look(page, f"connector-steps-{view}")
    page.get_by_label("The secret", exact=True).fill(SECRET)
    page.get_by_role("button", name="Save secret", exact=True).click()
    expect(page.locator("header .pill").first).to_have_text("Waiting for a first body")
    door = door_of(committed_world, "shopify", SECRET)
    order = example("shopify/2025-10_order")
    assert door.post("orders/create", order)[0] == 200
    assert door.post("orders/paid", order, secret="another-secret-0123456789")[0] == 401
    assert door.post("themes/publish", {"id": 1})[0] == 200
    page.reload()
    expect(page.locator("header .pill").first).to_have_text("Connected")
    rows = page.locator("#body-rows .bodies > li")
    expect(rows).to_have_count(2)
    expect(page.locator("#body-rows")).to_contain_text("Order Completed")
    rows.nth(1).locator("summary").click()
    expect(rows.nth(1).locator("pre")).to_contain_text("bob.norman@mail.example.com")
    look(page, f"connector-{view}")
    rows.nth(1).get_by_role("button", name="Replay orders/create", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("not done twice")
    leave(page)


@pytest.mark.parametrize("view", VIEWS)
def test_a_mapping_shows_what_it_makes_of_the_last_body(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    view: str,
) -> None:
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/settings/connectors/")
    page.get_by_role("button", name="New connector", exact=True).click()
    page.get_by_role("radio", name="Signed webhook").check()
    page.get_by_role("button", name="Add connector", exact=True).click()
    expect(page.locator("#made + p")).to_contain_text("not shown again")
    door = door_of(committed_world, "webhook")
    body = {"type": "Ticket Solved", "user": {"tel": "+13105550142"}, "minutes": 12}
    assert door.post("", body)[0] == 200
    with tenant_scope(committed_world.shop.tenant.id):
        ref = f"cnr_{Connector.objects.get().id.hex}"
    page.goto(f"{live_server.url}/w/juniper/settings/connectors/{ref}/")
    preview = page.locator("#mapping-preview")
    expect(preview).to_contain_text("$.event is not in this body")
    page.get_by_label("Event", exact=True).fill("$.type")
    page.get_by_label("Phone", exact=True).fill("$.user.tel")
    page.get_by_label("Properties", exact=True).fill("minutes = $.minutes")
    expect(preview).to_contain_text("Ticket Solved")
    expect(preview).to_contain_text("+13105550142")
    look(page, f"connector-mapping-{view}")
    page.get_by_role("button", name="Save mapping", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("read this way")
    page.locator("#body-rows summary").click()
    page.get_by_role("button", name="Replay this body", exact=True).click()
    expect(page.locator("#body-rows .pill.good")).to_have_text("Accepted")
    leave(page)
