"""Asking the gateway what it holds: what reconciliation and erasure stand on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from delivery.gateways.base import GatewayError, GatewayUnavailable, hash_body
from delivery.gateways.twilio_gateway import GatewayAccount, TwilioGateway
from tests.delivery.gateways.conftest import make_sms
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN, CarrierProcess
from tests.support.scripted import ScriptedServer, answer

OTHER = "AC" + "b" * 32
OTHER_NUMBER = "+12025550199"


def test_a_lost_answer_is_found_by_number_and_body(
    carrier: CarrierProcess, gateway: TwilioGateway
) -> None:
    carrier.rules({"do": "drop", "after_accept": True, "times": 1})
    before = datetime.now(UTC)
    lost = make_sms(body="the one")
    assert gateway.submit(lost).outcome == "ambiguous"
    gateway.submit(make_sms(body="another"))
    found = [
        remote
        for remote in gateway.list_recent(lost.to, lost.from_number)
        if remote.body_hash == hash_body("the one")
    ]
    assert [remote.body for remote in found] == ["the one"]
    assert found[0].created_at >= before - timedelta(seconds=1)
    assert found[0].created_at.tzinfo is UTC
    assert gateway.fetch(found[0].sid) == found[0]


def test_a_queued_text_is_listed(carrier: CarrierProcess, gateway: TwilioGateway) -> None:
    """It has no date_sent yet, so a listing with a date filter would miss it."""
    carrier.account(numbers=[{"phone": NUMBER, "segments_per_second": 0.001}])
    carrier.rules()
    gateway.submit(make_sms(body="first", validity_period=None))
    queued = gateway.submit(make_sms(body="second", validity_period=None))
    shown = gateway.list_recent("+12065550111", NUMBER)[0]
    assert (shown.sid, shown.status) == (queued.sid, "queued")


def test_newest_first_and_at_most_fifty(carrier: CarrierProcess, gateway: TwilioGateway) -> None:
    sids = [gateway.submit(make_sms(body=f"{n}")).sid for n in range(60)]
    gateway.submit(make_sms("+12065550112"))
    shown = [remote.sid for remote in gateway.list_recent("+12065550111", NUMBER)]
    assert shown == sids[::-1][:50]
    assert [r.to for r in gateway.list_recent("+12065550112", None)] == ["+12065550112"]
    assert gateway.list_recent("+12065550113", None) == []


def test_another_account_sees_nothing(carrier: CarrierProcess, gateway: TwilioGateway) -> None:
    carrier.account(OTHER, token="other", numbers=[OTHER_NUMBER])
    other = TwilioGateway(GatewayAccount(OTHER, "other"), carrier.base_url)
    sid = gateway.submit(make_sms()).sid
    assert sid is not None
    assert other.fetch(sid) is None
    assert other.list_recent("+12065550111", None) == []
    borrowed = other.submit(make_sms(from_number=NUMBER))
    assert (borrowed.outcome, borrowed.error_code) == ("rejected", 21660)


def test_fetch_of_what_is_not_there(gateway: TwilioGateway) -> None:
    assert gateway.fetch("SM" + "0" * 32) is None


def test_questions_to_a_gateway_that_is_down() -> None:
    with ScriptedServer(answer("503 Service Unavailable", "")) as server:
        down = TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), server.base_url)
        with pytest.raises(GatewayUnavailable):
            down.fetch("SM" + "0" * 32)
        with pytest.raises(GatewayUnavailable):
            down.list_recent("+12065550111", None)
        server.answer = b""
        with pytest.raises(GatewayUnavailable):
            down.list_recent("+12065550111", None)


def test_questions_with_wrong_credentials(carrier: CarrierProcess) -> None:
    stranger = TwilioGateway(GatewayAccount(ACCOUNT, "wrong"), carrier.base_url)
    with pytest.raises(GatewayError) as caught:
        stranger.list_recent("+12065550111", None)
    assert not isinstance(caught.value, GatewayUnavailable)
    with pytest.raises(GatewayError) as caught:
        stranger.fetch("SM" + "0" * 32)
    assert caught.value.code == 20003


def test_erasing_waits_until_the_text_is_final(
    carrier: CarrierProcess, gateway: TwilioGateway
) -> None:
    carrier.settings(fast=False)
    carrier.rules({"do": "deliver_after", "seconds": 0.6})
    sid = gateway.submit(make_sms(body="private")).sid
    assert sid is not None
    assert not gateway.redact(sid)
    assert not gateway.delete(sid)
    carrier.wait_idle()
    assert gateway.redact(sid)
    remote = gateway.fetch(sid)
    assert remote is not None
    assert remote.body == ""
    assert gateway.delete(sid)
    assert gateway.fetch(sid) is None
    assert gateway.delete(sid), "what is gone counts as erased"


def test_a_service_has_no_sender_and_no_count_at_first(carrier: CarrierProcess) -> None:
    service = "MG" + "b" * 32
    carrier.settings(fast=False)
    carrier.account(services=[{"sid": service, "numbers": [NUMBER]}])
    gateway = TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), carrier.base_url)
    sms = make_sms(from_number=None, messaging_service_sid=service, body="x" * 200)
    receipt = gateway.submit(sms)
    assert receipt.outcome == "accepted"
    carrier.wait_idle()
    remote = gateway.list_recent(sms.to, None)[0]
    assert (remote.from_number, remote.status, remote.num_segments) == (NUMBER, "delivered", 2)
