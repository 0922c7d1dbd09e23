"""Caps: a greedy sender that trusts `check` never breaks a rule, judged by plain counting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.core.caps import (
    DAY,
    FACTORY,
    HOUR,
    CapRules,
    Limit,
    Slot,
    check,
    rules_for_tier,
    rules_from_json,
    rules_to_json,
)

START = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
FLOWS = ("cart", "stock", "loyalty", "")


def slot(hours: float, *, flow: str = "cart", run: int = 1, **kw: bool) -> Slot:
    return Slot(UUID(int=1), flow, UUID(int=run), START + timedelta(hours=hours), **kw)


def test_the_factory_preset() -> None:
    assert [(limit.seconds, limit.maximum) for limit in FACTORY.limits] == [
        (DAY, 2),
        (7 * DAY, 4),
        (30 * DAY, 10),
    ]
    assert FACTORY.min_gap_seconds == 12 * HOUR


@pytest.mark.parametrize(
    ("slots", "flow", "run", "rule", "free_after_hours"),
    [
        ([], "cart", 1, "", None),
        # steps of one run are spaced by their own delays; another flow keeps its distance
        ([slot(-5)], "cart", 1, "", None),
        ([slot(-5)], "cart", 2, "", None),
        ([slot(-5)], "stock", 3, "min_gap", 7),
        ([slot(-12)], "stock", 3, "", None),
        ([slot(-5, flow="")], "", None, "min_gap", 7),
        # two in 24 hours, a slot exactly 24 hours old has left
        ([slot(-20), slot(-2)], "cart", 1, "per_day", 4),
        ([slot(-24), slot(-2)], "cart", 1, "", None),
        ([slot(-160), slot(-120), slot(-90), slot(-50)], "cart", 1, "per_week", 8),
        # what was refunded counts for nothing
        ([slot(-20, counts_brand=False), slot(-2)], "cart", 1, "", None),
        ([slot(-5, counts_brand=False)], "stock", 3, "", None),
    ],
)
def test_factory_rules(
    slots: list[Slot], flow: str, run: int | None, rule: str, free_after_hours: float | None
) -> None:
    verdict = check(
        FACTORY, slots, at=START, source_key=flow, run_id=UUID(int=run) if run else None
    )
    assert verdict.rule == rule
    assert verdict.ok is (rule == "")
    wanted = START + timedelta(hours=free_after_hours) if free_after_hours else None
    assert verdict.next_at == wanted


def test_the_law_counts_what_the_brand_got_back() -> None:
    rules = CapRules((Limit("per_day", DAY, 50),), 0, legal_maximum=3)
    taken = [slot(-3, counts_brand=False), slot(-2), slot(-1)]
    verdict = check(rules, taken, at=START, source_key="cart", run_id=None)
    assert (verdict.rule, verdict.next_at) == ("legal_per_day", START + timedelta(hours=21))
    never_taken = [slot(-3, counts_brand=False, counts_legal=False), slot(-2), slot(-1)]
    assert check(rules, never_taken, at=START, source_key="cart", run_id=None).ok


def test_zero_means_never() -> None:
    rules = CapRules((Limit("per_day", DAY, 0),), 0)
    verdict = check(rules, [], at=START, source_key="cart", run_id=None)
    assert (verdict.ok, verdict.next_at) == (False, None)


def test_tiers() -> None:
    assert [limit.maximum for limit in rules_for_tier(FACTORY, "hot").limits] == [2, 5, 12]
    cold = rules_for_tier(FACTORY, "cold")
    verdict = check(cold, [slot(-24 * 10)], at=START, source_key="cart", run_id=UUID(int=1))
    assert (verdict.rule, verdict.next_at) == ("per_two_weeks", START + timedelta(days=4))
    assert rules_for_tier(FACTORY, "normal") == FACTORY


def test_stored_rules_come_back() -> None:
    assert rules_from_json(rules_to_json(FACTORY)) == FACTORY


rules_strategy = st.builds(
    CapRules,
    limits=st.lists(
        st.builds(Limit, st.just("limit"), st.integers(HOUR, 5 * DAY), st.integers(1, 4)),
        max_size=3,
    ).map(tuple),
    min_gap_seconds=st.integers(0, 2 * DAY),
    legal_maximum=st.one_of(st.none(), st.integers(1, 3)),
)
wishes = st.lists(
    st.tuples(st.integers(0, 6 * HOUR), st.sampled_from(FLOWS), st.integers(1, 3)), max_size=40
)


@settings(max_examples=200)
@given(rules=rules_strategy, wishes=wishes)
def test_a_sender_that_asks_never_exceeds_a_cap(
    rules: CapRules, wishes: list[tuple[int, str, int]]
) -> None:
    now = START
    sent: list[Slot] = []
    for wait, flow, run in wishes:
        now += timedelta(seconds=wait)
        verdict = check(rules, sent, at=now, source_key=flow, run_id=UUID(int=run))
        if verdict.ok:
            sent.append(Slot(UUID(int=len(sent)), flow, UUID(int=run), now))
            continue
        assert verdict.next_at is not None
        assert verdict.next_at > now
        again = check(rules, sent, at=verdict.next_at, source_key=flow, run_id=UUID(int=run))
        assert again.ok
        before = verdict.next_at - timedelta(microseconds=1)
        assert not check(rules, sent, at=before, source_key=flow, run_id=UUID(int=run)).ok
    limits = [(limit.seconds, limit.maximum) for limit in rules.limits]
    if rules.legal_maximum:
        limits.append((DAY, rules.legal_maximum))
    for seconds, maximum in limits:
        for end in sent:
            inside = [s for s in sent if timedelta() <= end.at - s.at < timedelta(seconds=seconds)]
            assert len(inside) <= maximum
    for index, later in enumerate(sent):
        for earlier in sent[:index]:
            same = later.run_id == earlier.run_id or (later.source_key == earlier.source_key != "")
            gap = (later.at - earlier.at).total_seconds()
            assert same or gap >= rules.min_gap_seconds
