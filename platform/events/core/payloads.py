"""What a webhook carries. Pure.

    {"id": "evt_...", "type": "SMS Delivered", "created_at": "2026-11-21T18:04:05.123456Z",
     "data": {"contact": {"id": "con_...", "external_id": "u1"}, "subject": null,
              "properties": {...}}}

Ids of ours are typed, as the API shows them. Numbers and e-mail addresses of contacts are not part
of it: whoever may see them asks the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

# Properties of our own events that are ids of ours, with their prefix.
_TYPED = {
    "message_id": "msg",
    "flow_id": "flow",
    "flow_version_id": "ver",
    "run_id": "run",
    "inbound_id": "inb",
    "segment_id": "seg",
}


def body_of(
    *,
    event_id: UUID,
    name: str,
    occurred_at: datetime,
    properties: Mapping[str, Any],
    contact: tuple[UUID, str | None] | None,
    subject: tuple[str, str] | None,
    is_own: bool,
) -> bytes:
    """The body's bytes: the same for every attempt. `contact`: id and external id. `is_own`: one
    of our own events, whose ids are known to be ids."""
    shown = {
        "id": f"evt_{event_id.hex}",
        "type": name,
        "created_at": occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "contact": {"id": f"con_{contact[0].hex}", "external_id": contact[1]}
            if contact
            else None,
            "subject": {"kind": subject[0], "id": subject[1]} if subject else None,
            "properties": _typed(properties) if is_own else dict(properties),
        },
    }
    return orjson.dumps(shown)


def _typed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _shown(_TYPED.get(key), value) for key, value in properties.items()}


def _shown(prefix: str | None, value: Any) -> Any:
    if prefix is None or not isinstance(value, str):
        return value
    try:
        return f"{prefix}_{UUID(value).hex}"
    except ValueError:
        return value
