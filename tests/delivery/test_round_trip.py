"""There and back over HTTP: the real SDK, the carrier simulator, its signed webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from consent.models import Consent
from delivery.domain.callbacks import apply_callbacks
from delivery.domain.deciding import decide
from delivery.domain.submitting import submit_queued
from delivery.models import InboundMessage, Message, StatusCallback, TrackedLink
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, Shop, intent, make_contact, message, numbers
from tests.support.carrier import ACCOUNT, NUMBER, TOKEN, CarrierProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def open_line(
    carrier: CarrierProcess, committed_shop: Shop, live_server: Any, settings: Any
) -> CarrierProcess:
    """The simulator calls this process back, as Twilio would call an installation."""
    settings.KAIROS_TWILIO_BASE_URL = carrier.base_url
    settings.KAIROS_PUBLIC_BASE_URL = live_server.url
    settings.KAIROS_LINK_BASE_URL = live_server.url
    inbound = f"{live_server.url}/webhooks/twilio/{committed_shop.gateway.id}/inbound"
    carrier.account(ACCOUNT, token=TOKEN, numbers=[NUMBER], inbound_url=inbound)
    carrier.settings(callbacks=True, fast=True)
    return carrier


def test_sent_delivered_answered_stopped(
    committed_shop: Shop, open_line: CarrierProcess, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = committed_shop
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)
    with tenant_scope(shop.tenant_id):
        contacts = [make_contact(phone, now=now) for phone in [LA, *numbers(5)]]
        made = decide([intent(c, shop.version_id) for c in contacts], now=now)
    assert submit_queued(shop.tenant_id, now=now, wall=wall_now()) == 6
    open_line.wait_idle()
    apply_callbacks(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        assert set(Message.objects.values_list("status", flat=True)) == {"delivered"}
        assert StatusCallback.objects.filter(status="delivered").count() == 6
        token = TrackedLink.objects.get(message_id=made[0].message_id).token
    phone = open_line.phone(LA)
    assert token in str(phone)
    answer = open_line.session.get(made[0].text.split()[-6], allow_redirects=False, timeout=60)
    assert answer.status_code == 302

    with tenant_scope(shop.tenant_id):
        queued = decide([intent(contacts[0], shop.plain_id)], now=now)[0]
        assert queued.status == "queued"
    told = open_line.inject(LA, NUMBER, "STOP")
    assert told["webhook"]["status"] == 204
    with tenant_scope(shop.tenant_id):
        assert message(queued.message_id).status == "canceled"
        assert InboundMessage.objects.get().kind == "opt_out"
        assert set(Consent.objects.filter(status="unsubscribed").values_list("message_type")) == {
            ("marketing",),
            ("transactional",),
            ("conversational",),
        }
    assert submit_queued(shop.tenant_id, now=now, wall=wall_now()) == 0
    assert len(open_line.messages(to=LA, direction="outbound-api")) == 1


def test_answers_lost_on_the_way_are_bound_by_the_callback(
    committed_shop: Shop, open_line: CarrierProcess, now: datetime
) -> None:
    shop = committed_shop
    open_line.rules({"do": "drop", "to": LA, "after_accept": True})
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now)
        key = decide([intent(contact, shop.plain_id)], now=now)[0].message_id
    submit_queued(shop.tenant_id, now=now, wall=wall_now())
    open_line.wait_idle()
    apply_callbacks(shop.tenant_id, now=now)
    with tenant_scope(shop.tenant_id):
        held = message(key)
    assert held.status == "delivered"
    assert len(open_line.messages(to=LA)) == 1
