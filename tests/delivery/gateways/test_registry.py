from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from django.test import override_settings

from delivery.gateways.registry import GatewayMisconfigured, gateway_for
from tests.delivery.gateways.conftest import make_sms
from tests.support.carrier import ACCOUNT, TOKEN, CarrierProcess


@dataclass
class Row:
    kind: str = "simulator"
    account_sid: str = ACCOUNT
    api_key_sid: str = ""
    secret: str = TOKEN


def test_one_client_per_set_of_credentials() -> None:
    with override_settings(KAIROS_TWILIO_BASE_URL="http://127.0.0.1:9"):
        first = gateway_for(Row())
        assert gateway_for(Row()) is first
        assert gateway_for(Row(kind="twilio")) is first
        assert gateway_for(Row(secret="rotated")) is not first
        assert gateway_for(Row(account_sid="AC" + "b" * 32)) is not first
    with override_settings(KAIROS_TWILIO_BASE_URL="http://127.0.0.1:10"):
        assert gateway_for(Row()) is not first


def test_the_base_url_is_the_installations(carrier: CarrierProcess) -> None:
    with override_settings(KAIROS_TWILIO_BASE_URL=carrier.base_url):
        assert gateway_for(Row(kind="twilio")).submit(make_sms()).outcome == "accepted"


@override_settings(KAIROS_TWILIO_BASE_URL=None)
def test_demo_texts_never_reach_the_real_twilio() -> None:
    with pytest.raises(GatewayMisconfigured, match="KAIROS_TWILIO_BASE_URL"):
        gateway_for(Row(kind="simulator"))


def test_an_unknown_kind() -> None:
    with pytest.raises(GatewayMisconfigured, match="pigeon"):
        gateway_for(Row(kind="pigeon"))


@override_settings(KAIROS_TWILIO_BASE_URL="http://127.0.0.1:9")
def test_a_fork_starts_with_clients_of_its_own() -> None:
    before = gateway_for(Row())
    child = os.fork()
    if child == 0:
        os._exit(1 if gateway_for(Row()) is before else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gateway_for(Row()) is before
