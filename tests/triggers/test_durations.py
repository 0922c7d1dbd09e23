from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triggers.core.durations import BadDuration, Duration, parse_duration, words_for

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("text", "duration", "words"),
    [
        ("PT1H", Duration(seconds=3600), "1 hour"),
        ("PT1H30M", Duration(seconds=5400), "1 hour 30 minutes"),
        ("PT24H", Duration(seconds=86400), "24 hours"),
        ("P1D", Duration(days=1), "1 day"),
        ("P2W", Duration(days=14), "14 days"),
        ("P1DT12H", Duration(days=1, seconds=43200), "1 day 12 hours"),
        ("PT0S", Duration(), "no time"),
    ],
)
def test_parse_duration_tells_days_from_hours(text: str, duration: Duration, words: str) -> None:
    assert parse_duration(text) == duration
    assert duration.words() == words


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1h", "P1M", "P1Y", "PT1.5H", "P1DT", "-PT1H", "PT1H "]
)
def test_parse_duration_refuses_what_has_no_length(text: str) -> None:
    with pytest.raises(BadDuration):
        parse_duration(text)


def test_a_day_is_the_same_wall_clock_time_and_24_hours_are_not() -> None:
    before_spring = datetime(2027, 3, 13, 15, 0, tzinfo=UTC)  # 10:00 in New York
    assert parse_duration("P1D").after(before_spring, NEW_YORK) == before_spring + timedelta(
        hours=23
    )
    assert parse_duration("PT24H").after(before_spring, NEW_YORK) == before_spring + timedelta(
        hours=24
    )
    before_autumn = datetime(2026, 10, 31, 14, 0, tzinfo=UTC)
    assert parse_duration("P1D").after(before_autumn, NEW_YORK) == before_autumn + timedelta(
        hours=25
    )


def test_a_wall_clock_time_that_does_not_exist_becomes_the_next_minute_that_does() -> None:
    start = datetime(2027, 3, 13, 7, 30, tzinfo=UTC)  # 02:30 in New York
    assert parse_duration("P1D").after(start, NEW_YORK) == datetime(2027, 3, 14, 7, 0, tzinfo=UTC)


def test_a_wall_clock_time_that_comes_twice_is_taken_the_first_time() -> None:
    start = datetime(2026, 10, 31, 5, 30, tzinfo=UTC)  # 01:30 in New York
    assert parse_duration("P1D").after(start, NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_words_for_an_age() -> None:
    assert words_for(timedelta(hours=26, minutes=10)) == "26 hours"
    assert words_for(timedelta(seconds=90)) == "1 minute"
    assert words_for(timedelta(days=5)) == "5 days"
