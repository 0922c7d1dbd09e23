"""A flow in plain words: what stands on its cards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from triggers.core.definition import (
    Definition,
    Delay,
    EventTrigger,
    Exit,
    MessageStep,
    Reentry,
    ScheduleTrigger,
    Split,
    Step,
    WaitForEvent,
    WaitForReply,
    walk_steps,
)
from triggers.core.durations import BadDuration, parse_duration

TRIGGER = "trigger"
OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "contains": "contains",
    "starts_with": "starts with",
    "is_set": "is known",
    "is_not_set": "is not known",
}


@dataclass(frozen=True, slots=True)
class Fork:
    label: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One step as people read it. `tone` and `icon` are the kit's; `template` is a slug; `number`
    is the step's in reading order, from 1 (0: the trigger)."""

    key: str
    kind: str
    title: str
    detail: str
    icon: str
    tone: str
    template: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    forks: tuple[Fork, ...] = field(default=())
    number: int = 0


def describe(definition: Definition) -> tuple[Card, ...]:
    """The trigger's card, then the steps in reading order; forks hold their own."""
    numbers = step_numbers(definition)
    cards = tuple(_numbered(_card(step), numbers) for step in definition.steps)
    return (_trigger_card(definition), *cards)


def step_numbers(definition: Definition) -> dict[str, int]:
    """Per step key its number in reading order, from 1: what cards and differences call it."""
    walked = walk_steps(definition.steps)
    return {step.key: number for number, (_, step, _) in enumerate(walked, 1)}


def cards_by_key(cards: tuple[Card, ...]) -> dict[str, Card]:
    """Every card of a tree by its step key."""
    found: dict[str, Card] = {}
    for card in cards:
        found[card.key] = card
        for fork in card.forks:
            found.update(cards_by_key(fork.cards))
    return found


def duration_words(text: str | None) -> str:
    """`PT1H` -> `1 hour`; what cannot be read comes back as it is."""
    if not text:
        return ""
    try:
        return parse_duration(text).words()
    except BadDuration:
        return text


def condition_words(condition: Mapping[str, Any] | None) -> str:
    """A filter or split as one sentence without a full stop."""
    if not condition:
        return ""
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in condition:
            return joint.join(_part_words(one) for one in condition[word])
    if "not" in condition:
        return f"not ({condition_words(condition['not'])})"
    if "segment" in condition:
        return f"is in the segment {condition['segment']}"
    if "step" in condition:
        return f"{condition['step']} was {condition.get('outcome', 'sent')}"
    if "replied" in condition:
        return "has replied" if condition["replied"] else "has not replied"
    name = str(condition.get("property") or condition.get("attribute") or "")
    operator = OPERATORS.get(str(condition.get("op")), str(condition.get("op")))
    value = condition.get("value")
    said = ", ".join(map(str, value)) if isinstance(value, list) else value
    readable = name.replace("_", " ").capitalize()
    return f"{readable} {operator}" + ("" if said is None else f" {said}")


def _numbered(card: Card, numbers: Mapping[str, int]) -> Card:
    forks = tuple(
        replace(fork, cards=tuple(_numbered(one, numbers) for one in fork.cards))
        for fork in card.forks
    )
    return replace(card, number=numbers[card.key], forks=forks)


def _part_words(condition: Mapping[str, Any]) -> str:
    """A group within a group stands in parentheses: "and" and "or" side by side say nothing."""
    is_group = any(len(condition.get(word, ())) > 1 for word in ("all", "any"))
    return f"({condition_words(condition)})" if is_group else condition_words(condition)


def reentry_words(reentry: Reentry) -> str:
    """`Once per cart, at least 24 hours apart`."""
    key = (reentry.key or "").removesuffix("_id").replace("_", " ")
    words = {
        "once": "Once ever",
        "after_exit": "Again after the last run ended",
        "every": "Again and again",
        "parallel": f"Side by side for each {key}" if key else "Side by side",
        "replace": f"A new event of the same {key} starts over" if key else "Starts over",
    }[reentry.mode]
    gap = duration_words(reentry.min_gap)
    return f"{words}, at least {gap} apart" if gap else words


