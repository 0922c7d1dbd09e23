"""Internal events: what our own floors append, reserved names among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.core.names import CONTACT_CHANGED
from events.domain.appending import MAX_DEPTH, Draft, append
from people.domain.attributes import AttributeChange

__all__ = ["MAX_DEPTH", "NewEvent", "append_events", "contact_changed"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of our own. `message_id` makes appending it again harmless.

    `depth` is the depth of its cause plus one; events deeper than 5 are stored and wake nothing.
    """

    name: str
    contact_id: UUID | None
    properties: Mapping[str, Any]
    occurred_at: datetime
    message_id: str | None = None
    cause_id: UUID | None = None
    depth: int = 0
    subject_kind: str | None = None
    subject_id: str | None = None
    kind: str = "internal"
    context: Mapping[str, Any] = field(default_factory=dict)


def append_events(
    new: Sequence[NewEvent], *, now: datetime, lane: str = "live", backfill: bool = False
) -> list[UUID]:
    """Appends in the caller's transaction, as one batch. Returns the ids of those that were new.

    `occurred_at` later than `now` becomes `now`. Wakes workers after commit when somebody listens.
    """
    encode = msgspec.json.encode
    drafts = [
        Draft(
            name=event.name,
            kind=event.kind,
            occurred_at=min(event.occurred_at, now),
            properties=encode(event.properties).decode(),
            context=encode(event.context).decode(),
            contact_id=event.contact_id,
            subject_kind=event.subject_kind,
            subject_id=event.subject_id,
            message_id=event.message_id,
            known_at=min(event.occurred_at, now) if backfill else None,
            cause_id=event.cause_id,
            depth=event.depth,
        )
        for event in new
    ]
    ids = append(drafts, source="internal", lane=lane, backfill=backfill, now=now)
    return [each for each in ids if each is not None]


def contact_changed(
    changes: Sequence[AttributeChange],
    *,
    occurred_at: datetime,
    cause_id: UUID | None = None,
    depth: int = 0,
) -> list[NewEvent]:
    """One "Contact Changed" per contact: {"changed": [names], "old": {...}, "new": {...}}."""
    by_contact: dict[UUID, list[AttributeChange]] = {}
    for change in changes:
        by_contact.setdefault(change.contact_id, []).append(change)
    return [
        NewEvent(
            name=CONTACT_CHANGED,
            contact_id=contact_id,
            properties={
                "changed": sorted({change.name for change in those}),
                "old": {change.name: change.old for change in reversed(those)},
                "new": {change.name: change.new for change in those},
            },
            occurred_at=occurred_at,
            cause_id=cause_id,
            depth=depth,
        )
        for contact_id, those in by_contact.items()
    ]
