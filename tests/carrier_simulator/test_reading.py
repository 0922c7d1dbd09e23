"""The read-only resources, through Twilio's SDK: what Check looks at."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.carrier_simulator.conftest import make_client
from tests.support.carrier import ACCOUNT, CarrierProcess

PLAIN, TOLL_FREE, SHORT, SERVICE, KEY = (
    "+12025550100", "+18005550100", "72975", "MG" + "b" * 32, "SK" + "c" * 32,
)  # fmt: skip


@pytest.fixture
def client(carrier: CarrierProcess) -> Client:
    carrier.account(
        api_keys={KEY: "secret"},
        numbers=[
            {"phone": PLAIN, "sms": False, "application_sid": "AP1"},
            {"phone": TOLL_FREE, "verification": "IN_REVIEW", "inbound_url": "http://x.example/"},
            SHORT,
        ],
        services=[{"sid": SERVICE, "numbers": [PLAIN, SHORT], "campaigns": ["FAILED", "VERIFIED"]}],
    )
    return make_client(carrier)


def refusal(call: Any) -> tuple[int, int | None]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


def test_numbers_with_their_capabilities(client: Client) -> None:
    owned = client.api.v2010.accounts(ACCOUNT)
    assert [n.phone_number for n in owned.incoming_phone_numbers.list()] == [PLAIN, TOLL_FREE]
    (plain,) = owned.incoming_phone_numbers.list(phone_number=PLAIN)
    assert plain.capabilities["sms"] is False
    assert plain.sms_application_sid == "AP1"
    assert owned.incoming_phone_numbers(plain.sid).fetch().phone_number == PLAIN
    assert owned.incoming_phone_numbers.list(phone_number="+12025550199") == []
    assert [n.short_code for n in owned.short_codes.list(short_code=SHORT)] == [SHORT]
    assert refusal(owned.incoming_phone_numbers("PN" + "0" * 32).fetch) == (404, 20404)


def test_services_pools_campaigns_and_verifications(client: Client) -> None:
    found = client.messaging.v1.services(SERVICE).fetch()
    assert found.us_app_to_person_registered
    assert found.use_inbound_webhook_on_number
    door = client.messaging.v1.services(SERVICE)
    (plain,) = door.phone_numbers.list()
    assert plain.phone_number == PLAIN
    assert door.phone_numbers(plain.sid).fetch().capabilities == []
    assert [code.short_code for code in door.short_codes.list()] == [SHORT]
    assert [c.campaign_status for c in door.us_app_to_person.list()] == ["FAILED", "VERIFIED"]
    (toll_free,) = client.api.v2010.accounts(ACCOUNT).incoming_phone_numbers.list(
        phone_number=TOLL_FREE
    )
    listed = client.messaging.v1.tollfree_verifications.list(
        tollfree_phone_number_sid=toll_free.sid
    )
    assert [each.status for each in listed] == ["IN_REVIEW"]
    assert refusal(door.phone_numbers(toll_free.sid).fetch) == (404, 20404)
    assert refusal(client.messaging.v1.services("MG" + "0" * 32).fetch) == (404, 20404)


def test_a_standard_key_reads_numbers_but_not_the_account(
    client: Client, carrier: CarrierProcess
) -> None:
    assert client.api.v2010.accounts(ACCOUNT).fetch().status == "active"
    keyed = make_client(carrier, KEY, "secret")
    owned = keyed.api.v2010.accounts(ACCOUNT)
    assert len(owned.incoming_phone_numbers.list()) == 2
    assert refusal(owned.fetch) == (401, 20003)
