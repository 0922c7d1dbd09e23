"""Local wall-clock windows as UTC seconds, exact on the days when clocks change.

An instant belongs to a window when the clock on the wall, read at that instant, shows a time in
[start, end). So an hour that happens twice is open or closed both times, and one that does not
happen is neither.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Span = tuple[int, int]  # UTC epoch seconds, [start, end)

_EPOCH = date(1970, 1, 1)
_REACH = 15 * 3600  # no zone is further than 14 hours from UTC


def spans_of(zone: str, day: date, start: int, end: int) -> list[Span]:
    """The UTC seconds of local `day` in `zone` between two minutes of the day."""
    midnight = (day - _EPOCH).days * 86400
    from_wall, to_wall = midnight + start * 60, midnight + end * 60
    spans = []
    for begin, finish, offset in _offsets(zone, day):
        low, high = max(begin, from_wall - offset), min(finish, to_wall - offset)
        if low < high:
            spans.append((low, high))
    return spans


@lru_cache(maxsize=8192)
def _offsets(zone: str, day: date) -> tuple[tuple[int, int, int], ...]:
    """Stretches of constant UTC offset around a local day: (from, to, offset in seconds)."""
    midnight = (day - _EPOCH).days * 86400
    first, last = midnight - _REACH, midnight + 86400 + _REACH
    info = ZoneInfo(zone)
    before, after = _offset(info, first), _offset(info, last)
    if before == after:
        return ((first, last, before),)
    low, high = first, last
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, middle) == before:
            low = middle
        else:
            high = middle
    return ((first, high, before), (high, last, after))


def _offset(info: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, UTC).astimezone(info).utcoffset()
    return int((offset or timedelta()).total_seconds())


def local_day(zone: str, second: int) -> date:
    """The date on the wall in `zone`."""
    return datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone)).date()


def overlap(left: list[Span], right: list[Span]) -> list[Span]:
    """What two sorted lists of spans have in common."""
    common = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low < high:
            common.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return common


def join(spans: list[Span]) -> list[Span]:
    """Sorted, with touching spans made one."""
    joined: list[Span] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined
