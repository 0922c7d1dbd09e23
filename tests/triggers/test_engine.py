from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.triggers.shapes import CART, HOUR, T0, event, plan_of, run_at, sent, steps
from triggers.core.engine import advance_run, step
from triggers.core.plan import Plan
from triggers.core.state import MessageOutcome, RunEffect, RunFacts, RunState

DELAY = {"key": "wait", "type": "delay", "for": "PT1H"}
TEXT = {"key": "text", "type": "message", "template": "hello"}


def go(plan: Plan, run: RunState, facts: RunFacts | None = None, at: Any = T0) -> RunEffect:
    effect = advance_run(plan, run, facts or RunFacts(), at)
    assert effect is not None
    return effect


def test_a_run_waits_at_its_first_delay_until_it_is_over() -> None:
    plan = plan_of()
    effect = go(plan, run_at(plan))
    assert (effect.after.state, effect.after.step_key) == ("active", "wait_1h")
    assert effect.after.due_at == T0 + HOUR
    assert effect.message is None
    assert advance_run(plan, effect.after, RunFacts(), T0 + HOUR - timedelta(seconds=1)) is None


def test_the_message_is_handed_out_when_the_delay_is_over_and_only_once() -> None:
    plan = plan_of()
    waiting = go(plan, run_at(plan)).after
    effect = go(plan, waiting, at=T0 + HOUR)
    assert effect.message is not None
    assert effect.message.template == "cart-1"
    assert effect.after.state == "waiting_message"
    assert effect.after.due_at is None
    assert [(one.step_key, one.outcome) for one in effect.left] == [("wait_1h", "elapsed")]
    assert advance_run(plan, effect.after, RunFacts(), T0 + 9 * HOUR) is None


def test_following_delays_count_from_the_actual_send() -> None:
    plan = plan_of()
    message_id = uuid4()
    run = run_at(plan, "text_1", state="waiting_message", message_id=message_id, waiting={})
    next_morning = T0 + 14 * HOUR
    effect = go(plan, run, sent(message_id, next_morning), at=next_morning + HOUR)
    assert effect.after.step_key == "wait_6h"
    assert effect.after.due_at == next_morning + 6 * HOUR
    assert effect.after.outcomes == {"text_1": "sent"}


def test_the_outcome_of_another_message_moves_nothing() -> None:
    plan = plan_of()
    run = run_at(plan, "text_1", state="waiting_message", message_id=uuid4(), waiting={})
    assert advance_run(plan, run, sent(uuid4(), T0), T0) is None


def test_a_late_tick_does_not_shift_chained_delays() -> None:
    plan = steps({**DELAY, "key": "a"}, {**DELAY, "key": "b"}, TEXT)
    run = go(plan, run_at(plan)).after
    effect = go(plan, run, at=T0 + timedelta(minutes=100))
    assert effect.after.step_key == "b"
    assert effect.after.due_at == T0 + 2 * HOUR


@pytest.mark.parametrize(
    ("on_skip", "state", "reason"),
    [("advance", "finished", "completed"), ("exit", "exited", "skipped:quiet_hours")],
)
def test_a_skipped_message_advances_or_exits_as_the_step_says(
    on_skip: str, state: str, reason: str
) -> None:
    plan = steps({**TEXT, "on_skip": on_skip})
    message_id = uuid4()
    run = run_at(plan, state="waiting_message", message_id=message_id, waiting={})
    facts = RunFacts(message=MessageOutcome(message_id, "skipped", T0, "quiet_hours"))
    effect = go(plan, run, facts)
    assert (effect.after.state, effect.exit_reason) == (state, reason)
    assert effect.after.outcomes == {"text": "skipped:quiet_hours"}


def test_an_exit_wins_over_everything_in_the_same_set() -> None:
    plan = plan_of()
    message_id = uuid4()
    run = run_at(plan, "text_1", state="waiting_message", message_id=message_id, waiting={})
    order = event("Order Completed", T0)
    effect = go(plan, run, replace(sent(message_id, T0), events=(order,)))
    assert effect.after.state == "exited"
    assert effect.exit_reason == "exit:Order Completed"
    assert effect.exit_event_id == order.id
    assert effect.message is None


