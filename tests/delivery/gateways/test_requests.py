"""What leaves for Twilio, and what does not leave into logs."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

import pytest

from delivery.gateways.base import OutboundSms
from delivery.gateways.twilio_gateway import GatewayAccount, TwilioGateway
from tests.delivery.gateways.conftest import make_sms
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN, CarrierProcess
from tests.support.scripted import ScriptedServer, answer

CREATED = answer(
    "201 Created", '{"sid": "SM%s", "status": "queued", "num_segments": "1"}' % ("a" * 32)
)


def sent(
    sms: OutboundSms, account: GatewayAccount | None = None
) -> tuple[str, dict[str, list[str]]]:
    with ScriptedServer(CREATED) as server:
        gateway = TwilioGateway(account or GatewayAccount(ACCOUNT, TOKEN), server.base_url)
        assert gateway.submit(sms).outcome == "accepted"
        head, _, body = server.requests[0].partition("\r\n\r\n")
    return head, parse_qs(body, keep_blank_values=True)


def test_the_whole_form() -> None:
    sms = make_sms(body="Hi 😀 & ñ = 100%", status_callback="https://k.example/s/1?a=b")
    head, form = sent(sms)
    assert head.startswith(f"POST /api/2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1")
    assert form == {
        "To": [sms.to],
        "From": [NUMBER],
        "Body": ["Hi 😀 & ñ = 100%"],
        "StatusCallback": ["https://k.example/s/1?a=b"],
        "ValidityPeriod": ["300"],
        "SmartEncoded": ["false"],
    }


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "1"), (-5, "1"), (36_001, "36000"), (86_400, "36000"), (60, "60")]
)
def test_validity_is_clamped(seconds: int, shown: str) -> None:
    _, form = sent(make_sms(validity_period=seconds))
    assert form["ValidityPeriod"] == [shown]


def test_without_validity_and_with_a_service() -> None:
    service = "MG" + "b" * 32
    _, form = sent(make_sms(validity_period=None, from_number=None, messaging_service_sid=service))
    assert form["MessagingServiceSid"] == [service]
    assert "From" not in form
    assert "ValidityPeriod" not in form


def test_one_sender_not_two_not_none() -> None:
    with pytest.raises(ValueError, match="not both"):
        make_sms(from_number=None)
    with pytest.raises(ValueError, match="not both"):
        make_sms(messaging_service_sid="MG" + "b" * 32)


def test_an_api_key_logs_in_for_the_account(carrier: CarrierProcess) -> None:
    carrier.account(api_keys={"SK" + "c" * 32: "key-secret"})
    good = GatewayAccount(ACCOUNT, "key-secret", "SK" + "c" * 32)
    assert TwilioGateway(good, carrier.base_url).submit(make_sms()).outcome == "accepted"
    bad = GatewayAccount(ACCOUNT, "wrong", "SK" + "c" * 32)
    refused = TwilioGateway(bad, carrier.base_url).submit(make_sms())
    assert (refused.outcome, refused.error_code) == ("rejected", 20003)


def test_the_machine_cannot_move_the_gateway(
    carrier: CarrierProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "9" * 32)
    gateway = TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), carrier.base_url)
    assert gateway.submit(make_sms()).outcome == "accepted"


def test_without_a_base_url_it_is_twilio() -> None:
    gateway = TwilioGateway(GatewayAccount(ACCOUNT, TOKEN))
    url = "https://api.twilio.com/2010-04-01/Accounts.json?Page=1"
    assert gateway._http.rewrite_url(url) == url
    moved = TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), "http://127.0.0.1:8/sim/")
    assert moved._http.rewrite_url(url) == (
        "http://127.0.0.1:8/sim/api/2010-04-01/Accounts.json?Page=1"
    )
    assert moved._http.rewrite_url("https://accounts.twilio.com/v1/Consents/Bulk") == (
        "http://127.0.0.1:8/sim/accounts/v1/Consents/Bulk"
    )


def test_no_number_and_no_secret_in_logs_or_memory(
    carrier: CarrierProcess, gateway: TwilioGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        gateway.submit(make_sms(body="a secret text"))
        gateway.list_recent("+12065550111", NUMBER)
        gateway.submit(make_sms("+15005559005"))
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("urllib3"))
    for secret in ("2065550111", "5005559005", "a secret text", TOKEN):
        assert secret not in ours
    assert logging.getLogger("twilio.http_client").level == logging.WARNING
    assert TOKEN not in repr(GatewayAccount(ACCOUNT, TOKEN))
    assert gateway._http._test_only_last_request is None
    assert gateway._http._test_only_last_response is None
