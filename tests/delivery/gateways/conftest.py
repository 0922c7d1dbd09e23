from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from delivery.gateways.base import OutboundSms
from delivery.gateways.twilio_gateway import GatewayAccount, TwilioGateway
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN, CarrierProcess
from tests.support.carrier import carrier as carrier
from tests.support.carrier import carrier_process as carrier_process
from tests.support.receiver import WebhookReceiver

MakeSms = Callable[..., OutboundSms]


def make_sms(to: str = "+12065550111", body: str = "Hi Maya", **more: Any) -> OutboundSms:
    return OutboundSms(
        to=to,
        body=body,
        from_number=more.get("from_number", NUMBER),
        messaging_service_sid=more.get("messaging_service_sid"),
        status_callback=more.get("status_callback", "http://127.0.0.1:9/status"),
        validity_period=more.get("validity_period", 300),
        attempt_id=uuid4(),
    )


@pytest.fixture
def gateway(carrier: CarrierProcess) -> TwilioGateway:
    return TwilioGateway(GatewayAccount(ACCOUNT, TOKEN), carrier.base_url, pool=16, timeout=30)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()
