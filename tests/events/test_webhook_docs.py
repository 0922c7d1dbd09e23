"""What docs/webhooks.md shows has to work as it stands there: the curl, the receiver, the codes."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client

from events.core.signing import sign
from events.domain import webhook_deliveries, webhook_sending, webhooks
from events.domain.recording import NewEvent, append_events
from events.models import WebhookDelivery
from tenancy.clock import business_now, wall_now
from tenancy.scope import tenant_scope
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "webhooks.md").read_text()
RECEIVER = re.search(r"```python\n(.*?)```", PAGE, re.S)
CURL = re.search(r"curl -s http://[^/]+(/\S+) -H .*?-d '(.*?)'\n", PAGE, re.S)


@pytest.fixture(autouse=True)
def _names_resolve(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.KAIROS_WEBHOOK_LOOPBACK = True
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host == "shop.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]
        return real(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.django_db
def test_the_curl_makes_a_webhook(world: World) -> None:
    assert CURL is not None
    answer = Client().post(
        CURL[1],
        CURL[2],
        "application/json",
        headers={"Authorization": f"Bearer {world.shop.api_key}"},
    )
    assert answer.status_code == 201
    assert answer.json()["secret"].startswith("whsec_")
    assert answer.json()["events"] == ["SMS Delivered", "SMS Replied", "SMS Unsubscribed"]


@pytest.mark.django_db
def test_the_receiver_takes_what_is_genuine_once_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    assert RECEIVER is not None
    (tmp_path / "receiver.py").write_text(RECEIVER[1])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks"
    shop = world.shop.tenant.id
    with tenant_scope(shop):
        _, secret = webhooks.create_endpoint(url=url, event_names=["SMS Replied"], now=wall_now())
    process = subprocess.Popen(
        [sys.executable, "receiver.py", str(port)],
        cwd=tmp_path,
        env={**os.environ, "KAIROS_WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for(port)
        now = business_now()
        with tenant_scope(shop):
            said = NewEvent("SMS Replied", None, {"body": "Is it in stock?"}, now)
            append_events([said], now=now)
        webhook_deliveries.make_deliveries(shop, now=wall_now())
        assert webhook_sending.send_round(shop) == 1
        with tenant_scope(shop):
            delivery = WebhookDelivery.objects.select_related("endpoint").get()
            assert (delivery.state, delivery.response_status) == ("delivered", 204)
            webhook_deliveries.replay_delivery(delivery, now=wall_now())
        assert webhook_sending.send_round(shop) == 1  # taken again, and told apart by its id
        at = int(time.time())
        body = json.dumps({"type": "Forged", "data": {"properties": {}}}).encode()
        for forged in (
            sign(body, ["whsec_guessed"], at=at),
            sign(body, [secret], at=at - 400),
            sign(b"other", [secret], at=at),
            "",
        ):
            headers = {"Kairos-Signature": forged, "Kairos-Webhook-Id": "whd_x"}
            assert requests.post(url, body, headers=headers, timeout=60).status_code == 400
        both = {"Kairos-Signature": sign(body, ["new", secret], at=at), "Kairos-Webhook-Id": "y"}
        assert requests.post(url, body, headers=both, timeout=60).status_code == 204
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=60)
    assert printed.splitlines() == ["SMS Replied {'body': 'Is it in stock?'}", "Forged {}"]


def test_every_code_is_on_the_page() -> None:
    given = re.compile(r'(?:FieldError\(\s*"\w+",|Problem\(|UnsafeUrl\()\s*"([a-z_]+)"')
    folder = ROOT / "platform" / "events"
    sources = [*folder.rglob("*webhook*.py"), folder / "core/addresses.py"]
    sources.append(folder / "domain/posting.py")
    codes = {code for path in sources for code in given.findall(path.read_text())}
    codes -= {"unknown"}  # of the page's own form
    assert len(codes) > 8
    codes |= set(webhook_sending.ERROR_WORDS)
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the receiver did not start")
