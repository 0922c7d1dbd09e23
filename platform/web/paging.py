"""Pages by a key, not by an offset: page 900 costs what page 1 costs."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`next` and `previous` are cursors for the address, "" where there is no such page."""

    rows: Sequence[Row]
    next: str = ""
    previous: str = ""


def write_cursor(*parts: str) -> str:
    return urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, parts: int) -> tuple[str, ...] | None:
    """The parts of a cursor, or None if it is not one of ours."""
    try:
        read = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\x1f")
    except (Error, ValueError):
        return None
    return tuple(read) if text and len(read) == parts else None
