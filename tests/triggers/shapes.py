"""Definitions, runs and events for the tests of the pure core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from triggers.core.plan import Plan, build_plan
from triggers.core.state import Happening, MessageOutcome, RunFacts, RunState
from triggers.core.validation import read_definition

T0 = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

CART: dict[str, Any] = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "replace", "key": "cart_id", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "priority": 80,
    "steps": [
        {"key": "wait_1h", "type": "delay", "for": "PT1H"},
        {"key": "text_1", "type": "message", "template": "cart-1"},
        {"key": "wait_6h", "type": "delay", "for": "PT6H"},
        {
            "key": "text_2",
            "type": "message",
            "template": "cart-2",
            "replies": {"SIZE": "reply-size", "SHIPPING": "reply-shipping"},
        },
    ],
}


def plan_of(raw: dict[str, Any] | None = None, **changes: Any) -> Plan:
    return build_plan(read_definition({**(raw or CART), **changes}))


def steps(*these: dict[str, Any]) -> Plan:
    return plan_of(steps=list(these))


def run_at(plan: Plan, key: str | None = None, **changes: Any) -> RunState:
    """A run that stands before `key` (the first step) since T0."""
    given: dict[str, Any] = {
        "run_id": uuid4(),
        "contact_id": uuid4(),
        "state": "active",
        "step_key": key or plan.first,
        "triggered_at": T0,
        "anchor_at": T0,
        "due_at": T0,
        "waiting": {"door": True},
    }
    return RunState(**{**given, **changes})


def event(
    name: str, at: datetime = T0, event_id: UUID | None = None, **properties: Any
) -> Happening:
    return Happening(event_id or uuid4(), name, at, properties)


def sent(message_id: UUID, at: datetime) -> RunFacts:
    return RunFacts(message=MessageOutcome(message_id, "sent", at))
