"""Which Chromium there is, how to start it, and what must never happen in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SYSTEM = "/usr/bin/chromium"
# Five seconds, as Playwright has it, are too few for a machine that does other things as well.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


def find_chromium() -> str | None:
    """The path of a Chromium, "" for Playwright's own, None where there is none."""
    for path in (SYSTEM, os.environ.get("CHROMIUM", "")):
        if path and Path(path).exists():
            return path
    with sync_playwright() as playwright:
        return "" if Path(playwright.chromium.executable_path).exists() else None


def watch(page: Page) -> list[str]:
    """Collects what must not happen: CSP violations, script errors, failed requests."""
    bad: list[str] = []
    page.on("console", lambda m: bad.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: bad.append(str(error)))

    def failed(request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):
            bad.append(f"{request.url}: {request.failure}")

    page.on("requestfailed", failed)
    return bad
