"""What a flow's page counts, where it differs from what Home counts."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from analytics.domain.attention import find_concerns
from analytics.domain.flow_numbers import StepNumbers, numbers_for
from delivery.models import Sender
from people.models import Contact
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.analytics.rows import FLOW, make_contact, make_gateway, reply, send, tap
from tests.support.world import World
from triggers.domain.flows import create_flow
from triggers.models import Flow, FlowRun, FlowVersion

DEFINITION = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "steps": [{"key": "wait", "type": "delay", "for": "PT1H"}],
}


@pytest.fixture
def shop(world: World) -> Any:
    with tenant_scope(world.other.tenant.id):
        contact = make_contact(world.now)
        tap(send(contact, world.now - timedelta(hours=2)), world.now - timedelta(hours=1))
    with tenant_scope(world.shop.tenant.id):
        yield world.shop.tenant


def step_of(now: datetime, flow_id: uuid.UUID = FLOW, key: str = "text_1") -> StepNumbers:
    return numbers_for([flow_id], start=now - timedelta(days=1), end=now)[flow_id].step(key)


def run(flow: Flow, contact: Contact, at: datetime, ended_at: datetime | None = None) -> None:
    FlowRun.objects.create(
        flow=flow,
        version=FlowVersion.objects.get(flow=flow),
        contact=contact,
        entry_key=uuid.uuid4().hex,
        state="finished" if ended_at else "active",
        step_key="wait",
        triggered_at=at,
        entered_at=at,
        anchor_at=at,
        ended_at=ended_at,
    )


def test_who_waits_is_who_stands_there_now(shop: Tenant, now: datetime) -> None:
    flow, contact = create_flow("Cart", definition=DEFINITION, now=now), make_contact(now)
    run(flow, contact, now - timedelta(days=3))
    run(flow, contact, now - timedelta(hours=3), ended_at=now - timedelta(hours=2))
    run(flow, contact, now - timedelta(hours=3), ended_at=now - timedelta(hours=2))
    found = numbers_for([flow.id], start=now - timedelta(days=1), end=now)[flow.id]
    assert (found.entered, found.running, found.finished) == (2, 1, 2)
    assert found.step("wait").waiting == 1


def test_a_text_the_carrier_could_not_deliver_was_sent_and_failed(
    shop: Tenant, now: datetime
) -> None:
    contact = make_contact(now)
    send(contact, now - timedelta(hours=2), "undelivered")
    send(contact, now - timedelta(hours=2), "failed")
    step = step_of(now)
    assert (step.sent, step.delivered, step.failed) == (1, 0, 2)


def test_stop_is_no_reply_and_a_machine_is_no_click(shop: Tenant, now: datetime) -> None:
    contact, gateway = make_contact(now), make_gateway(now)
    asked, left, scanned = (send(contact, now - timedelta(hours=hours)) for hours in (4, 3, 2))
    reply(gateway, asked, now - timedelta(hours=1))
    reply(gateway, left, now - timedelta(hours=1), kind="opt_out")
    tap(asked, now - timedelta(hours=1))
    tap(scanned, now - timedelta(hours=1), kind="bot")
    step = step_of(now)
    assert (step.replied, step.opted_out, step.clicked) == (1, 1, 1)


def test_what_needs_attention_is_what_nobody_meant(shop: Tenant, now: datetime) -> None:
    since = now - timedelta(days=7)
    contact, gateway = make_contact(now), make_gateway(now)
    send(contact, now - timedelta(hours=2), "skipped", reason="frequency_cap")
    assert find_concerns(since=since) == []
    send(contact, now - timedelta(hours=2), "undelivered", reason="carrier_30005")
    sender = Sender.objects.create(
        gateway=gateway, phone="+13105550190", created_at=now, state=Sender.State.PAUSED
    )
    concerns = find_concerns(since=since)
    assert [concern.tone for concern in concerns] == ["stop", "stop"]
    assert str(sender) in concerns[0].title
    assert concerns[1].title.startswith("1 text did not arrive")
