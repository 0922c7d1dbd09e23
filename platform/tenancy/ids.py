"""Ids: UUIDv7 made by the application, shown to the outside with a typed prefix."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


class InvalidId(ValueError):
    """The text is no id of the wanted kind."""


def new_id() -> UUID:
    """A UUIDv7: sorts by time, monotonic within a process."""
    return uuid7()


def new_ids(count: int) -> list[UUID]:
    return [uuid7() for _ in range(count)]


def show_id(prefix: str, value: UUID) -> str:
    """`con_018f...`: 32 hex digits behind the prefix."""
    return f"{prefix}_{value.hex}"


def parse_id(prefix: str, text: str) -> UUID:
    """Reads what `show_id` wrote. Raises `InvalidId`."""
    head, _, tail = str(text).partition("_")
    if head != prefix or len(tail) != 32:
        raise InvalidId(f"{text!r} is no {prefix}_ id")
    try:
        return UUID(hex=tail)
    except ValueError:
        raise InvalidId(f"{text!r} is no {prefix}_ id") from None
