"""Our own dialect, POST /api/v1/events. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from api.problems import FieldError
from events.core.decoding import ListDecoder, strip_bom
from events.core.incoming import (
    Incoming,
    rejected,
    set_data,
    set_message_id,
    set_name,
    set_ref,
    set_subject,
)

Id = str | int | None


class ApiContact(msgspec.Struct, forbid_unknown_fields=True):
    """Whose event it is, and what to write down about them."""

    external_id: Id = None
    phone: str | None = None
    email: str | None = None
    anonymous_id: Id = None
    attributes: dict[str, Any] | None = None


class ApiEvent(msgspec.Struct, forbid_unknown_fields=True):
    """{"event", "contact", "properties", "occurred_at", "message_id", "context"}"""

    event: str
    contact: ApiContact | None = None
    properties: dict[str, Any] | None = None
    occurred_at: str | None = None
    message_id: str | None = None
    context: dict[str, Any] | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    events: list[ApiEvent]
    backfill: bool = False
    sent_at: str | None = None


class _RawBody(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]
    backfill: bool = False
    sent_at: str | None = None


_decoder: ListDecoder[ApiEvent] = ListDecoder(_Body, _RawBody, ApiEvent, "events")


def decode_body(body: bytes) -> tuple[list[ApiEvent | list[FieldError]], bool, str | None]:
    """(events or their errors, backfill, sent_at). Raises `Problem`."""
    found, items = _decoder.decode(strip_bom(body))
    return items, found.backfill, found.sent_at


def read_event(item: ApiEvent | list[FieldError], *, country: str, sent_at: str | None) -> Incoming:
    """Checks one event. What is wrong with it stands in `errors`."""
    if isinstance(item, list):
        return rejected(item)
    out = Incoming(
        "track",
        timestamp=item.occurred_at,
        sent_at=sent_at,
        time_field="occurred_at",
        traits_field="contact.attributes",
    )
    set_name(out, item.event, field_name="event", public=False)
    set_message_id(out, item.message_id, field_name="message_id")
    properties = item.properties or {}
    context = item.context or {}
    zone = context.get("timezone")
    out.timezone = zone if isinstance(zone, str) else None
    set_data(out, properties, context)
    contact = item.contact or ApiContact()
    out.traits = contact.attributes
    set_ref(
        out,
        [
            ("contact.external_id", "external_id", contact.external_id),
            ("contact.phone", "phone", contact.phone),
            ("contact.email", "email", contact.email),
            ("contact.anonymous_id", "anonymous_id", contact.anonymous_id),
        ],
        country=country,
    )
    set_subject(out, properties)
    return out
