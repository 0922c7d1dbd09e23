"""A definition made walkable: every step knows what comes next. Built once per version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from events.core import filters
from triggers.core.conditions import segments_in
from triggers.core.definition import (
    Definition,
    EventRule,
    MessageStep,
    Split,
    Step,
    WaitForEvent,
    WaitForReply,
    decode_definition,
)

SMS_REPLIED = "SMS Replied"
SMS_SENT = "SMS Sent"
SMS_SKIPPED = "SMS Skipped"
SMS_FAILED = "SMS Failed"
MESSAGE_OUTCOMES = frozenset({SMS_SENT, SMS_SKIPPED, SMS_FAILED})
# What people do on the way to an order: a flow that one of these starts is about a cart.
CART_EVENTS = frozenset(
    {"Checkout Started", "Product Added", "Cart Viewed", "Cart Updated", "Checkout Step Viewed"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """One step in the walk. `next`, `then`, `otherwise`: keys, None = the flow ends there."""

    step: Step
    path: str
    next: str | None
    then: str | None = None
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    definition: Definition
    places: Mapping[str, Place]
    first: str
    exit_names: frozenset[str]
    wait_names: frozenset[str]
    segments: frozenset[str]
    asks_attributes: bool = False
    message_keys: tuple[str, ...] = field(default=())

    @property
    def listened_names(self) -> frozenset[str]:
        """Event names that can move a run of this plan, its trigger aside."""
        own = self.exit_names | self.wait_names
        if self.message_keys:
            own |= MESSAGE_OUTCOMES | {SMS_REPLIED}
        return own

    @property
    def is_about_cart(self) -> bool:
        return getattr(self.definition.trigger, "event", "") in CART_EVENTS


def build_plan(raw: Mapping[str, Any] | Definition) -> Plan:
    """Raises `BadDefinition`. The caller caches by version id."""
    definition = raw if isinstance(raw, Definition) else decode_definition(raw)
    places: dict[str, Place] = {}
    first = _lay_out(definition.steps, "steps", None, places)
    steps = [place.step for place in places.values()]
    rules = [*definition.exit, *([definition.goal] if definition.goal else [])]
    splits = [step.if_ for step in steps if isinstance(step, Split)]
    return Plan(
        definition=definition,
        places=places,
        first=first or definition.steps[0].key,
        exit_names=frozenset(rule.event for rule in rules),
        wait_names=frozenset(
            step.event if isinstance(step, WaitForEvent) else SMS_REPLIED
            for step in steps
            if isinstance(step, WaitForEvent | WaitForReply)
        ),
        segments=frozenset().union(*(segments_in(one) for one in splits)),
        asks_attributes=any("attribute" in repr(one) for one in splits),
        message_keys=tuple(step.key for step in steps if isinstance(step, MessageStep)),
    )


def rule_matches(
    rule: EventRule | WaitForEvent,
    name: str,
    properties: Mapping[str, Any],
    trigger: Mapping[str, Any],
) -> bool:
    """Whether an event fits an exit rule, a goal or a wait; `match` compares with the trigger."""
    if rule.event != name:
        return False
    if rule.match:
        wanted = trigger.get(rule.match)
        if wanted is None or str(wanted) not in _values_of(properties, rule.match):
            return False
    return rule.filter is None or filters.matches(rule.filter, dict(properties))


def _values_of(properties: Mapping[str, Any], name: str) -> set[str]:
    """A property of an event, and the same property of the items it lists."""
    found = [properties.get(name)]
    for listed in ("products", "items", "line_items"):
        items = properties.get(listed)
        if isinstance(items, list):
            found += [item.get(name) for item in items if isinstance(item, Mapping)]
    return {str(value) for value in found if value is not None}


def _lay_out(
    steps: list[Step], path: str, after: str | None, places: dict[str, Place]
) -> str | None:
    """Fills `places`; returns the key to enter this list at, or `after` when it is empty."""
    for index, step in enumerate(steps):
        following = steps[index + 1].key if index + 1 < len(steps) else after
        here = f"{path}[{index}]"
        if isinstance(step, WaitForEvent | WaitForReply | Split):
            places[step.key] = Place(step, here, following)  # keeps reading order
            places[step.key] = Place(
                step,
                here,
                following,
                then=_lay_out(step.then, f"{here}.then", following, places),
                otherwise=_lay_out(step.else_, f"{here}.else", following, places),
            )
        else:
            places[step.key] = Place(step, here, following)
    return steps[0].key if steps else after
