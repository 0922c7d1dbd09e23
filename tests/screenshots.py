"""Pictures of every page, in light, in dark and on a phone, from a running demo.

    python -m tests.screenshots [page ...]

KAIROS_DEMO_LINK logs in (a link serves once). All pictures go to ./screenshots/; those that the
README or a page of docs shows go to docs/images/ too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.browser import FLAGS, find_chromium, watch

ROOT = Path(__file__).resolve().parents[1]
ALL = ROOT / "screenshots"
SHOWN = ROOT / "docs" / "images"
BRAND = "juniper-oak"
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
PAGES = {
    "home": "",
    "contacts": "contacts/",
    "contact-new": "contacts/new/",
    "contact-paste": "contacts/paste/",
    "imports": "imports/",
    "import-upload": "imports/new/",
    "segments": "segments/",
    "segment-new": "segments/-/new/",
    "segment": "segments/looked-twice-in-two-weeks/",
    "products": "products/",
    "templates": "templates/",
    "template": "templates/cart-1/",
    "template-new": "templates/-/new/",
    "messages": "messages/",
    "messages-skipped": "messages/?status=skipped",
    "replies": "replies/",
    "flows": "flows/",
    "flow": "flows/cart-recovery/",
    "campaigns": "campaigns/",
    "costs": "settings/costs/",
    "dates": "settings/dates/",
    "flow-text": "flows/cart-recovery/?step=text_1&edit=1",
    "flow-delay": "flows/cart-recovery/?step=wait_1h&edit=1",
    "flow-filter": "flows/cart-recovery/?step=trigger&edit=1",
    "flow-versions": "flows/cart-recovery/versions/",
    "flow-review": "flows/cart-recovery/review/",
    "sending": "settings/sending/",
    "workspace": "settings/workspace/",
    "quiet-hours": "settings/quiet-hours/",
    "caps": "settings/caps/",
    "sign-up": "settings/sign-up/",
    "team": "settings/team/",
    "agency": "../../agency/",
    "agency-team": "../../agency/northside/team/",
    "keys": "settings/keys/",
    "attributes": "settings/attributes/",
    "attribute": "settings/attributes/name/first_name/",
    "events": "settings/events/",
    "event": "settings/events/name/Checkout%20Started/",
    "arrivals": "settings/events/arrivals/",
    "site": "settings/site/",
    "webhooks": "settings/webhooks/",
    "connectors": "settings/connectors/",
    "test-phone": "test-phone/",
    "missing": "nothing-here/",
}


def main(wanted: list[str]) -> int:
    url, link = os.environ["KAIROS_DEMO_URL"], os.environ["KAIROS_DEMO_LINK"]
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write("No Chromium: apt-get install chromium, or playwright install chromium\n")
        return 2
    wait_for_history(os.environ.get("KAIROS_PROGRESS_FILE", ""))
    ALL.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium or None, args=FLAGS)
        cookies = log_in(browser, link)
        contexts = {name: browser.new_context(**options) for name, options in VIEWS.items()}
        for context in contexts.values():
            context.add_cookies(cookies)
        bad = take_all(contexts, f"{url}/w/{BRAND}/", wanted)
        bad += take_timeline(contexts, f"{url}/w/{BRAND}/", wanted)
        bad += take_log_in(browser, url, wanted)
        browser.close()
    shown = copy_shown()
    print(f"{len(list(ALL.glob('*.png')))} pictures in screenshots/, {shown} in docs/images/")  # noqa: T201
    for line in bad:
        print(f"bad: {line}")  # noqa: T201
    return 1 if bad else 0


def wait_for_history(file: str, *, seconds: float = 1800) -> None:
    """Until the demo's two weeks are lived: pictures of an empty shop tell nothing."""
    deadline = time.monotonic() + seconds
    while file and time.monotonic() < deadline:
        try:
            found = json.loads(Path(file).read_text())
        except (OSError, ValueError):
            found = {}
        if found.get("total") and found["done"] >= found["total"] and not found.get("note"):
            return
        time.sleep(1)


