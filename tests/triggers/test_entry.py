from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.triggers.shapes import CART, T0, event, plan_of
from triggers.core.entry import (
    Candidate,
    RunBrief,
    Trigger,
    Verdict,
    entry_key_of,
    judge_candidates,
    judge_triggers,
)
from triggers.core.thresholds import Level

PUBLISHED = T0 - timedelta(days=9)
LOYALTY: dict[str, Any] = {
    "trigger": {
        "type": "event",
        "event": "Loyalty Balance Changed",
        "crosses": {
            "property": "balance",
            "threshold": 10,
            "direction": "up",
            "previous_property": "previous_balance",
        },
    },
    "steps": [{"key": "text", "type": "message", "template": "loyalty"}],
}


def balance(value: Any, at: datetime = T0, **more: Any) -> Trigger:
    properties = {"balance": value, "currency": "USD", **more}
    return Trigger(event("Loyalty Balance Changed", at, **properties), at, uuid4(), "maya")


def judge(
    raw: dict[str, Any], *triggers: Trigger, level: Level | None = None, now: datetime = T0
) -> Any:
    levels = {"maya": level} if level else {}
    return judge_triggers(plan_of(raw), triggers, levels, published_at=PUBLISHED, now=now)


def refusal(raw: dict[str, Any], trigger: Trigger, **given: Any) -> tuple[str, str]:
    passed, refused, _ = judge(raw, trigger, **given)
    assert not passed
    return refused[0].reason, refused[0].detail["text"]


def test_the_first_balance_over_the_threshold_enters_and_the_second_says_why_not() -> None:
    passed, _, levels = judge(LOYALTY, balance(15))
    assert len(passed) == 1
    again = balance(15, T0 + timedelta(seconds=5))
    reason, text = refusal(LOYALTY, again, level=levels["maya"])
    assert (reason, text) == ("not_crossed", "the balance did not cross $10, it was $15")


@pytest.mark.parametrize(
    ("value", "more", "reason", "text"),
    [
        (5, {}, "below_threshold", "the balance did not reach $10, it is $5"),
        (9.5, {}, "below_threshold", "the balance did not reach $10, it is $9.50"),
        (None, {}, "no_value", "the event has no balance"),
        ("a lot", {}, "no_value", "the event has no balance"),
        (True, {}, "no_value", "the event has no balance"),
        (15, {"previous_balance": 12}, "not_crossed", "the balance did not cross $10, it was $12"),
        (15, {"previous_balance": 10}, "not_crossed", "the balance did not cross $10, it was $10"),
        (
            15,
            {"previous_balance": 11, "currency": None},
            "not_crossed",
            "the balance did not cross 10, it was 11",
        ),
    ],
)
def test_a_threshold_that_was_not_crossed_is_explained(
    value: Any, more: dict[str, Any], reason: str, text: str
) -> None:
    assert refusal(LOYALTY, balance(value, **more)) == (reason, text)


@pytest.mark.parametrize("more", [{}, {"previous_balance": 5}, {"previous_balance": 9.99}])
def test_crossing_from_below_or_from_nothing_enters(more: dict[str, Any]) -> None:
    assert len(judge(LOYALTY, balance(10, **more))[0]) == 1


def test_two_balances_in_one_set_are_two_steps() -> None:
    minute = timedelta(minutes=1)
    up, more = balance(12, T0 - 4 * minute), balance(14, T0 - 3 * minute)
    down, up_again = balance(4, T0 - 2 * minute), balance(11, T0 - minute)
    passed, refused, levels = judge(LOYALTY, up_again, more, down, up)
    assert [one.event.properties["balance"] for one in passed] == [12, 11]
    assert {one.reason for one in refused} == {"not_crossed", "below_threshold"}
    assert levels["maya"].value == 11


