"""When a date of a contact is reached, at the contact. Pure.

    "2026-03-14"           a day: once
    "1990-03-14", yearly   the same day of each later year; February 29 is kept on the 28th
    "--03-14"              a birthday without its year
    "--03"                 a month: its first day
    a moment               the day it falls on where the contact is

What lies behind `after` is history and never reached. A date that changes is looked at anew; what
was told for a day, or a year, is not told again.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce.core.objects import APPOINTMENT, KINDS
from people.core.kinds import BIRTHDAY, DATE, DATETIME
from triggers.core.local_times import instant_of

WATCHED_KINDS = frozenset({DATE, DATETIME, BIRTHDAY})
BUYING = {
    "buying.reorder_at": "Expected reorder",
    "buying.last_order_at": "Last order",
    "buying.first_order_at": "First order",
}
OBJECTS = {f"{kind}.due_at": kind for kind in KINDS}
WORKED = {
    **BUYING,
    **{
        name: f"{kind.capitalize()} {'starts' if kind == APPOINTMENT else 'is due'}"
        for name, kind in OBJECTS.items()
    },
}
MOST_DAYS = 365
_AT = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_NO_YEAR = re.compile(r"--(\d{2})(?:-(\d{2}))?", re.ASCII)

Value = str | datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """`days` after the date, negative before it; `at` a time of day such as "09:00"."""

    days: int
    at: str
    is_yearly: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """`key`: the day, or of yearly dates the year, it is told once for. `day`: the date itself."""

    key: str
    day: date
    due_at: datetime


def is_time(text: str) -> bool:
    return _AT.fullmatch(text) is not None


def next_reached(
    value: Value,
    watch: Watch,
    zones: Sequence[str],
    *,
    fallback: str,
    after: datetime,
    told: str = "",
) -> Reached | None:
    """The first time after `after` that was not told. `zones`: where the contact may be, else
    `fallback`; with several the last of them counts, so that it is never too early. `told`: the
    key that was told last."""
    for year in _years(value, watch, after):
        found = max(
            (
                each
                for zone in (tuple(zones) or (fallback,))
                if (each := _reached_in(value, watch, zone, year)) is not None
            ),
            key=lambda each: each.due_at,
            default=None,
        )
        if found is None or found.due_at <= after:
            continue
        if told and (found.key <= told if watch.is_yearly else found.key == told):
            continue
        return found
    return None


def keep_or_move(
    value: Value | None,
    watch: Watch,
    zones: Sequence[str],
    *,
    fallback: str,
    now: datetime,
    due_at: datetime | None,
    told: str,
) -> datetime | None:
    """When a row is due after what is known of its contact changed. One that is due already, and
    still true, waits for the sweep."""
    if value is None:
        return None
    if due_at is not None and due_at <= now:
        still = reached_at(value, watch, zones, fallback=fallback, due_at=due_at, told=told)
        if still is not None:
            return due_at
    found = next_reached(value, watch, zones, fallback=fallback, after=now, told=told)
    return found.due_at if found else None


def reached_at(
    value: Value,
    watch: Watch,
    zones: Sequence[str],
    *,
    fallback: str,
    due_at: datetime,
    told: str,
) -> Reached | None:
    """What is reached at exactly `due_at`; None when the date has changed meanwhile."""
    before = due_at - timedelta(microseconds=1)
    found = next_reached(value, watch, zones, fallback=fallback, after=before, told=told)
    return found if found is not None and found.due_at == due_at else None


def _years(value: Value, watch: Watch, after: datetime) -> Iterator[int]:
    """The years whose date may come next; of what does not repeat, one that says nothing."""
    if not watch.is_yearly:
        yield 0
        return
    told = value.year if isinstance(value, datetime) else _year_of(value)
    first = max((after - timedelta(days=watch.days)).year - 1, told)
    yield from range(max(first, 1), min(first + 5, 9999))


def _year_of(value: str) -> int:
    return int(value[:4]) if _DAY.fullmatch(value) else 0


def _reached_in(value: Value, watch: Watch, zone: str, year: int) -> Reached | None:
    day = _day_of(value, zone, year if watch.is_yearly else None)
    if day is None:
        return None
    try:
        wall = datetime.combine(day + timedelta(days=watch.days), time.fromisoformat(watch.at))
        due_at = instant_of(wall, zone)
    except OverflowError:
        return None
    return Reached(f"{day.year:04}" if watch.is_yearly else day.isoformat(), day, due_at)


def _day_of(value: Value, zone: str, year: int | None) -> date | None:
    """The date where it falls in `zone`; with `year` the day of that year, if it is a later one."""
    try:
        if isinstance(value, datetime):
            first: date | None = value.astimezone(ZoneInfo(zone)).date()
        else:
            parts = _DAY.fullmatch(value)
            first = date(*map(int, parts.groups())) if parts else None
        if year is None:
            return first
        if first is not None:
            return _in_year(first.month, first.day, year) if year > first.year else None
        named = _NO_YEAR.fullmatch(str(value))
        return _in_year(int(named[1]), int(named[2] or 1), year) if named else None
    except (ValueError, OverflowError):
        return None


def _in_year(month: int, day: int, year: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]) if month == 2 else day)
