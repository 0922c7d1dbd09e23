"""What docs/api-events.md shows has to work as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.events.edges import post, stored
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api-events.md").read_text()
CURLS = re.findall(r'curl -s http://[^/]+(/\S+) -u "\$(\w+):" .*?-d \'(.*?)\'\n', PAGE, re.S)


@pytest.mark.parametrize(("path", "key", "body"), CURLS, ids=[path for path, _, _ in CURLS])
def test_every_curl_of_the_page_works(world: World, path: str, key: str, body: str) -> None:
    secret = {"WRITE_KEY": world.shop.write_key, "API_KEY": world.shop.api_key}[key]
    status, answer = post(path, json.loads(body), key=secret)
    assert status == (202 if path == "/api/v1/events" else 200)
    assert answer.get("rejected", 0) == 0
    assert stored(world.shop)


def test_the_page_has_curls() -> None:
    assert len(CURLS) == 4


def test_every_code_is_on_the_page() -> None:
    sources = [
        path
        for app in ("events", "commerce")
        for folder in ("core", "views", "domain")
        for path in (ROOT / "platform" / app / folder).glob("*.py")
        if "webhook" not in path.name  # they have a page of their own
    ]
    sources += [ROOT / "platform/people/core/traits.py", ROOT / "platform/commerce/api.py"]
    given = re.compile(r'(?:refuse\(\s*[^,()]+,|FieldError\(\s*[^,()]+,|Problem\()\s*"([a-z_]+)"')
    codes = {code for path in sources for code in given.findall(path.read_text())}
    codes -= {"not_an_object", "mixed", "empty", "unknown", "unknown_operator", "wrong_value"}
    codes -= {"too_many"}
    assert len(codes) > 15
    pages = (
        PAGE + (ROOT / "docs/api.md").read_text()
    )  # what is done to contacts stands on the latter
    assert {code for code in codes if f"`{code}`" not in pages} == set()
