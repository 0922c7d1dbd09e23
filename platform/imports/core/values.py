"""Cells read as what their column says they are. Pure. Every error is a sentence for a person."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from imports.core.columns import DATE, NUMBER, TIME, YES_NO

ISO, MONTH_FIRST, DAY_FIRST = "iso", "month_first", "day_first"
DATE_ORDERS = (ISO, MONTH_FIRST, DAY_FIRST)
EARLIEST, LATEST = 1900, 2100
_YES = frozenset({"yes", "y", "true", "t", "1", "on", "x", "ja", "oui", "si"})
_NO = frozenset({"no", "n", "false", "f", "0", "off", "nein", "non"})
_AGREED = _YES | frozenset(
    {
        "subscribed",
        "opted in",
        "opt in",
        "optin",
        "in",
        "active",
        "granted",
        "confirmed",
        "consented",
    }
)
_STOPPED = frozenset(
    {
        *("unsubscribed", "opted out", "opt out", "optout", "out", "stop", "stopped", "revoked"),
        *("withdrawn", "suppressed", "do not contact"),
    }
)
_NEVER = _NO | frozenset(
    {"never subscribed", "not subscribed", "none", "unknown", "pending", "n/a", "-"}
)
_SLASHED = re.compile(
    r"(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?"
)
_FORMS = {
    ISO: "2026-05-31 or 2026-05-31 14:30",
    MONTH_FIRST: "05/31/2026 or 05/31/2026 14:30",
    DAY_FIRST: "31/05/2026 or 31.05.2026 14:30",
}
AGREED, STOPPED, SILENT = "agreed", "stopped", "silent"


def read_status(text: str) -> str:
    """What a consent column says: agreed, stopped or silent. Raises ValueError.

    "No" says that they never agreed, which is no wish to stop.
    """
    word = re.sub(r"[\s_\-]+", " ", text.strip().casefold())
    for meaning, words in ((AGREED, _AGREED), (STOPPED, _STOPPED), (SILENT, _NEVER)):
        if word in words or not word:
            return meaning if word else SILENT
    raise ValueError("The consent status is none we know: write subscribed, unsubscribed or no.")


def read_typed(text: str, kind: str, *, order: str, timezone: str) -> str | int | float | bool:
    """One value of an attribute; a date as 2026-05-31, a time in UTC. Raises ValueError."""
    if kind == NUMBER:
        return read_number(text)
    if kind == YES_NO:
        word = text.strip().casefold()
        if word in _YES or word in _NO:
            return word in _YES
        raise ValueError("This is neither yes nor no.")
    if kind == DATE:
        return read_when(text, order=order, timezone=timezone).date().isoformat()
    if kind == TIME:
        moment = read_when(text, order=order, timezone=timezone).astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    return text


def read_number(text: str) -> int | float:
    """A whole or decimal number; 1,299.50 as well. Raises ValueError."""
    said = text.strip().replace(",", "").replace(" ", "").replace("\u00a0", "")
    try:
        number = Decimal(said) if len(said) <= 30 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= 10**15:
        raise ValueError("This is no number.")
    return int(number) if number == number.to_integral_value() else float(number)


def read_when(text: str, *, order: str, timezone: str) -> datetime:
    """A date or time, without an offset in `timezone`. Years first are always understood;
    others by `order`. Raises ValueError."""
    said = text.strip()
    zone = ZoneInfo(timezone)
    moment = _read_iso(said, zone) or _read_slashed(said, order, zone)
    if moment is None:
        raise ValueError(f"Write dates as {_FORMS[order]}.")
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError("This year cannot be right.")
    return moment


def guess_order(values: list[str]) -> str:
    """How dates are written in these cells; month first when both would do."""
    firsts, seconds = [], []
    for value in values:
        found = _SLASHED.fullmatch(value.strip())
        if found and len(found[1]) <= 2 and len(found[3]) == 4:
            firsts.append(int(found[1]))
            seconds.append(int(found[2]))
    if not firsts:
        return ISO
    return DAY_FIRST if max(firsts) > 12 >= max(seconds) else MONTH_FIRST


def _read_iso(said: str, zone: ZoneInfo) -> datetime | None:
    if not re.match(r"\d{4}-\d{2}-\d{2}", said) or len(said) > 40:
        return None
    try:
        if len(said) == 10:
            return datetime.combine(date.fromisoformat(said), time(0), zone)
        # "2026-05-31 14:30:00 -0500" and "... UTC" as shops export them
        tidy = re.sub(r"\s+(?=[+-]\d{2}:?\d{2}$)", "", re.sub(r"\s*(Z|UTC)$", "+00:00", said))
        moment = datetime.fromisoformat(tidy)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _read_slashed(said: str, order: str, zone: ZoneInfo) -> datetime | None:
    found = _SLASHED.fullmatch(said)
    if found is None or (order == ISO and len(found[1]) != 4):
        return None
    one, two, three = int(found[1]), int(found[2]), int(found[3])
    if len(found[1]) == 4:
        year, month, day = one, two, three
    elif len(found[3]) != 4:
        return None
    else:
        year, month, day = (three, one, two) if order == MONTH_FIRST else (three, two, one)
    hour, minute, second = (int(part or 0) for part in found.groups()[3:6])
    if half := (found[7] or "").casefold():
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
