"""The periods of pages: calendar days of the workspace, the same stretch before, no gap between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from delivery.core.periods import LABELS, period_of

LA = "America/Los_Angeles"
INSTANT = timedelta(microseconds=1)


def test_seven_days_are_calendar_days_of_the_workspace_today_included(now: datetime) -> None:
    week = period_of("7d", timezone=LA, now=now)  # Tuesday the 17th, ten in the morning there
    assert week.first == datetime(2026, 11, 11, tzinfo=ZoneInfo(LA))
    assert week.end == now
    assert week.before_start + INSTANT == datetime(2026, 11, 4, tzinfo=ZoneInfo(LA))
    assert week.before_end == now - timedelta(days=7)
    assert week.words == (
        "Nov 11 to today, by the calendar in Los Angeles. Compared with Nov 4 to Nov 10, up to the"
        " same time of day."
    )
    # The day begins where the shop is.
    assert period_of("7d", timezone="Asia/Tokyo", now=now).first == datetime(
        2026, 11, 12, tzinfo=ZoneInfo("Asia/Tokyo")
    )


def test_24_hours_are_just_that(now: datetime) -> None:
    day = period_of("24h", timezone=LA, now=now)
    assert (day.start, day.before_start) == (now - timedelta(hours=24), now - timedelta(hours=48))
    assert day.before_end == day.start


def test_a_clock_that_went_back_does_not_move_the_days() -> None:
    """In the week of November 1 a day has 25 hours; midnights and the time of day stay."""
    now = datetime(2026, 11, 4, 20, 30, tzinfo=UTC)  # 12:30 in Los Angeles
    week = period_of("7d", timezone=LA, now=now)
    assert week.first.astimezone(ZoneInfo(LA)).isoformat() == "2026-10-29T00:00:00-07:00"
    assert week.before_end.astimezone(ZoneInfo(LA)).isoformat() == "2026-10-28T12:30:00-07:00"


def test_an_unknown_period_is_none() -> None:
    with pytest.raises(KeyError):
        period_of("99", timezone=LA, now=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "zone", ["UTC", LA, "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Africa/Cairo"]
)
@pytest.mark.parametrize("key", LABELS)
def test_nothing_counts_in_both_and_days_begin_at_midnight(zone: str, key: str) -> None:
    """At all times of the day, over two years of clocks going back and forth."""
    for hours in range(0, 2 * 8760, 7):
        check(key, zone, datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours, minutes=11))


def check(key: str, zone: str, now: datetime) -> None:
    period = period_of(key, timezone=zone, now=now)
    assert period.before_start < period.before_end <= period.start < period.end == now
    if key != "24h":
        begins = period.first.astimezone(ZoneInfo(zone))
        # Where a night has no midnight, the day begins with the first instant it has.
        assert begins.date() != (period.first - INSTANT).astimezone(ZoneInfo(zone)).date()
        days = (now.astimezone(ZoneInfo(zone)).date() - begins.date()).days + 1
        assert f"{days}d" == key
