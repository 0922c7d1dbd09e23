"""What events told, kept small, so that neither the order of arrival nor a repetition matters. Pure.

A projection keeps the facts it needs in a list on its row and works its columns out of them. The
list holds the newest facts by (time, id); the newest of a set united with the newest of another
are the newest of both, so any way the events come in ends at the same row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

Fact = dict[str, Any]


def stamp(at: datetime) -> str:
    """A time as text that sorts like the time, in UTC to the microsecond."""
    in_utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")


def read_stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def fact(event_id: UUID, at: datetime, **told: Any) -> Fact:
    """{"id", "at", ...}; what is None is left out."""
    known = {name: value for name, value in told.items() if value is not None}
    return {"id": event_id.hex, "at": stamp(at), **known}


def when(one: Fact) -> tuple[str, str]:
    """By what facts are ordered: time, then id."""
    return one["at"], one["id"]


def remember(held: list[Fact], new: Fact, *, keep: int) -> list[Fact] | None:
    """The newest `keep` facts with the new one, oldest first; None when it changes nothing."""
    if any(one["id"] == new["id"] for one in held):
        return None
    if len(held) >= keep and when(new) < when(held[0]):
        return None
    return sorted([*held, new], key=when)[-keep:]
