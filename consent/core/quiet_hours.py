"""When a text may go: the law of every candidate place and the brand's own sending window.

The law cannot be widened by anybody. The brand's window lies on top of it; `QuietRules` carries
the one that applies, so a step with its own window is the same rules with another week.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from consent.core.hours import HoursRow, Week, clock_text, legal_rows, rules_version
from consent.core.local_days import Span, join, local_day, overlap, spans_of
from consent.core.message_types import obeys
from consent.core.zones import ZoneSet

_DAY = 86400
_LOOK_AHEAD = 35  # days; longer than any run of holidays and closed days
_JITTER = 20 * 60

# Monday to Saturday 9 to 20, Sunday 12 to 20: inside nearly every state's hours.
FACTORY_WEEK: Week = ((540, 1200),) * 6 + ((720, 1200),)
PRESETS: dict[str, Week] = {
    "us_common": FACTORY_WEEK,
    "federal": ((480, 1260),) * 7,
    "strictest": ((600, 1080),) * 5 + ((600, 1020), None),
}


@dataclass(frozen=True, slots=True)
class QuietRules:
    """A workspace's own rules.

    `brand` is the sending window, Monday first, minutes [start, end) or None. `tenant_zone` is
    used for transactional texts when nothing is known about the contact's place.
    """

    brand: Week = FACTORY_WEEK
    transactional_obeys: bool = True
    tenant_zone: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """`at`: the first allowed instant, the asked one when `ok`, None when there is none.

    `closes_at`: end of the window `at` lies in. `zone` and `rule` name what forbids the asked
    instant (empty when `ok`); "no_common_hours" when the candidates leave no hour at all,
    "no_time_zone" when there are none.
    """

    ok: bool
    at: datetime | None
    zone: str
    rule: str
    rules_version: str
    detail: str
    closes_at: datetime | None = None


@lru_cache(maxsize=8192)
def next_allowed(
    zone_set: ZoneSet, rules: QuietRules, message_type: str, at: datetime
) -> WindowVerdict:
    """The first instant from `at` on that every rule allows in every candidate zone.

    `at` is aware. Of an hour that happens twice the first is taken, of one that does not happen
    the next minute that does.
    """
    version = f"{rules_version()}/{rules.version}"
    if not obeys(message_type, transactional_obeys=rules.transactional_obeys).quiet_hours:
        return WindowVerdict(
            True, at, "", "", version, f"Quiet hours do not apply to {message_type} texts."
        )
    zones = zone_set.zones
    if not zone_set.known and message_type == "transactional" and rules.tenant_zone:
        zones = (rules.tenant_zone,)
    if not zones:
        return WindowVerdict(
            False, None, "", "no_time_zone", version, "Nothing tells the contact's time zone."
        )
    rows = (*legal_rows(zone_set.states, zone_set.countries), brand_row(rules.brand))
    second = int(at.timestamp())
    opening = _next_opening(zones, rows, second)
    if opening and opening[0] <= second:
        closes = datetime.fromtimestamp(opening[1], UTC)
        return WindowVerdict(True, at, "", "", version, _open_text(zones, at, closes), closes)
    zone, rule, why = _forbidden_by(zones, rows, at)
    if opening is None:
        why = f"{why} No hour is allowed in all of {', '.join(map(_place, zones))}."
        return WindowVerdict(False, None, zone, "no_common_hours", version, why)
    opens, closes = (datetime.fromtimestamp(moment, UTC) for moment in opening)
    return WindowVerdict(False, opens, zone, rule, version, why, closes)


def jitter_seconds(contact_id: UUID, key: str) -> int:
    """0 to 1199 seconds, always the same for a contact and a key.

    Spreads what waited for a window to open; delivery adds it to the opening.
    """
    digest = hashlib.sha256(f"{contact_id}:{key}".encode()).digest()
    return int.from_bytes(digest[:4]) % _JITTER


@lru_cache(maxsize=1024)
def brand_row(week: Week) -> HoursRow:
    """The brand's window as a row like the legal ones."""
    return HoursRow(rule="brand", name="sending window", week=week)


def _next_opening(
    zones: tuple[str, ...], rows: tuple[HoursRow, ...], second: int
) -> tuple[int, int] | None:
    """Start (`second` itself when open) and end of the first open stretch not over by `second`."""
    first = second // _DAY
    start = None
    end = 0
    for day in range(first, first + _LOOK_AHEAD):
        for low, high in _open_spans(zones, rows, day):
            if high <= second:
                continue
            if start is None:
                start, end = max(low, second), high
            elif low == end:  # open across midnight UTC
                end = high
            else:
                return start, end
        if start is not None and end < (day + 1) * _DAY:
            return start, end
    return None if start is None else (start, end)


@lru_cache(maxsize=16384)
def _open_spans(zones: tuple[str, ...], rows: tuple[HoursRow, ...], day: int) -> tuple[Span, ...]:
    """Open stretches of one UTC day (days since 1970) under all rows in all zones."""
    low, high = day * _DAY, (day + 1) * _DAY
    spans = [(low, high)]
    own_clock = [row for row in rows if row.clock]
    checks = [(zone, rows) for zone in zones]
    checks += [(row.clock, (row,)) for row in own_clock if row.clock]
    for zone, binding in checks:
        spans = overlap(spans, _zone_spans(zone, binding, low, high))
        if not spans:
            break
    return tuple(spans)


def _zone_spans(zone: str, rows: tuple[HoursRow, ...], low: int, high: int) -> list[Span]:
    found: list[Span] = []
    day, last = local_day(zone, low), local_day(zone, high)
    while day <= last:
        windows = [row.window_on(day) for row in rows]
        if windows and None not in windows:
            start = max(window[0] for window in windows if window)
            end = min(window[1] for window in windows if window)
            if start < end:
                found += spans_of(zone, day, start, end)
        day += timedelta(days=1)
    return join(found)


def _forbidden_by(
    zones: tuple[str, ...], rows: tuple[HoursRow, ...], at: datetime
) -> tuple[str, str, str]:
    """Zone, rule code and sentence of the first rule that forbids `at`."""
    for row in rows:
        for zone in (*zones, row.clock) if row.clock else zones:
            local = at.astimezone(ZoneInfo(zone))
            window = row.window_on(local.date())
            minute = local.hour * 60 + local.minute
            if window and window[0] <= minute < window[1]:
                continue
            allowed = (
                f"allows {clock_text(window[0])} to {clock_text(window[1])}"
                if window
                else "allows nothing that day"
            )
            return (
                zone,
                row.rule,
                f"{local:%a %H:%M} in {_place(zone)}; {row.name} {allowed}.",
            )
    return "", "", ""


def _open_text(zones: tuple[str, ...], at: datetime, closes: datetime) -> str:
    places = ", ".join(
        f"{at.astimezone(ZoneInfo(zone)):%a %H:%M} in {_place(zone)}" for zone in zones[:4]
    )
    return f"{places}; open until {closes.astimezone(ZoneInfo(zones[0])):%H:%M} there."


def _place(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")
