"""The API itself, through Twilio's SDK."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.carrier_simulator.conftest import make_client
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN, CarrierProcess

TO = "+12065550111"
OTHER = "AC" + "b" * 32
SERVICE = "MG" + "b" * 32


def refusal(client: Client, **more: Any) -> tuple[int, int]:
    form = {"to": TO, "from_": NUMBER, "body": "Hi", **more}
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**form)
    assert caught.value.code is not None
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"from_": "+12125550100"}, 21606),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"to": "2065550111"}, 21211),
        ({"to": NUMBER}, 21266),
        ({"to": ""}, 21604),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"validity_period": 0}, 21624),
        ({"validity_period": 36_001}, 21624),
        ({"status_callback": "nonsense"}, 21609),
        ({"status_callback": "http://under_score.example/"}, 21609),
        ({"from_": ""}, 21603),
        ({"schedule_type": "fixed"}, 20001),
    ],
)
def test_refusals(client: Client, form: dict[str, Any], code: int) -> None:
    assert refusal(client, **form) == (400, code)


def test_the_magic_sender_is_good(client: Client) -> None:
    assert client.messages.create(to=TO, from_="+15005550006", body="Hi").status == "queued"


def test_services_that_cannot_send(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(services=[{"sid": SERVICE, "numbers": []}])
    assert refusal(client, from_="", messaging_service_sid=SERVICE) == (400, 21704)
    assert refusal(client, from_="", messaging_service_sid="MG" + "c" * 32) == (404, 21701)


@pytest.mark.parametrize(("sid", "token"), [(ACCOUNT, "wrong"), (OTHER, TOKEN)])
def test_wrong_credentials(carrier: CarrierProcess, sid: str, token: str) -> None:
    stranger = make_client(carrier, sid, token)
    assert refusal(stranger) == (401, 20003)


def test_credentials_change_at_once(carrier: CarrierProcess, client: Client) -> None:
    client.messages.create(to=TO, from_=NUMBER, body="Hi")
    carrier.account(tokens=["new", TOKEN])
    client.messages.create(to=TO, from_=NUMBER, body="Hi")
    carrier.account(tokens=["new"])
    assert refusal(client) == (401, 20003)


def test_accounts_are_closed_to_each_other(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(OTHER, token="other", numbers=["+12025550199"])
    other = make_client(carrier, OTHER, "other")
    sid = client.messages.create(to=TO, from_=NUMBER, body="Hi").sid
    assert refusal(other) == (400, 21660)
    for call in (
        other.messages(sid).fetch,
        other.messages(sid).delete,
        other.api.v2010.accounts(ACCOUNT).messages(sid).fetch,
    ):
        with pytest.raises(TwilioRestException) as caught:
            call()
        assert (caught.value.status, caught.value.code) == (404, 20404)
    assert other.messages.list() == []


def test_listing_goes_page_by_page(carrier: CarrierProcess, client: Client) -> None:
    sids = [client.messages.create(to=TO, from_=NUMBER, body=f"{n}").sid for n in range(25)]
    assert [m.sid for m in client.messages.list(page_size=10)] == sids[::-1]
    assert [m.sid for m in client.messages.list(limit=3)] == sids[::-1][:3]
    assert client.messages.list(to="+12065550112") == []
    assert len(client.messages.list(from_=NUMBER, page_size=7)) == 25


def test_a_date_filter_hides_what_is_queued(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(numbers=[{"phone": NUMBER, "segments_per_second": 0.01}])
    for body in ("sent", "queued"):
        client.messages.create(to=TO, from_=NUMBER, body=body)
    now = datetime.now(UTC)
    since = [m.body for m in client.messages.list(date_sent_after=now - timedelta(minutes=5))]
    assert since == ["sent"]
    assert client.messages.list(date_sent_before=now - timedelta(minutes=5)) == []
    queued, sent = client.messages.list()
    assert (queued.body, sent.body) == ("queued", "sent")
    assert sent.date_sent is not None
    # Its own day: midnight may have passed since.
    assert [m.body for m in client.messages.list(date_sent=sent.date_sent.date())] == ["sent"]


def test_redact_and_delete_only_when_final(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(numbers=[{"phone": NUMBER, "segments_per_second": 0.01}])
    final = client.messages.create(to=TO, from_=NUMBER, body="private").sid
    queued = client.messages.create(to=TO, from_=NUMBER, body="private").sid
    for call in (client.messages(queued).delete, lambda: client.messages(queued).update(body="")):
        with pytest.raises(TwilioRestException) as caught:
            call()
        assert caught.value.code == 20009
    assert client.messages(final).update(body="").body == ""
    with pytest.raises(TwilioRestException):
        client.messages(final).update(body="other words")
    assert client.messages(final).delete()
    with pytest.raises(TwilioRestException) as caught:
        client.messages(final).fetch()
    assert caught.value.code == 20404
    assert [m.sid for m in client.messages.list(to=TO)] == [queued]


def test_the_small_resources(carrier: CarrierProcess, client: Client) -> None:
    carrier.account(
        services=[{"sid": SERVICE, "numbers": [NUMBER]}], inbound_url="http://127.0.0.1/"
    )
    account = client.api.v2010.accounts(ACCOUNT).fetch()
    assert (account.sid, account.status) == (ACCOUNT, "active")
    [number] = client.incoming_phone_numbers.list()
    assert (number.phone_number, number.sms_url) == (NUMBER, "http://127.0.0.1/")
    assert [service.sid for service in client.messaging.v1.services.list()] == [SERVICE]
    assert client.messaging.v1.services(SERVICE).fetch().sid == SERVICE


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Messages.json?PageSize=many", 400),
        ("GET", "Messages.json?DateSent=yesterday", 400),
        ("PUT", "Messages.json", 404),
        ("GET", "Calls.json", 404),
        ("GET", "Messages/SMnone.json", 404),
        ("GET", "../../etc/passwd", 404),
    ],
)
def test_odd_requests(carrier: CarrierProcess, method: str, path: str, status: int) -> None:
    url = f"{carrier.base_url}/api/2010-04-01/Accounts/{ACCOUNT}/{path}"
    answer = requests.request(method, url, auth=(ACCOUNT, TOKEN), timeout=60)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "more_info", "status"}


def test_parts_are_counted_as_twilio_does(carrier: CarrierProcess, client: Client) -> None:
    for body, parts in [("x" * 160, "1"), ("x" * 161, "2"), ("{" * 81, "2"), ("😀" * 36, "2")]:
        assert client.messages.create(to=TO, from_=NUMBER, body=body).num_segments == parts
