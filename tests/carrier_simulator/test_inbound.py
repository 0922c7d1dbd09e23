"""People who text: signed webhooks, STOP remembered, START and HELP answered."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from delivery.carrier_simulator.inbound import STOP
from tests.support.carrier import NUMBER, TOKEN, CarrierProcess, wait_for
from tests.support.receiver import WebhookReceiver

MAYA, OTHER = "+12065550111", "+12065550112"
SECOND = "+12025550101"
SERVICE = "MG" + "b" * 32


def may_send(client: Client, to: str = MAYA, number: str = NUMBER) -> bool:
    try:
        client.messages.create(to=to, from_=number, body="Hi")
    except TwilioRestException as error:
        if error.code == 21610:
            return False
        raise
    return True


def test_the_webhook(carrier: CarrierProcess, receiver: WebhookReceiver) -> None:
    carrier.account(inbound_url=f"{receiver.base_url}/in")
    answer = carrier.inject(MAYA, NUMBER, "Is it in size 9? ñ 😀", media=["http://127.0.0.1/a.jpg"])
    assert answer["webhook"] == {"outcome": "ok", "status": 204}
    assert answer["auto_reply"] is None
    [hook] = receiver.hooks
    form = hook.form
    assert RequestValidator(TOKEN).validate(
        f"{receiver.base_url}/in", form, hook.headers["x-twilio-signature"]
    )
    assert form["Body"] == "Is it in size 9? ñ 😀"
    assert (form["From"], form["To"], form["SmsStatus"]) == (MAYA, NUMBER, "received")
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == answer["sid"]
    assert (form["NumMedia"], form["MediaUrl0"]) == ("1", "http://127.0.0.1/a.jpg")
    assert form["MediaContentType0"] == "image/jpeg"
    assert "OptOutType" not in form


@pytest.mark.parametrize("word", [*sorted(STOP), "stop", "  Stop  "])
def test_stop_is_remembered_and_still_passed_on(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver, word: str
) -> None:
    carrier.account(
        numbers=[{"phone": n, "inbound_url": receiver.base_url} for n in (NUMBER, SECOND)]
    )
    assert may_send(client)
    answer = carrier.inject(MAYA, NUMBER, word)
    assert "unsubscribed" in answer["auto_reply"]["body"]
    assert len(receiver.hooks) == 1
    assert not may_send(client)
    assert may_send(client, OTHER), "only she said stop"
    assert may_send(client, number=SECOND), "and only to this number"
    assert carrier.inject(MAYA, NUMBER, word)["auto_reply"] is None, "the carrier answers once"
    again = carrier.inject(MAYA, NUMBER, "start")
    assert "re-subscribed" in again["auto_reply"]["body"]
    assert may_send(client)


@pytest.mark.parametrize("body", ["please stop", "STOP.", "opt out", "stop it", ""])
def test_sentences_are_not_caught(carrier: CarrierProcess, client: Client, body: str) -> None:
    assert carrier.inject(MAYA, NUMBER, body)["auto_reply"] is None
    assert may_send(client)


@pytest.mark.parametrize("body", ["HELP", "info"])
def test_help(carrier: CarrierProcess, client: Client, body: str) -> None:
    assert "STOP to unsubscribe" in carrier.inject(MAYA, NUMBER, body)["auto_reply"]["body"]
    assert may_send(client)


def test_yes_and_unstop_reopen_only(carrier: CarrierProcess, client: Client) -> None:
    assert carrier.inject(MAYA, NUMBER, "yes")["auto_reply"] is None
    carrier.inject(MAYA, NUMBER, "STOP")
    assert carrier.inject(MAYA, NUMBER, "YES")["auto_reply"] is not None
    assert may_send(client)


def test_a_service_stops_as_a_whole(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    carrier.account(
        numbers=[NUMBER, SECOND],
        services=[
            {
                "sid": SERVICE,
                "numbers": [NUMBER, SECOND],
                "inbound_url": f"{receiver.base_url}/service",
                "advanced_opt_out": True,
            }
        ],
    )
    carrier.inject(MAYA, SECOND, "STOP")
    assert receiver.hooks[0].form["OptOutType"] == "STOP"
    assert receiver.hooks[0].form["MessagingServiceSid"] == SERVICE
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to=MAYA, messaging_service_sid=SERVICE, body="Hi")
    assert caught.value.code == 21610


def test_opt_outs_can_be_pushed(carrier: CarrierProcess, client: Client) -> None:
    item = {
        "contact_id": MAYA,
        "correlation_id": "1" * 32,
        "sender_id": NUMBER,
        "source": "website",
    }
    done = client.accounts.v1.bulk_consents.create(
        items=[{**item, "status": "opt-out"}, {**item, "sender_id": "+19995550100"}]
    )
    assert [result["error_code"] for result in done.items] == [0, 30646]
    assert not may_send(client)
    client.accounts.v1.bulk_consents.create(items=[{**item, "status": "opt-in"}])
    assert may_send(client)


def test_without_waiting(carrier: CarrierProcess, receiver: WebhookReceiver) -> None:
    carrier.account(inbound_url=receiver.base_url)
    receiver.may_answer.clear()
    assert carrier.inject(MAYA, NUMBER, "hi", wait=False)["webhook"] is None
    wait_for(lambda: receiver.hooks)
    receiver.may_answer.set()


def test_a_webhook_that_is_down_loses_nothing_at_the_carrier(carrier: CarrierProcess) -> None:
    carrier.account(inbound_url="http://127.0.0.1:9/")
    answer = carrier.inject(MAYA, NUMBER, "STOP")
    assert answer["webhook"] == {"outcome": "ct", "status": None}
    assert carrier.phone(MAYA)["opted_out_of"] == [NUMBER]


def test_a_phone_shows_both_sides_in_order(carrier: CarrierProcess, client: Client) -> None:
    client.messages.create(to=MAYA, from_=NUMBER, body="Hi Maya")
    client.messages.create(to=OTHER, from_=NUMBER, body="Hi other")
    carrier.inject(MAYA, NUMBER, "HELP")
    carrier.wait_idle()
    shown = carrier.phone(MAYA)["messages"]
    assert [(m["direction"], m["body"][:8]) for m in shown] == [
        ("outbound-api", "Hi Maya"),
        ("inbound", "HELP"),
        ("outbound-reply", "Reply ST"),
    ]
    later = carrier._get(f"phones/{MAYA}", {"after": shown[0]["sid"]})["messages"]
    assert [m["sid"] for m in later] == [m["sid"] for m in shown[1:]]
