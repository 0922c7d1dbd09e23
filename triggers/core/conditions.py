"""Conditions of a conditional split, answered from what is known when the run reaches it.

    {"property": "cart_value", "op": "gte", "value": 50}      the trigger event's properties
    {"attribute": "city", "op": "is", "value": "Austin"}      the contact
    {"segment": "vip"}                                        member right now
    {"step": "text_1", "outcome": "sent"}                     sent | skipped | failed
    {"replied": true}                                         any reply since the run began
    {"all": [...]}, {"any": [...]}, {"not": {...}}

Missing data makes a condition false, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from events.core import filters
from people.core.kinds import Rules, typed
from triggers.core.definition import Flaw

OUTCOMES = ("sent", "skipped", "failed")
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Known:
    """What a split may ask about."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    replied: bool = False
    rules: Rules = field(default_factory=Rules)


def holds(condition: Mapping[str, Any], known: Known) -> bool:
    """Whether the condition is true. Unknown shapes are false."""
    if "all" in condition:
        return all(holds(one, known) for one in condition["all"])
    if "any" in condition:
        return any(holds(one, known) for one in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], known)
    if "property" in condition:
        return filters.matches(dict(condition), dict(known.properties))
    if "attribute" in condition:
        name, op = str(condition["attribute"]), str(condition.get("op", ""))
        found = filters.read_path(known.attributes, name)
        found, value = typed(found, op, condition.get("value"), known.rules, name)
        return filters.compare(found, op, value)
    if "segment" in condition:
        return str(condition["segment"]) in known.segments
    if "step" in condition:
        outcome = known.outcomes.get(str(condition["step"]), "")
        return outcome.split(":", 1)[0] == str(condition.get("outcome", "sent"))
    if "replied" in condition:
        return known.replied is bool(condition["replied"])
    return False


def check_condition(
    condition: Any, path: str, *, step_keys: set[str], depth: int = 0
) -> list[Flaw]:
    """Every flaw of a condition, with its path."""
    if not isinstance(condition, dict) or not condition:
        return [Flaw(path, "wrong_type", "A condition is an object with at least one entry.")]
    if depth > _MAX_DEPTH:
        return [Flaw(path, "too_deep", f"Conditions nest at most {_MAX_DEPTH} deep.")]
    for word in ("all", "any"):
        if word in condition:
            return _check_group(condition, word, path, step_keys, depth)
    if "not" in condition:
        return check_condition(
            condition["not"], f"{path}.not", step_keys=step_keys, depth=depth + 1
        )
    if "property" in condition:
        return _from_filter(condition, path)
    if "attribute" in condition:
        return _from_filter(_as_property(condition), path)
    if "segment" in condition:
        named = isinstance(condition["segment"], str) and condition["segment"] != ""
        return [] if named else [Flaw(f"{path}.segment", "wrong_type", "Name a segment.")]
    if "step" in condition:
        return _check_step(condition, path, step_keys)
    if "replied" in condition:
        told = isinstance(condition["replied"], bool)
        return [] if told else [Flaw(f"{path}.replied", "wrong_type", "Say true or false.")]
    return [Flaw(path, "unknown_condition", f"No condition is called {next(iter(condition))!r}.")]


def segments_in(condition: Any) -> set[str]:
    """The segments a condition asks about."""
    if isinstance(condition, list):
        return set().union(*(segments_in(one) for one in condition)) if condition else set()
    if not isinstance(condition, dict):
        return set()
    own = {condition["segment"]} if isinstance(condition.get("segment"), str) else set()
    return own.union(*(segments_in(condition.get(word)) for word in ("all", "any", "not")))


def _as_property(condition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        ("property" if name == "attribute" else name): value for name, value in condition.items()
    }


def _check_group(
    condition: dict[str, Any], word: str, path: str, step_keys: set[str], depth: int
) -> list[Flaw]:
    parts = condition[word]
    if not isinstance(parts, list) or not parts:
        return [Flaw(f"{path}.{word}", "wrong_type", "A group is a list of conditions.")]
    return [
        flaw
        for index, one in enumerate(parts)
        for flaw in check_condition(
            one, f"{path}.{word}[{index}]", step_keys=step_keys, depth=depth + 1
        )
    ]


def _check_step(condition: dict[str, Any], path: str, step_keys: set[str]) -> list[Flaw]:
    if condition["step"] not in step_keys:
        return [Flaw(f"{path}.step", "unknown_step", "No message step has this key.")]
    if condition.get("outcome", "sent") not in OUTCOMES:
        return [Flaw(f"{path}.outcome", "invalid_value", "Say sent, skipped or failed.")]
    return []


def _from_filter(condition: Mapping[str, Any], path: str) -> list[Flaw]:
    return [
        Flaw(f"{path}.{flaw.path}".rstrip("."), flaw.code, flaw.detail)
        for flaw in filters.validate(dict(condition))
    ]
