"""The agency lead's first hour in a browser: forty clients, a new one, a colleague, a flow for all."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from analytics.domain.rolling_up import roll_up_all
from tenancy.clock import business_now
from tenancy.domain.workspaces import create_workspace
from tests.support.browser import watch
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.story import tell_story

pytestmark = pytest.mark.browser
PAGE = "/agency/agency-juniper/"


def shoot(page: Page, name: str) -> None:
    """Pictures for whoever works on the pages: KAIROS_PICTURES names the folder."""
    if folder := os.environ.get("KAIROS_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def add_clients(world: World, count: int, now: datetime) -> None:
    colors = ("#1f4e8c", "#a03010", "#0b6b5b", "#6a3fc2", "#8f5300")
    for number in range(count):
        create_workspace(
            world.shop.organization,
            name=f"Client {number:02}",
            slug=f"client-{number:02}",
            accent=colors[number % len(colors)],
            shop_url=f"https://client{number:02}.example",
            now=now,
        )


def test_forty_clients_by_keyboard(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    add_clients(committed_world, 40, now)
    roll_up_all(now=business_now())
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + PAGE)
    table = page.get_by_role("region", name="Clients")
    rows = table.locator("tbody tr:visible")
    expect(rows).to_have_count(41)
    expect(rows.first).to_contain_text("Look at it")
    expect(rows.last).to_contain_text("Juniper & Oak")  # the healthy one comes last
    expect(rows.last).to_contain_text("Healthy")
    shoot(page, "agency-light")
    table.get_by_label("Filter clients").fill("client 07")
    expect(rows).to_have_count(1)
    rows.first.locator("summary").click()
    expect(rows.first).to_contain_text("There is no number or messaging service to send from")
    table.get_by_label("Filter clients").fill("zzz")
    expect(table.get_by_text("No client of that name.")).to_be_visible()

    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("Control+k")
    switcher = page.get_by_role("dialog", name="Switch workspace")
    expect(switcher.get_by_role("link")).to_have_count(41)
    page.keyboard.type("client 13")
    expect(switcher.get_by_role("link")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/client-13/**")

    page.keyboard.press("Control+k")
    found = page.get_by_role("dialog", name="Find")
    found.get_by_role("searchbox").fill("client 22")
    expect(found.get_by_role("link", name="Client 22")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/client-22/**")
    page.get_by_role("link", name="All clients").click()
    page.wait_for_url(f"**{PAGE}")


def test_a_new_client_and_a_colleague_for_it(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, browser: Browser
) -> None:
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + PAGE)
    page.get_by_role("button", name="Add client").click()
    dialog = page.get_by_role("dialog", name="Add client")
    dialog.get_by_label("Name").fill("Harbor Street")
    dialog.get_by_label("Address of the shop").fill("https://harbor.example")
    dialog.get_by_label("Time zone").select_option("America/Chicago")
    dialog.get_by_label("Color").fill("#a03010")
    shoot(page, "add-client")
    dialog.get_by_role("button", name="Add client").click()
    expect(page.locator(".toast")).to_contain_text("Harbor Street is ready")
    row = page.locator("tbody tr", has_text="Harbor Street")
    expect(row).to_contain_text("Look at it")
    expect(row).to_contain_text("No event yet")

    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog", name="Invite")
    dialog.get_by_label("E-mail").fill("nora@new.example")
    dialog.get_by_label("Role").select_option("marketer")
    dialog.get_by_label("Harbor Street").check()
    shoot(page, "invite")
    dialog.get_by_role("button", name="Make link").click()
    expect(page.get_by_role("heading", name="A link for nora@new.example")).to_be_visible()
    link = page.locator("copy-text code").inner_text()
    shoot(page, "invited")

    context = browser.new_context(viewport={"width": 390, "height": 844})
    guest = context.new_page()
    bad = watch(guest)
    guest.goto(live_server.url + link[link.index("/invite/") :])
    expect(guest.get_by_role("heading", name="Join Agency of juniper")).to_be_visible()
    expect(guest.locator("main")).to_contain_text("Harbor Street")
    guest.get_by_label("Your name").fill("Nora")
    guest.get_by_label("Choose a password").fill("short")
    shoot(guest, "join")
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("alert").first).to_be_visible()
    guest.get_by_label("Choose a password").fill("a long enough password")
    # The answer to a weak password is 422: the console says so, and means nothing else.
    bad[:] = [line for line in bad if "422" not in line]
    guest.get_by_role("button", name="Join").click()
    guest.wait_for_url("**/w/harbor-street/**")
    guest.goto(f"{live_server.url}/w/harbor-street/flows/")
    expect(guest.locator("main")).to_contain_text("Cart recovery")
    guest.goto(live_server.url + PAGE)
    expect(guest.locator("tbody tr")).to_have_count(1)
    expect(guest.get_by_role("button", name="Add client")).to_have_count(0)
    expect(guest.get_by_role("button", name="Invite")).to_have_count(0)
    shoot(guest, "agency-phone")
    assert not bad, bad
    context.close()

    page.goto(f"{live_server.url}/w/harbor-street/settings/team/")
    line = page.locator("tbody tr", has_text="nora@new.example")
    expect(line).to_contain_text("Harbor Street")
    line.get_by_label("Role of Nora", exact=True).select_option("analyst")
    line.get_by_role("button", name="Change the role of Nora").click()
    expect(page.locator(".toast")).to_contain_text("Nora is analyst now")
    shoot(page, "team")


def test_a_flow_for_all(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, now: datetime
) -> None:
    tell_story(committed_world.shop, now=now)
    add_clients(committed_world, 10, now)
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}{PAGE}copy/?from=juniper")
    page.get_by_label("Cart recovery", exact=True).check()
    page.get_by_label("Filter clients").fill("03")
    page.get_by_label("Client 03").check()
    page.get_by_label("Filter clients").fill("04")
    page.get_by_label("Client 04").check()
    shoot(page, "copy-choose")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="What would arrive: Cart recovery")).to_be_visible()
    expect(page.locator(".copies > li")).to_have_count(2)
    expect(page.locator(".copies > li").first).to_contain_text("Checkout Started")
    shoot(page, "copy-check")
    page.get_by_role("button", name="Copy to 2 clients").click()
    expect(page.locator(".copies > li").first).to_contain_text("Draft")
    shoot(page, "copied")
    page.get_by_role("link", name="Open the draft").first.click()
    page.wait_for_url("**/w/client-03/flows/cart-recovery/**")
    expect(page.locator(".bar")).to_contain_text("Draft")
