"""ISO 8601 durations, with elapsed time and calendar days told apart.

`PT24H` is 24 hours on a stop watch. `P1D` is the same wall-clock time tomorrow in the contact's
zone, which is 23 or 25 hours away on two days of the year. Months and years are refused: their
length depends on where one starts, which nobody means when setting a delay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


class BadDuration(ValueError):
    """The text is no duration we take; the message says why."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar `days` on the local wall clock, then `seconds` of elapsed time."""

    days: int = 0
    seconds: int = 0

    def after(self, start: datetime, zone: str = "UTC") -> datetime:
        """The instant this long after `start`, in UTC.

        Days move the wall clock of `zone`. A wall-clock time that the spring change leaves out
        becomes the next valid minute; one that the autumn change repeats is its first occurrence.
        """
        moment = _add_days(start, self.days, zone) if self.days else start
        return (moment + timedelta(seconds=self.seconds)).astimezone(UTC)

    def at_most(self) -> timedelta:
        """The longest this can last: a calendar day may have 25 hours."""
        return timedelta(hours=25 * self.days, seconds=self.seconds)

    def roughly(self) -> timedelta:
        """For comparing durations: a calendar day counts as 24 hours."""
        return timedelta(days=self.days, seconds=self.seconds)

    def words(self) -> str:
        """`1 hour 30 minutes`, `2 days`: for people."""
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        parts = [
            f"{count} {unit}{'' if count == 1 else 's'}"
            for count, unit in (
                (self.days, "day"),
                (hours, "hour"),
                (minutes, "minute"),
                (seconds, "second"),
            )
            if count
        ]
        return " ".join(parts) or "no time"


@lru_cache(maxsize=4096)
def parse_duration(text: str) -> Duration:
    """Reads `PT1H30M`, `P2D`, `P1W`, `P1DT12H`. Raises `BadDuration`."""
    found = _ISO.fullmatch(text) if isinstance(text, str) and len(text) <= 32 else None
    if found is None or text in {"P", "PT"} or text.endswith("T"):
        raise BadDuration(
            f"{text!r} is no duration. Write PT30M, PT6H or P2D (days on the calendar); "
            "months and years have no fixed length."
        )
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    return Duration(
        days=part["weeks"] * 7 + part["days"],
        seconds=part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"],
    )


def words_for(span: timedelta) -> str:
    """`26 hours`, `3 minutes`: the two largest units of an elapsed time."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return Duration(seconds=seconds).words() if seconds else "0 seconds"
    if seconds < 3600:
        return Duration(seconds=seconds - seconds % 60).words()
    if seconds < 3 * 86400:
        return Duration(seconds=seconds - seconds % 3600).words()
    return Duration(days=seconds // 86400).words()


def _add_days(start: datetime, days: int, zone: str) -> datetime:
    tz = ZoneInfo(zone)
    wall = start.astimezone(tz).replace(tzinfo=None, fold=0) + timedelta(days=days)
    local = wall.replace(tzinfo=tz, fold=0)
    while local.astimezone(UTC).astimezone(tz).replace(tzinfo=None, fold=0) != wall:
        wall = (wall + timedelta(minutes=1)).replace(second=0, microsecond=0)
        local = wall.replace(tzinfo=tz, fold=0)
    return local.astimezone(UTC)