def _trigger_card(definition: Definition) -> Card:
    trigger = definition.trigger
    exits = ", ".join(rule.event for rule in definition.exit)
    facts = [("Re-entry", reentry_words(definition.reentry))]
    if exits:
        facts.append(("Ends on", exits))
    facts.append(("Priority", str(definition.priority)))
    if isinstance(trigger, ScheduleTrigger):
        return Card(TRIGGER, TRIGGER, "Campaign", "On its schedule", "clock", "wait")
    if not isinstance(trigger, EventTrigger):
        detail = "Enters the segment"
        return Card(TRIGGER, TRIGGER, trigger.segment, detail, "funnel", "wait", facts=tuple(facts))
    parts = [condition_words(trigger.filter)]
    if trigger.crosses:
        side = "rises to" if trigger.crosses.direction == "up" else "falls to"
        name = trigger.crosses.property.replace("_", " ").capitalize()
        parts.append(f"{name} {side} {trigger.crosses.threshold:g}")
    if trigger.audience == "back_in_stock_requests":
        parts.append("For everybody who asked to hear of it")
    detail = " · ".join(part for part in parts if part) or "Each time it happens"
    return Card(TRIGGER, TRIGGER, trigger.event, detail, "zap", "wait", facts=tuple(facts))


def _card(step: Step) -> Card:
    match step:
        case Delay():
            return Card(
                step.key,
                "delay",
                f"Wait {duration_words(step.for_)}",
                "Counted from the step before",
                "clock",
                "",
            )
        case MessageStep():
            return _message_card(step)
        case WaitForEvent():
            time = duration_words(step.timeout)
            where = condition_words(step.filter)
            return Card(
                step.key,
                "wait_for_event",
                f"Wait for {step.event}",
                f"Up to {time}" + (f" · {where}" if where else ""),
                "hourglass",
                "event",
                forks=_forks("It happened", step.then, f"Not within {time}", step.else_),
            )
        case WaitForReply():
            time = duration_words(step.timeout)
            title = f"Wait for the reply {step.keyword}" if step.keyword else "Wait for a reply"
            return Card(
                step.key,
                "wait_for_reply",
                title,
                f"Up to {time}",
                "reply",
                "event",
                forks=_forks("Replied", step.then, f"No reply within {time}", step.else_),
            )
        case Split():
            return Card(
                step.key,
                "split",
                "Conditional split",
                condition_words(step.if_),
                "git-branch",
                "event",
                forks=_forks("Yes", step.then, "No", step.else_),
            )
        case Exit():
            return Card(step.key, "exit", "Exit", "The run ends here", "log-out", "")


def _message_card(step: MessageStep) -> Card:
    facts = [
        (
            "In quiet hours",
            "Waits for the sending window" if step.window == "defer" else "Is skipped",
        ),
        ("At a cap", "Is skipped" if step.on_cap == "skip" else "Waits for room"),
        (
            "If not sent",
            "The run goes on" if step.on_skip == "advance" else "The run ends",
        ),
    ]
    if step.ttl:
        facts.append(("Waits at most", duration_words(step.ttl)))
    if step.requires_reply:
        facts.append(("Needs", "A reply to the text before"))
    if step.replies:
        facts.append(("Answers to", ", ".join(step.replies)))
    return Card(
        step.key,
        "message",
        step.template.replace("-", " ").capitalize(),
        "SMS",
        "message-square-text",
        "good",
        template=step.template,
        facts=tuple(facts),
    )


def _forks(yes: str, then: list[Step], no: str, other: list[Step]) -> tuple[Fork, ...]:
    return (
        Fork(yes, tuple(_card(step) for step in then)),
        Fork(no, tuple(_card(step) for step in other)),
    )
