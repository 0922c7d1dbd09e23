"""Keyword replies through the real inbound webhook's verb: answered at once, the run goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery.models import Conversation
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import hours, install
from tests.triggers.scene import Scene
from triggers.domain.queries import run_notes
from triggers.models import FlowRun

CART: dict[str, Any] = {
    "cart_id": "c1",
    "checkout_url": "https://juniper.example/cart/c1",
    "products": [
        {"product_id": "p1", "name": "Ridge mug", "url": "https://juniper.example/p1"},
    ],
}


def text_once(scene: Scene) -> FlowRun:
    install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.walk(hours(start, 1))
    return scene.runs()[0]


def notes(scene: Scene) -> list[tuple[str, str]]:
    with tenant_scope(scene.id):
        return [(note.title, note.detail) for note in run_notes(scene.people["maya"])]


def reply(scene: Scene, body: str) -> None:
    scene.now += timedelta(minutes=5)
    scene.hear(body)
    scene.go()


@pytest.mark.parametrize("body", ["SIZE", "siez?", "what size is it"])
def test_a_keyword_is_answered_at_once_and_the_run_goes_on(
    scene: Scene, carrier: CarrierProcess, body: str
) -> None:
    before = text_once(scene)
    reply(scene, body)
    answer = carrier.messages(direction="outbound-api")[-1]
    assert "You find the sizes of Ridge mug on its page" in answer["body"]
    assert [m.message_type for m in scene.messages()] == ["marketing", "conversational"]
    (run,) = scene.runs()
    assert (run.state, run.step_key, run.due_at) == (before.state, before.step_key, before.due_at)
    assert run.replied_at is not None


def test_each_reply_is_answered_once(scene: Scene, carrier: CarrierProcess) -> None:
    text_once(scene)
    reply(scene, "SHIPPING")
    reply(scene, "shipping")
    bodies = [m["body"] for m in carrier.messages(direction="outbound-api")]
    assert sum("Shipping costs" in body for body in bodies) == 2
    scene.go()
    assert len(carrier.messages(direction="outbound-api")) == len(bodies)


def test_other_replies_are_left_to_people(scene: Scene, carrier: CarrierProcess) -> None:
    text_once(scene)
    reply(scene, "is it dishwasher safe")
    assert len(scene.messages()) == 1


def test_a_keyword_is_heard_only_while_its_text_listens(
    scene: Scene, carrier: CarrierProcess
) -> None:
    text_once(scene)
    scene.go(hours(scene.now, 49))
    count = len(scene.messages())
    reply(scene, "SIZE")
    assert len(scene.messages()) == count


def test_under_the_strict_rule_the_second_text_waits_for_a_reply_and_says_so(
    scene: Scene, carrier: CarrierProcess
) -> None:
    text_once(scene)
    scene.walk(hours(scene.now, 6.1))
    (run,) = scene.runs()
    assert (run.state, run.step_key) == ("waiting_event", "text_2")
    assert run.waiting == {"for": "reply", "why": "us_cart_rule"}
    assert notes(scene) == [("Waits for a reply", "US carriers allow one text per cart")]
    scene.walk(hours(scene.now, 14))
    assert len(carrier.messages(direction="outbound-api")) == 1
    reply(scene, "SIZE")
    bodies = [m["body"] for m in carrier.messages(direction="outbound-api")]
    assert any("Reply SIZE or SHIPPING" in body for body in bodies)
    assert any("You find the sizes" in body for body in bodies)


def test_under_the_strict_rule_silence_ends_the_run_after_48_hours(
    scene: Scene, carrier: CarrierProcess
) -> None:
    text_once(scene)
    scene.walk(hours(scene.now, 48))
    (run,) = scene.runs()
    assert (run.state, run.outcomes["text_2"]) == ("finished", "skipped:no_reply")
    assert notes(scene) == [("Skipped · no reply came", "This text goes only after a reply")]
    assert len(carrier.messages(direction="outbound-api")) == 1


def conversations(scene: Scene) -> list[tuple[str, Any]]:
    with tenant_scope(scene.id):
        return list(Conversation.objects.values_list("state", "waiting_since"))


def test_a_reply_that_a_flow_answers_is_no_conversation(
    scene: Scene, carrier: CarrierProcess
) -> None:
    text_once(scene)
    reply(scene, "SIZE")
    assert conversations(scene) == []
    reply(scene, "is it dishwasher safe")
    asked = scene.now
    reply(scene, "SIZE")
    assert conversations(scene) == [("open", asked)]


def test_an_answer_the_gate_refused_leaves_the_reply_to_people(
    scene: Scene, carrier: CarrierProcess
) -> None:
    text_once(scene)
    with tenant_scope(scene.id):
        Tenant.objects.update(is_active=False)  # this one alone: row security
    reply(scene, "SIZE")
    heard = scene.now
    assert [m.status for m in scene.messages() if m.source_kind == "reply"] == ["skipped"]
    assert conversations(scene) == [("open", heard)]
