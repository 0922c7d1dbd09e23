"""Whatever the events and their order: exits win, nothing is sent after one, delays are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.triggers.shapes import T0, event, plan_of, run_at
from triggers.core.durations import parse_duration
from triggers.core.engine import advance_run
from triggers.core.plan import Plan
from triggers.core.state import (
    RUNNING,
    Happening,
    MessageOutcome,
    RunEffect,
    RunFacts,
    RunState,
)

TEXT = {"type": "message", "template": "t"}
BRANCHY = plan_of(
    steps=[
        {"key": "wait", "type": "delay", "for": "PT1H"},
        {**TEXT, "key": "one"},
        {
            "key": "look",
            "type": "wait_for_event",
            "event": "Product Viewed",
            "timeout": "PT3H",
            "then": [{**TEXT, "key": "two"}],
            "else": [
                {
                    "key": "split",
                    "type": "split",
                    "if": {"step": "one", "outcome": "sent"},
                    "then": [{"key": "day", "type": "delay", "for": "P1D"}],
                    "else": [],
                }
            ],
        },
        {**TEXT, "key": "three"},
    ]
)
NAMES = ("Order Completed", "Product Viewed", "SMS Replied", "Cart Viewed")
moments = st.integers(min_value=-120, max_value=60 * 60).map(lambda m: T0 + timedelta(minutes=m))
stories = st.lists(st.tuples(st.sampled_from(NAMES), moments), max_size=8)
outcomes = st.lists(st.sampled_from(["sent", "skipped", "failed"]), min_size=3, max_size=3)
lags = st.lists(st.integers(min_value=0, max_value=900), min_size=3, max_size=3)


class Life:
    """Drives one run to its end the way ticks and reactions do, a due instant at a time."""

    def __init__(
        self, plan: Plan, events: Sequence[Happening], ends: Sequence[str], late: Sequence[int]
    ) -> None:
        self.plan, self.events, self.ends, self.late = plan, events, list(ends), list(late)
        self.asked: list[tuple[str, datetime]] = []
        self.sent: list[tuple[str, datetime]] = []
        self.run = run_at(plan)
        self.ended: RunEffect | None = None

    def play(self) -> Life:
        now, message = T0, None
        for _ in range(200):
            known = tuple(e for e in self.events if e.occurred_at <= now)
            effect = advance_run(self.plan, self.run, RunFacts(events=known, message=message), now)
            message = None
            if effect is not None:
                self.run = effect.after
                if effect.message is not None:
                    self.asked.append((effect.message.key, now))
                    key, self.run = effect.message.key, replace(self.run, message_id=uuid4())
                    at = now + timedelta(minutes=self.late[len(self.sent) % 3])
                    outcome = self.ends[len(self.asked) % 3]
                    if outcome == "sent":
                        self.sent.append((key, at))
                    message = MessageOutcome(self._message_id(), outcome, at)
                if effect.after.state not in RUNNING:
                    self.ended = effect
                    return self
            following = self._next(now, message)
            if following is None:
                return self
            now = following
        raise AssertionError("the run never came to rest")

    def _message_id(self) -> UUID:
        assert self.run.message_id is not None
        return self.run.message_id

    def _next(self, now: datetime, message: MessageOutcome | None) -> datetime | None:
        if message is not None:
            return max(now, message.at)
        times = [e.occurred_at for e in self.events if e.occurred_at > now]
        if self.run.due_at is not None:
            times.append(max(self.run.due_at, now))
        return min(times, default=None)


def events_of(story: Sequence[tuple[str, datetime]]) -> list[Happening]:
    found = [event(name, at, body="hello") for name, at in story]
    return sorted(found, key=lambda e: (e.occurred_at, e.id))


@given(stories, outcomes, lags)
def test_no_message_is_asked_for_at_or_after_an_exit(
    story: list[tuple[str, datetime]], ends: list[str], late: list[int]
) -> None:
    life = Life(BRANCHY, events_of(story), ends, late).play()
    orders = [at for name, at in story if name == "Order Completed" and at >= T0]
    if orders:
        assert all(at < min(orders) for _, at in life.asked)
    if life.ended is not None and life.ended.exit_reason.startswith("exit:"):
        assert orders


@given(stories, outcomes, lags)
def test_every_run_comes_to_an_end_and_no_step_is_asked_twice(
    story: list[tuple[str, datetime]], ends: list[str], late: list[int]
) -> None:
    life = Life(BRANCHY, events_of(story), ends, late).play()
    assert life.ended is not None
    assert life.run.due_at is None
    keys = [key for key, _ in life.asked]
    assert len(keys) == len(set(keys))


@given(outcomes, lags)
def test_a_delay_counts_from_the_actual_send(ends: list[str], late: list[int]) -> None:
    plan = plan_of(
        exit=[],
        steps=[
            {**TEXT, "key": "a"},
            {"key": "wait", "type": "delay", "for": "PT6H"},
            {**TEXT, "key": "b"},
        ],
    )
    life = Life(plan, [], ["sent"] * 3, late).play()
    (_, first), (_, second) = life.sent
    asked = dict(life.asked)
    assert asked["b"] == first + timedelta(hours=6)
    assert second >= asked["b"]
    assert ends  # drawn to vary the lags with


@given(stories)
def test_the_order_in_which_a_set_lists_its_events_does_not_matter(
    story: list[tuple[str, datetime]],
) -> None:
    events = events_of(story)
    run = RunState(
        run_id=uuid4(),
        contact_id=uuid4(),
        state="waiting_event",
        step_key="look",
        triggered_at=T0,
        anchor_at=T0,
        due_at=T0 + timedelta(hours=3),
    )
    now = T0 + timedelta(hours=2)
    one = advance_run(BRANCHY, run, RunFacts(events=tuple(events)), now)
    again = advance_run(BRANCHY, run, RunFacts(events=tuple(events)), now)
    assert one == again


zones = st.sampled_from(
    ["America/New_York", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata"]
)
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 (the strategy wants naive bounds)
    max_value=datetime(2028, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(zones, instants, st.integers(min_value=1, max_value=30))
def test_calendar_days_keep_the_wall_clock_and_hours_keep_the_stop_watch(
    zone: str, start: datetime, days: int
) -> None:
    later = parse_duration(f"P{days}D").after(start, zone)
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    shown = later.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert (shown.date() - wall.date()).days == days or shown.date() > wall.date()
    assert abs(shown - wall - timedelta(days=days)) <= timedelta(hours=1)
    assert abs(later - start - timedelta(days=days)) <= timedelta(hours=2)
    assert parse_duration(f"PT{days}H").after(start, zone) == start + timedelta(hours=days)
