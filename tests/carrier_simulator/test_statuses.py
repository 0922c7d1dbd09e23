"""What becomes of a text: statuses, their order, their callbacks."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.support.carrier import NUMBER, TOKEN, CarrierProcess, wait_for
from tests.support.receiver import WebhookReceiver

TO = "+12065550111"
SERVICE = "MG" + "b" * 32


def send(client: Client, receiver: WebhookReceiver | None = None, **more: Any) -> Any:
    form = {"to": TO, "from_": NUMBER, "body": "Hi", **more}
    if receiver is not None:
        form["status_callback"] = f"{receiver.base_url}/s/1?a=b%20c"
    return client.messages.create(**form)


def statuses(receiver: WebhookReceiver) -> list[str]:
    return [hook.form["MessageStatus"] for hook in receiver.hooks]


def test_sent_then_delivered_both_signed(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    message = send(client, receiver)
    assert message.status == "queued", "no callback tells the first status"
    carrier.wait_idle()
    assert statuses(receiver) == ["sent", "delivered"]
    validator = RequestValidator(TOKEN)
    for hook in receiver.hooks:
        url = f"{receiver.base_url}{hook.path}"
        assert validator.validate(url, hook.form, hook.headers["x-twilio-signature"])
        assert hook.path == "/s/1?a=b%20c"
        assert hook.form["MessageSid"] == hook.form["SmsSid"] == message.sid
        assert (hook.form["From"], hook.form["To"]) == (NUMBER, TO)
        assert "ErrorCode" not in hook.form
    assert "RawDlrDoneDate" not in receiver.hooks[0].form
    assert len(receiver.hooks[1].form["RawDlrDoneDate"]) == 10
    fetched = client.messages(message.sid).fetch()
    assert (fetched.status, fetched.error_code) == ("delivered", None)
    assert fetched.date_sent is not None


def test_at_demo_speed_a_text_takes_its_time(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    carrier.settings(fast=False)
    started = time.monotonic()
    for _ in range(5):
        send(client, receiver)
    carrier.wait_idle()
    delivered = [h.at - started for h in receiver.hooks if h.form["MessageStatus"] == "delivered"]
    assert len(delivered) == 5
    assert min(delivered) > 0.25
    assert len({round(at, 3) for at in delivered}) > 1


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("missing", []),
        ("duplicate", ["sent", "sent", "delivered", "delivered"]),
        ("reorder", ["delivered", "sent"]),
    ],
)
def test_callbacks_that_misbehave(
    carrier: CarrierProcess,
    client: Client,
    receiver: WebhookReceiver,
    mode: str,
    expected: list[str],
) -> None:
    carrier.rules({"do": "callbacks", "mode": mode})
    send(client, receiver)
    carrier.wait_idle()
    assert statuses(receiver) == expected


def test_callbacks_that_come_late(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    carrier.rules({"do": "callbacks", "mode": "delay", "seconds": 0.5})
    started = time.monotonic()
    send(client, receiver)
    wait_for(lambda: len(receiver.hooks) == 2)
    assert receiver.hooks[0].at - started >= 0.5


def test_callbacks_can_be_switched_off(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    carrier.settings(callbacks=False)
    send(client, receiver)
    carrier.wait_idle()
    assert receiver.hooks == []


@pytest.mark.parametrize(
    ("to", "expected", "code"),
    [
        ("+15003000300", ["sent", "undelivered"], 30003),
        ("+15003000700", ["sent", "undelivered"], 30007),
        ("+15003003400", ["failed"], 30034),
        ("+15005559105", ["sent"], None),
    ],
)
def test_magic_numbers_for_what_comes_later(
    carrier: CarrierProcess,
    client: Client,
    receiver: WebhookReceiver,
    to: str,
    expected: list[str],
    code: int | None,
) -> None:
    sid = send(client, receiver, to=to).sid
    carrier.wait_idle()
    assert statuses(receiver) == expected
    assert receiver.hooks[-1].form.get("ErrorCode") == (str(code) if code else None)
    assert client.messages(sid).fetch().error_code == code


def test_filtered_words(carrier: CarrierProcess, client: Client) -> None:
    send(client, body="Sale https://BIT.LY/x")
    send(client, body="Sale https://shop.example/x")
    carrier.wait_idle()
    assert [(m["status"], m["error_code"]) for m in carrier.messages()] == [
        ("undelivered", 30007),
        ("delivered", None),
    ]


def test_a_share_ends_undelivered(carrier: CarrierProcess, client: Client) -> None:
    carrier.settings(undelivered_share=1.0)
    send(client)
    counts = carrier.wait_idle()
    carrier.settings(undelivered_share=0.0)
    assert counts["statuses"] == {"undelivered": 1}


def test_a_slow_sender_keeps_its_rate(carrier: CarrierProcess, client: Client) -> None:
    """Two parts per second: three texts of two parts each go out a second apart."""
    carrier.account(numbers=[{"phone": NUMBER, "segments_per_second": 2}])
    for _ in range(3):
        send(client, body="x" * 200)
    times = [m["created_at"] for m in carrier.messages()]
    carrier.wait_idle()
    sent = sorted(m["sent_at"] for m in carrier.messages())
    seconds = [float(at[17:-1]) for at in sent]
    gaps = [(b - a) % 60 for a, b in pairwise(seconds)]
    assert all(0.8 < gap < 1.4 for gap in gaps), (times, sent)


def test_a_text_that_waits_too_long_expires(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    carrier.account(numbers=[{"phone": NUMBER, "segments_per_second": 0.1}])
    send(client)
    late = send(client, receiver, validity_period=1)
    wait_for(lambda: receiver.hooks)
    assert statuses(receiver) == ["failed"]
    assert receiver.hooks[0].form["ErrorCode"] == "30036"
    assert client.messages(late.sid).fetch().status == "failed"


def test_a_full_queue(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(
        numbers=[{"phone": NUMBER, "segments_per_second": 0.00001}],
        services=[{"sid": SERVICE, "numbers": [NUMBER]}],
    )
    send(client)
    with pytest.raises(Exception, match="queued messages") as caught:
        send(client)
    assert caught.value.code == 21611  # type: ignore[attr-defined]
    through_service = client.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi")
    carrier.settings(fast=True)
    found = wait_for(
        lambda: (m := client.messages(through_service.sid).fetch()).status == "failed" and m
    )
    assert found.error_code == 30001


def test_a_daily_limit(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(numbers=[{"phone": NUMBER, "daily_cap": 2}])
    for _ in range(3):
        send(client)
    carrier.wait_idle()
    assert [m["error_code"] for m in carrier.messages()] == [None, None, 30027]


def test_a_messaging_service_chooses_its_sender_later(
    carrier: CarrierProcess, client: Client, receiver: WebhookReceiver
) -> None:
    other = "+12025550101"
    carrier.account(
        numbers=[NUMBER, other],
        services=[
            {"sid": SERVICE, "numbers": [NUMBER, other], "status_callback": receiver.base_url}
        ],
    )
    first = client.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi")
    assert (first.status, first.num_segments, first.from_) == ("accepted", "0", None)
    carrier.wait_idle()
    assert statuses(receiver) == ["queued", "sent", "delivered"]
    assert {hook.form["MessagingServiceSid"] for hook in receiver.hooks} == {SERVICE}
    for _ in range(5):
        client.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi")
    carrier.wait_idle()
    assert len({message.from_ for message in client.messages.list(to=TO)}) == 1, "sticky sender"


def test_the_price_comes_later(carrier: CarrierProcess, client: Client) -> None:
    carrier.settings(price_after=0.4)
    sid = send(client, body="x" * 200).sid
    carrier.wait_idle()
    assert client.messages(sid).fetch().price is None
    assert wait_for(lambda: client.messages(sid).fetch().price) == "-0.01660"
    carrier.settings(price_after=10.0)
