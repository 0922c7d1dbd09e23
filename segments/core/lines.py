"""A definition from the lines of the page's form: who did something, and who did not.

One line becomes one event condition; `not` turns it round. What has no line there (attributes,
filters, groups in groups) is written over the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DID, DID_NOT = "did", "did_not"
MAX_LINES = 4
MAX_COUNT = 1000
# The longest window a definition takes is 3,660 days.
MAX_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Line:
    """As typed, in words: an empty `event` is a line not used, empty `days` are all time."""

    who: str = DID
    event: str = ""
    count: str = "1"
    days: str = ""

    @property
    def is_used(self) -> bool:
        return bool(self.event.strip())


def check_line(line: Line) -> str:
    """What is wrong with a used line, in words; empty when it can be read."""
    if line.who not in {DID, DID_NOT}:
        return "Choose whether they did it or not."
    if _whole(line.count, MAX_COUNT) is None:
        return f"Say how often: a whole number from 1 to {MAX_COUNT:,}."
    if line.days.strip() and _whole(line.days, MAX_DAYS) is None:
        return f"Days are a whole number from 1 to {MAX_DAYS:,}, or empty for all time."
    return ""


def write_definition(lines: Sequence[Line], *, match: str) -> dict[str, Any]:
    """The definition of checked lines; `match` is `any` or `all`, unused lines count for nothing."""
    return {
        "any" if match == "any" else "all": [_condition(line) for line in lines if line.is_used]
    }


def _condition(line: Line) -> dict[str, Any]:
    condition: dict[str, Any] = {"event": line.event.strip()}
    count = _whole(line.count, MAX_COUNT) or 1
    if count > 1:
        condition["count"] = {"op": "gte", "value": count}
    if days := _whole(line.days, MAX_DAYS):
        condition["within"] = f"P{days}D"
    return {"not": condition} if line.who == DID_NOT else condition


def _whole(text: str, most: int) -> int | None:
    """Digits of ASCII alone: int() takes those of every alphabet, underscores and blanks."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    number = int(text)
    return number if 1 <= number <= most else None
