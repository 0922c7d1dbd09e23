"""One event as it comes in, whatever dialect it was written in, and the checks all share. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from api.problems import FieldError
from events.core.names import PRODUCT_SUBJECT, PUBLIC_NAMES, RESERVED, canonical
from people.core.identifiers import IdentityRef, clean_email, clean_id, clean_phone

MAX_EVENT_BYTES = 32 * 1024
MAX_NAME = 200
MAX_MESSAGE_ID = 256
MAX_NESTING = 32
# A client's clock may be ahead by this much; beyond it the time is nonsense.
AHEAD = timedelta(minutes=5)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Incoming:
    """A readable event.

    `errors` empty: it may be stored. `properties` and `context` are JSON text by then.
    """

    kind: str
    name: str = ""
    original_name: str = ""
    ref: IdentityRef = field(default_factory=IdentityRef)
    subject_id: str | None = None
    message_id: str | None = None
    timestamp: str | None = None
    sent_at: str | None = None
    properties: str = "{}"
    context: str = "{}"
    traits: dict[str, Any] | None = None
    timezone: str | None = None
    time_field: str = "timestamp"
    traits_field: str = "traits"
    errors: list[FieldError] = field(default_factory=list)

    def refuse(self, name: str, code: str, detail: str) -> None:
        self.errors.append(FieldError(name, code, detail))


def rejected(errors: Sequence[FieldError]) -> Incoming:
    """An item that could not even be read."""
    return Incoming("track", errors=list(errors))


def set_name(item: Incoming, given: Any, *, field_name: str, public: bool) -> None:
    """Checks and canonicalizes an event's name; reserved names are refused."""
    if not isinstance(given, str) or not given.strip():
        item.refuse(field_name, "required", "Say what happened, such as Order Completed.")
        return
    if len(given) > MAX_NAME or _CONTROL.search(given):
        item.refuse(field_name, "invalid_name", f"A name has 1 to {MAX_NAME} printable letters.")
        return
    item.original_name = given
    item.name = canonical(given)
    if item.name in RESERVED:
        item.refuse(field_name, "reserved_name", f"Only Kairos itself records {item.name}.")
    elif public and item.name not in PUBLIC_NAMES:
        item.refuse(
            field_name,
            "forbidden",
            "A public write key may send page, product and cart events only.",
        )


def set_ref(item: Incoming, given: Sequence[tuple[str, str, Any]], *, country: str) -> None:
    """Reads identifiers: (field as the caller wrote it, kind, value).

    Values that stand for nobody ("null", "0") are dropped; when none is left that is an error,
    but for events about a product.
    """
    clean: dict[str, str] = {}
    nobody: list[str] = []
    for name, kind, value in given:
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            item.refuse(name, "wrong_type", "An identifier is a text or a whole number.")
            continue
        try:
            text = _clean(kind, str(value), country)
        except ValueError as error:
            item.refuse(name, f"invalid_{kind}", str(error))
            continue
        if text is None:
            nobody.append(name)
        else:
            clean[kind] = text
    item.ref = IdentityRef(**clean)
    if not clean and not item.errors and item.name not in PRODUCT_SUBJECT:
        if nobody:
            item.refuse(nobody[0], "blocked_identifier", "This value stands for nobody.")
        else:
            item.refuse(given[0][0] if given else "", "required", "Say whose event this is.")


def set_subject(item: Incoming, properties: dict[str, Any]) -> None:
    """Events about a product name it; a person beside them is not recorded."""
    if item.name not in PRODUCT_SUBJECT:
        return
    item.ref = IdentityRef()
    key = properties.get("product_id")
    if isinstance(key, bool) or not isinstance(key, str | int) or not str(key).strip():
        item.refuse("properties.product_id", "required", "Name the product by its product_id.")
    elif len(str(key)) > 256:
        item.refuse("properties.product_id", "too_long", "A product id has at most 256 letters.")
    else:
        item.subject_id = str(key).strip()


def set_message_id(item: Incoming, value: str | None, *, field_name: str) -> None:
    if not value:
        return
    if len(value) > MAX_MESSAGE_ID or _CONTROL.search(value):
        item.refuse(
            field_name, "invalid_message_id", f"A message id has 1 to {MAX_MESSAGE_ID} letters."
        )
        return
    item.message_id = value


def set_data(item: Incoming, properties: dict[str, Any], context: dict[str, Any]) -> None:
    """Encodes properties and context; refuses what cannot be stored or is too large."""
    texts = []
    for name, data in (("properties", properties), ("context", context)):
        if not data:
            texts.append("{}")
            continue
        encoded = _encode(data)
        if b"\\u0000" in encoded and _NUL.search(encoded):
            item.refuse(name, "invalid_character", "Text cannot hold the NUL character.")
        if encoded.count(b"{") + encoded.count(b"[") > MAX_NESTING and _nests_deeper(data):
            item.refuse(name, "too_deep", f"Objects and lists nest at most {MAX_NESTING} deep.")
        texts.append(encoded.decode())
    item.properties, item.context = texts
    if len(item.properties) + len(item.context) > MAX_EVENT_BYTES:
        item.refuse("", "event_too_large", "An event has at most 32 KB.")


def read_time(text: str | None) -> datetime | None:
    """An ISO 8601 time in UTC; without an offset it is UTC. Raises ValueError."""
    if not text:
        return None
    if len(text) > 40:
        raise ValueError("too long")
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def place_in_time(item: Incoming, *, now: datetime) -> tuple[datetime, datetime | None]:
    """(occurred_at, client_time): the client's time corrected by its own clock when it sent.

    Never after `now`; up to five minutes ahead counts as now, more is an error.
    """
    if item.timestamp is None:
        return now, None
    try:
        client = read_time(item.timestamp)
        sent = read_time(item.sent_at) if item.sent_at else None
    except (ValueError, OverflowError):
        client = sent = None
    if client is None:
        item.refuse(item.time_field, "invalid_time", "Write times as 2026-11-17T18:00:00Z.")
        return now, None
    at = client
    if sent is not None:
        try:
            at = now - (sent - client)
        except OverflowError:
            item.refuse(item.time_field, "invalid_time", "This time is not possible.")
            return now, client
    if at > now + AHEAD:
        item.refuse(item.time_field, "time_in_future", "This is more than five minutes ahead.")
    elif at < EARLIEST:
        item.refuse(item.time_field, "invalid_time", "This is before 1990.")
    return min(at, now), client


def _clean(kind: str, text: str, country: str) -> str | None:
    if kind == "phone":
        return clean_phone(text.strip(), country)[0]
    if kind == "email":
        return clean_email(text)
    return clean_id(text)


def _nests_deeper(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_NESTING + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += [v for v in each.values() if isinstance(v, dict | list)]
            elif isinstance(each, list):
                below += [v for v in each if isinstance(v, dict | list)]
        if not below:
            return False
        level = below
    return True


__all__ = [
    "MAX_EVENT_BYTES",
    "Incoming",
    "place_in_time",
    "read_time",
    "rejected",
    "set_data",
    "set_message_id",
    "set_name",
    "set_ref",
    "set_subject",
]
