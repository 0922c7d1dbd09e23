"""Who stays, and what is known afterwards: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from people.core.merging import Known, choose_survivor, combine

T0 = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def known(number: int = 1, *, at: datetime = T0, told: Any = None, **values: Any) -> Known:
    attributes = values.pop("attributes", {})
    return Known(UUID(int=number), at, values, attributes, told or {})


def test_the_one_with_an_external_id_stays_then_the_older_one() -> None:
    old, named = known(1), known(2, at=T0 + HOUR, external_id="u1")
    assert choose_survivor(old, named) == (named, old)
    assert choose_survivor(named, old) == (named, old)
    younger = known(3, at=T0 + HOUR)
    assert choose_survivor(younger, old) == (old, younger)
    both = known(4, at=T0 + HOUR, external_id="u2")
    assert choose_survivor(both, named)[0] is named


def test_the_newest_that_was_told_counts_and_nothing_is_no_news() -> None:
    mine = known(1, city="Austin", first_name="Maya", told={"city": T0 + HOUR})
    theirs = known(2, city="Boston", first_name="", last_name="Lopez", told={"city": T0})
    assert combine(mine, theirs).columns == {"last_name": "Lopez"}
    theirs = known(2, city="Boston", told={"city": T0 + 2 * HOUR})
    assert combine(mine, theirs).columns == {"city": "Boston"}


def test_a_time_zone_that_was_said_wins_over_a_newer_one_of_a_device() -> None:
    device = known(
        1, timezone="America/Denver", timezone_source="device", told={"timezone": T0 + HOUR}
    )
    said = known(2, timezone="America/Chicago", timezone_source="explicit")
    assert combine(device, said).columns == {
        "timezone": "America/Chicago",
        "timezone_source": "explicit",
    }
    assert combine(said, device).columns == {}


def test_identifiers_stay_with_the_survivor_and_fill_what_is_missing() -> None:
    mine = known(1, external_id="u1", phone=None, email="a@x.example")
    theirs = known(
        2, external_id="u2", phone="+12125550101", phone_type="mobile", email="b@x.example",
        told={"email": T0 + HOUR},
    )  # fmt: skip
    assert combine(mine, theirs).columns == {"phone": "+12125550101", "phone_type": "mobile"}


def test_attributes_are_joined_one_by_one() -> None:
    mine = known(1, attributes={"plan": "gold", "size": "M"}, told={"plan": T0 + HOUR})
    theirs = known(
        2, attributes={"plan": "iron", "size": "L", "pets": 2, "gone": None},
        told={"plan": T0, "size": T0 + HOUR},
    )  # fmt: skip
    assert combine(mine, theirs).attributes == {"size": "L", "pets": 2}