def test_hysteresis_keeps_a_wobble_from_firing_twice() -> None:
    raw = {
        **LOYALTY,
        "trigger": {
            **LOYALTY["trigger"],
            "crosses": {"property": "balance", "threshold": 10, "hysteresis": 3},
        },
    }
    level = Level(12, False, T0 - timedelta(hours=9))
    _, _, levels = judge(raw, balance(8), level=level)
    assert levels["maya"].armed is False
    assert refusal(raw, balance(11), level=levels["maya"])[0] == "not_crossed"
    _, _, levels = judge(raw, balance(6), level=level)
    assert levels["maya"].armed is True
    assert len(judge(raw, balance(11), level=levels["maya"])[0]) == 1


def test_a_threshold_downward() -> None:
    raw = {
        **LOYALTY,
        "trigger": {
            **LOYALTY["trigger"],
            "crosses": {"property": "balance", "threshold": 3, "direction": "down"},
        },
    }
    level = Level(7, True, T0 - timedelta(hours=9))
    assert len(judge(raw, balance(2), level=level)[0]) == 1
    assert refusal(raw, balance(5), level=level)[1] == "the balance did not fall to $3, it is $5"


def test_an_older_balance_that_arrives_late_crosses_nothing() -> None:
    level = Level(4, True, T0)
    assert refusal(LOYALTY, balance(15, T0 - timedelta(hours=1)), level=level)[0] == "out_of_date"


def checkout(at: datetime = T0, **given: Any) -> Trigger:
    more = {key: given.pop(key) for key in ("backfill", "depth", "known_at") if key in given}
    contact = given.pop("contact_id", uuid4())
    return Trigger(
        event("Checkout Started", at, **given), more.pop("known_at", at), contact, **more
    )


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        (checkout(backfill=True), "backfill"),
        (checkout(depth=5), "loop"),
        (checkout(known_at=PUBLISHED - timedelta(seconds=1)), "before_publish"),
        (checkout(T0 - timedelta(hours=24, seconds=1)), "too_old"),
        (checkout(value=5), "filter"),
        (checkout(), "filter"),
        (checkout(value=50, contact_id=None), "no_contact"),
    ],
)
def test_what_starts_no_run_has_a_reason(trigger: Trigger, reason: str) -> None:
    raw = {
        **CART,
        "trigger": {
            "type": "event",
            "event": "Checkout Started",
            "filter": {"property": "value", "op": "gte", "value": 10},
        },
    }
    assert refusal(raw, trigger)[0] == reason


def test_an_event_of_exactly_the_oldest_age_still_starts_a_run() -> None:
    assert len(judge(CART, checkout(T0 - timedelta(hours=24)))[0]) == 1


def enter(
    raw: dict[str, Any],
    *earlier: RunBrief,
    ending: Any = (),
    now: datetime = T0,
    trigger: Trigger | None = None,
    key: str = "",
) -> Verdict:
    trigger = trigger or checkout(now)
    assert trigger.contact_id is not None
    candidate = Candidate(trigger, trigger.contact_id, key)
    verdicts = judge_candidates(
        plan_of(raw),
        [candidate],
        {trigger.contact_id: earlier},
        {trigger.contact_id: ending},
        now,
    )
    return verdicts[0]


def mode(name: str, **more: Any) -> dict[str, Any]:
    return {**CART, "reentry": {"mode": name, **more}}


def earlier(
    hours_ago: float, *, ended: float | None = None, key: str = "", **more: Any
) -> RunBrief:
    ended_at = None if ended is None else T0 - timedelta(hours=ended)
    return RunBrief(uuid4(), key, T0 - timedelta(hours=hours_ago), ended_at, **more)


