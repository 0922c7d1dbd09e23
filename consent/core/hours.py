"""The legal rows: which hours each US state and each country allows, as versioned data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from consent.core.postal import STATE_NAMES
from consent.core.tables import table

Window = tuple[int, int]  # minutes of the local day, [start, end)
Week = tuple[Window | None, ...]  # Monday first; None: nothing may be sent that day

NEVER: Week = (None,) * 7


@dataclass(frozen=True, slots=True, eq=False)
class HoursRow:
    """One rule about the hours of a day.

    `rule` is the stable code ("us_federal", "state:FL", "country:FR", "brand"). `calendar` names
    the holidays on which nothing may be sent. `clock`, when set, is read instead of the
    contact's zones. `legal_cap` is the most texts in 24 hours. Compared by identity: rows are
    made once and serve as keys of the day cache.
    """

    rule: str
    name: str
    week: Week
    calendar: tuple[str, str | None] | None = None
    clock: str | None = None
    legal_cap: int | None = None
    cite: str = ""
    confidence: str = "A"

    def window_on(self, day: date) -> Window | None:
        window = self.week[day.weekday()]
        if window is None or (self.calendar and day in holidays_of(*self.calendar, day.year)):
            return None
        return window


def rules_version() -> str:
    """Version of the legal tables, kept with each decision."""
    return str(table("us_hours.json")["version"])


@lru_cache(maxsize=1)
def federal_row() -> HoursRow:
    federal = table("us_hours.json")["federal"]
    return HoursRow(
        rule="us_federal",
        name="US federal rule",
        week=(_window(federal["window"]),) * 7,
        cite=federal["cite"],
    )


@lru_cache(maxsize=1)
def state_rows() -> dict[str, HoursRow]:
    """All state rows by USPS code."""
    rows = {}
    for entry in table("us_hours.json")["states"]:
        code = entry["state"]
        rows[code] = HoursRow(
            rule=f"state:{code}",
            name=STATE_NAMES[code],
            week=_week(entry),
            calendar=("US", code) if entry["no_holidays"] else None,
            clock=entry.get("clock"),
            legal_cap=entry["cap"]["max"] if entry["cap"] else None,
            cite=entry["cite"],
            confidence=entry["confidence"],
        )
    return rows


@lru_cache(maxsize=512)
def country_row(country: str) -> HoursRow:
    """The row of a country; one we have no rule for takes the cautious house default."""
    data = table("country_hours.json")
    if country in data["us_law"]:
        return federal_row()
    entry = data["countries"].get(country, data["others"])
    return HoursRow(
        rule=f"country:{country}",
        name=f"rule for {country}",
        week=_week(entry),
        calendar=(country, None) if entry["no_holidays"] else None,
        cite=entry["cite"],
        confidence=entry["confidence"],
    )


def legal_rows(states: tuple[str, ...], countries: tuple[str, ...]) -> tuple[HoursRow, ...]:
    """Every row that binds: countries first, then states; the federal row when no place is known."""
    rows = [country_row(country) for country in countries] or [federal_row()]
    known = state_rows()
    rows += [known[state] for state in states if state in known]
    return tuple(dict.fromkeys(rows))


def legal_cap(states: tuple[str, ...]) -> int | None:
    """The smallest number of texts in 24 hours that any of these states allows."""
    caps = [row.legal_cap for state, row in state_rows().items() if state in states]
    return min((cap for cap in caps if cap is not None), default=None)


@lru_cache(maxsize=512)
def holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Public holidays, observed days included."""
    import holidays  # 0.3 s to import, and only a few rows need it

    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=[year])
    except NotImplementedError:
        return frozenset()
    return frozenset(day for day in found if day.year == year)


def minutes(text: str) -> int:
    """ "09:30" -> 570; "24:00" -> 1440. Raises ValueError for anything else."""
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == 2 and len(minute) == 2 and (hour + minute).isdecimal()):
        raise ValueError(f"not a time of day: {text!r}")
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > 1440:
        raise ValueError(f"not a time of day: {text!r}")
    return total


def clock_text(minute: int) -> str:
    """570 -> "09:30"."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _window(pair: list[str] | None) -> Window | None:
    return (minutes(pair[0]), minutes(pair[1])) if pair else None


def _week(entry: dict[str, Any]) -> Week:
    return (_window(entry["mon_fri"]),) * 5 + (_window(entry["sat"]), _window(entry["sun"]))
