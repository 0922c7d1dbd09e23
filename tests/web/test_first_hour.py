"""From the one-time link of `create_workspace` to the first text of a flow on the test phone.

In a workspace without any data, in a browser, once by mouse and once by keyboard alone. The web server
is real, the carrier is the simulator's process; workers are replaced by running their stages.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Locator, Page, expect

from tenancy.clock import advance_clock
from tenancy.models import Tenant
from tests.stories.conftest import next_weekday_at
from tests.support.carrier import CarrierProcess, carrier, carrier_process
from triggers.domain.pipeline import work

__all__ = ["carrier", "carrier_process"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery staple"
Press = Callable[[Locator], None]
Write = Callable[[Locator, str], None]


@pytest.fixture
def link(live_server: Any, carrier: CarrierProcess, settings: Any) -> str:
    """The owner's one-time link of a workspace that was just made, on a Tuesday at ten."""
    settings.KAIROS_PUBLIC_BASE_URL = live_server.url
    settings.KAIROS_LINK_BASE_URL = live_server.url
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    advance_clock(next_weekday_at(10))
    out = StringIO()
    call_command(
        "create_workspace",
        "Hearth Bakery",
        owner="ida@hearth.example",
        timezone="America/Los_Angeles",
        stdout=out,
    )
    said = json.loads(out.getvalue())["owner_link"]
    return f"{live_server.url}/{said.split('/', 3)[3]}"


def by_mouse(place: Locator) -> None:
    place.click()


def by_keyboard(place: Locator) -> None:
    """Tab after Tab until the control has the focus, then Enter or Space."""
    reach(place)
    kind = place.evaluate("e => e.tagName + ' ' + (e.type || '')")
    place.page.keyboard.press("Space" if kind in {"INPUT radio", "INPUT checkbox"} else "Enter")


def reach(place: Locator) -> None:
    place.wait_for()
    page = place.page
    radio = place.evaluate("e => e.type === 'radio'")
    for _ in range(140):
        if place.evaluate("e => e === document.activeElement"):
            return
        if radio and place.evaluate(
            "e => document.activeElement?.type === 'radio' && document.activeElement.name === e.name"
        ):
            page.keyboard.press("ArrowDown")  # a group of radios has one stop
        else:
            page.keyboard.press("Tab")
    raise AssertionError(f"{place} is not reached by Tab")


def fill(place: Locator, text: str) -> None:
    place.fill(text)


def type_in(place: Locator, text: str) -> None:
    reach(place)
    kind = place.get_attribute("type")
    if kind == "datetime-local":
        day, clock = text.split("T")
        year, month, date = day.split("-")
        hour, minute = clock.split(":")
        # The field's `max` has a year of four digits, so each part leads on to the next.
        place.page.keyboard.type(f"{month}{date}{year}{hour}{minute}AM")
    else:
        place.page.keyboard.press("Control+a")
        place.page.keyboard.type(text)


def settle(tenant: Tenant, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not done() and time.monotonic() < deadline:
        work(tenant.id)
        time.sleep(0.1)


@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_from_log_in_to_the_first_text(page: Page, link: str, hand: str) -> None:
    press: Press = by_mouse if hand == "mouse" else by_keyboard
    write: Write = fill if hand == "mouse" else type_in

    def button(name: str, within: Any = page) -> Locator:
        found: Locator = within.get_by_role("button", name=name)
        return found

    def step(name: str) -> Locator:
        return page.locator(f"#step-{name}")

    # The link makes the owner, once, and leads home.
    page.goto(link)
    write(page.get_by_label("Name"), "Ida Hearth")
    write(page.get_by_label("Password"), PASSWORD)
    press(page.locator("form button.primary"))
    first = page.get_by_role("region", name="First steps")
    expect(first).to_contain_text("0 of 5")

    press(step("workspace").get_by_role("link", name="Check the settings"))
    write(page.get_by_label("Name in texts"), "Hearth")
    write(page.get_by_label("Shop address"), "https://hearth.example")
    press(button("Save"))
    expect(page.locator(".toast")).to_contain_text("Workspace saved")
    press(page.get_by_role("link", name="Home", exact=True))
    expect(first).to_contain_text("1 of 5")

    press(button("Stay on the simulator"))
    expect(first).to_contain_text("2 of 5")

    press(step("contacts").get_by_role("link", name="Add a contact"))
    write(page.get_by_label("Phone number"), "310 555 0142")
    write(page.get_by_label("First name"), "Ida")
    press(page.get_by_label("They agreed, and you hold the proof"))
    write(page.get_by_label("Where they agreed"), "It is my own phone")
    write(page.get_by_label("The words they agreed to"), "Text me offers")
    write(page.get_by_label("When", exact=True), "2026-11-02T10:30")
    press(button("Add contact"))
    expect(page.locator(".toast")).to_contain_text("Subscribed, with the proof you gave")
    press(page.get_by_role("link", name="Home", exact=True))
    expect(first).to_contain_text("3 of 5")

    press(button("Consent text and quiet hours: it is fine as it is"))
    expect(first).to_contain_text("4 of 5")

    press(button("Pick a recipe"))
    press(button("Start as a draft: Loyalty nudge"))
    press(page.get_by_role("link", name="Review and publish"))
    press(button("Publish"))
    expect(page.locator(".toast")).to_be_visible()

    press(page.get_by_role("link", name="Home", exact=True))
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(first).to_have_count(0)

    press(page.get_by_role("link", name="Test phone", exact=True))
    press(page.locator("#act-reward"))
    tenant = Tenant.objects.get(slug="hearth-bakery")
    thread = page.locator("#thread")

    def arrived() -> bool:
        return "ready to use" in thread.inner_text()

    settle(tenant, arrived)
    expect(thread).to_contain_text(re.compile(r"Hearth: You've got .*15.* ready to use"))

    write(page.get_by_label("Reply"), "STOP")
    press(button("Send"))
    expect(thread).to_contain_text("STOP")
    settle(tenant, lambda: "unsubscribed" in page.locator("#log").inner_text().lower())
    expect(page.locator("#log")).to_contain_text(re.compile("unsubscribed|opt", re.IGNORECASE))
