"""docs/first-five-minutes.md, played row by row in a browser, whatever the hour outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from demo.core.cast import BRANDS, JONAS, MAYA
from demo.core.plan import make_plan
from demo.core.shifting import demo_start
from demo.domain.client import Carrier, Shop
from demo.domain.loader_key import lend_key
from demo.domain.setting_up import opt_people_in, register_numbers, set_up_agency
from tenancy.clock import advance_clock, business_now
from triggers.domain import sweeping

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.timeout(240),
]

DOC = Path(__file__).resolve().parents[2] / "docs" / "first-five-minutes.md"
ROWS = re.findall(r"^\| (\d:\d\d) \|", DOC.read_text(), flags=re.M)
CURL = re.search(r"^curl .*?\}\}'$", DOC.read_text(), flags=re.M | re.S)
SLOW = 60_000
# Hours at which a machine may be started, on days of the week that have their own rules.
OUTSIDE = [
    (hour, zone, date(2026, 11, 20 + 3 * row + column))
    for row, hour in enumerate((time(3, 0), time(12, 0), time(23, 30)))
    for column, zone in enumerate(("Pacific/Auckland", "UTC", "America/Los_Angeles"))
]


@dataclass
class Demo:
    page: Page
    url: str

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def curl(self, user_id: str = "maya") -> None:
        """The command of the page, as a shell runs it; only the address is this server's."""
        assert CURL is not None
        command = CURL.group().replace("http://127.0.0.1:8000", self.url)
        command = command.replace('"maya"', f'"{user_id}"')
        answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        assert '"accepted":1' in answer.stdout

    def press(self, name: str) -> None:
        with self.page.expect_response(
            lambda answer: answer.request.method == "POST", timeout=SLOW
        ):
            self.page.get_by_role("button", name=name).click()

    def phone_says(self, text: str) -> None:
        expect(self.page.locator("#thread")).to_contain_text(text, timeout=SLOW)

    def log_says(self, text: str) -> None:
        expect(self.page.locator("#log")).to_contain_text(text, timeout=SLOW)

    def number(self, name: str) -> int:
        tile = self.page.locator(".kpi", has_text=name).first
        found = re.search(r"\d[\d,]*", tile.inner_text().split(name, 1)[1])
        assert found is not None
        return int(found.group().replace(",", ""))


@pytest.fixture
def demo(
    live_server: Any,
    carrier: Any,
    settings: Any,
    page: Page,
    request: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Demo]:
    hour, zone, day = request.param
    wall = datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)
    settings.KAIROS_MODE = "demo"
    settings.KAIROS_PUBLIC_BASE_URL = settings.KAIROS_LINK_BASE_URL = live_server.url
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    token = tmp_path / "token"
    token.write_text("printed")
    monkeypatch.setenv("KAIROS_DEMO_TOKEN_FILE", str(token))
    start = demo_start(wall, BRANDS[0].timezone)
    advance_clock(start - timedelta(minutes=1))
    brands = set_up_agency(now=business_now())
    register_numbers(Carrier(carrier.base_url))
    for brand in brands:
        plan = make_plan(brand.plan, start=start)
        shop = Shop(live_server.url, write_key=brand.plan.write_key)
        with lend_key(brand.tenant) as api_key:
            loader = Shop(live_server.url, write_key=brand.plan.write_key, api_key=api_key)
            loader.add_products(plan.products[:20])
        people = [MAYA, JONAS] if brand is brands[0] else list(plan.people.values())[:5]
        shop.identify(people)
        now = business_now()
        opt_people_in(brand.tenant, people, asked_at=now - timedelta(days=45), now=now)
    advance_clock(start)
    sweeping.start()
    yield Demo(page, live_server.url)
    sweeping.stop()


@pytest.mark.parametrize("demo", OUTSIDE, ids=lambda o: f"{o[0]:%H:%M} {o[1]}", indirect=True)
def test_the_page_is_played_row_by_row(demo: Demo) -> None:
    played = []
    before: dict[str, int] = {}
    for row in ROWS:
        ACTS[row](demo, before)
        played.append(row)
    assert played == sorted(ACTS)


def opens_home(demo: Demo, before: dict[str, int]) -> None:
    demo.open("/demo?token=printed")
    page = demo.page
    expect(page).to_have_url(re.compile(r"/w/juniper-oak/$"))
    for word in ("Sent", "Delivered", "Clicks", "Opt-outs", "Orders", "Attributed revenue"):
        expect(page.locator("main")).to_contain_text(word)
    pill = page.get_by_text("Demo data · nothing leaves this machine")
    expect(pill).to_contain_text(re.compile(r"10:0\d in Los Angeles"))
    before["orders"] = demo.number("Orders")


def opens_the_test_phone(demo: Demo, before: dict[str, int]) -> None:
    demo.page.get_by_role("link", name="Test phone").click()
    expect(demo.page.get_by_label("You are")).to_have_value(re.compile("con_"))
    expect(demo.page.get_by_role("heading", name="Be Maya")).to_be_visible()
    expect(demo.page.locator("#buttons button")).to_have_count(4)


