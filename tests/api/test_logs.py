"""Logs tell what happened and open nothing: the web server's own, and ours beside them."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from django.conf import settings as django_settings
from django.test import RequestFactory

from api.logs import JsonFormatter, MaskFilter, mask
from delivery.domain.opting_out import opt_out_url
from stack.services import web_server
from tenancy.domain.invites import create_invite
from tenancy.domain.reach import reach_of
from tenancy.scope import tenant_scope
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
SEALED = "gAAAAABm3x-Qv9_long-and-sealed.token:sig"
SECONDS = 60  # for a web server to start on a busy machine


@pytest.mark.parametrize(
    "text",
    [
        f"GET /stop/{SEALED} HTTP/1.1",
        f"https://kairos.example/stop/{SEALED}?utm=1",
        f"/invite/{SEALED}/join/",
        f"/login/?next=/invite/{SEALED}/",
        f"/login/?next=%2Finvite%2F{SEALED}%2F",
        f"https://l.example/t/{SEALED}",
        f"/demo?token={SEALED}",
        f"/join/juniper/done?a=1&proof={SEALED}&b=2",
        f"/login/?next=%2Fdemo%3Ftoken%3D{SEALED}",
    ],
)
def test_what_opens_something_is_masked_in_addresses(text: str) -> None:
    masked = mask(text)
    assert SEALED not in masked
    assert SEALED[-12:] not in masked
    assert "•••" in masked
    assert re.split(r"[?%/]", masked)[0] == re.split(r"[?%/]", text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "+13105550142", "q=%2B13105550142", "(310) 555-0142", "q=%28310%29%20555-0142",
        "q=%28310%29+555-0142", "next=%3Fq%3D%252B1%2B310%2B555%2B0142", "310.555.0142", "1 310 555 0142", "+44 20 7946 0958",
    ],
)  # fmt: skip
def test_numbers_are_masked_however_they_are_written(text: str) -> None:
    digits = re.sub(r"%..|\D", "", mask(f"GET /w/juniper/find/?{text} 200"))
    assert len(digits) <= 2 + len("200")


@pytest.mark.parametrize(
    "text",
    [
        "GET /w/juniper/campaigns/cmp_0190f8a2d3b4/stop/ HTTP/1.1",
        "POST /w/juniper/settings/team/invite/ HTTP/1.1",
        "192.168.100.200 - - [21/Nov/2026:19:31:30 +0000]",
        "[2026-11-21 19:31:30 +0000] [12345] [INFO] Listening at: http://127.0.0.1:43517 (12345)",
        "contact con_0190f8a2d3b47c1e8f00000000000001 took 1234 ms",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_nothing_hides_deep_in_a_record(rf: RequestFactory) -> None:
    """Django's own records hold the request itself; ours may hold lists and dictionaries."""
    handler = logging.StreamHandler()
    handler.addFilter(MaskFilter())
    record = logging.makeLogRecord(
        {
            "name": "django.request",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": "Not Found: %s",
            "args": (f"/stop/{SEALED}",),
            "request": rf.get(f"/stop/{SEALED}"),
            "found": {"numbers": ["+13105550142"], "more": ({"mail": "maya@example.com"},)},
            "count": 3,
        }
    )
    try:
        raise ValueError(f"no such page: /invite/{SEALED}/ for +13105550142")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert handler.filter(record)
    line = JsonFormatter().format(record)
    for secret in (SEALED, "3105550142", "maya@"):
        assert secret not in line
    told = json.loads(line)
    assert told["message"] == "Not Found: /stop/•••"
    assert told["count"] == 3
    assert "ValueError" in told["error"]


@pytest.fixture
def web(tmp_path: Path, transactional_db: None) -> Iterator[tuple[str, Callable[[], str]]]:
    """The web server as the stack starts it, with its access log on: address, what it logged."""
    log = tmp_path / "web.log"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "KAIROS_TEST_DB": str(django_settings.DATABASES["default"]["NAME"]),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "GUNICORN_CMD_ARGS": "--access-logfile -",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            web_server("start", 0), cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + SECONDS
        found = None
        while found is None and time.monotonic() < end:
            assert process.poll() is None, log.read_text()
            found = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", log.read_text())
            time.sleep(0.05)
        assert found, log.read_text()
        yield found[1], log.read_text
    finally:
        process.terminate()
        process.wait(SECONDS)


def ask(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_live_servers_logs_hold_nothing_that_opens(
    web: tuple[str, Callable[[], str]], committed_world: World
) -> None:
    url, logged = web
    shop = committed_world.shop
    with tenant_scope(shop.tenant.id):
        stop = opt_out_url("+13105550142").partition("/stop/")[2]
    reach = reach_of(shop.owner, shop.organization.slug)
    assert reach is not None
    _, address = create_invite(
        shop.organization, email="new@juniper.example", role="analyst", workspaces=None, by=reach,
        wall=committed_world.now, now=committed_world.now,
    )  # fmt: skip
    invite = address.partition("/invite/")[2].strip("/")
    basic = base64.b64encode(f"{shop.write_key}:".encode()).decode()
    assert ask(f"{url}/stop/{stop}") == 200
    assert ask(f"{url}/stop/{stop}x") == 404
    assert ask(f"{url}/invite/{invite}/") in {200, 404}
    assert ask(f"{url}/t/{SEALED}") == 404
    assert ask(f"{url}/nothing?token={SEALED}", Referer=f"{url}/stop/{stop}") == 404
    ask(f"{url}/w/juniper/find/?q=%2B1+310+555+0142", Authorization=f"Basic {basic}")
    ask(f"{url}/v1/batch", Authorization=f"Basic {basic}")
    ask(f"{url}/last/")
    end = time.monotonic() + SECONDS
    while not re.search(r"GET /last/ HTTP", logged()) and time.monotonic() < end:
        time.sleep(0.05)
    said = logged()
    for line in ("GET /stop/••• HTTP/1.1", "GET /invite/•••/ HTTP/1.1", "GET /t/••• HTTP/1.1",
                 "/nothing?token=•••", "Not Found: /stop/•••"):  # fmt: skip
        assert line in said, line
    for secret in (stop, invite, SEALED, shop.write_key, basic):
        assert secret not in said
    plain = unquote_plus(unquote_plus(said))
    assert not re.search(r"310\W*555\W*0142", plain)
