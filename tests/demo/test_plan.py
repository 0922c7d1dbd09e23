"""What the data becomes: real orders moved by whole weeks, people who do not exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from demo.core.cast import BRANDS, JONAS, MAYA
from demo.core.plan import LIVED, make_plan
from demo.core.records import read_purchases
from demo.core.shifting import demo_start, whole_weeks

START = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
PLANS = {brand.slug: make_plan(brand, start=START) for brand in BRANDS}


def test_nobody_in_the_demo_can_be_called() -> None:
    people = [p for plan in PLANS.values() for p in plan.people.values()] + [MAYA, JONAS]
    numbers = [person.phone for person in people]
    assert len(set(numbers)) == len(numbers)
    for phone in numbers:
        assert phone[5:10] == "55501"
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone))
    assert len({phone[2:5] for phone in numbers}) >= 8
    assert len({person.timezone for person in people}) == 4


def test_weekdays_stay_and_no_day_up_to_yesterday_is_empty() -> None:
    last = read_purchases()[-1].at.date()
    yesterday = (START - timedelta(days=1)).date()
    moved = last + whole_weeks(last, yesterday)
    assert moved.weekday() == last.weekday()
    assert timedelta(0) <= moved - yesterday < timedelta(days=7)


@pytest.mark.parametrize("slug", sorted(PLANS))
def test_history_is_before_the_lived_weeks_and_both_are_in_order(slug: str) -> None:
    plan = PLANS[slug]
    assert plan.history
    assert plan.lived
    assert max(post.at for post in plan.history) < START - LIVED
    assert all(START - LIVED <= post.at < START for post in plan.lived)
    assert [post.at for post in plan.lived] == sorted(post.at for post in plan.lived)


def test_the_same_start_makes_the_same_plan() -> None:
    again = make_plan(BRANDS[0], start=START)
    assert again.lived == PLANS[BRANDS[0].slug].lived
    assert again.people == PLANS[BRANDS[0].slug].people


@pytest.mark.parametrize("hour", [3, 12, 23])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "UTC", "America/Los_Angeles"])
def test_the_demo_starts_at_ten_in_the_shops_zone(hour: int, zone: str) -> None:
    wall = datetime(2026, 3, 8, hour, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    local = demo_start(wall, "America/Los_Angeles").astimezone(ZoneInfo("America/Los_Angeles"))
    assert (local.hour, local.minute) == (10, 0)
    assert local.date() == wall.astimezone(ZoneInfo("America/Los_Angeles")).date()
