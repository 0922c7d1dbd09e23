"""When an event that used to come has stopped coming. Pure.

Silence is measured in whole hours, from the last hour in which the event came. It is alarming when

1. the event came at least `USED_TO_COME` times in the seven days before it fell silent, and
2. in each of the seven days before, the same stretch of the day brought at least one: a shop that
   sleeps at night, or shuts on Sundays, is silent then every time, and
3. those stretches brought `EXPECTED` on average: by chance nothing comes where seven are expected
   about once in a thousand times.

A stretch is compared on the clock of the workspace, so that a change of the clocks is no alarm.
Silence longer than a week is judged by its first week, and is taken for given up after three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
USED_TO_COME = 10
EXPECTED = 7.0
DAYS = 7
LONGEST = timedelta(days=7)
GIVEN_UP = timedelta(days=21)
# What has to be known: the silence, and the stretches before it.
LOOK_BACK = GIVEN_UP + LONGEST + timedelta(days=DAYS)


@dataclass(frozen=True, slots=True)
class Silence:
    """`since`: the end of the last hour in which it came. `expected`: how many the judged stretch
    used to bring."""

    since: datetime
    expected: float


def find_silence(hours: Mapping[datetime, int], *, now: datetime, zone: str) -> Silence | None:
    """The alarming silence of one event, or None. `hours`: how many came, by the hour's start in
    UTC; hours without any may be left out."""
    heard = [hour for hour, count in hours.items() if count > 0 and hour <= now]
    if not heard:
        return None
    since = max(heard) + HOUR
    until = min(_hour_of(now), since + LONGEST)
    if until <= since or now - since > GIVEN_UP:
        return None
    before = sum(count for hour, count in hours.items() if since - DAYS * DAY <= hour < since)
    if before < USED_TO_COME:
        return None
    whole_days = -((since - until) // DAY)  # rounded up: the stretches lie before the silence
    place = ZoneInfo(zone)
    usual = [
        _between(hours, _shift(since, days, place), _shift(until, days, place))
        for days in range(whole_days, whole_days + DAYS)
    ]
    expected = sum(usual) / DAYS
    if min(usual) == 0 or expected < EXPECTED:
        return None
    return Silence(since, expected)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _shift(moment: datetime, days: int, place: ZoneInfo) -> datetime:
    """The same time on the wall some days before, in UTC."""
    return (moment.astimezone(place) - timedelta(days=days)).astimezone(UTC)


def _between(hours: Mapping[datetime, int], start: datetime, end: datetime) -> int:
    return sum(count for hour, count in hours.items() if start <= hour < end)