def test_an_exit_before_the_trigger_does_not_count_and_at_it_does() -> None:
    plan = plan_of()
    before = event("Order Completed", T0 - timedelta(microseconds=1))
    assert go(plan, run_at(plan), RunFacts(events=(before,))).after.state == "active"
    at_it = event("Order Completed", T0)
    assert go(plan, run_at(plan), RunFacts(events=(at_it,))).after.state == "exited"


def test_the_trigger_event_itself_does_not_end_its_run() -> None:
    plan = plan_of(trigger={"type": "event", "event": "Order Completed"})
    order = event("Order Completed", T0)
    run = run_at(plan, trigger_event_id=order.id)
    assert go(plan, run, RunFacts(events=(order,))).after.state == "active"


def test_match_on_object_lets_another_cart_pass() -> None:
    plan = plan_of(exit=[{"event": "Order Completed", "match": "cart_id"}])
    run = run_at(plan, trigger={"cart_id": "c1"})
    other = event("Order Completed", T0, cart_id="c2")
    same = event("Order Completed", T0, cart_id="c1")
    assert go(plan, run, RunFacts(events=(other,))).after.state == "active"
    assert go(plan, run, RunFacts(events=(other, same))).after.state == "exited"


def test_an_exit_filter_is_asked() -> None:
    rule = {"event": "Order Completed", "filter": {"property": "total", "op": "gt", "value": 10}}
    plan = plan_of(exit=[rule])
    assert (
        go(plan, run_at(plan), RunFacts(events=(event("Order Completed", total=5),))).after.state
        == "active"
    )
    assert (
        go(plan, run_at(plan), RunFacts(events=(event("Order Completed", total=50),))).after.state
        == "exited"
    )


def test_a_goal_ends_the_run_as_a_goal() -> None:
    plan = plan_of(exit=[], goal={"event": "Order Completed"})
    effect = go(plan, run_at(plan), RunFacts(events=(event("Order Completed"),)))
    assert effect.exit_reason == "goal:Order Completed"


WAIT = {
    "key": "wait",
    "type": "wait_for_event",
    "event": "Product Viewed",
    "timeout": "PT6H",
    "then": [{"key": "yes", "type": "message", "template": "viewed"}],
    "else": [{"key": "no", "type": "message", "template": "not-viewed"}],
}


def test_wait_for_event_takes_then_when_it_happens() -> None:
    plan = steps(WAIT)
    waiting = go(plan, run_at(plan)).after
    assert (waiting.state, waiting.due_at) == ("waiting_event", T0 + 6 * HOUR)
    viewed = event("Product Viewed", T0 + HOUR)
    effect = go(plan, waiting, RunFacts(events=(viewed,)), at=T0 + HOUR)
    assert effect.message is not None
    assert effect.message.key == "yes"


def test_wait_for_event_takes_else_at_its_timeout_and_not_before() -> None:
    plan = steps(WAIT)
    waiting = go(plan, run_at(plan)).after
    assert advance_run(plan, waiting, RunFacts(), T0 + 5 * HOUR) is None
    effect = go(plan, waiting, at=T0 + 7 * HOUR)
    assert effect.message is not None
    assert effect.message.key == "no"
    assert effect.after.anchor_at == T0 + 6 * HOUR


def test_a_late_tick_still_takes_then_for_what_happened_in_time() -> None:
    plan = steps(WAIT)
    waiting = go(plan, run_at(plan)).after
    in_time = event("Product Viewed", T0 + 5 * HOUR)
    too_late = event("Product Viewed", T0 + 6 * HOUR + timedelta(seconds=1))
    effect = go(plan, waiting, RunFacts(events=(in_time,)), at=T0 + 8 * HOUR)
    assert effect.message is not None
    assert effect.message.key == "yes"
    effect = go(plan, waiting, RunFacts(events=(too_late,)), at=T0 + 8 * HOUR)
    assert effect.message is not None
    assert effect.message.key == "no"


