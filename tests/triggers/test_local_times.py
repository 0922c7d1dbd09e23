"""One wall-clock time at everybody: over the days on which clocks change, each once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from consent.core.zones import ZoneInput
from tenancy.clock import advance_clock
from tenancy.partitions import ensure_partitions
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.campaigning import (
    call,
    campaign_of,
    change,
    launch,
    next_due,
    people,
    walk,
)
from tests.triggers.scene import Scene
from triggers.core.local_times import (
    first_instant,
    instant_of,
    last_instant,
    local_instant,
    read_wall_time,
    write_wall_time,
    zones_of,
)
from triggers.domain.fanning import fan_out
from triggers.models import FlowRun

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/St_Johns",
    "Australia/Lord_Howe",  # half an hour
    "Europe/London",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Asia/Kathmandu",
)
# Around every change of clocks of these zones in a year, and days without one.
CHANGES = [
    read_wall_time(f"{day}T00:00")
    for day in (
        "2026-03-08", "2026-11-01",  # the US
        "2026-03-29", "2026-10-25",  # Europe
        "2026-04-05", "2026-10-04",  # Australia
        "2026-02-15", "2026-03-22",  # Morocco
        "2026-07-04",
    )
]  # fmt: skip
DAYS = st.sampled_from(CHANGES)
WALLS = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes), DAYS, st.integers(-300, 1500)
)


def check_instant(wall: datetime, zone: str) -> None:
    """Against a walk over all minutes before it."""
    found = instant_of(wall, zone)
    place = ZoneInfo(zone)

    def shows(moment: datetime) -> datetime:
        return moment.astimezone(place).replace(tzinfo=None)

    assert shows(found) >= wall
    assert shows(found) - wall <= timedelta(hours=1)
    # No minute of the three hours before had come so far.
    moment = found - timedelta(hours=3)
    while moment < found:
        assert shows(moment) < wall, (zone, moment)
        moment += timedelta(minutes=1)


@given(wall=WALLS, zone=st.sampled_from(ZONES))
def test_it_is_the_first_minute_that_shows_the_time_or_the_next_valid_one(
    wall: datetime, zone: str
) -> None:
    check_instant(wall, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_the_same_for_every_quarter_of_an_hour_of_the_nights_of_change(zone: str) -> None:
    for day in CHANGES:
        for minutes in range(0, 4 * 60, 15):
            check_instant(day + timedelta(minutes=minutes), zone)


@given(wall=WALLS, zones=st.sets(st.sampled_from(ZONES), max_size=4))
def test_with_several_candidates_it_is_never_early_in_any(wall: datetime, zones: set[str]) -> None:
    found = local_instant(wall, zones, "America/Los_Angeles")
    for zone in zones or {"America/Los_Angeles"}:
        assert found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= wall
    assert first_instant(wall) <= found <= last_instant(wall)


def test_whose_word_counts() -> None:
    assert zones_of(ZoneInput(phone="+12125550101")) == ("America/New_York",)
    explicit = ZoneInput(phone="+12125550101", timezone="Europe/London")
    assert zones_of(explicit) == ("Europe/London",)
    assert len(zones_of(ZoneInput(phone="+18505550101"))) == 2  # the Florida panhandle
    assert zones_of(ZoneInput(phone="+18005550101")) == ()  # toll-free: anywhere
    assert zones_of(ZoneInput(phone="+12125550101", timezone="Mars/Olympus")) == (
        "America/New_York",
    )


@pytest.mark.parametrize(
    "text", ["", "2026-11-24", "2026-02-30T10:00", "0001-01-01T10:00", "2026-11-24T10:00Z", "x"]
)
def test_what_is_no_wall_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_wall_time(text)


def begin(at: datetime) -> None:
    """The business clock stands at `at`, and the months around it can hold events."""
    advance_clock(at)
    ensure_partitions(at - timedelta(days=31), at + timedelta(days=31))


def test_each_contact_at_its_own_clock_over_the_spring_change(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    """Sunday 14 March 2027: clocks in the US have moved at two in the morning; Phoenix has none."""
    begin(datetime(2027, 3, 13, 18, tzinfo=UTC))
    wall = read_wall_time("2027-03-14T13:00")
    new_york, los_angeles, phoenix = (people(scene, 2, area=one) for one in ("212", "310", "602"))
    [panhandle] = people(scene, 1, area="850")
    [tollfree] = people(scene, 1, area="800")
    [moved] = people(scene, 1, area="310")
    change(scene, moved, timezone="America/Chicago")
    launch(client, scene.brand, timing="local", local_time=write_wall_time(wall))
    walk(scene, datetime(2027, 3, 15, 18, tzinfo=UTC))
    expected = {
        scene.people["maya"]: "America/New_York",
        **dict.fromkeys(new_york, "America/New_York"),
        **dict.fromkeys(los_angeles, "America/Los_Angeles"),
        **dict.fromkeys(phoenix, "America/Phoenix"),
        panhandle: "America/Chicago",  # Eastern or Central: when it is one in both
        tollfree: "America/Los_Angeles",  # the workspace's
        moved: "America/Chicago",
    }
    runs = {run.contact_id: run for run in scene.runs()}
    assert set(runs) == set(expected)
    for contact_id, zone in expected.items():
        clock = runs[contact_id].entered_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert timedelta(0) <= clock - wall < timedelta(minutes=2), zone
    assert Counter(text["to"] for text in carrier.messages()) == dict.fromkeys(
        (text["to"] for text in carrier.messages()), 1
    )
    assert len(carrier.messages()) == len(expected)
    # One in Chicago by its own word, with a number of Los Angeles, where the Sunday is not open yet.
    waited = {m.contact_id for m in scene.messages() if m.waited_for == "quiet_hours"}
    assert waited == {moved}
    assert campaign_of(scene).status == "sent"


@pytest.mark.parametrize(
    "day",
    [
        "2027-03-14T02:30",  # left out in the US
        "2027-11-07T01:30",  # twice in the US
        "2027-03-28T01:30",  # left out in Britain
        "2027-10-03T02:10",  # left out on Lord Howe Island, by half an hour
    ],
)
def test_nobody_is_left_out_or_comes_twice_when_clocks_change(
    scene: Scene, client: Client, day: str
) -> None:
    wall = read_wall_time(day)
    begin(wall.replace(tzinfo=UTC) - timedelta(days=2))
    for zone in ZONES:
        [one] = people(scene, 1)
        change(scene, one, timezone=zone)
    launch(client, scene.brand, timing="local", local_time=write_wall_time(wall))
    entered: dict[object, datetime] = {}
    at = scene.now
    for _ in range(60):
        while fan_out(scene.id, now=at, limit=4):
            pass
        with tenant_scope(scene.id):
            for run in FlowRun.objects.exclude(contact_id__in=entered):
                entered[run.contact_id] = at
        scene.now = at
        due = next_due(scene)
        if due is None or due > wall.replace(tzinfo=UTC) + timedelta(days=2):
            break
        at = due
    assert len(entered) == len(ZONES) + 1
    by_name = {scene.people[f"p{1 + index}"]: zone for index, zone in enumerate(ZONES)}
    for contact_id, zone in by_name.items():
        assert entered[contact_id] == instant_of(wall, zone), zone


def test_a_time_that_is_past_everywhere_is_refused_and_one_past_here_goes_at_once(
    scene: Scene, client: Client
) -> None:
    advance_clock(scene.now)
    gone = write_wall_time(scene.now.replace(tzinfo=None) - timedelta(days=1))
    status, made = call(
        client,
        scene.brand,
        "post",
        "campaigns",
        {
            "name": "Late",
            "audience": "everybody",
            "body": "Hi",
            "timing": "local",
            "local_time": gone,
        },
    )
    assert status == 201
    status, problem = call(client, scene.brand, "post", f"campaigns/{made['id']}/launch")
    assert [error["field"] for error in problem["errors"]] == ["local_time"]
    here = write_wall_time(scene.now.replace(tzinfo=None) - timedelta(hours=6))  # noon in New York
    launch(client, scene.brand, timing="local", local_time=here)
    walk(scene, scene.now + timedelta(minutes=5))
    assert len(scene.runs()) == 1
