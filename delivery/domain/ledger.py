"""Reading message rows in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from delivery.core.intents import SendIntent
from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id

_COLUMNS = (
    "id",
    "dedupe_key",
    "contact_id",
    "phone",
    "message_type",
    "source_kind",
    "source_key",
    "flow_id",
    "flow_version_id",
    "run_id",
    "step_key",
    "template_version_id",
    "priority",
    "cause_event_id",
    "depth",
    "in_reply_to",
    "status",
    "reason",
    "due_at",
    "expires_at",
    "window_ends_at",
    "created_at",
    "sent_at",
    "submitted_at",
    "sender_id",
    "attempt_id",
    "sid",
    "carrier_status",
    "error_code",
    "num_segments",
    "link_count",
    "tells_stop",
)
_SELECT = ", ".join(f"m.{name}" for name in _COLUMNS)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as the stages work with it."""

    id: UUID
    dedupe_key: str
    contact_id: UUID | None
    phone: str
    message_type: str
    source_kind: str
    source_key: str
    flow_id: UUID | None
    flow_version_id: UUID | None
    run_id: UUID | None
    step_key: str
    template_version_id: UUID | None
    priority: int
    cause_event_id: UUID | None
    depth: int
    in_reply_to: UUID | None
    status: str
    reason: str
    due_at: datetime | None
    expires_at: datetime
    window_ends_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    submitted_at: datetime | None
    sender_id: UUID | None
    attempt_id: UUID | None
    sid: str
    carrier_status: str
    error_code: int | None
    num_segments: int
    link_count: int
    tells_stop: bool


@dataclass(frozen=True, slots=True)
class Content:
    """The words and what was asked."""

    body: str
    intent: dict[str, Any]


def read_messages(condition: str, values: Sequence[Any], *, tail: str = "") -> list[MessageRow]:
    """Rows of the tenant in scope (alias m) under a constant SQL condition."""
    rows = fetch_all(
        f"SELECT {_SELECT} FROM delivery_message m WHERE m.tenant_id = %s AND {condition} {tail}",
        [current_tenant_id(), *values],
    )
    return [MessageRow(*row) for row in rows]


def read_contents(messages: Sequence[MessageRow]) -> dict[UUID, Content]:
    """The contents by message id. One query; bounded by time so that partitions are pruned."""
    if not messages:
        return {}
    times = [message.created_at for message in messages]
    rows = fetch_all(
        "SELECT id, body, intent FROM delivery_messagecontent WHERE tenant_id = %s"
        " AND id = ANY(%s) AND created_at >= %s AND created_at <= %s",
        [current_tenant_id(), [message.id for message in messages], min(times), max(times)],
    )
    return {row[0]: Content(row[1], _loads(row[2])) for row in rows}


def read_held(keys: Sequence[str]) -> dict[str, tuple[UUID, str, datetime | None]]:
    """id, status and due time of the messages that exist under these dedupe keys."""
    rows = fetch_all(
        "SELECT dedupe_key, id, status, due_at FROM delivery_message"
        " WHERE tenant_id = %s AND dedupe_key = ANY(%s)",
        [current_tenant_id(), list(keys)],
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def rebuild_intent(message: MessageRow, content: Content | None) -> SendIntent:
    """The intent a stored message came from."""
    asked = content.intent if content is not None else {}
    ttl = asked.get("ttl")
    return SendIntent(
        dedupe_key=message.dedupe_key,
        contact_id=message.contact_id,
        template_version_id=message.template_version_id,
        message_type=message.message_type,
        source_kind=message.source_kind,
        source_key=message.source_key,
        flow_id=message.flow_id,
        flow_version_id=message.flow_version_id,
        run_id=message.run_id,
        step_key=message.step_key,
        priority=message.priority,
        context=asked.get("context") or {},
        ttl=timedelta(seconds=ttl) if ttl is not None else None,
        window=asked.get("window", "defer"),
        on_cap=asked.get("on_cap", "skip"),
        cause_event_id=message.cause_event_id,
        in_reply_to=message.in_reply_to,
        depth=message.depth,
        body=asked.get("body"),
        phone=message.phone if message.contact_id is None else None,
    )


def _loads(value: Any) -> dict[str, Any]:
    loaded = orjson.loads(value) if isinstance(value, str | bytes) else value
    return loaded if isinstance(loaded, dict) else {}
