"""Custom objects after everything told of them, in whatever order it was told. Pure.

One event name means one state. What events tell of an object adds up property by property, the
newest telling of each wins; its state is that of the newest event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce.core.facts import Fact, fact, read_stamp, remember
from commerce.core.reading import Data, read_key, read_text, read_url
from events.core import names

APPOINTMENT, SUBSCRIPTION, TICKET, SHIPMENT = "appointment", "subscription", "ticket", "shipment"
KINDS = (APPOINTMENT, SUBSCRIPTION, TICKET, SHIPMENT)
_KEPT = 30
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event name says: a state; None leaves the state as it is."""

    kind: str
    state: str | None


MEANINGS: Mapping[str, Meaning] = {
    names.APPOINTMENT_SCHEDULED: Meaning(APPOINTMENT, "scheduled"),
    names.APPOINTMENT_RESCHEDULED: Meaning(APPOINTMENT, "scheduled"),
    names.APPOINTMENT_CONFIRMED: Meaning(APPOINTMENT, "confirmed"),
    names.APPOINTMENT_CANCELLED: Meaning(APPOINTMENT, "cancelled"),
    names.APPOINTMENT_COMPLETED: Meaning(APPOINTMENT, "completed"),
    names.APPOINTMENT_MISSED: Meaning(APPOINTMENT, "missed"),
    names.SUBSCRIPTION_STARTED: Meaning(SUBSCRIPTION, "active"),
    names.SUBSCRIPTION_RENEWING: Meaning(SUBSCRIPTION, "active"),
    names.SUBSCRIPTION_RENEWED: Meaning(SUBSCRIPTION, "active"),
    names.SUBSCRIPTION_PAUSED: Meaning(SUBSCRIPTION, "paused"),
    names.SUBSCRIPTION_CANCELLED: Meaning(SUBSCRIPTION, "cancelled"),
    names.TICKET_OPENED: Meaning(TICKET, "open"),
    names.TICKET_UPDATED: Meaning(TICKET, None),
    names.TICKET_SOLVED: Meaning(TICKET, "solved"),
    names.ORDER_SHIPPED: Meaning(SHIPMENT, "shipped"),
    names.SHIPMENT_OUT_FOR_DELIVERY: Meaning(SHIPMENT, "out_for_delivery"),
    names.SHIPMENT_DELAYED: Meaning(SHIPMENT, "delayed"),
    names.ORDER_DELIVERED: Meaning(SHIPMENT, "delivered"),
}
# States after which nothing more is to come.
CLOSED = frozenset({"cancelled", "completed", "missed", "solved", "delivered"})
FIRST_STATE = {
    APPOINTMENT: "scheduled",
    SUBSCRIPTION: "active",
    TICKET: "open",
    SHIPMENT: "shipped",
}
_KEYS = {
    APPOINTMENT: ("appointment_id", "booking_id"),
    SUBSCRIPTION: ("subscription_id",),
    TICKET: ("ticket_id", "case_id"),
    SHIPMENT: ("shipment_id", "tracking_number", "order_id", "orderId", "order_number"),
}
# The property that holds the next date of each kind, best first.
_DUE = {
    APPOINTMENT: ("starts_at", "appointment_at", "start_time"),
    SUBSCRIPTION: ("renews_at", "next_billing_at", "next_order_at"),
    TICKET: ("due_at",),
    SHIPMENT: ("arrives_at", "estimated_delivery_at", "expected_at"),
}
# What is kept of an event's properties: enough to write a text, never all that was sent.
_TEXTS = {
    APPOINTMENT: ("appointment_time", "service", "location", "place", "with", "name"),
    SUBSCRIPTION: ("plan", "product_id", "product_name", "name", "interval", "price", "currency"),
    TICKET: ("subject", "priority", "topic", "agent"),
    SHIPMENT: ("order_id", "carrier", "tracking_number", "reason"),
}
_LINKS = {
    APPOINTMENT: ("manage_url", "url"),
    SUBSCRIPTION: ("manage_url", "url"),
    TICKET: ("url",),
    SHIPMENT: ("tracking_url", "url"),
}


@dataclass(slots=True)
class ObjectState:
    """An object as stored."""

    kind: str
    key: str
    contact_id: UUID
    state: str = ""
    is_open: bool = True
    due_at: datetime | None = None
    opened_at: datetime | None = None
    updated_at: datetime | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)


def object_key(kind: str, data: Data, event_id: UUID) -> str:
    """The shop's id of the object; an event that names none is an object of its own."""
    return read_key(data, _KEYS[kind]) or f"event:{event_id.hex}"


def read_object(name: str, data: Data, event_id: UUID, at: datetime, *, zone: str) -> Fact:
    """What one event tells. A time without an offset is in `zone`."""
    kind = MEANINGS[name].kind
    told: dict[str, Any] = {}
    for each in _TEXTS[kind]:
        value = data.get(each)
        if isinstance(value, int | float) and not isinstance(value, bool):
            told[each] = value
        elif (text := read_text(data, (each,), _LONGEST)) is not None:
            told[each] = text
    for each in _LINKS[kind]:
        if (url := read_url(data, (each,))) is not None:
            told[each] = url
    due = next((d for n in _DUE[kind] if (d := read_time(data.get(n), zone)) is not None), None)
    return fact(
        event_id,
        at,
        state=MEANINGS[name].state,
        told=told or None,
        due=None if due is None else due.astimezone(UTC).isoformat(),
    )


def read_time(value: Any, zone: str) -> datetime | None:
    """An ISO date, or date and time, in `zone` unless it names an offset; None for anything else."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def apply_object(held: ObjectState, new: Fact, contact_id: UUID) -> bool:
    """False when it says nothing new."""
    kept = remember(held.facts, new, keep=_KEPT)
    if kept is None:
        return False
    if kept[-1]["id"] == new["id"]:
        held.contact_id = contact_id
    held.facts = kept
    states = [one["state"] for one in kept if "state" in one]
    dues = [one["due"] for one in kept if "due" in one]
    held.state = states[-1] if states else FIRST_STATE[held.kind]
    held.is_open = held.state not in CLOSED
    held.due_at = datetime.fromisoformat(dues[-1]) if dues else None
    held.opened_at = read_stamp(kept[0]["at"])
    held.updated_at = read_stamp(kept[-1]["at"])
    held.properties = {}
    for one in kept:
        held.properties |= one.get("told", {})
    return True
