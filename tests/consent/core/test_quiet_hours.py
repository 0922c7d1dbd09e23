"""No text outside the window: judged minute by minute by a slow oracle that shares no code."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import consent
from consent.core.hours import Week, legal_rows
from consent.core.quiet_hours import (
    FACTORY_WEEK,
    PRESETS,
    QuietRules,
    jitter_seconds,
    next_allowed,
)
from consent.core.zones import ZoneInput, ZoneSet, candidates

DATA = Path(consent.__file__).parent / "data"
US = json.loads((DATA / "us_hours.json").read_text())
WORLD = json.loads((DATA / "country_hours.json").read_text())
STATES = {row["state"]: row for row in US["states"]}
ALWAYS: Week = ((0, 1440),) * 7


# --- the oracle -----------------------------------------------------------------------------
def oracle_allows(zone_set: ZoneSet, brand: Week, at: datetime) -> bool:
    rows: list[tuple[dict[str, Any], tuple[str, str | None] | None]] = []
    for country in zone_set.countries or ("US",):
        if country in WORLD["us_law"]:
            rows.append(({"week": [US["federal"]["window"]] * 7}, None))
        else:
            entry = WORLD["countries"].get(country, WORLD["others"])
            rows.append((entry, (country, None) if entry["no_holidays"] else None))
    for state in zone_set.states:
        entry = STATES[state]
        rows.append((entry, ("US", state) if entry["no_holidays"] else None))
    for zone in zone_set.zones:
        local = at.astimezone(ZoneInfo(zone))
        if not _in_brand(brand, local):
            return False
        if not all(_in_row(entry, calendar, local) for entry, calendar in rows):
            return False
    return all(
        _in_row(STATES[state], None, at.astimezone(ZoneInfo(STATES[state]["clock"])))
        for state in zone_set.states
        if "clock" in STATES[state]
    )


def _in_brand(brand: Week, local: datetime) -> bool:
    window = brand[local.weekday()]
    return window is not None and window[0] <= local.hour * 60 + local.minute < window[1]


def _in_row(
    entry: dict[str, Any], calendar: tuple[str, str | None] | None, local: datetime
) -> bool:
    if calendar and _is_holiday(calendar, local.date()):
        return False
    if "week" in entry:
        window = entry["week"][local.weekday()]
    else:
        window = entry[("mon_fri", "sat", "sun")[max(0, local.weekday() - 4)]]
    if window is None:
        return False
    return bool(window[0] <= f"{local:%H:%M}" < window[1])


def _is_holiday(calendar: tuple[str, str | None], day: date) -> bool:
    return day in holidays.country_holidays(calendar[0], subdiv=calendar[1])


# --- what is thrown at it -------------------------------------------------------------------
# Days on which some clock here is changed, forward and back, at 2:00 and at midnight, by an hour
# and by half an hour; and holidays.
TURNS = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2027, 3, 14, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 4, 4, 12, tzinfo=UTC),
    datetime(2026, 10, 3, 12, tzinfo=UTC),
    datetime(2026, 4, 24, tzinfo=UTC),
    datetime(2026, 8, 10, tzinfo=UTC),
    datetime(2026, 11, 26, tzinfo=UTC),
    datetime(2026, 12, 25, tzinfo=UTC),
]
ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/St_Johns",
    "America/Havana",
    "Europe/London",
    "Europe/Paris",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Auckland",
    "Pacific/Apia",
]
instants = st.one_of(
    st.builds(
        lambda day, minutes, micros: day + timedelta(minutes=minutes, microseconds=micros),
        st.sampled_from(TURNS),
        st.integers(-1440, 2880),
        st.integers(0, 59_999_999),
    ),
    st.integers(0, 730 * 86400).map(
        lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
)
windows = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([(0, 1440), (60, 180), (0, 150), (90, 120), (540, 1200)]),
)
weeks = st.one_of(
    st.sampled_from([FACTORY_WEEK, ALWAYS, *PRESETS.values()]),
    st.tuples(*[windows] * 7).filter(any),
)
zone_sets = st.builds(
    lambda zones, states, countries: ZoneSet(
        tuple(sorted(zones)), tuple(sorted(states)), (), tuple(sorted(countries))
    ),
    st.sets(st.sampled_from(ZONES), min_size=1, max_size=3),
    st.sets(st.sampled_from(sorted(STATES)), max_size=2),
    st.sets(st.sampled_from(["US", "CA", "FR", "GB", "IN", "JO", "DE", "PR"]), max_size=1),
)
contacts = st.builds(
    ZoneInput,
    phone=st.sampled_from(
        ["212", "850", "364", "208", "412", "601", "907", "808", "800", "401"]
    ).map(lambda code: f"+1{code}5550100"),
    postal_code=st.sampled_from(["", "", "90001", "36601", "02901", "84101", "70112"]),
    timezone=st.sampled_from(["", "", *ZONES]),
    country=st.just("US"),
)


@settings(max_examples=150, deadline=None)
@given(zone_set=zone_sets, brand=weeks, at=instants)
@example(
    zone_set=ZoneSet(("America/New_York",), (), (), ("US",)),
    brand=((60, 180),) * 7,
    at=datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
)
def test_the_found_instant_is_allowed_everywhere_and_is_the_first(
    zone_set: ZoneSet, brand: Week, at: datetime
) -> None:
    verdict = next_allowed(zone_set, QuietRules(brand=brand), "marketing", at)
    assert verdict.ok is oracle_allows(zone_set, brand, at)
    if verdict.at is None:
        assert verdict.rule == "no_common_hours"
        _nothing_allowed_between(zone_set, brand, at, at + timedelta(days=14))
        return
    assert oracle_allows(zone_set, brand, verdict.at)
    assert verdict.at >= at
    _nothing_allowed_between(zone_set, brand, at, verdict.at)
    assert verdict.closes_at is not None
    assert verdict.closes_at > verdict.at
    assert not oracle_allows(zone_set, brand, verdict.closes_at)
    _everything_allowed_between(zone_set, brand, verdict.at, verdict.closes_at)


@settings(max_examples=100, deadline=None)
@given(contact=contacts, at=instants)
def test_no_contact_is_texted_outside_the_window_of_any_candidate(
    contact: ZoneInput, at: datetime
) -> None:
    zone_set = candidates(contact)
    verdict = next_allowed(zone_set, QuietRules(), "marketing", at)
    assert verdict.ok is oracle_allows(zone_set, FACTORY_WEEK, at)
    if verdict.at is None:  # two places so far apart that no hour suits both
        _nothing_allowed_between(zone_set, FACTORY_WEEK, at, at + timedelta(days=8))
    else:
        assert oracle_allows(zone_set, FACTORY_WEEK, verdict.at)


def _nothing_allowed_between(
    zone_set: ZoneSet, brand: Week, start: datetime, end: datetime
) -> None:
    if start == end:
        return
    step = timedelta(minutes=1 if end - start < timedelta(hours=14) else 13)
    moment = start
    while moment < end:
        assert not oracle_allows(zone_set, brand, moment)
        moment += step
    assert not oracle_allows(zone_set, brand, end - timedelta(microseconds=1))


def _everything_allowed_between(
    zone_set: ZoneSet, brand: Week, start: datetime, end: datetime
) -> None:
    moment = start
    last = min(end, start + timedelta(days=2))
    while moment < last:
        assert oracle_allows(zone_set, brand, moment)
        moment += timedelta(minutes=13)
    assert oracle_allows(zone_set, brand, end - timedelta(microseconds=1))


# --- single rules ---------------------------------------------------------------------------
def _next(phone: str, local: str, zone: str, *, brand: Week = ALWAYS, **place: str) -> str:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    verdict = next_allowed(
        candidates(ZoneInput(phone=phone, **place)), QuietRules(brand=brand), "marketing", at
    )
    assert verdict.at is not None
    return f"{verdict.at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M} {verdict.rule}".strip()


NY = "America/New_York"


@pytest.mark.parametrize(
    ("phone", "zone", "local", "expected"),
    [
        # federal: [8, 21)
        ("+12125550100", NY, "2026-11-18T07:59", "2026-11-18T08:00 us_federal"),
        ("+12125550100", NY, "2026-11-18T20:59", "2026-11-18T20:59"),
        ("+12125550100", NY, "2026-11-18T21:00", "2026-11-19T08:00 us_federal"),
        # Florida closes at 20:00; its panhandle's area code is in two zones, so at 19:00 Central
        ("+13055550100", NY, "2026-11-18T20:00", "2026-11-19T08:00 state:FL"),
        ("+18505550100", NY, "2026-11-18T08:30", "2026-11-18T09:00 us_federal"),
        # Texas on a Sunday, Pennsylvania not at all then nor on Thanksgiving, Rhode Island Saturday
        ("+12145550100", "America/Chicago", "2026-11-22T10:00", "2026-11-22T12:00 state:TX"),
        ("+14125550100", NY, "2026-11-22T10:00", "2026-11-23T09:00 state:PA"),
        ("+14125550100", NY, "2026-11-26T10:00", "2026-11-28T09:00 state:PA"),
        ("+14015550100", NY, "2026-11-21T17:00", "2026-11-23T09:00 state:RI"),
        # Victory Day is a holiday in Rhode Island only
        ("+14015550100", NY, "2026-08-10T12:00", "2026-08-11T09:00 state:RI"),
        ("+12125550100", NY, "2026-08-10T12:00", "2026-08-10T12:00"),
        # Mississippi's statute names standard time: in summer its 8 is the wall's 9
        ("+16015550100", "America/Chicago", "2026-07-08T08:30", "2026-07-08T09:00 state:MS"),
        ("+16015550100", "America/Chicago", "2026-12-09T08:30", "2026-12-09T08:30"),
        # France: no Sunday, no Armistice Day
        ("+33612345678", "Europe/Paris", "2026-11-11T10:00", "2026-11-12T08:00 country:FR"),
        ("+33612345678", "Europe/Paris", "2026-11-15T10:00", "2026-11-16T08:00 country:FR"),
        ("+919812345678", "Asia/Kolkata", "2026-11-18T09:00", "2026-11-18T10:00 country:IN"),
        ("+491711234567", "Europe/Berlin", "2026-11-22T12:00", "2026-11-23T09:00 country:DE"),
    ],
)
def test_legal_rows(phone: str, zone: str, local: str, expected: str) -> None:
    assert _next(phone, local, zone) == expected


def test_an_unknown_us_place_leaves_the_hours_both_coasts_share() -> None:
    place = candidates(ZoneInput(phone="+18005550100"))
    rules = QuietRules(brand=ALWAYS)
    allowed = [
        hour
        for hour in range(24)
        if next_allowed(
            place, rules, "marketing", datetime(2026, 11, 18, hour, tzinfo=ZoneInfo(NY))
        ).ok
    ]
    assert allowed == list(range(11, 21))


def test_the_brand_narrows_the_law_and_cannot_widen_it() -> None:
    assert _next("+12125550100", "2026-11-18T08:30", NY, brand=FACTORY_WEEK).endswith(
        "T09:00 brand"
    )
    assert _next("+12125550100", "2026-11-18T23:30", NY, brand=ALWAYS) == (
        "2026-11-19T08:00 us_federal"
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # 2:30 does not exist on 8 March: the next minute that does is 3:00
        ("2026-03-08T06:59:30+00:00", "2026-03-08T07:00:00+00:00"),
        # 1:30 comes twice on 1 November: the first one
        ("2026-11-01T04:00:00+00:00", "2026-11-01T05:30:00+00:00"),
    ],
)
def test_clock_changes(now: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.core.quiet_hours.legal_rows", lambda states, countries: ())
    window = (150, 210) if "03-08" in now else (90, 105)
    found = next_allowed(
        ZoneSet((NY,), (), (), ("US",), known=True),
        QuietRules(brand=(window,) * 7, version=99),
        "marketing",
        datetime.fromisoformat(now),
    )
    assert found.at == datetime.fromisoformat(expected)


def test_a_week_that_never_meets_the_law_says_never() -> None:
    sunday_only: Week = (None,) * 6 + ((540, 1200),)
    place = candidates(ZoneInput(phone="+14125550100"))
    found = next_allowed(
        place, QuietRules(brand=sunday_only), "marketing", datetime(2026, 11, 18, tzinfo=UTC)
    )
    assert (found.ok, found.at, found.rule) == (False, None, "no_common_hours")


def test_no_place_at_all_is_never_guessed_for_marketing() -> None:
    nowhere = candidates(ZoneInput())
    rules = QuietRules(tenant_zone="America/Los_Angeles")
    noon = datetime(2026, 11, 18, 20, tzinfo=UTC)
    assert next_allowed(nowhere, rules, "marketing", noon).rule == "no_time_zone"
    assert next_allowed(nowhere, rules, "transactional", noon).ok


def test_the_verdict_says_who_closed_the_window() -> None:
    at = datetime(2026, 11, 19, 1, 43, tzinfo=UTC)
    found = next_allowed(
        candidates(ZoneInput(phone="+13055550100")), QuietRules(version=3), "marketing", at
    )
    assert (found.rule, found.zone) == ("state:FL", NY)
    assert found.detail == "Wed 20:43 in New York; Florida allows 08:00 to 20:00."
    assert found.rules_version == "2026-11-21/3"


def test_every_state_row_is_in_force() -> None:
    for state, entry in STATES.items():
        (row,) = [row for row in legal_rows((state,), ()) if row.rule == f"state:{state}"]
        assert row.name
        assert row.cite == entry["cite"]
    assert len(STATES) == 51


@given(st.uuids(version=4), st.text(max_size=20))
def test_jitter_is_stable_and_below_twenty_minutes(contact_id: UUID, key: str) -> None:
    assert 0 <= jitter_seconds(contact_id, key) < 1200
    assert jitter_seconds(contact_id, key) == jitter_seconds(contact_id, key)


def test_jitter_spreads() -> None:
    found = {jitter_seconds(UUID(int=number), "k") // 60 for number in range(400)}
    assert found == set(range(20))
