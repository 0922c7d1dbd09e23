"""The Segment HTTP spec: track, identify, page, screen, group, alias and batches of them. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from api.problems import FieldError
from events.core.decoding import ListDecoder, Unreadable, field_error, malformed, strip_bom
from events.core.incoming import (
    Incoming,
    rejected,
    set_data,
    set_message_id,
    set_name,
    set_ref,
    set_subject,
)
from events.core.names import ALIAS_ADDED, GROUP_JOINED, IDENTIFIED, PAGE_VIEWED, SCREEN_VIEWED

CALLS = ("track", "identify", "page", "screen", "group", "alias")
_STORED_KIND = {"screen": "page"}
_NAMES = {
    "identify": IDENTIFIED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
    "group": GROUP_JOINED,
    "alias": ALIAS_ADDED,
}
Id = str | int | None
Data = dict[str, Any] | None


class SegmentItem(msgspec.Struct, omit_defaults=True):
    """One call as the spec has it. Unknown members are ignored."""

    type: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    userId: Id = None
    anonymousId: Id = None
    previousId: Id = None
    groupId: Id = None
    messageId: str | None = None
    timestamp: str | None = None
    originalTimestamp: str | None = None
    sentAt: str | None = None
    properties: Data = None
    traits: Data = None
    context: Data = None
    writeKey: str | None = None


class _Batch(msgspec.Struct):
    batch: list[SegmentItem]
    sentAt: str | None = None
    context: Data = None
    writeKey: str | None = None


class _RawBatch(msgspec.Struct):
    batch: list[msgspec.Raw]
    sentAt: str | None = None
    context: Data = None
    writeKey: str | None = None


_batches: ListDecoder[SegmentItem] = ListDecoder(_Batch, _RawBatch, SegmentItem, "batch")
_single = msgspec.json.Decoder(SegmentItem)
Decoded = tuple[list[SegmentItem | list[FieldError]], str | None]


def decode_batch(body: bytes) -> Decoded:
    """(items or their errors, the write key in the body). Raises `Problem`."""
    found, items = _batches.decode(strip_bom(body))
    for item in items:
        if isinstance(item, SegmentItem):
            item.sentAt = item.sentAt or found.sentAt
            if found.context:
                item.context = {**found.context, **(item.context or {})}
    return items, found.writeKey


def decode_single(body: bytes, call: str) -> Decoded:
    """The same for a body that is one call."""
    try:
        item = _single.decode(strip_bom(body))
    except msgspec.ValidationError as error:
        return [Unreadable([field_error(error)], body)], None
    except RecursionError:
        raise malformed("The body nests too deeply.") from None
    except ValueError:
        raise malformed() from None
    item.type = call
    return [item], item.writeKey


def read_item(item: SegmentItem | list[FieldError], *, country: str, public: bool) -> Incoming:
    """Checks one call. What is wrong with it stands in `errors`."""
    if isinstance(item, list):
        return rejected(item)
    call = item.type
    if call not in CALLS:
        known = ", ".join(CALLS)
        return rejected([FieldError("type", "unknown_type", f"Use one of {known}.")])
    out = Incoming(_STORED_KIND.get(call, call), sent_at=item.sentAt)
    context = item.context or {}
    if call == "identify" and item.traits is None and isinstance(context.get("traits"), dict):
        # RudderStack's Python client puts them there.
        item.traits = context["traits"]
    out.timestamp = item.timestamp or item.originalTimestamp
    if public:
        _refuse_public(out, item, call)
    set_message_id(out, item.messageId, field_name="messageId")
    properties = dict(item.properties) if item.properties else {}
    if call == "track":
        set_name(out, item.event, field_name="event", public=public)
    else:
        out.name = _NAMES[call]
        _describe(out, item, call, properties)
    zone = context.get("timezone")
    out.timezone = zone if isinstance(zone, str) else None
    if "traits" in context:
        context = {key: value for key, value in context.items() if key != "traits"}
    set_data(out, properties, context)
    set_ref(out, _identifiers(out, item, call), country=country)
    set_subject(out, properties)
    return out


def _identifiers(out: Incoming, item: SegmentItem, call: str) -> list[tuple[str, str, Any]]:
    anonymous = item.anonymousId
    name = "anonymousId"
    if call == "alias":
        anonymous, name = item.previousId, "previousId"
    given = [("userId", "external_id", item.userId), (name, "anonymous_id", anonymous)]
    if call == "identify" and item.traits:
        # A person known only by a number or an address so far is found by it.
        given += [
            (f"traits.{kind}", kind, item.traits.get(kind))
            for kind in ("phone", "email")
            if isinstance(item.traits.get(kind), str) and item.traits[kind].strip()
        ]
    return given


def _describe(out: Incoming, item: SegmentItem, call: str, properties: dict[str, Any]) -> None:
    if call == "identify":
        out.traits = dict(item.traits) if item.traits else {}
        properties.clear()
        properties["traits"] = out.traits
    elif call == "group":
        if item.groupId is None or str(item.groupId).strip() == "":
            out.refuse("groupId", "required", "Name the group.")
        properties.clear()
        properties |= {"group_id": item.groupId, "traits": item.traits or {}}
    elif call == "alias":
        if item.previousId is None or item.userId is None:
            missing = "previousId" if item.previousId is None else "userId"
            out.refuse(missing, "required", "alias needs previousId and userId.")
        properties.clear()
        properties |= {"previous_id": item.previousId}
    else:
        for key, value in (("name", item.name), ("category", item.category)):
            if value and key not in properties:
                properties[key] = value
        out.original_name = (item.name or "")[:200].replace("\x00", "")


def _refuse_public(out: Incoming, item: SegmentItem, call: str) -> None:
    """A browser speaks for its anonymous visitor only; whoever reads its key could say anything."""
    if call not in {"track", "page", "screen"}:
        out.refuse("type", "forbidden", f"A public write key may not {call}.")
    if item.userId is not None:
        out.refuse("userId", "forbidden", "A public write key may name an anonymousId only.")
    if item.traits:
        out.refuse("traits", "forbidden", "A public write key may not change a contact.")
