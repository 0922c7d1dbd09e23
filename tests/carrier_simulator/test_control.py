"""Steering it: accounts, rules, reset, counts."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.carrier_simulator.conftest import make_client
from tests.support.carrier import ACCOUNT, NUMBER, CarrierProcess

TO = "+12065550111"


def send(client: Client, **more: Any) -> str | None:
    try:
        client.messages.create(**{"to": TO, "from_": NUMBER, "body": "Hi", **more})
    except TwilioRestException as error:
        return str(error.code)
    return None


def test_a_rule_can_skip_count_and_match(carrier: CarrierProcess, client: Client) -> None:
    carrier.rules({"do": "error", "code": 21617, "body": "sale", "skip": 1, "times": 2})
    assert [send(client, body=b) for b in ("a SALE", "sale", "hi", "sale", "sale")] == [
        None,
        "21617",
        None,
        "21617",
        None,
    ]
    carrier.rules({"do": "error", "code": 21614, "to": "+1206*"})
    assert send(client) == "21614"
    assert send(client, to="+13105550111") is None
    carrier.clear_rules()
    assert send(client) is None


def test_the_newest_rule_wins(carrier: CarrierProcess, client: Client) -> None:
    carrier.rules({"do": "error", "code": 21614})
    carrier.rules({"do": "error", "code": 21211})
    assert send(client) == "21211"


def test_a_share_is_repeatable(carrier: CarrierProcess, client: Client) -> None:
    def pattern() -> list[str | None]:
        carrier.clear_rules()
        carrier.rules({"do": "error", "code": 21614, "share": 0.5})
        return [send(client) for _ in range(40)]

    carrier.settings(seed="seven")
    first = pattern()
    assert first == pattern()
    assert 8 < first.count("21614") < 32
    carrier.settings(seed="eight")
    assert first != pattern()


@pytest.mark.parametrize(
    ("what", "data", "word"),
    [
        ("rules", {"rules": [{"do": "explode"}]}, "do must be one of"),
        ("rules", {"rules": [{"do": "error"}]}, "code is required"),
        ("rules", {"rules": [{"do": "callbacks", "mode": "odd"}]}, "mode must be"),
        ("rules", {"rules": [{"do": "drop", "colour": "red"}]}, "colour"),
        ("rules", {}, "missing: 'rules'"),
        ("accounts", {"sid": "AC1"}, "missing: 'auth_token'"),
        ("accounts", {"sid": "XX1", "auth_token": "t"}, "AC..."),
        (
            "accounts",
            {"sid": "AC2", "auth_token": "t", "numbers": [NUMBER]},
            f"belongs to {ACCOUNT}",
        ),
        ("inbound", {"from": TO, "to": "+12125550100", "body": "x"}, "no account owns"),
        ("inbound", {"from": TO, "to": NUMBER, "account": "AC9"}, "no account owns"),
        ("settings", {"speed": 1}, "no setting speed"),
        ("settings", {"fast": "yes"}, "another type"),
    ],
)
def test_nonsense_is_refused(
    carrier: CarrierProcess, what: str, data: dict[str, Any], word: str
) -> None:
    answer = requests.post(f"{carrier.base_url}/_sim/{what}", json=data, timeout=60)
    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_only_json_is_taken(carrier: CarrierProcess) -> None:
    """A form or text/plain could be sent by a web page of any origin."""
    url = f"{carrier.base_url}/_sim/reset"
    assert requests.post(url, data="{}", timeout=60).status_code == 415
    assert requests.post(url, data={"a": 1}, timeout=60).status_code == 415
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, data="[]", headers=headers, timeout=60).status_code == 400
    assert requests.post(url, data="{", headers=headers, timeout=60).status_code == 400
    assert requests.get(f"{carrier.base_url}/_sim/nothing", timeout=60).status_code == 404


def test_counts_messages_and_reset(carrier: CarrierProcess, client: Client) -> None:
    send(client)
    send(client, to="+15005550001")
    carrier.inject(TO, NUMBER, "STOP")
    counts = carrier.wait_idle()
    assert counts["requests"] == {"posted": 2, "accepted": 1, "refused_21211": 1}
    assert counts["directions"] == {"outbound-api": 1, "inbound": 1, "outbound-reply": 1}
    assert counts["opt_outs"] == 1
    assert [m["body"] for m in carrier.messages(direction="outbound-api")] == ["Hi"]
    assert len(carrier.messages(to=TO)) == 2
    assert len(carrier.messages(from_=TO)) == 1
    carrier.reset()
    assert carrier.messages() == []
    assert carrier.counts()["accounts"] == 1
    assert send(client) is None, "the opt-out is forgotten too"
    carrier.reset(keep_accounts=False)
    assert send(client) == "20003"


def test_memory_is_bounded() -> None:
    with CarrierProcess("--keep", "50") as small:
        small.account()
        client = make_client(small)
        for number in range(80):
            send(client, body=f"{number}")
        kept = [m["body"] for m in small.messages()]
        assert 40 <= len(kept) <= 51
        assert kept[-1] == "79"
        assert len(client.messages.list(to=TO)) == len(kept)


def test_broken_http_is_answered(carrier: CarrierProcess) -> None:
    for raw, status in [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /_sim/reset HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /_sim/reset HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST /_sim/reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000, b"431"),
    ]:
        with socket.create_connection(("127.0.0.1", carrier.port), timeout=60) as peer:
            peer.sendall(raw)
            assert peer.recv(64).split(b" ")[1] == status
    assert carrier.counts()["accounts"] == 1
