from __future__ import annotations

from collections.abc import Iterator

import pytest
from twilio.rest import Client

from delivery.gateways.twilio_transport import GatewayHttpClient
from tests.support.carrier import ACCOUNT, TOKEN, CarrierProcess
from tests.support.carrier import carrier as carrier
from tests.support.carrier import carrier_process as carrier_process
from tests.support.receiver import WebhookReceiver


def make_client(carrier: CarrierProcess, sid: str = ACCOUNT, token: str = TOKEN) -> Client:
    """Twilio's own SDK, pointed at the simulator."""
    http = GatewayHttpClient(base_url=carrier.base_url, pool=4, timeout=60)
    return Client(sid, token, http_client=http)


@pytest.fixture
def client(carrier: CarrierProcess) -> Client:
    return make_client(carrier)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()
