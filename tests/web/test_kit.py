"""The kit: what stands in tokens, in the side bar, on error pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.support.world import World
from web.charts import columns, nice_ceiling, spark
from web.context import clock_words
from web.templatetags.ui import chips, initials, masked, money, percent, phone
from web.views import fail

CSS = Path(__file__).parents[2] / "platform/web/frontend/src/css"
TEMPLATES = Path(__file__).parents[2]


def test_colors_live_in_tokens_only() -> None:
    literal = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|oklab)a?\((?!from)")
    for sheet in CSS.glob("*.css"):
        if sheet.name == "tokens.css":
            continue
        for number, line in enumerate(sheet.read_text().splitlines(), 1):
            assert not literal.search(line), f"{sheet.name}:{number} {line.strip()}"


def test_nothing_is_forced() -> None:
    for sheet in CSS.glob("*.css"):
        forced = [line for line in sheet.read_text().splitlines() if "!important" in line]
        assert len(forced) <= (3 if sheet.name == "base.css" else 0), sheet.name


def test_templates_hold_no_inline_style_or_script() -> None:
    bad = re.compile(
        r"\sstyle=|<script(?![^>]*type=\"application/json\")|\son[a-z]+=|hx-on|javascript:"
    )
    apps = [
        path
        for path in TEMPLATES.rglob("templates/**/*.html")
        if not {".venv", "node_modules"} & set(path.parts)
    ]
    assert len(apps) > 10
    for path in apps:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert not bad.search(line), f"{path}:{number} {line.strip()[:120]}"


def test_csp_is_strict(client: Client) -> None:
    policy = client.get("/login/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "script-src 'self'" in policy


def test_side_bar_shows_only_pages_that_exist(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    page = client.get("/w/juniper/contacts/").content.decode()
    links = re.findall(r'class="navlink"\s+href="([^"]+)"', page)
    assert "/w/juniper/contacts/" in links
    for link in links:
        assert client.get(link, follow=True).status_code == 200, link
    assert page.count('aria-current="page"') == 1


@pytest.mark.parametrize("address", ["/nothing/", "/w/juniper-two/contacts/", "/w/none/contacts/"])
def test_what_is_not_yours_is_not_there(client: Client, world: World, address: str) -> None:
    client.force_login(world.shop.owner)
    answer = client.get(address)
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content


def test_form_of_another_workspace_is_refused(client: Client, world: World) -> None:
    client.force_login(world.shop.owner)
    for said in ("juniper-two", ""):
        answer = client.post("/w/juniper/settings/keys/api/", {"name": "x", "workspace": said})
        assert answer.status_code == 409
        assert b"opened for another workspace" in answer.content


def test_a_stale_form_is_explained(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"email": "x"})
    assert answer.status_code == 403
    assert b"open for too long" in answer.content


def test_our_fault_needs_no_database(rf: RequestFactory) -> None:
    """Without the `db` fixture any query raises."""
    request = rf.get("/")
    request.COOKIES["sessionid"] = "x"
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    MessageMiddleware(lambda _: HttpResponse()).process_request(request)
    answer = fail(request)
    assert answer.status_code == 500
    assert b"That was our fault" in answer.content


def test_words_of_numbers() -> None:
    assert [money(value, "USD") for value in (1500, 4899, 123456, 0, -250)] == [
        "$15",
        "$48.99",
        "$1,235",
        "$0",
        "\N{MINUS SIGN}$2.50",
    ]
    assert money(900, "JPY") == "900 JPY"
    assert money(None) == ""
    assert percent(1, 3) == "33.3%"
    assert percent(0, 0) == "\N{EN DASH}"
    assert phone("+12125550123") == "+1 (212) 555-0123"
    assert masked("+12125550123").endswith("0123")
    assert initials("Juniper & Oak") == "JO"
    assert initials("") == "?"


def test_chips_name_fields_and_escape_the_rest() -> None:
    shown = chips("Hi [FirstName or 'there'] <b> {{ product.name|fallback('x') }}")
    assert '<span class="tok">First name</span>' in shown
    assert '<span class="tok">Name</span>' in shown
    assert "&lt;b&gt;" in shown


def test_charts_survive_any_numbers() -> None:
    assert spark([]) == spark([3, 3, 3])
    assert spark([0, 10]).startswith("M0.0,25.0L96.0,3.0")
    empty = columns([])
    assert empty.bars == ()
    drawn = columns([("Mon", 3, 1), ("Tue", 0, 0)])
    assert drawn.bars[0].height > 0
    assert drawn.bars[1].height == 0
    for value in (0, 1, 7, 99, 1234):
        assert nice_ceiling(value) >= value


def test_the_clock_says_where(now: object) -> None:
    assert clock_words(now, "America/Los_Angeles") == "Tue 10:00 in Los Angeles"  # type: ignore[arg-type]
