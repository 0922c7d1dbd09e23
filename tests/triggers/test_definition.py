from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.triggers.shapes import CART, plan_of
from triggers.core.definition import BadDefinition, encode_definition
from triggers.core.validation import read_definition


def broken(path: str, value: Any) -> dict[str, Any]:
    """CART with one place changed; a path such as `steps.0.for`."""
    raw = copy.deepcopy(CART)
    at: Any = raw
    *heads, last = path.split(".")
    for head in heads:
        at = at[int(head) if head.isdigit() else head]
    if value is KeyError:
        del at[last]
    elif isinstance(at, list):
        at.insert(int(last), value)
    else:
        at[last] = value
    return raw


@pytest.mark.parametrize(
    ("change", "value", "path", "code"),
    [
        ("trigger", KeyError, "trigger", "missing_field"),
        ("steps", [], "steps", "invalid_length"),
        ("priority", 101, "priority", "wrong_type"),
        ("priority", "high", "priority", "wrong_type"),
        ("surprise", 1, "surprise", "unknown_field"),
        ("steps.0.type", "sleep", "steps[0].type", "invalid_value"),
        ("steps.0.key", "Wait 1", "steps[0].key", "invalid_format"),
        ("steps.0.for", "1 hour", "steps[0].for", "bad_duration"),
        ("steps.0.for", "P400D", "steps[0].for", "too_long"),
        ("steps.0.for", "PT0S", "steps[0].for", "too_short"),
        ("steps.1.key", "wait_1h", "steps[1].key", "duplicate_key"),
        ("steps.1.window", "whenever", "steps[1].window", "invalid_value"),
        ("steps.1.ttl", "soon", "steps[1].ttl", "bad_duration"),
        ("steps.3.replies", {"STOP": "x"}, "steps[3].replies.STOP", "reserved_keyword"),
        ("steps.3.replies", {"CANCEL": "x"}, "steps[3].replies.CANCEL", "reserved_keyword"),
        ("steps.3.replies", {"MY SIZE": "x"}, "steps[3].replies.MY SIZE", "invalid_format"),
        ("trigger.filter", {"property": "x"}, "trigger.filter.op", "unknown_operator"),
        ("trigger.audience", "back_in_stock_requests", "trigger.crosses", "missing_field"),
        ("trigger.max_age", "ever", "trigger.max_age", "bad_duration"),
        ("reentry.key", None, "reentry.key", "missing_field"),
        ("reentry.min_gap", "often", "reentry.min_gap", "bad_duration"),
        ("exit.0.filter", {"all": []}, "exit[0].filter.all", "empty"),
        ("steps.0", {"key": "s", "type": "split", "if": {}}, "steps[0].if", "wrong_type"),
        (
            "steps.0",
            {"key": "s", "type": "split", "if": {"step": "nope"}},
            "steps[0].if.step",
            "unknown_step",
        ),
        (
            "steps.0",
            {"key": "s", "type": "split", "if": {"weather": "fine"}},
            "steps[0].if",
            "unknown_condition",
        ),
        (
            "steps.0",
            {"key": "w", "type": "wait_for_event", "event": "X", "timeout": "P200D"},
            "steps[0].timeout",
            "too_long",
        ),
    ],
)
def test_every_flaw_has_a_path_and_a_stable_code(
    change: str, value: Any, path: str, code: str
) -> None:
    with pytest.raises(BadDefinition) as caught:
        read_definition(broken(change, value))
    assert (path, code) in [(flaw.path, flaw.code) for flaw in caught.value.flaws]
    assert all(flaw.detail.endswith(".") for flaw in caught.value.flaws)


def test_several_flaws_are_told_at_once() -> None:
    raw = broken("steps.0.for", "x")
    raw["reentry"]["min_gap"] = "y"
    with pytest.raises(BadDefinition) as caught:
        read_definition(raw)
    assert {flaw.path for flaw in caught.value.flaws} == {"steps[0].for", "reentry.min_gap"}


def test_a_definition_comes_back_with_its_defaults() -> None:
    encoded = encode_definition(read_definition(CART))
    assert encoded["steps"][0] == {"type": "delay", "key": "wait_1h", "for": "PT1H"}
    assert encoded["steps"][1]["on_skip"] == "advance"
    assert encode_definition(read_definition(encoded)) == encoded


def test_a_plan_listens_to_what_can_move_its_runs() -> None:
    assert plan_of().listened_names == {
        "Order Completed",
        "SMS Sent",
        "SMS Skipped",
        "SMS Failed",
        "SMS Replied",
    }


def test_deep_nesting_is_refused_not_crashed() -> None:
    one: dict[str, Any] = {"key": "end", "type": "exit"}
    for index in range(400):
        one = {"key": f"s{index}", "type": "split", "if": {"replied": True}, "then": [one]}
    with pytest.raises(BadDefinition):
        read_definition({**CART, "steps": [one]})
