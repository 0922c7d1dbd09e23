from __future__ import annotations

from datetime import timedelta

import pytest

from delivery.core.telling import seconds_words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(milliseconds=200), "1 s"),
        (timedelta(seconds=89), "89 s"),
        (timedelta(minutes=4), "4 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(hours=238), "10 days"),
    ],
)
def test_how_long_something_took_in_the_unit_people_would_use(span: timedelta, words: str) -> None:
    assert seconds_words(span) == words
