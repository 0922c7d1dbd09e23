"""What opt-ins and opt-outs have in common: checked input, known contacts, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.problems import FieldError, Invalid
from events.domain.recording import NewEvent, append_events
from people.domain.queries import contacts_by_phone


@dataclass(frozen=True, slots=True)
class Change:
    """A status that changed, to be told as an event."""

    name: str
    contact_id: UUID
    record_id: UUID
    source: str
    message_types: tuple[str, ...]
    occurred_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    cause_id: UUID | None = None
    depth: int = 0


def check_choice(field_name: str, value: str, allowed: Iterable[str]) -> list[FieldError]:
    if value in (known := sorted(allowed)):
        return []
    return [FieldError(field_name, "invalid_choice", f"One of: {', '.join(known)}.")]


def check_time(field_name: str, value: datetime, now: datetime) -> list[FieldError]:
    if value.tzinfo is None:
        return [FieldError(field_name, "no_time_zone", "Needs a time zone.")]
    if value > now:
        return [FieldError(field_name, "in_the_future", "An act cannot lie in the future.")]
    return []


def check_phone(field_name: str, phone: str) -> list[FieldError]:
    if phone.startswith("+") and phone[1:].isascii() and phone[1:].isdigit() and len(phone) <= 16:
        return []
    return [FieldError(field_name, "not_e164", "A number such as +12125550100.")]


def refuse(errors: Sequence[FieldError]) -> None:
    """Raises `Invalid` when there is anything to complain about. Nothing has been written."""
    if errors:
        raise Invalid(list(errors))


def find_contacts(pairs: Iterable[tuple[str, UUID | None]]) -> dict[str, UUID]:
    """The contact of each number: the one named, else the one it belongs to."""
    known = dict(pairs)
    unknown = [phone for phone, contact_id in known.items() if contact_id is None]
    found = contacts_by_phone(unknown) if unknown else {}
    found.update({phone: contact_id for phone, contact_id in known.items() if contact_id})
    return found


def tell(
    changes: Sequence[Change], *, now: datetime, lane: str = "live", history: bool = False
) -> None:
    """Appends one event per change, in this transaction. Nothing personal goes along. `history`:
    recorded, starts no flow."""
    if changes:
        append_events(
            [
                NewEvent(
                    name=change.name,
                    contact_id=change.contact_id,
                    properties={
                        **change.properties,
                        "source": change.source,
                        "message_types": list(change.message_types),
                        "consent_record_id": str(change.record_id),
                    },
                    occurred_at=change.occurred_at,
                    cause_id=change.cause_id,
                    depth=change.depth,
                )
                for change in changes
            ],
            now=now,
            lane=lane,
            backfill=history,
        )
