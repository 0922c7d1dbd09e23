"""The dialog of the team pages that says which clients somebody sees, and as what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tenancy.domain.workspaces import add_member, create_workspace
from tenancy.models import Membership, User
from tests.support.world import World
from tests.web.conftest import LogIn
from tests.web.test_pages import AXE, TAGS, VIEWS

pytestmark = pytest.mark.browser
PAGE, AGENCY = "/w/juniper/settings/team/", "/agency/agency-juniper/team/"


@pytest.fixture
def mia(committed_world: World, now: datetime) -> User:
    organization = committed_world.shop.organization
    for name in ("Harbor", "Dune"):
        create_workspace(organization, name=name, slug=name.lower(), now=now)
    user = User.objects.create_user("mia@agency.example", None, name="Mia Marsh")
    add_member(
        organization, user=user, role="marketer", workspaces=[committed_world.shop.tenant], now=now
    )
    return user


@pytest.mark.parametrize("path", [PAGE, AGENCY])
def test_from_the_row_to_the_dialog_and_back_by_keyboard(
    committed_world: World, live_server: Any, log_in: LogIn, page: Page, mia: User, path: str
) -> None:
    log_in(page.context, committed_world.shop)
    page.goto(live_server.url + path)
    page.get_by_role("link", name="Change the access of Mia Marsh").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Access of Mia Marsh")
    expect(dialog.get_by_label("Role")).to_have_value("marketer")
    expect(dialog.get_by_label("Juniper & Oak")).to_be_checked()
    dialog.get_by_label("Role").select_option("support")
    dialog.get_by_label("Harbor").check()
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".toast")).to_contain_text("Mia Marsh is support now, in 2 clients.")
    expect(dialog).to_be_hidden()
    found = Membership.objects.get(user=mia)
    assert found.role == "support"
    assert {one.slug for one in found.workspaces.all()} == {"juniper", "harbor"}
    # Nobody can be taken from the last owner, so their row offers nothing.
    assert page.get_by_role("link", name="Change the access of Olga Owner").count() == 0


def test_a_refusal_stands_in_the_dialog(
    committed_world: World, live_server: Any, log_in: LogIn, free_page: Any, mia: User
) -> None:
    page = free_page()  # a refusal is a 422, which the other fixture counts as a failed request
    log_in(page.context, committed_world.shop)
    member = Membership.objects.get(user=mia)
    page.goto(f"{live_server.url}{AGENCY}?access={member.id}")
    dialog = page.get_by_role("dialog", name="Access of Mia Marsh")
    dialog.get_by_label("Juniper & Oak").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Choose at least one client.")
    assert member.workspaces.count() == 1


@pytest.mark.parametrize("view", VIEWS)
def test_the_dialog_has_no_accessibility_problem(
    committed_world: World,
    live_server: Any,
    log_in: LogIn,
    free_page: Callable[..., Page],
    mia: User,
    view: str,
) -> None:
    page = free_page(**VIEWS[view])
    log_in(page.context, committed_world.shop)
    member = Membership.objects.get(user=mia)
    for path in (PAGE, AGENCY):
        page.goto(f"{live_server.url}{path}?access={member.id}")
        expect(page.get_by_role("dialog", name="Access of Mia Marsh")).to_be_visible()
        page.evaluate(AXE())
        answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        assert [(each["id"], each["nodes"][0]["target"]) for each in answer["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