def log_in(browser: Browser, link: str) -> list[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.wait_for_url(re.compile(r"/w/"), timeout=120_000)
    cookies = context.cookies()
    context.close()
    return list(cookies)


def take_all(contexts: dict[str, BrowserContext], base: str, wanted: list[str]) -> list[str]:
    """Every page in every view; returns what went wrong on the way."""
    bad: list[str] = []
    for view, context in contexts.items():
        page = context.new_page()
        seen = watch(page)
        for name, path in PAGES.items():
            if wanted and name not in wanted:
                continue
            page.goto(base + path)
            settle(page)
            shoot(page, name, view)
            # The missing page is a 404 on purpose; the browser reports it as an error.
            bad += [f"{name}, {view}: {line}" for line in seen if name != "missing"]
            seen.clear()
        page.close()
    return bad


def take_timeline(contexts: dict[str, BrowserContext], base: str, wanted: list[str]) -> list[str]:
    """Maya's evening: a text that waits for the morning, with the checks that made it wait."""
    names = {"timeline", "test-phone", "switcher"}
    if wanted and not names & set(wanted):
        return []
    page = contexts["light"].new_page()
    bad = watch(page)
    page.goto(f"{base}test-phone/")
    page.locator("#act-reward").click()
    page.locator("#log").get_by_text("Delivered · Loyalty nudge").wait_for(timeout=60_000)
    for move in ("+6 h", "+60 min", "+60 min", "+60 min"):  # from ten to seven
        press_clock(page, move)
    page.locator("#act-checkout").click()
    page.locator("#log").get_by_text("Entered Cart recovery").first.wait_for(timeout=60_000)
    press_clock(page, "+60 min")
    page.locator("#log").get_by_text(re.compile("Waiting until")).first.wait_for(timeout=60_000)
    shoot(page, "test-phone", "light")
    timeline = page.get_by_role("link", name="The whole timeline").get_attribute("href") or ""
    page.close()
    for view, context in contexts.items():
        page = context.new_page()
        page.goto(f"{base.split('/w/')[0]}{timeline}")
        settle(page)
        page.locator("#timeline details.checks summary").first.click()
        shoot(page, "timeline", view)
        page.keyboard.press("w")
        shoot(page, "switcher", view)
        page.close()
    return [f"timeline: {line}" for line in bad]


def press_clock(page: Page, name: str) -> None:
    with page.expect_response(lambda a: a.request.method == "POST", timeout=120_000):
        page.get_by_role("button", name=name).click()


def take_log_in(browser: Browser, url: str, wanted: list[str]) -> list[str]:
    if wanted and "log-in" not in wanted:
        return []
    bad: list[str] = []
    for view, options in VIEWS.items():
        context = browser.new_context(**options)
        page = context.new_page()
        seen = watch(page)
        page.goto(f"{url}/login/")
        settle(page)
        shoot(page, "log-in", view)
        bad += [f"log-in, {view}: {line}" for line in seen]
        context.close()
    return bad


def settle(page: Page) -> None:
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
    if page.locator("flow-canvas").count():
        page.locator("flow-canvas .wires path").first.wait_for(state="attached")
    page.wait_for_timeout(250)


def shoot(page: Page, name: str, view: str) -> None:
    page.screenshot(path=ALL / f"{name}-{view}.png")


def copy_shown() -> int:
    """Those that a text of the repository shows: docs/images/<page>.png, or <page>-<view>.png."""
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        name
        for text in texts
        if text.exists()
        for name in re.findall(r"images/([\w-]+)\.png", text.read_text())
    }
    SHOWN.mkdir(exist_ok=True)
    for name in sorted(named):
        for source in (ALL / f"{name}.png", ALL / f"{name}-light.png"):
            if source.exists():
                shutil.copy(source, SHOWN / f"{name}.png")
                break
    return len(named)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
