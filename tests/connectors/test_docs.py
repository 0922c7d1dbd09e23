"""What docs/connectors.md shows has to work as it stands there: the curl, the signing, the codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from connectors.core import shopify, woocommerce
from connectors.core.signatures import REASONS
from connectors.domain.consents import _WORDS
from events.models import Event
from tenancy.scope import tenant_scope
from tests.connectors.door import people
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "connectors.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.S)


def run(script: str, **variables: str) -> Any:
    """What the script prints, as JSON."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **variables, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_page_makes_a_connector_and_posts_to_it_as_written(
    committed_world: World, live_server: Any, settings: Any
) -> None:
    settings.KAIROS_PUBLIC_BASE_URL = live_server.url
    make, post = SHELL
    shop = committed_world.shop
    made = run(make, KAIROS=live_server.url, API_KEY=shop.api_key)
    assert made["state"] == "waiting"
    answer = run(post, URL=made["url"], SECRET=made["secret"])
    [line] = answer["results"]
    assert (line["event"], line["status"]) == ("Ticket Solved", "accepted")
    run(post, URL=made["url"], SECRET=made["secret"])  # counts once
    with tenant_scope(shop.tenant.id):
        event = Event.objects.get(name="Ticket Solved")
        assert event.properties == {"topic": "size", "minutes": 12}
    assert [each.phone for each in people(shop)] == ["+13105550142"]
    assert people(committed_world.other) == []
    assert run(post, URL=made["url"], SECRET="guessed-0123456789")["code"] == "bad_signature"


def test_every_topic_and_every_code_is_on_the_page() -> None:
    folder = ROOT / "platform" / "connectors"
    given = re.compile(
        r'(?:FieldError\(\s*[^,()]+,|Problem\(|ignore\(|"(?:rejected|ignored)",|'
        r"return \()\s*\"([a-z_]+)\",?"
    )
    codes = {code for path in folder.rglob("*.py") for code in given.findall(path.read_text())}
    codes |= {*REASONS, *_WORDS}
    codes -= {"unknown"}  # of the page's own form
    assert len(codes) > 30
    wanted = codes | {*shopify.TOPICS, *woocommerce.TOPICS} - {"action.woocommerce_add_to_cart"}
    assert {code for code in wanted if f"`{code}`" not in PAGE} == set()
