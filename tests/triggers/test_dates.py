"""Date Reached: at the contact's hour, once for each contact and date, never of what is past."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Invalid, Problem
from commerce.models import Product
from events.domain.changing import change_contact
from events.domain.merging import merge_contacts
from events.domain.queries import events_for
from events.domain.recording import NewEvent, append_events
from people.core.traits import read_traits
from people.domain.declaring import declare_attribute
from tenancy.partitions import ensure_partitions
from tenancy.scope import tenant_scope
from tests.commerce.happening import person
from tests.support.world import Brand, World
from triggers.core.dates import Watch, is_time, next_reached
from triggers.domain.dates import reach_dates
from triggers.domain.reacting import react
from triggers.domain.watching import fill_dates, list_watches, unwatch_date, watch_date
from triggers.models import DateDue, WatchedDate

DAY = timedelta(days=1)
LA = "America/Los_Angeles"
ZONES = (LA, "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Pacific/Kiritimati", "UTC")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def tell(brand: Brand, who: str, now: datetime, **traits: Any) -> UUID:
    """What a shop tells of somebody, reacted to."""
    ensure_partitions(now, now)
    with tenant_scope(brand.tenant.id):
        contact_id = person(who, now)
        change_contact(contact_id, read_traits(traits, country="US"), now=now)
    settle(brand, now)
    return contact_id


def settle(brand: Brand, now: datetime) -> None:
    """Reacts to everything that waits."""
    while react(brand.tenant.id, now=now):
        pass


def watch(brand: Brand, field: str, now: datetime, **more: Any) -> UUID:
    with tenant_scope(brand.tenant.id):
        made = watch_date(field, now=now, **more)
    while fill_dates(brand.tenant.id, now=now):
        pass
    return made.id


def reached(brand: Brand, now: datetime) -> list[tuple[datetime, dict[str, Any]]]:
    """Everything told until now, after a sweep."""
    ensure_partitions(now, now)
    while reach_dates(brand.tenant.id, now=now):
        pass
    with tenant_scope(brand.tenant.id):
        rows = DateDue.objects.values_list("contact_id", flat=True)
        people = {*rows, *(row for row in _people())}
        found = events_for(people, ["Date Reached"], since=None, until=now)
        return [(event.occurred_at, dict(event.properties)) for event in found]


def _people() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM people_contact")
        return [row[0] for row in cursor.fetchall()]


def test_a_birthday_is_told_each_year_at_nine_where_the_person_is(world: World) -> None:
    now = world.now  # 2026-11-17 18:00 UTC
    tell(world.shop, "ava", now, birthday="1990-12-24", timezone="Asia/Tokyo")
    tell(world.shop, "ben", now, birthday="--12")
    tell(world.other, "ava", now, birthday="1990-12-24", timezone="Asia/Tokyo")
    watch(world.shop, "birthday", now, at="09:00")
    assert reached(world.shop, now) == []
    told = reached(world.shop, utc("2027-01-15T00:00"))
    # Ben's zone is the workspace's, Los Angeles; a month alone is its first day.
    assert told == [
        (utc("2026-12-01T17:00"), {"field": "birthday", "days": 0, "date": "2026-12-01"}),
        (utc("2026-12-24T00:00"), {"field": "birthday", "days": 0, "date": "2026-12-24"}),
    ]
    assert len(reached(world.shop, utc("2028-01-15T00:00"))) == 4
    assert reached(world.other, utc("2028-01-15T00:00")) == []


def test_what_is_told_later_counts_and_what_is_past_does_not(world: World) -> None:
    now = utc("2026-03-10T12:00")
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("renewal", {"kind": "date"}, now=now)
    watch(world.shop, "renewal", now, days=-3, at="10:30")
    tell(world.shop, "ava", now, renewal="2026-03-20")
    tell(world.shop, "ben", now, renewal="2026-03-12")
    tell(world.shop, "cleo", now, renewal="no date")
    assert [at for at, _ in reached(world.shop, now + 9 * DAY)] == [utc("2026-03-17T17:30")]
    # It moves: told for the new day, once; back to the old one, which is past.
    tell(world.shop, "ava", now + 9 * DAY, renewal="2026-03-30")
    tell(world.shop, "ben", now + 9 * DAY, renewal="2026-03-25")
    tell(world.shop, "ben", now + 9 * DAY, renewal="2026-03-20")
    told = [data["date"] for _, data in reached(world.shop, now + 40 * DAY)]
    assert told == ["2026-03-20", "2026-03-30"]
    tell(world.shop, "ava", now + 40 * DAY, renewal="2026-03-30", city="Austin")
    assert len(reached(world.shop, now + 90 * DAY)) == 2


def test_a_date_told_a_moment_before_the_sweep_is_not_lost(world: World) -> None:
    now = utc("2026-03-10T12:00")
    watch(world.shop, "birthday", now)
    tell(world.shop, "ava", now, birthday="1990-03-11")
    late = utc("2026-03-11T16:00:20")
    tell(world.shop, "ava", late, city="Austin", timezone=LA)
    assert [at for at, _ in reached(world.shop, late)] == [utc("2026-03-11T16:00")]
    # Whoever moves west after being told is not told again, nor is a birthday put right.
    tell(world.shop, "ava", late, timezone="Pacific/Honolulu")
    tell(world.shop, "ava", late, birthday="1990-05-05")
    assert len(reached(world.shop, utc("2026-12-31T00:00"))) == 1
    assert len(reached(world.shop, utc("2027-12-31T00:00"))) == 2


def test_somebody_who_moves_is_told_at_the_new_hour(world: World) -> None:
    now = utc("2026-03-10T12:00")
    watch(world.shop, "birthday", now)
    tell(world.shop, "ava", now, birthday="1990-03-20", timezone="Asia/Tokyo")
    tell(world.shop, "ava", now, timezone="Europe/Berlin")
    assert [at for at, _ in reached(world.shop, now + 20 * DAY)] == [utc("2026-03-20T08:00")]


def test_each_open_appointment_is_a_date_of_its_own(world: World) -> None:
    now = utc("2026-03-10T12:00")
    watch(world.shop, "appointment.due_at", now, days=-1, at="18:00")
    with tenant_scope(world.shop.tenant.id):
        contact_id = person("ava", now)
        append_events(
            [
                NewEvent(
                    "Appointment Scheduled",
                    contact_id,
                    {"appointment_id": key, "starts_at": starts_at},
                    now,
                    kind="track",
                )
                for key, starts_at in (
                    ("a", "2026-03-20T09:00:00"),
                    ("b", "2026-03-20T15:00:00"),
                    ("c", "2026-03-21T05:00:00+00:00"),  # the evening of the 20th in Los Angeles
                    ("d", "2026-03-22T09:00:00"),
                )
            ],
            now=now,
        )
    settle(world.shop, now)
    with tenant_scope(world.shop.tenant.id):
        data = {"appointment_id": "b"}
        new = NewEvent("Appointment Cancelled", contact_id, data, now + DAY, kind="track")
        append_events([new], now=now + DAY)
    settle(world.shop, now + DAY)
    told = reached(world.shop, now + 10 * DAY)
    assert {(at, data["appointment_id"], data["date"]) for at, data in told} == {
        (utc("2026-03-20T01:00"), "a", "2026-03-20"),
        (utc("2026-03-20T01:00"), "c", "2026-03-20"),
    }


def test_the_expected_reorder_names_its_product(world: World) -> None:
    now = utc("2026-03-10T12:00")
    watch(world.shop, "buying.reorder_at", now, days=-5)
    watch(world.shop, "buying.last_order_at", now, days=60)
    with tenant_scope(world.shop.tenant.id):
        contact_id = person("ava", now)
        Product.objects.create(key="mug", usage_days=30, created_at=now, updated_at=now)
        data = {"order_id": "1", "total": 9, "products": [{"product_id": "mug", "quantity": 1}]}
        append_events([NewEvent("Order Completed", contact_id, data, now, kind="track")], now=now)
    settle(world.shop, now)
    told = reached(world.shop, now + 200 * DAY)
    assert [(each["field"], each["date"], each.get("product_id")) for _, each in told] == [
        ("buying.reorder_at", "2026-04-09", "mug"),
        ("buying.last_order_at", "2026-03-10", None),
    ]
    assert told[1][0] == utc("2026-05-09T16:00")


def test_a_sensitive_date_is_not_said(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("surgery", {"kind": "date", "is_sensitive": True}, now=now)
    watch(world.shop, "surgery", now)
    tell(world.shop, "ava", now, surgery="2026-11-20")
    ((_, data),) = reached(world.shop, now + 9 * DAY)
    assert data == {"field": "surgery", "days": 0}


def test_a_type_that_changes_is_looked_at_anew(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("due", {"kind": "date"}, now=now)
    watch(world.shop, "due", now)
    tell(world.shop, "ava", now, due="2026-11-20")
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("due", {"kind": "text"}, now=now)
    while fill_dates(world.shop.tenant.id, now=now):
        pass
    with tenant_scope(world.shop.tenant.id):
        assert not DateDue.objects.exists()
        declare_attribute("due", {"kind": "date"}, now=now)
    while fill_dates(world.shop.tenant.id, now=now):
        pass
    assert len(reached(world.shop, now + 9 * DAY)) == 1


def test_merging_tells_one_person_once(world: World) -> None:
    now = utc("2026-03-10T12:00")
    watch(world.shop, "birthday", now)
    ava = tell(world.shop, "ava", now, birthday="1990-03-12")
    mimi = tell(world.shop, "mimi", now, birthday="1990-03-12", timezone="Pacific/Honolulu")
    at = utc("2026-03-12T17:00")  # ten in Los Angeles, seven in Honolulu
    assert len(reached(world.shop, at)) == 1
    with tenant_scope(world.shop.tenant.id):
        merge_contacts(ava, mimi, now=at)
    settle(world.shop, at)
    assert len(reached(world.shop, at + 100 * DAY)) == 1
    assert len(reached(world.shop, at + 400 * DAY)) == 2


def test_watching_is_refused_with_a_reason_and_ends_at_once(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        for field, days, at, code in (
            ("city", 0, "09:00", "not_a_date"),
            ("lifecycle_stage", 0, "09:00", "not_a_date"),
            ("birthday", 366, "09:00", "out_of_range"),
            ("birthday", 0, "9:00", "invalid_format"),
            ("birthday", 0, "24:00", "invalid_format"),
        ):
            with pytest.raises(Invalid) as refused:
                watch_date(field, days=days, at=at, now=now)
            assert [error.code for error in refused.value.errors] == [code]
        assert not WatchedDate.objects.exists()
    made = watch(world.shop, "birthday", now)
    tell(world.shop, "ava", now, birthday="1990-11-20")
    with tenant_scope(world.shop.tenant.id):
        with pytest.raises(Problem) as again:
            watch_date("birthday", now=now)
        assert again.value.code == "already_watched"
        (facts,) = list_watches()
        assert (facts.waiting, facts.next_at) == (1, utc("2026-11-20T17:00"))
        unwatch_date(made, now=now)
        assert not DateDue.objects.exists()
    assert reached(world.shop, now + 9 * DAY) == []


def test_the_number_of_queries_does_not_grow_with_people(world: World) -> None:
    now = utc("2026-03-10T12:00")
    counts = []
    for many in (2, 40):
        for number in range(many):
            with tenant_scope(world.shop.tenant.id):
                traits = read_traits({"birthday": "1990-03-11"}, country="US")
                change_contact(person(f"p{many}-{number}", now), traits, now=now)
        settle(world.shop, now)
        made = watch(world.shop, "birthday", now)
        with CaptureQueriesContext(connection) as captured:
            assert reach_dates(world.shop.tenant.id, now=now + 2 * DAY) >= many
        counts.append(len(captured))
        with tenant_scope(world.shop.tenant.id):
            unwatch_date(made, now=now)
    assert counts[0] == counts[1]


@given(
    day=st.dates(date(2024, 1, 1), date(2029, 12, 31)),
    days=st.integers(-365, 365),
    hour=st.times(),
    zone=st.sampled_from(ZONES),
    ago=st.integers(0, 2000),
)
def test_a_day_is_reached_at_its_wall_clock_time(
    day: date, days: int, hour: Any, zone: str, ago: int
) -> None:
    at = f"{hour:%H:%M}"
    assert is_time(at)
    kwargs: dict[str, Any] = {"fallback": zone}
    wanted = Watch(days, at, False)
    found = next_reached(
        day.isoformat(), wanted, (), after=datetime(2000, 1, 1, tzinfo=UTC), **kwargs
    )
    assert found is not None
    local = found.due_at.astimezone(ZoneInfo(zone))
    assert (found.day, local.date()) == (day, day + timedelta(days=days))
    shown = f"{local:%H:%M}"
    # What the spring change leaves out is the next valid minute; no time is reached early.
    assert shown == at or (shown > at and local.utcoffset() != (local - DAY).utcoffset())
    after = found.due_at - timedelta(minutes=ago)
    again = next_reached(day.isoformat(), wanted, (), after=after, **kwargs)
    assert (again == found) is (ago > 0)


@given(
    day=st.dates(date(1950, 1, 1), date(2025, 12, 31)),
    with_year=st.booleans(),
    days=st.integers(-365, 365),
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 6 * 365 * 24 * 60),
)
def test_a_yearly_date_comes_once_in_each_year(
    day: date, with_year: bool, days: int, zone: str, start: int
) -> None:
    value = day.isoformat() if with_year else f"--{day:%m-%d}"
    first = utc("2026-01-01T00:00") + timedelta(minutes=start)
    after, told, seen = first, "", []
    for _ in range(6):
        found = next_reached(
            value, Watch(days, "09:00", True), (), fallback=zone, after=after, told=told
        )
        assert found is not None
        seen.append(found)
        after, told = found.due_at, found.key
    years = [each.day.year for each in seen]
    assert years == list(range(years[0], years[0] + 6))
    assert seen[0].due_at - first <= 367 * DAY
    for each in seen:
        leap_day = (day.month, day.day) == (2, 29)
        assert (each.day.month, each.day.day) in {(day.month, day.day), (2, 28)}
        assert each.day.day == day.day or leap_day
