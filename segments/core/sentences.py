"""A segment's definition in plain English, for people who never read JSON. Pure.

    describe({"all": [{"attribute": "city", "op": "is", "value": "Austin"},
                      {"event": "Product Viewed", "count": {"op": "gte", "value": 2},
                       "within": "P14D"}]})
    -> "Contacts whose city is Austin and with 2 or more Product Viewed in the last 14 days."

Every condition is a phrase that can follow "Contacts"; a group within a group stands in
parentheses, because "and" and "or" side by side say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from segments.core.buying import WORKED_NAMES
from segments.core.definition import (
    AttributeCondition,
    EventCondition,
    Group,
    Node,
    parse,
)

OPERATORS = {
    "is": "is",
    "is_not": "is known and is not",
    "in": "is",
    "not_in": "is known and is neither",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "contains": "contains",
    "starts_with": "begins with",
    "is_set": "is known",
    "is_not_set": "is not known",
}
_OF_TIME = {
    "gt": "is after",
    "gte": "is on or after",
    "lt": "is before",
    "lte": "is on or before",
}
_VALUELESS = frozenset({"is_set", "is_not_set"})
# Names that people call something else.
_NAMES = {
    "external_id": "id in your shop",
    "phone": "phone number",
    "email": "e-mail address",
    "postal_code": "postal code",
    "timezone": "time zone",
    "phone_type": "kind of phone",
    "created_at": "date added",
    "locale": "language",
    **WORKED_NAMES,
}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\s_.\-/:$]+")
_PLAIN = re.compile(r"\w[\w .'\u2019+@%/&-]*", re.UNICODE)
_JOINT = re.compile(r"\b(?:and|or|nor|in the last)\b", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:T.*)?")
ALL, ANY, NOT = "All of these", "At least one of these", "Not this"
# What a count is not, it is on the other side.
_OTHER_SIDE = {"gte": "lt", "gt": "lte", "lt": "gte", "lte": "gt"}


@dataclass(frozen=True, slots=True)
class Line:
    """One condition on a line of its own, or a group's heading over its `parts`."""

    text: str
    parts: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """`sentence` ends in a full stop; "" when the definition cannot be read."""

    sentence: str
    lines: tuple[Line, ...]


def describe(definition: Any) -> Described:
    """The sentence and the lines of a stored definition."""
    node, _ = parse(definition)
    if node is None:
        return Described("", ())
    node = simplify(node)
    line = _line(node)
    return Described(f"Contacts {_phrase(node)}.", line.parts if _is_all(node) else (line,))


def simplify(node: Node) -> Node:
    """The same question without groups of one, groups in their like and needless negation."""
    if not isinstance(node, Group):
        return node
    if node.kind == "not":
        part = simplify(node.parts[0])
        if isinstance(part, Group) and part.kind == "not":
            return part.parts[0]
        if isinstance(part, EventCondition) and part.count_op in _OTHER_SIDE:
            return replace(part, count_op=_OTHER_SIDE[part.count_op])
        return Group("not", (part,))
    parts: list[Node] = []
    for each in node.parts:
        part = simplify(each)
        # (a and (b and c)) is (a and b and c)
        same = isinstance(part, Group) and part.kind == node.kind
        parts += part.parts if same and isinstance(part, Group) else (part,)
    return parts[0] if len(parts) == 1 else Group(node.kind, tuple(parts))


# --- phrases --------------------------------------------------------------------------------


def _phrase(node: Node) -> str:
    """What follows "Contacts"."""
    if isinstance(node, AttributeCondition):
        return f"whose {compared(node.attribute, node.op, node.value)}"
    if isinstance(node, EventCondition):
        return _event(node)
    if node.kind == "not":
        return f"who are not among those {_bounded(node.parts[0])}"
    return _joined([_bounded(part) for part in node.parts], "and" if node.kind == "all" else "or")


def _bounded(node: Node) -> str:
    several = isinstance(node, Group) and node.kind != "not"
    return f"({_phrase(node)})" if several else _phrase(node)


def _event(condition: EventCondition) -> str:
    said = _counted(condition)
    if condition.within is not None:
        said += f" in the last {span_words(condition.within)}"
    else:
        said += " at any time"
    if condition.filter:
        said += f" ({filter_words(condition.filter)})"
    return said


def _counted(condition: EventCondition) -> str:
    name, op, count = event_name(condition.event), condition.count_op, condition.count
    if (op, count) in {("gte", 1), ("gt", 0)}:
        return f"with {name}"
    if (op, count) in {("lt", 1), ("lte", 0), ("eq", 0)}:
        return f"without {name}"
    if (op, count) == ("gte", 0):
        return f"with or without {name}"
    if (op, count) == ("lt", 0):
        return f"with fewer than no {name}, which is nobody,"
    much = {
        "gte": f"{count:,} or more",
        "gt": f"more than {count:,}",
        "lte": f"at most {count:,}",
        "lt": f"fewer than {count:,}",
        "eq": f"exactly {count:,}",
    }[op]
    return f"with {much} {name}"


