"""A delay as the numbers of a form, and back to ISO 8601. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triggers.core.durations import parse_duration

UNITS = ("days", "hours", "minutes", "seconds")


@dataclass(frozen=True, slots=True)
class Span:
    """As typed: texts, so that a refused form shows what was written."""

    days: str = "0"
    hours: str = "0"
    minutes: str = "0"
    seconds: str = "0"


def read_span(duration: str) -> Span:
    """`P1DT90M` is one day, one hour, thirty minutes. 24 hours stay hours: a day on the calendar is
    something else."""
    found = parse_duration(duration)
    hours, rest = divmod(found.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return Span(str(found.days), str(hours), str(minutes), str(seconds))


def write_span(given: Mapping[str, str]) -> str:
    """The numbers as a duration. What is no whole number comes back as it was typed, to be refused
    by the reader of durations."""
    numbers = {}
    for unit in UNITS:
        text = (given.get(unit) or "0").strip() or "0"
        if not (text.isascii() and text.isdigit() and len(text) <= 6):
            return text
        numbers[unit] = int(text)
    days = f"{numbers['days']}D" if numbers["days"] else ""
    time = "".join(f"{numbers[unit]}{unit[0].upper()}" for unit in UNITS[1:] if numbers[unit])
    return f"P{days}{'T' + time if time else ''}" if days or time else "PT0S"
