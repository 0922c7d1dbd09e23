"""The periods that pages count in: Home, the list of messages, an agency's clients. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK, MONTH = "7d", "30d"
LABELS = {"24h": "24 hours", WEEK: "7 days", MONTH: "30 days"}
DAYS = {WEEK: 7, MONTH: 30}
# Stored times have no finer parts: the last instant before a day begins.
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """What happened in (start, end], and the same stretch before it, (before_start, before_end].

    Days are calendar days of `timezone`, today included; 24 hours are just that.
    """

    key: str
    start: datetime
    end: datetime
    before_start: datetime
    before_end: datetime
    timezone: str

    @property
    def first(self) -> datetime:
        """The first instant that belongs to it, for queries from a moment on."""
        return self.start + _INSTANT

    @property
    def label(self) -> str:
        return LABELS[self.key]

    @property
    def words(self) -> str:
        """What is counted, beside what, for a line under the choice."""
        if self.key not in DAYS:
            return "Until now. Compared with the 24 hours before."
        place = self.timezone.rsplit("/", 1)[-1].replace("_", " ")
        zone = ZoneInfo(self.timezone)
        first, was, to = (
            _day(moment.astimezone(zone))
            for moment in (self.first, self.before_start + _INSTANT, self.before_end)
        )
        return (
            f"{first} to today, by the calendar in {place}. Compared with {was} to {to}, up to the"
            " same time of day."
        )


def period_of(key: str, *, timezone: str, now: datetime) -> Period:
    """The period by its key (24h, 7d, 30d), ending now. Raises `KeyError` for another one."""
    if key not in LABELS:
        raise KeyError(key)
    if key not in DAYS:
        day = timedelta(hours=24)
        return Period(key, now - day, now, now - 2 * day, now - day, timezone)
    span, zone = timedelta(days=DAYS[key]), ZoneInfo(timezone)
    here = now.astimezone(zone)
    first = here.date() - span + timedelta(days=1)
    return Period(
        key=key,
        start=_midnight(first, zone) - _INSTANT,
        end=now,
        before_start=_midnight(first - span, zone) - _INSTANT,
        # The same time of day on the wall clock, whatever the clocks did in between.
        before_end=(here - span).astimezone(UTC),
        timezone=timezone,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _day(moment: datetime) -> str:
    return f"{moment:%b} {moment.day}"