def test_a_branch_flows_on_into_the_step_after_it() -> None:
    plan = steps({**WAIT, "then": [], "else": []}, TEXT)
    waiting = go(plan, run_at(plan)).after
    effect = go(plan, waiting, at=T0 + 7 * HOUR)
    assert effect.message is not None
    assert effect.message.key == "text"


def test_wait_for_reply_knows_its_keyword_and_never_a_stop() -> None:
    plan = steps(
        {
            "key": "ask",
            "type": "wait_for_reply",
            "keyword": "SIZE",
            "timeout": "P1D",
            "then": [TEXT],
            "else": [],
        }
    )
    waiting = go(plan, run_at(plan)).after
    for body in ("SHIPPING", "STOP", "hello"):
        reply = event("SMS Replied", T0 + HOUR, body=body)
        effect = advance_run(plan, waiting, RunFacts(events=(reply,)), T0 + HOUR)
        assert effect is None or effect.message is None
    effect = go(plan, waiting, RunFacts(events=(event("SMS Replied", T0 + HOUR, body="siez"),)))
    assert effect.message is not None


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ({"property": "value", "op": "gte", "value": 50}, "yes"),
        ({"property": "value", "op": "gte", "value": 500}, "no"),
        ({"property": "missing", "op": "gte", "value": 1}, "no"),
        ({"attribute": "city", "op": "is", "value": "Austin"}, "yes"),
        ({"attribute": "nope", "op": "is", "value": "Austin"}, "no"),
        ({"segment": "vip"}, "yes"),
        ({"segment": "other"}, "no"),
        ({"not": {"segment": "vip"}}, "no"),
        ({"all": [{"segment": "vip"}, {"property": "value", "op": "lt", "value": 60}]}, "yes"),
        ({"any": [{"segment": "other"}, {"segment": "vip"}]}, "yes"),
        ({"replied": False}, "yes"),
    ],
)
def test_split_reads_what_is_known_now(condition: dict[str, Any], key: str) -> None:
    plan = steps(
        {
            "key": "split",
            "type": "split",
            "if": condition,
            "then": [{"key": "yes", "type": "message", "template": "t"}],
            "else": [{"key": "no", "type": "message", "template": "t"}],
        }
    )
    run = run_at(plan, trigger={"value": 55})
    facts = RunFacts(attributes={"city": "Austin"}, segments=frozenset({"vip"}))
    effect = go(plan, run, facts)
    assert effect.message is not None
    assert effect.message.key == key


def test_split_on_the_outcome_of_an_earlier_message() -> None:
    plan = steps(
        TEXT,
        {
            "key": "split",
            "type": "split",
            "if": {"step": "text", "outcome": "skipped"},
            "then": [{"key": "out", "type": "exit"}],
            "else": [{"key": "again", "type": "message", "template": "t"}],
        },
    )
    message_id = uuid4()
    run = run_at(plan, "text", state="waiting_message", message_id=message_id, waiting={})
    skipped = RunFacts(message=MessageOutcome(message_id, "skipped", T0, "consent"))
    effect = go(plan, run, skipped)
    assert (effect.after.state, effect.exit_reason) == ("finished", "exit_step")
    assert go(plan, run, sent(message_id, T0)).message is not None


def test_a_second_cart_text_waits_for_a_reply_under_the_us_rule() -> None:
    plan = plan_of()
    message_id = uuid4()
    facts = RunFacts(one_text_per_cart=True)
    first = go(plan, run_at(plan, "text_1"), facts)
    assert first.message is not None
    run = replace(first.after, message_id=message_id)
    after_first = go(plan, run, replace(sent(message_id, T0 + HOUR), one_text_per_cart=True)).after
    gate = go(plan, after_first, facts, at=T0 + 7 * HOUR).after
    assert (gate.state, gate.step_key) == ("waiting_event", "text_2")
    assert gate.waiting == {"for": "reply", "why": "us_cart_rule"}
    assert gate.due_at == T0 + 48 * HOUR

    reply = event("SMS Replied", T0 + 8 * HOUR, body="is it warm?")
    answered = go(plan, gate, replace(facts, events=(reply,)), at=T0 + 8 * HOUR)
    assert answered.message is not None
    assert answered.message.key == "text_2"

    silent = go(plan, gate, facts, at=T0 + 48 * HOUR)
    assert silent.after.outcomes["text_2"] == "skipped:no_reply"
    assert silent.after.state == "finished"


