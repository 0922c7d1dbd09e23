"""Events as plain values, for everything that reacts to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

COLUMNS = (
    "id",
    "name",
    "kind",
    "contact_id",
    "source_contact_id",
    "subject_kind",
    "subject_id",
    "message_id",
    "occurred_at",
    "received_at",
    "known_at",
    "properties",
    "context",
    "backfill",
    "batch_id",
    "cause_id",
    "depth",
    "source",
)
SELECTED = ", ".join(f"e.{column}" for column in COLUMNS)
_PROPERTIES = COLUMNS.index("properties")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One stored event. `contact_id` is None for events about a product or another object."""

    id: UUID
    name: str
    kind: str
    contact_id: UUID | None
    source_contact_id: UUID | None
    subject_kind: str | None
    subject_id: str | None
    message_id: str
    occurred_at: datetime
    received_at: datetime
    known_at: datetime
    properties: dict[str, Any]
    context: dict[str, Any]
    backfill: bool
    batch_id: UUID
    cause_id: UUID | None
    depth: int
    source: str


def event_from_row(row: Sequence[Any]) -> EventRow:
    """From a row selected with `SELECTED`."""
    values = list(row)
    for index in (_PROPERTIES, _PROPERTIES + 1):
        if isinstance(values[index], str | bytes):
            values[index] = orjson.loads(values[index])
    return EventRow(*values)
