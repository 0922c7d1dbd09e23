"""A file goes in: by mouse, and by the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from imports.domain.working import work
from people.models import Contact
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.conftest import LogIn

pytestmark = [pytest.mark.browser]

FILE = (
    "Phone;Name;Opted in;Points\n"
    "(310) 555-0142;Maya;yes;120\n"
    "(310) 555-0143;Ruth;no;80\n"
    "(310) 555-0142;Maya;yes;120\n"
    "12;Bo;no;\n"
)


def bring(page: Page, world: World, tmp_path: Path, act: Callable[[Any], None]) -> None:
    """Upload, columns, check, start; `act` presses what is given."""
    file = tmp_path / "members.csv"
    file.write_text(FILE)
    act(page.get_by_role("link", name="Import contacts", exact=True))
    page.get_by_label("File", exact=True).set_input_files(file)
    act(page.get_by_role("button", name="Upload", exact=True))

    expect(page.get_by_role("combobox", name="Phone holds")).to_have_value("phone")
    points = page.get_by_role("combobox", name="Points holds")
    expect(points).to_have_value("")
    points.select_option("attribute:number")
    expect(page.get_by_label("Attribute name of Points")).to_have_value("points")
    page.get_by_label("Where they agreed").fill("Paper card")
    page.get_by_label("The words they agreed to").fill("Text me offers")
    page.get_by_label("When", exact=True).fill("2026-05-31")
    act(page.get_by_role("button", name="Check every row"))

    expect(page.get_by_role("heading", name="Checking every row")).to_be_visible()
    work(world.shop.tenant.id)
    # The page finds out by itself.
    expect(page.get_by_role("heading", name="This is what would happen")).to_be_visible()
    expect(page.get_by_text("The same number stands in line 2.")).to_be_visible()

    confirm = page.get_by_label("I know that people in this file may get texts")
    expect(confirm).to_be_hidden()
    act(page.get_by_role("radio", name="Start flows as if they had just come in"))
    expect(confirm).to_be_visible()
    act(page.get_by_role("radio", name="Start no flow"))
    expect(confirm).to_be_hidden()
    act(page.get_by_role("button", name="Import 2 rows"))
    work(world.shop.tenant.id)
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible()
    with page.expect_download() as report:
        act(page.get_by_role("link", name="Report", exact=True).first)
    assert Path(report.value.path()).read_text(encoding="utf-8-sig").count("\n") == 5
    with tenant_scope(world.shop.tenant.id):
        maya, ruth = Contact.objects.order_by("first_name")
        assert (maya.attributes, ruth.attributes) == ({"points": 120}, {"points": 80})


def by_keyboard(found: Any) -> None:
    found.focus()
    found.press("Space" if found.get_attribute("type") == "radio" else "Enter")


@pytest.mark.parametrize("act", [lambda found: found.click(), by_keyboard], ids=["mouse", "keys"])
def test_a_file_goes_in(
    page: Page, live_server: Any, committed_world: World, log_in: LogIn, tmp_path: Path,
    act: Callable[[Any], None],
) -> None:  # fmt: skip
    log_in(page.context, committed_world.shop)
    page.goto(f"{live_server.url}/w/juniper/contacts/")
    bring(page, committed_world, tmp_path, act)
