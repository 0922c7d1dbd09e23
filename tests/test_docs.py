"""The documents keep what they promise: short first screen, links that lead somewhere, one curl."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
CURL = re.compile(r"curl -u demo: .*?\}\}'", re.S)


def test_the_readmes_first_screen_is_short() -> None:
    first, _, _ = (ROOT / "README.md").read_text().partition("## How it works")
    assert len(first.splitlines()) <= 60


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(document: Path) -> None:
    found = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text())
    assert [link for link in found if not (document.parent / link).exists()] == []


def test_the_readme_sends_the_event_that_the_browser_test_sends() -> None:
    commands = []
    for name in ("README.md", "docs/first-five-minutes.md"):
        found = CURL.search((ROOT / name).read_text())
        assert found is not None
        commands.append(" ".join(found.group().split()))
    assert commands[0] == commands[1]


def test_no_page_names_a_package_registry() -> None:
    hosts = ("pypi" + ".org", "npmjs" + ".org", "pythonhosted" + ".org", "npmjs" + ".com")
    tracked = [
        *PAGES,
        *(ROOT / "requirements").iterdir(),
        *ROOT.glob("platform/web/frontend/*.json"),
    ]
    assert [str(page) for page in tracked if any(host in page.read_text() for host in hosts)] == []
