"""Whatever the hour, the place and the past: no marketing text outside the window in any candidate
zone, after an opt-out, or above a cap. Judged by an oracle that shares no code with the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.core.caps import FACTORY, Slot
from consent.core.quiet_hours import QuietRules
from consent.core.zones import ZoneInput, candidates
from delivery.core.facts import (
    ConsentView,
    ContactView,
    Facts,
    GateIntent,
    SenderView,
    TextView,
)
from delivery.core.gate import Verdict, gate
from delivery.core.intents import SendIntent
from tenancy.ids import new_id

SENDER = SenderView(
    new_id(), new_id(), "+12025550100", True, "", None, "", frozenset(), 1.0, 1000.0
)
AREAS = ["212", "310", "312", "303", "907", "808", "850", "541", "208", "602", "418", "787", "800"]
# The days around both changes of the clock, and an ordinary week.
DAYS = [
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),
]
STATUSES = ["subscribed", "unsubscribed", "pending", "never_subscribed"]

moments = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(DAYS),
    st.integers(0, 4 * 24 * 60),
)
histories = st.lists(st.tuples(st.integers(0, 32 * 24 * 60), st.booleans()), max_size=14)


def judge(
    at: datetime, areas: list[str], status: str, history: list[tuple[int, bool]], count: int
) -> tuple[dict[str, Verdict], ConsentView]:
    contact = new_id()
    zone_set = candidates(ZoneInput(phone=f"+1{areas[0]}5550123"))
    for area in areas[1:]:
        more = candidates(ZoneInput(phone=f"+1{area}5550123"))
        zone_set = type(zone_set)(
            zones=tuple(sorted({*zone_set.zones, *more.zones})),
            states=tuple(sorted({*zone_set.states, *more.states})),
            sources=(*zone_set.sources, *more.sources),
            countries=tuple(sorted({*zone_set.countries, *more.countries})),
            known=zone_set.known and more.known,
        )
    slots = tuple(
        Slot(new_id(), "flow-1" if same else "flow-2", None, at - timedelta(minutes=ago))
        for ago, same in history
    )
    view = ConsentView(
        {"marketing": status, "transactional": status, "conversational": status},
        None, False, zone_set, QuietRules(), FACTORY, slots,
    )  # fmt: skip
    items = [
        GateIntent(
            SendIntent(f"k{index}", contact, None, "marketing", "system", source_key="flow-1"),
            new_id(),
            at,
            at + timedelta(hours=24),
        )
        for index in range(count)
    ]
    facts = Facts(
        True,
        [SENDER],
        {contact: ContactView(False, "+12125550123", "")},
        {contact: view},
        {},
        {},
        {},
    )
    texts = {item.key: TextView("Hi", "GSM-7", 1) for item in items}
    return gate(items, facts, now=at, render=lambda asked: texts), view


@settings(max_examples=400, deadline=None)
@given(
    moments,
    st.lists(st.sampled_from(AREAS), min_size=1, max_size=2),
    st.sampled_from(STATUSES),
    histories,
    st.integers(1, 4),
)
def test_a_marketing_text_only_goes_where_law_person_and_cap_allow_it(
    at: datetime, areas: list[str], status: str, history: list[tuple[int, bool]], count: int
) -> None:
    verdicts, view = judge(at, areas, status, history, count)
    queued = [v for v in verdicts.values() if v.status == "queued"]
    for verdict in verdicts.values():
        assert bool(verdict.reason) is (verdict.status != "queued")
        assert [check.ok for check in verdict.checks[:-1]] == [True] * (len(verdict.checks) - 1)
        if verdict.status == "scheduled":
            assert verdict.due_at is not None
            assert at < verdict.due_at < at + timedelta(hours=24)
            assert open_everywhere(verdict.due_at, view)
    if not queued:
        return
    assert status == "subscribed"
    assert open_everywhere(at, view)
    assert open_everywhere(at + timedelta(seconds=119), view)
    past = [at - timedelta(minutes=ago) for ago, _ in history]
    for days, most in ((1, 2), (7, 4), (30, 10)):
        used = sum(when > at - timedelta(days=days) for when in past)
        assert used + len(queued) <= most
    others = [ago for ago, same in history if not same]
    assert all(ago >= 12 * 60 for ago in others)


def open_everywhere(at: datetime, view: ConsentView) -> bool:
    """Monday to Saturday 9 to 20, Sunday 12 to 20, on every candidate's own wall clock."""
    assert view.zones.zones
    for zone in view.zones.zones:
        local = at.astimezone(ZoneInfo(zone))
        opens = 12 if local.weekday() == 6 else 9
        if not opens <= local.hour < 20:
            return False
    return True
