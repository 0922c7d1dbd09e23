"""What the shape alone cannot say: durations, filters, keys, names. Every flaw at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from events.core import filters
from triggers.core.conditions import check_condition
from triggers.core.definition import (
    BadDefinition,
    Definition,
    Delay,
    EventRule,
    EventTrigger,
    Flaw,
    MessageStep,
    ScheduleTrigger,
    Split,
    Step,
    WaitForEvent,
    WaitForReply,
    decode_definition,
    walk_steps,
)
from triggers.core.durations import BadDuration, parse_duration
from triggers.core.replies import is_reserved, normalize

MAX_STEPS = 100
MAX_DEPTH = 8
LONGEST_DELAY = timedelta(days=366)
LONGEST_WAIT = timedelta(days=182)


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """Decodes and checks. Raises `BadDefinition` naming every flaw."""
    definition = decode_definition(raw)
    flaws = check_definition(definition)
    if flaws:
        raise BadDefinition(flaws)
    return definition


def check_definition(definition: Definition) -> list[Flaw]:
    """Every flaw of a well-shaped definition, in reading order."""
    flaws = [*_check_trigger(definition), *_check_reentry(definition)]
    for index, rule in enumerate(definition.exit):
        flaws += _check_rule(rule, f"exit[{index}]")
    if definition.goal is not None:
        flaws += _check_rule(definition.goal, "goal")
    return flaws + _check_steps(definition.steps)


def check_duration(
    text: str, path: str, *, longest: timedelta = LONGEST_DELAY, zero: bool = False
) -> list[Flaw]:
    """Flaws of one ISO 8601 duration."""
    try:
        duration = parse_duration(text)
    except BadDuration as error:
        return [Flaw(path, "bad_duration", str(error))]
    if duration.roughly() > longest:
        return [Flaw(path, "too_long", f"At most {longest.days} days.")]
    if not zero and not duration.roughly():
        return [Flaw(path, "too_short", "Say how long, for example PT1H.")]
    return []


def _check_trigger(definition: Definition) -> list[Flaw]:
    trigger = definition.trigger
    if isinstance(trigger, ScheduleTrigger):
        detail = "A schedule starts campaigns. Create a campaign instead."
        return [Flaw("trigger.type", "campaign_only", detail)]
    flaws = check_duration(trigger.max_age, "trigger.max_age")
    if not isinstance(trigger, EventTrigger):
        return flaws
    flaws += _check_filter(trigger.filter, "trigger.filter")
    if trigger.audience == "back_in_stock_requests" and trigger.crosses is None:
        flaws.append(
            Flaw(
                "trigger.crosses",
                "missing_field",
                "Say which amount in stock counts as back: crosses with property and threshold.",
            )
        )
    return flaws


def _check_reentry(definition: Definition) -> list[Flaw]:
    reentry, flaws = definition.reentry, []
    if reentry.min_gap is not None:
        flaws += check_duration(reentry.min_gap, "reentry.min_gap", zero=True)
    if reentry.mode in {"parallel", "replace"} and not reentry.key:
        flaws.append(
            Flaw("reentry.key", "missing_field", "Say per what: a property such as cart_id.")
        )
    if reentry.key and not isinstance(definition.trigger, EventTrigger):
        flaws.append(
            Flaw(
                "reentry.key", "not_here", "A segment trigger has no properties to take a key from."
            )
        )
    return flaws


def _check_rule(rule: EventRule, path: str) -> list[Flaw]:
    return _check_filter(rule.filter, f"{path}.filter")


def _check_filter(condition: dict[str, Any] | None, path: str) -> list[Flaw]:
    if condition is None:
        return []
    return [
        Flaw(f"{path}.{flaw.path}".rstrip("."), flaw.code, flaw.detail)
        for flaw in filters.validate(condition)
    ]


def _check_steps(steps: list[Step]) -> list[Flaw]:
    walked = list(walk_steps(steps))
    flaws: list[Flaw] = []
    if len(walked) > MAX_STEPS:
        flaws.append(Flaw("steps", "too_many", f"A flow has at most {MAX_STEPS} steps."))
    seen: set[str] = set()
    message_keys = {one.key for _, one, _ in walked if isinstance(one, MessageStep)}
    for path, one, depth in walked:
        if depth > MAX_DEPTH:
            flaws.append(Flaw(path, "too_deep", f"Branches nest at most {MAX_DEPTH} deep."))
        if one.key in seen:
            flaws.append(Flaw(f"{path}.key", "duplicate_key", f"Two steps are called {one.key}."))
        seen.add(one.key)
        flaws += _check_step(one, path, message_keys)
    return flaws


def _check_step(one: Step, path: str, message_keys: set[str]) -> list[Flaw]:
    if isinstance(one, Delay):
        return check_duration(one.for_, f"{path}.for")
    if isinstance(one, WaitForEvent):
        flaws = check_duration(one.timeout, f"{path}.timeout", longest=LONGEST_WAIT)
        return flaws + _check_filter(one.filter, f"{path}.filter")
    if isinstance(one, WaitForReply):
        flaws = check_duration(one.timeout, f"{path}.timeout", longest=LONGEST_WAIT)
        return flaws + (_check_keyword(one.keyword, f"{path}.keyword") if one.keyword else [])
    if isinstance(one, Split):
        return check_condition(one.if_, f"{path}.if", step_keys=message_keys)
    if isinstance(one, MessageStep):
        flaws = check_duration(one.ttl, f"{path}.ttl") if one.ttl else []
        flaws += check_duration(one.replies_open_for, f"{path}.replies_open_for")
        for keyword in one.replies:
            flaws += _check_keyword(keyword, f"{path}.replies.{keyword}")
        return flaws
    return []


def _check_keyword(keyword: str, path: str) -> list[Flaw]:
    words = normalize(keyword)
    if len(words) != 1:
        return [Flaw(path, "invalid_format", "A keyword is one word of letters or digits.")]
    if is_reserved(keyword):
        return [
            Flaw(
                path,
                "reserved_keyword",
                f"{keyword.upper()} is read by carriers as opt-out, opt-in or help. Take another word.",
            )
        ]
    return []
