"""/api/schema/ and /api/docs/: for everybody, complete, from our own origin, without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from playwright.sync_api import Page, expect

from tests.isolation.test_endpoints import routes
from tests.web.conftest import assets, browser_type_launch_args, free_page, page
from tests.web.test_pages import AXE, TAGS, VIEWS

__all__ = ["assets", "browser_type_launch_args", "free_page", "page"]

DOWNLOADS = {"readImportReport", "exportEvents"}  # files to keep


def described() -> dict[str, Any]:
    answer = Client().get("/api/schema/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return dict(answer.json())


def test_every_address_of_the_api_is_described() -> None:
    known = {
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
        for route in routes(get_resolver())
        if route.startswith("api/v1/")
    }
    assert set(described()["paths"]) == known


def test_every_operation_says_what_it_needs_and_how_it_refuses() -> None:
    for path, methods in described()["paths"].items():
        for method, told in methods.items():
            where = f"{method} {path}"
            assert told["security"] == [{"Bearer": []}, {"Basic": []}], where
            assert told["x-scope"], where
            assert len(told["tags"]) == 1, where
            assert {"401", "403", "429", "503"} <= set(told["responses"]), where
            for code, answer in told["responses"].items():
                kinds = list(answer.get("content", {}))
                wanted = ["application/json"] if code < "300" else ["application/problem+json"]
                if told["operationId"] in DOWNLOADS and code == "200":
                    wanted = ["text/csv"]
                assert kinds in (wanted, []), (where, code)
            takes_key = {p["name"] for p in told.get("parameters", [])} >= {"Idempotency-Key"}
            # Sending events again is harmless by their own ids.
            assert takes_key == (method == "post" and told["operationId"] != "sendEvents"), where


def test_lists_take_a_cursor_and_a_limit() -> None:
    for path, methods in described()["paths"].items():
        answer = methods.get("get", {}).get("responses", {}).get("200", {})
        shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
        name = shape.get("$ref", "").rpartition("/")[2]
        fields = described()["components"]["schemas"].get(name, {}).get("properties", {})
        if "next_cursor" in fields:
            assert {"cursor", "limit"} <= {p["name"] for p in methods["get"]["parameters"]}, path


def test_the_page_has_no_script_of_its_own_and_nothing_from_elsewhere() -> None:
    answer = Client().get("/api/docs/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>" not in text
    assert "style=" not in text
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    for path, methods in described()["paths"].items():
        for method, told in methods.items():
            assert f"{method.upper()} {path}" in text
            assert f'id="{told["operationId"]}"' in text


@pytest.mark.browser
@pytest.mark.parametrize("view", VIEWS)
def test_the_page_can_be_read_by_everybody(
    transactional_db: None, live_server: Any, free_page: Callable[..., Page], view: str
) -> None:
    page = free_page(**VIEWS[view])
    page.goto(f"{live_server.url}/api/docs/")
    page.evaluate(AXE())
    answer = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert [(e["id"], [n["target"] for n in e["nodes"]][:3]) for e in answer["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.browser
def test_an_operation_is_found_by_keyboard(
    transactional_db: None, live_server: Any, page: Page
) -> None:
    page.goto(f"{live_server.url}/api/docs/")
    page.get_by_role("link", name="Send message").focus()
    page.keyboard.press("Enter")
    section = page.locator("#sendMessage")
    expect(section).to_be_in_viewport()
    expect(section).to_contain_text("idempotency_key")
    section.get_by_text("Refusals").focus()
    page.keyboard.press("Enter")
    expect(section.get_by_text("Fields that cannot be accepted")).to_be_visible()