def test_a_reply_before_the_second_text_opens_it_and_stop_does_not() -> None:
    plan = plan_of()
    facts = RunFacts(one_text_per_cart=True)
    waiting = run_at(plan, "wait_6h", outcomes={"text_1": "sent"}, due_at=T0 + 6 * HOUR, waiting={})
    noted = go(
        plan, waiting, replace(facts, events=(event("SMS Replied", T0 + HOUR, body="SIZE"),))
    )
    assert noted.after.replied_at == T0 + HOUR
    assert noted.after.step_key == "wait_6h"
    assert go(plan, noted.after, facts, at=T0 + 6 * HOUR).message is not None
    stop = event("SMS Replied", T0 + HOUR, body="STOP")
    assert advance_run(plan, waiting, replace(facts, events=(stop,)), T0 + HOUR) is None


def test_a_text_of_an_earlier_run_about_the_cart_counts_under_the_us_rule() -> None:
    plan = plan_of()
    facts = RunFacts(one_text_per_cart=True, texts_before=1)
    assert go(plan, run_at(plan, "text_1"), facts).after.waiting["why"] == "us_cart_rule"


def test_without_the_us_rule_the_second_text_just_goes() -> None:
    plan = plan_of()
    run = run_at(plan, "wait_6h", outcomes={"text_1": "sent"}, due_at=T0 + 6 * HOUR, waiting={})
    assert go(plan, run, at=T0 + 6 * HOUR).message is not None


def test_a_paused_flow_begins_no_message_and_goes_on_after_it() -> None:
    plan = steps(TEXT)
    held = go(plan, run_at(plan), RunFacts(held=True)).after
    assert (held.state, held.waiting) == ("active", {"door": True})
    assert go(plan, held).message is not None


def test_resume_may_pass_over_the_one_overdue_message() -> None:
    plan = steps(TEXT, {**TEXT, "key": "second"})
    run = run_at(plan, waiting={"door": True, "pass_message": "flow_paused"})
    effect = go(plan, run)
    assert effect.after.outcomes == {"text": "skipped:flow_paused"}
    assert effect.message is not None
    assert effect.message.key == "second"


def test_a_run_whose_step_is_gone_ends_with_a_reason() -> None:
    plan = plan_of()
    assert go(plan, run_at(plan, "nowhere")).exit_reason == "step_gone"


def test_a_run_ends_when_the_product_sold_out_before_any_text() -> None:
    plan = steps(TEXT)
    assert go(plan, run_at(plan), RunFacts(sold_out=True)).exit_reason == "out_of_stock"
    told = run_at(plan, outcomes={"earlier": "sent"})
    assert go(plan, told, RunFacts(sold_out=True)).message is not None


def test_step_takes_sets_and_leaves_unchanged_runs_out() -> None:
    plan = plan_of()
    due, not_due, ended = (
        run_at(plan),
        run_at(plan, due_at=T0 + HOUR),
        run_at(plan, state="finished"),
    )
    effects = step(plan, [due, not_due, ended], {}, T0)
    assert [effect.after.run_id for effect in effects] == [due.run_id]


def test_calendar_days_move_with_the_zone_of_the_contact() -> None:
    plan = steps({"key": "wait", "type": "delay", "for": "P1D"}, TEXT)
    saturday = T0.replace(year=2027, month=3, day=13)
    run = run_at(plan, triggered_at=saturday, anchor_at=saturday, due_at=saturday)
    effect = go(plan, run, RunFacts(zone="America/New_York"), at=saturday)
    assert effect.after.due_at == saturday + timedelta(hours=23)


def test_the_cart_definition_is_about_a_cart() -> None:
    assert plan_of().is_about_cart
    assert not plan_of(CART, trigger={"type": "event", "event": "Order Completed"}).is_about_cart
