"""Webhooks that fail must not disturb the carrier, and never leave the machine."""

from __future__ import annotations

import time

import pytest
from twilio.rest import Client

from tests.carrier_simulator.conftest import make_client
from tests.support.carrier import NUMBER, CarrierProcess, wait_for
from tests.support.receiver import WebhookReceiver
from tests.support.scripted import ScriptedServer

TO = "+12065550111"


def send(client: Client, url: str, to: str = TO) -> str:
    message = client.messages.create(to=to, from_=NUMBER, body="Hi", status_callback=url)
    assert message.sid is not None
    return str(message.sid)


@pytest.mark.parametrize("status", [500, 404, 0])
def test_a_receiver_that_fails_changes_nothing(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver, status: int
) -> None:
    receiver.status = status
    for _ in range(10):
        send(client, receiver.base_url)
    counts = carrier.wait_idle()
    assert counts["statuses"] == {"delivered": 10}
    assert "ok" not in counts["webhooks"]
    assert len(receiver.hooks) == 20, "a 5xx or a lost answer is not repeated by default"


def test_nobody_there(carrier: CarrierProcess, client: Client) -> None:
    for _ in range(5):
        send(client, "http://127.0.0.1:9/")
    counts = carrier.wait_idle()
    assert counts["statuses"] == {"delivered": 5}
    assert counts["webhooks"] == {"ct": 10}


def test_a_receiver_that_hangs_holds_up_nobody_else(receiver: WebhookReceiver) -> None:
    with CarrierProcess("--callback-concurrency", "4") as carrier:
        carrier.account()
        client = make_client(carrier)
        receiver.may_answer.clear()
        for number in range(20):
            send(client, receiver.base_url, to=f"+120655501{number:02d}")
        assert client.messages.create(to=TO, from_=NUMBER, body="Hi").sid
        wait_for(lambda: len(receiver.hooks) >= 4)
        time.sleep(0.3)
        assert len(receiver.hooks) == 4, "no more at a time than allowed"
        receiver.may_answer.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://example.com/",
        "https://127.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1:8000/",
    ],
)
def test_nothing_goes_beyond_loopback(carrier: CarrierProcess, client: Client, url: str) -> None:
    send(client, url)
    counts = carrier.wait_idle()
    assert counts["webhooks"] == {"refused": 2}
    assert counts["statuses"] == {"delivered": 1}


def test_the_url_can_ask_for_retries(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    receiver.status = 503
    send(client, f"{receiver.base_url}/s#rc=2&rp=5xx")
    carrier.wait_idle()
    paths = [hook.path for hook in receiver.hooks]
    assert paths == ["/s"] * 6, "the fragment is neither sent nor signed"
    tokens = [hook.headers.get("i-twilio-idempotency-token") for hook in receiver.hooks]
    assert tokens[0] is None
    assert tokens[1] == tokens[2] is not None
    assert tokens[3] is None


def test_callbacks_go_on_after_the_receiver_comes_back(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    receiver.status = 0
    send(client, receiver.base_url)
    carrier.wait_idle()
    receiver.status = 204
    before = len(receiver.hooks)
    send(client, receiver.base_url)
    wait_for(lambda: len(receiver.hooks) == before + 2)
    carrier.wait_idle()
    assert carrier.counts()["webhooks"]["ok"] == 2


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "ok"),
        (b"HTTP/1.0 200 OK\r\n\r\n<Response/>", "ok"),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "ok"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "ok"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "4xx"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "rt"),
        (b"nonsense\r\n\r\n", "rt"),
        (b"", "rt"),
    ],
)
def test_answers_of_every_shape(
    carrier: CarrierProcess, client: Client, raw: bytes, outcome: str
) -> None:
    carrier.rules({"do": "only_sent"})
    with ScriptedServer(raw) as server:
        send(client, server.base_url)
        assert carrier.wait_idle()["webhooks"] == {outcome: 1}
