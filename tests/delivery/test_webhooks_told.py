"""The way from a phone to a receiver: consent and message events reach a webhook."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from delivery.domain.deciding import decide
from events.domain.webhook_deliveries import make_deliveries
from events.domain.webhook_sending import send_round
from events.domain.webhooks import create_endpoint
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.delivery.making import LA, NEW_YORK, Shop, intent, make_contact
from tests.delivery.test_conversations import hear
from tests.support.receiver import WebhookReceiver

pytestmark = pytest.mark.django_db


def test_opt_outs_replies_and_skips_are_told_with_typed_ids(
    shop: Shop, now: datetime, settings: Any
) -> None:
    settings.KAIROS_WEBHOOK_LOOPBACK = True
    receiver = WebhookReceiver()
    with tenant_scope(shop.tenant_id):
        maya, ruth = make_contact(LA, now=now), make_contact(NEW_YORK, now=now)
        create_endpoint(
            url=receiver.base_url,
            event_names=["SMS Unsubscribed", "SMS Replied", "SMS Skipped"],
            now=wall_now(),
        )
        hear("STOP", now=now)
        hear("Is it in stock?", now=now, phone=NEW_YORK)
        [skipped] = decide([intent(maya, shop.plain_id)], now=now)
    while make_deliveries(shop.tenant_id, now=wall_now()):
        pass
    send_round(shop.tenant_id)
    receiver.close()
    told = {
        body["type"]: body["data"] for body in map(json.loads, (h.body for h in receiver.hooks))
    }
    assert set(told) == {"SMS Unsubscribed", "SMS Replied", "SMS Skipped"}
    assert told["SMS Unsubscribed"]["contact"]["id"] == f"con_{maya.hex}"
    assert told["SMS Replied"]["contact"]["id"] == f"con_{ruth.hex}"
    assert told["SMS Replied"]["properties"]["body"] == "Is it in stock?"
    assert told["SMS Replied"]["properties"]["inbound_id"].startswith("inb_")
    assert told["SMS Skipped"]["properties"]["message_id"] == f"msg_{skipped.message_id.hex}"
    assert told["SMS Skipped"]["properties"]["reason"] == "unsubscribed"
    bodies = "".join(hook.body for hook in receiver.hooks)
    assert (LA in bodies, NEW_YORK in bodies) == (False, False)
