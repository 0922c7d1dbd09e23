"""Browser tests: Debian's Chromium where it is, else $CHROMIUM, else Playwright's own.

Without any of them the browser tests are skipped with a loud line; under CI they fail.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import FLAGS, find_chromium, watch
from tests.support.world import Brand

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = find_chromium()
    if path is None:
        said = "NO CHROMIUM: browser tests are not run. Try: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(said)
        warnings.warn(said, stacklevel=1)
        pytest.skip(said)
    found = {"executable_path": path} if path else {}
    return {**browser_type_launch_args, "args": FLAGS, **found}


@pytest.fixture(scope="session", autouse=True)
def assets() -> None:
    """The built pages, with axe-core, which is a development package."""
    from django_vite.core.asset_loader import DjangoViteAssetLoader

    from web.assets import build

    if build(dev=True):
        DjangoViteAssetLoader._instance = None  # it read the old manifest when Django started


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """Any CSP violation, script error or failed request fails the test."""
    bad = watch(page)
    yield page
    assert not bad, bad


LogIn = Callable[[BrowserContext, Brand], None]


@pytest.fixture
def log_in(live_server: Any) -> LogIn:
    """Puts the session of a brand's owner into a browser context."""

    def put(context: BrowserContext, brand: Brand) -> None:
        client = Client()
        client.force_login(brand.owner)
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])

    return put


@pytest.fixture
def free_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page whose content security policy is off, for tools that tests bring along (axe)."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        context = browser.new_context(bypass_csp=True, **options)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