def filter_words(condition: Mapping[str, Any]) -> str:
    """An event's filter: `price is more than 10 and category is mugs`."""
    for word, joint in (("all", "and"), ("any", "or")):
        if word in condition:
            parts = condition[word]
            if len(parts) == 1:
                return filter_words(parts[0])
            return _joined([_bounded_filter(part) for part in parts], joint)
    if "not" in condition:
        return f"it is not so that {_bounded_filter(condition['not'])}"
    return compared(
        str(condition["property"]), str(condition["op"]), condition.get("value"), event=True
    )


def _bounded_filter(condition: Mapping[str, Any]) -> str:
    several = any(word in condition for word in ("all", "any", "not"))
    return f"({filter_words(condition)})" if several else filter_words(condition)


def compared(name: str, op: str, value: Any, *, event: bool = False) -> str:
    """`city is Austin`. `event`: of an event's property, whose names are nobody's attributes."""
    called = name_words(name, known={} if event else _NAMES)
    if op in _VALUELESS:
        return f"{called} {OPERATORS[op]}"
    if op == "in":
        return f"{called} is {_joined([value_words(each) for each in value], 'or')}"
    if op == "not_in" and len(value) == 1:
        op, value = "is_not", value[0]
    if op == "not_in":
        return f"{called} {OPERATORS[op]} {_joined([value_words(each) for each in value], 'nor')}"
    if op in _OF_TIME and is_time(value):
        return f"{called} {_OF_TIME[op]} {value_words(value)}"
    return f"{called} {OPERATORS[op]} {value_words(value)}"


# --- lines ----------------------------------------------------------------------------------


def _line(node: Node) -> Line:
    if not isinstance(node, Group):
        said = _phrase(node)
        return Line(said[:1].upper() + said[1:])
    heading = {"all": ALL, "any": ANY, "not": NOT}[node.kind]
    return Line(heading, tuple(_line(part) for part in node.parts))


def _is_all(node: Node) -> bool:
    return isinstance(node, Group) and node.kind == "all"


# --- words ----------------------------------------------------------------------------------


def name_words(name: str, *, known: Mapping[str, str] = _NAMES) -> str:
    """`favorite_color` and `favoriteColor` -> `favorite color`; `products.0.name` -> `products
    no. 1 name`."""
    if name in known:
        return known[name]
    words: list[str] = []
    for word in _BETWEEN.split(_CAMEL.sub(" ", name)):
        if word.isascii() and word.isdigit() and words:
            words.append(f"no. {int(word) + 1}" if len(word) < 6 else word)
        elif word:
            words.append(word if word.isupper() and len(word) > 1 else word.lower())
    return " ".join(words) or "an attribute without a name"


def event_name(name: str) -> str:
    """`Product Viewed` stays; `custom_thing` -> `Custom thing`."""
    if "_" not in name and ("." not in name or " " in name):
        return name
    words = name_words(name, known={})
    return words[:1].upper() + words[1:]


def value_words(value: Any) -> str:
    """A JSON value as somebody would say it; text in quotes where it could be misread."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if abs(value) >= 10_000 else f"{value}"
    if isinstance(value, Mapping):
        pairs = [f"{name_words(str(k), known={})} {value_words(v)}" for k, v in value.items()]
        return _joined(pairs, "and") or "nothing"
    if isinstance(value, list | tuple):
        return _joined([value_words(each) for each in value], "and") or "nothing"
    text = str(value)
    if is_time(text):
        return _time_words(text)
    plain = _PLAIN.fullmatch(text) and text == text.strip() and not _JOINT.search(text)
    return text if plain else f"“{text}”"


def is_time(value: Any) -> bool:
    """Whether it is an ISO date, or date and time."""
    return isinstance(value, str) and bool(_DAY.fullmatch(value)) and _read_time(value) is not None


def span_words(span: timedelta) -> str:
    """`14 days`, `hour`, `day and 6 hours`: what follows "in the last"."""
    seconds = int(span.total_seconds())
    parts = (
        (seconds // 86_400, "day"),
        (seconds % 86_400 // 3600, "hour"),
        (seconds % 3600 // 60, "minute"),
    )
    told = [(count, unit) for count, unit in parts if count]
    if len(told) == 1 and told[0][0] == 1:
        return told[0][1]
    return _joined([f"{count:,} {unit}{'' if count == 1 else 's'}" for count, unit in told], "and")


def _time_words(text: str) -> str:
    moment = _read_time(text)
    if moment is None:
        return text
    said = f"{moment:%b} {moment.day}, {moment.year}"
    if "T" not in text:
        return said
    offset = moment.utcoffset()
    zone = "" if offset is None else " UTC" if not offset else f" UTC{moment:%z}"
    return f"{said}, {moment:%H:%M}{zone}"


def _read_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _joined(parts: list[str], joint: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    # A comma where a part has an "and" or "or" of its own.
    pause = "," if any(f" {word} " in part for part in parts for word in ("and", "or")) else ""
    return f"{', '.join(parts[:-1])}{pause} {joint} {parts[-1]}"