@pytest.mark.parametrize(
    ("reentry", "runs", "reason"),
    [
        ({"mode": "once"}, [], "entered"),
        ({"mode": "once"}, [earlier(9000, ended=8999)], "once"),
        ({"mode": "once"}, [earlier(9, ended=8, gave_up=True)], "entered"),
        ({"mode": "after_exit"}, [earlier(9)], "already_running"),
        ({"mode": "after_exit"}, [earlier(9, ended=1)], "entered"),
        ({"mode": "after_exit", "min_gap": "PT24H"}, [earlier(30, ended=23)], "min_gap"),
        ({"mode": "after_exit", "min_gap": "PT24H"}, [earlier(30, ended=24)], "entered"),
        ({"mode": "every", "min_gap": "PT24H"}, [earlier(23, ended=22)], "min_gap"),
        ({"mode": "every", "min_gap": "PT24H"}, [earlier(25, ended=1)], "entered"),
        ({"mode": "every", "min_gap": "PT24H"}, [earlier(25)], "already_running"),
        ({"mode": "parallel", "key": "cart_id"}, [earlier(9, key="b")], "entered"),
        ({"mode": "parallel", "key": "cart_id"}, [earlier(9, key="a")], "already_running"),
        ({"mode": "replace", "key": "cart_id"}, [earlier(9, key="a")], "entered"),
        (
            {"mode": "replace", "key": "cart_id"},
            [earlier(9, key="a", texts_sent=True)],
            "text_sent",
        ),
        (
            {"mode": "replace", "key": "cart_id", "min_gap": "PT24H"},
            [earlier(9, ended=2, key="a")],
            "min_gap",
        ),
    ],
)
def test_reentry_policies(reentry: dict[str, Any], runs: list[RunBrief], reason: str) -> None:
    verdict = enter({**CART, "reentry": reentry}, *runs, key="a" if reentry.get("key") else "")
    assert verdict.reason == reason
    if reentry["mode"] == "replace" and verdict.entered:
        assert verdict.replaces == runs[0].run_id


def test_the_same_contact_cannot_enter_the_same_flow_twice_within_60_seconds() -> None:
    raw = mode("parallel", key="cart_id")
    recent = RunBrief(uuid4(), "b", T0 - timedelta(seconds=59), T0 - timedelta(seconds=50))
    assert enter(raw, recent, key="a").reason == "too_soon"
    older = RunBrief(uuid4(), "b", T0 - timedelta(seconds=60), T0 - timedelta(seconds=50))
    assert enter(raw, older, key="a").entered


def test_an_order_at_or_after_the_checkout_keeps_the_run_from_opening() -> None:
    order = event("Order Completed", T0)
    verdict = enter(CART, ending=[order], key="c")
    assert (verdict.entered, verdict.reason) == (False, "already_exited")
    assert verdict.detail["text"] == "Order Completed came first"
    before = event("Order Completed", T0 - timedelta(seconds=1))
    assert enter(CART, ending=[before], key="c").entered


def test_of_two_candidates_in_one_set_the_second_sees_the_first() -> None:
    contact_id = uuid4()
    plan = plan_of()
    pair = [Candidate(checkout(T0, contact_id=contact_id), contact_id, "c") for _ in range(2)]
    verdicts = judge_candidates(plan, pair, {}, {}, T0)
    assert [one.reason for one in verdicts] == ["entered", "too_soon"]


def test_a_contact_may_ask_for_two_products() -> None:
    raw = {
        "trigger": {
            "type": "event",
            "event": "Product Inventory Changed",
            "audience": "back_in_stock_requests",
            "crosses": {"property": "stock", "threshold": 1},
        },
        "reentry": {"mode": "once"},
        "steps": LOYALTY["steps"],
    }
    contact_id = uuid4()
    one = Trigger(event("Product Inventory Changed", T0, stock=3), T0, None, "p1")
    two = [Candidate(one, contact_id, "request-1"), Candidate(one, contact_id, "request-2")]
    verdicts = judge_candidates(plan_of(raw), two, {}, {}, T0)
    assert [v.entered for v in verdicts] == [True, True]


def test_the_entry_key_is_a_property_of_the_event() -> None:
    assert entry_key_of(plan_of(), {"cart_id": 12}) == "12"
    assert entry_key_of(plan_of(), {}) == ""
    assert entry_key_of(plan_of(LOYALTY), {"cart_id": 12}) == ""