def sends_the_event(demo: Demo, before: dict[str, int]) -> None:
    demo.curl()
    demo.phone_says("You've got $15 ready to use.")
    demo.log_says("Entered Loyalty nudge")
    demo.log_says("checks passed")
    demo.log_says("Delivered")


def sends_it_again(demo: Demo, before: dict[str, int]) -> None:
    demo.curl()
    demo.log_says("Not entered: the balance did not cross $10, it was $15")
    expect(demo.page.locator("#thread").get_by_text("ready to use")).to_have_count(1)


def starts_a_checkout(demo: Demo, before: dict[str, int]) -> None:
    demo.page.get_by_label("You are").select_option(label="Jonas Weber")
    expect(demo.page.get_by_role("heading", name="Be Jonas")).to_be_visible()
    demo.press("Start a checkout")
    demo.log_says("Entered Cart recovery")
    demo.press("+60 min")
    demo.phone_says("Your cart is saved. Finish checkout:")


def taps_the_link(demo: Demo, before: dict[str, int]) -> None:
    # Nobody taps within two seconds of sending; what does is taken for a machine.
    demo.page.wait_for_timeout(3000)
    demo.page.locator("#thread [name=token], #thread button, #thread a").first.click()
    expect(demo.page.locator("#opened")).to_contain_text("utm_source", timeout=SLOW)
    demo.log_says("Link clicked · person")


def replies_size(demo: Demo, before: dict[str, int]) -> None:
    reply(demo, "SIZE")
    demo.log_says("conversational, caps do not count")


def lets_six_hours_pass(demo: Demo, before: dict[str, int]) -> None:
    demo.press("+6 h")
    demo.log_says("Waiting until 09:00 · quiet hours since 20:00 in America/New_York")


def orders_and_skips(demo: Demo, before: dict[str, int]) -> None:
    demo.press("Place the order")
    demo.log_says("Left Cart recovery: ordered")
    demo.press("Skip to 09:00")
    expect(demo.page.locator("#thread")).not_to_contain_text("Need help with size")
    demo.log_says("Canceled")


def looks_at_home(demo: Demo, before: dict[str, int]) -> None:
    demo.page.get_by_role("link", name="Home").click()
    expect(demo.page.get_by_role("heading", name="Home")).to_be_visible()
    assert demo.number("Orders") == before["orders"] + 1
    expect(demo.page.locator(".kpi", has_text="Orders").first).to_contain_text("1 after a click")


def says_stop(demo: Demo, before: dict[str, int]) -> None:
    demo.page.go_back()
    demo.page.get_by_label("You are").select_option(label="Jonas Weber")
    expect(demo.page.get_by_role("heading", name="Be Jonas")).to_be_visible()
    reply(demo, "STOP")
    demo.log_says("Unsubscribed")
    demo.log_says("STOP")
    demo.curl("jonas")
    demo.log_says("Skipped · unsubscribed")
    expect(demo.page.locator("#thread")).not_to_contain_text("ready to use")


def leaves_a_fallback_out(demo: Demo, before: dict[str, int]) -> None:
    page = demo.page
    page.get_by_role("link", name="Flows").click()
    page.get_by_role("link", name="Cart recovery").click()
    page.locator("#step-text_1").click()
    panel = page.locator("#panel")
    panel.get_by_role("link", name="Edit text").click()
    text = panel.get_by_label("Text", exact=True)
    text.fill(f"Hi [FirstName], {text.input_value()}")
    problem = panel.locator("[data-problems] [data-field=FirstName]")
    expect(problem).to_contain_text(
        "FirstName has no fallback: say what is read when it is missing"
    )


def switches_to_the_other_client(demo: Demo, before: dict[str, int]) -> None:
    demo.open("/w/harbor-street/contacts/")
    expect(demo.page.locator("nav").first).to_contain_text("Harbor Street")
    expect(demo.page.locator("main")).not_to_contain_text("Okonkwo")
    expect(demo.page.locator("main")).not_to_contain_text("Weber")


def reply(demo: Demo, words: str) -> None:
    demo.page.get_by_placeholder("Text message").fill(words)
    with demo.page.expect_response(lambda answer: answer.request.method == "POST", timeout=SLOW):
        demo.page.keyboard.press("Enter")


ACTS = {
    "0:00": opens_home,
    "1:00": opens_the_test_phone,
    "1:20": sends_the_event,
    "1:40": sends_it_again,
    "2:00": starts_a_checkout,
    "2:20": taps_the_link,
    "2:30": replies_size,
    "2:40": lets_six_hours_pass,
    "3:00": orders_and_skips,
    "3:20": looks_at_home,
    "3:40": says_stop,
    "4:00": leaves_a_fallback_out,
    "4:20": switches_to_the_other_client,
}
