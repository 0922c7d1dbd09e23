"""Every way a POST can end, with the real SDK over a real socket, and what we then know."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

from delivery.gateways.outcomes import classify_exception, mask_numbers, parse_retry_after
from delivery.gateways.twilio_gateway import GatewayAccount, TwilioGateway
from tests.delivery.gateways.conftest import make_sms
from tests.support.carrier import ACCOUNT, TOKEN, CarrierProcess, wait_for
from tests.support.scripted import ScriptedServer, answer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(base_url: str, timeout: float = 30) -> TwilioGateway:
    return TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), base_url, pool=2, timeout=timeout)


def test_accepted(carrier: CarrierProcess, gateway: TwilioGateway) -> None:
    receipt = gateway.submit(make_sms(body="Hi Maya"))
    assert (receipt.outcome, receipt.status, receipt.num_segments) == ("accepted", "queued", 1)
    assert [m["sid"] for m in carrier.messages(to="+12065550111")] == [receipt.sid]


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+15005550001", 21211),
        ("+15005550002", 21612),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
        ("+15002162400", 21624),
    ],
)
def test_rejected(carrier: CarrierProcess, gateway: TwilioGateway, to: str, code: int) -> None:
    receipt = gateway.submit(make_sms(to))
    assert (receipt.outcome, receipt.error_code, receipt.sid) == ("rejected", code, None)
    assert to not in receipt.error_text
    assert to[2:] not in receipt.error_text
    assert carrier.messages(to=to) == []


def test_throttled_names_its_wait(carrier: CarrierProcess, gateway: TwilioGateway) -> None:
    carrier.rules({"do": "throttle", "retry_after": 7, "times": 1}, {"do": "throttle"})
    first, second = gateway.submit(make_sms()), gateway.submit(make_sms())
    assert (first.outcome, first.error_code, first.retry_after) == ("throttled", 20429, 7.0)
    assert (second.outcome, second.retry_after) == ("throttled", None)
    assert carrier.messages() == []


@pytest.mark.parametrize(
    ("to", "taken"),
    [
        ("+15005559500", 0),
        ("+15005559503", 0),
        ("+15005559504", 1),  # 500 although the text was taken: why nothing may be tried again
        ("+15005559003", 0),
        ("+15005559004", 1),
        ("+15005559005", 1),
        ("+15005559006", 1),
    ],
)
def test_ambiguous(carrier: CarrierProcess, gateway: TwilioGateway, to: str, taken: int) -> None:
    receipt = gateway.submit(make_sms(to))
    assert (receipt.outcome, receipt.sid) == ("ambiguous", None)
    # One POST, never two: no retry below us.
    assert carrier.counts()["requests"]["posted"] == 1
    assert len(carrier.messages(to=to)) == taken
    assert len(gateway.list_recent(to, None)) == taken


@pytest.mark.parametrize(("to", "taken"), [("+15005559001", 0), ("+15005559002", 1)])
def test_silence_is_ambiguous(carrier: CarrierProcess, to: str, taken: int) -> None:
    receipt = at(carrier.base_url, timeout=0.3).submit(make_sms(to))
    assert (receipt.outcome, receipt.error_text) == ("ambiguous", "requests.ReadTimeout")
    if taken:  # it may be at it still
        wait_for(lambda: carrier.messages(to=to))
    assert len(carrier.messages(to=to)) == taken


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert at(f"http://127.0.0.1:{port}").submit(make_sms()).outcome == "not_sent"


def test_unknown_host() -> None:
    assert at("http://carrier.invalid").submit(make_sms()).outcome == "not_sent"


def test_nonsense_address() -> None:
    assert at("http://127.0.0.1:99999").submit(make_sms()).outcome == "not_sent"


def test_tls_handshake_fails() -> None:
    with ScriptedServer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        url = server.base_url.replace("http://", "https://")
        assert at(url).submit(make_sms()).outcome == "not_sent"


def test_connect_timeout() -> None:
    pool = requests.adapters.HTTPAdapter().poolmanager.connection_from_url("http://127.0.0.1")
    reason = ConnectTimeoutError(pool, "slow")
    assert classify_exception(requests.ConnectTimeout(reason)) == "not_sent"
    wrapped = requests.ConnectionError(MaxRetryError(pool, "/", reason))
    assert classify_exception(wrapped) == "not_sent"


def test_an_error_nobody_expected_is_ambiguous() -> None:
    assert classify_exception(RuntimeError("?")) == "ambiguous"
    assert classify_exception(requests.exceptions.SSLError("bad record mac")) == "ambiguous"
    assert classify_exception(requests.exceptions.ProxyError("?")) == "ambiguous"


@pytest.mark.parametrize(
    ("raw", "outcome", "code"),
    [
        (
            answer("400 Bad Request", '{"code": 21610, "message": "x", "status": 400}'),
            "rejected",
            21610,
        ),
        (answer("403 Forbidden", "<h1>proxy</h1>", kind="text/html"), "ambiguous", None),
        (answer("404 Not Found", '{"detail": "some other server"}'), "ambiguous", None),
        (answer("429 Too Many Requests", "busy", kind="text/plain"), "throttled", 20429),
        (
            answer(
                "400 Bad Request",
                '{"type": "https://www.twilio.com/docs/errors/21211", "title": "Bad To",'
                ' "status": 400, "code": 21211}',
            ),
            "rejected",
            21211,
        ),
        (answer("302 Found", "", Location="http://127.0.0.1:9/"), "ambiguous", None),
        (answer("201 Created", "not json"), "ambiguous", None),
        (answer("201 Created", "[]"), "ambiguous", None),
        (answer("201 Created", '{"sid": "SM123"}'), "ambiguous", None),
        (answer("201 Created", '{"sid": 7}'), "ambiguous", None),
        (b"", "ambiguous", None),
        (b"garbage\r\n\r\n", "ambiguous", None),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "ambiguous", None),
    ],
)
def test_answers_of_other_servers(raw: bytes, outcome: str, code: int | None) -> None:
    with ScriptedServer(raw) as server:
        receipt = at(server.base_url).submit(make_sms())
        assert (receipt.outcome, receipt.error_code) == (outcome, code)
        assert len(server.requests) == 1


def test_a_created_text_that_failed_at_once_is_accepted_with_its_code() -> None:
    body = '{"sid": "SM%s", "status": "failed", "error_code": 30007, "num_segments": "1"}' % (
        "a" * 32
    )
    with ScriptedServer(answer("201 Created", body)) as server:
        receipt = at(server.base_url).submit(make_sms())
    assert (receipt.outcome, receipt.status, receipt.error_code) == ("accepted", "failed", 30007)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "number", ["+12065550111", "12065550111", "+1 (206) 555-0111", "206.555.0111"]
)
def test_error_texts_hold_no_number(number: str) -> None:
    assert mask_numbers(f"To {number} is invalid") == "To *** is invalid"


def test_error_texts_keep_codes() -> None:
    assert mask_numbers("HTTP 400 error: 21610") == "HTTP 400 error: 21610"
