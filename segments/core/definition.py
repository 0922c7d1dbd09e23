"""What a segment asks for: a tree of groups and conditions, read and checked once.

    {"all": [...]}   {"any": [...]}   {"not": {...}}
    {"attribute": "city", "op": "is", "value": "Austin"}
    {"attribute": "buying.order_count", "op": "gte", "value": 2}
    {"event": "Product Viewed", "filter": {...}, "count": {"op": "gte", "value": 2},
     "within": "P14D"}

An attribute may be one that is worked out from orders, carts, balances and custom objects: see
`segments.core.buying`. `filter` conditions read the event's properties (see `events.core.filters`). Without `count` an
event condition asks for at least one; without `within` it asks about all time. A window is
(now - span, now] on the time the event happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from events.core import filters
from events.core.names import canonical
from segments.core.buying import find_worked

MAX_DEPTH = 6
MAX_CONDITIONS = 100
MAX_WITHIN = timedelta(days=3660)
COUNT_OPERATORS = ("gte", "gt", "lte", "lt", "eq")
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?")


@dataclass(frozen=True, slots=True)
class DefinitionError:
    """One wrong place: `path` such as `all[0].within`."""

    path: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    attribute: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class EventCondition:
    event: str
    filter: Mapping[str, Any] | None
    count_op: str
    count: int
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class Group:
    """`kind` is all, any or not; a `not` has one part."""

    kind: str
    parts: tuple[Node, ...]


Node = Group | AttributeCondition | EventCondition


def parse(definition: Any) -> tuple[Node | None, list[DefinitionError]]:
    """The tree, or None and every mistake with its place."""
    reader = _Reader()
    node = reader.read(definition, "", 1)
    return (None if reader.errors else node), reader.errors


def conditions(node: Node) -> Iterator[AttributeCondition | EventCondition]:
    if isinstance(node, Group):
        for part in node.parts:
            yield from conditions(part)
    else:
        yield node


def attributes_asked(node: Node) -> frozenset[str]:
    """The attributes and fields that it asks about."""
    return frozenset(
        each.attribute for each in conditions(node) if isinstance(each, AttributeCondition)
    )


def event_names(node: Node) -> frozenset[str]:
    """The events that can change who belongs."""
    found: set[str] = set()
    for condition in conditions(node):
        if isinstance(condition, EventCondition):
            found.add(condition.event)
        elif (worked := find_worked(condition.attribute)) is not None:
            found |= worked.events
    return frozenset(found)


def reads_attributes(node: Node) -> bool:
    """Whether a change of the contact itself can change who belongs."""
    return any(
        isinstance(c, AttributeCondition) and find_worked(c.attribute) is None
        for c in conditions(node)
    )


def reads_buying(node: Node) -> bool:
    """Whether it asks what contacts buy."""
    return any(
        isinstance(c, AttributeCondition) and c.attribute.startswith("buying.")
        for c in conditions(node)
    )


def windows(node: Node) -> list[EventCondition]:
    """The event conditions whose answer changes by time passing alone."""
    return [c for c in conditions(node) if isinstance(c, EventCondition) and c.within]


def clocks(node: Node) -> list[AttributeCondition]:
    """The attribute conditions that count days, whose answer changes by time passing alone."""
    return [
        c
        for c in conditions(node)
        if isinstance(c, AttributeCondition)
        and (worked := find_worked(c.attribute)) is not None
        and worked.clock is not None
    ]


def parse_duration(text: Any) -> timedelta | None:
    """ISO 8601 in weeks, days, hours, minutes; None when it is not one, or empty."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        return None
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)


class _Reader:
    def __init__(self) -> None:
        self.errors: list[DefinitionError] = []
        self.count = 0

    def refuse(self, path: str, code: str, detail: str) -> None:
        self.errors.append(DefinitionError(path or "definition", code, detail))

    def read(self, data: Any, path: str, depth: int) -> Node | None:
        self.count += 1
        if self.count > MAX_CONDITIONS:
            if self.count == MAX_CONDITIONS + 1:
                self.refuse(path, "too_many", f"At most {MAX_CONDITIONS} conditions.")
            return None
        if not isinstance(data, Mapping):
            self.refuse(path, "not_an_object", "A condition is a JSON object.")
            return None
        kinds = [k for k in ("all", "any", "not", "attribute", "event") if k in data]
        if len(kinds) != 1:
            self.refuse(path, "unknown_condition", "Use one of all, any, not, attribute, event.")
            return None
        if kinds[0] in {"all", "any", "not"}:
            return self._group(data, kinds[0], path, depth)
        if kinds[0] == "attribute":
            return self._attribute(data, path)
        return self._event(data, path)

    def _group(self, data: Mapping[str, Any], kind: str, path: str, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            self.refuse(path, "too_deep", f"Groups nest at most {MAX_DEPTH} deep.")
            return None
        here = f"{path}.{kind}" if path else kind
        if len(data) > 1:
            self.refuse(path, "mixed", f"A group holds {kind} and nothing else.")
        if kind == "not":
            part = self.read(data["not"], here, depth + 1)
            return Group("not", (part,)) if part is not None else None
        listed = data[kind]
        if not isinstance(listed, list) or not listed:
            self.refuse(here, "empty", "A group needs at least one condition.")
            return None
        parts = [self.read(each, f"{here}[{i}]", depth + 1) for i, each in enumerate(listed)]
        return Group(kind, tuple(part for part in parts if part is not None))

    def _attribute(self, data: Mapping[str, Any], path: str) -> Node | None:
        name = data["attribute"]
        if not isinstance(name, str) or not 0 < len(name) <= 100:
            self.refuse(_at(path, "attribute"), "invalid", "Name an attribute.")
            return None
        leaf = {"property": name, "op": data.get("op"), "value": data.get("value")}
        if "value" not in data:
            leaf.pop("value")
        for error in filters.validate(leaf):
            place = error.path.replace("property", "attribute")
            self.refuse(_at(path, place) if place else path, error.code, error.detail)
        self._no_others(data, {"attribute", "op", "value"}, path)
        return AttributeCondition(name, str(data.get("op")), data.get("value"))

    def _event(self, data: Mapping[str, Any], path: str) -> Node | None:
        name = data["event"]
        if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
            self.refuse(_at(path, "event"), "invalid", "Name an event.")
            return None
        condition = data.get("filter")
        if condition is not None:
            for error in filters.validate(condition):
                self.refuse(_at(_at(path, "filter"), error.path), error.code, error.detail)
        op, count = self._count(data.get("count"), path)
        within = None
        if data.get("within") is not None:
            within = parse_duration(data["within"])
            if within is None or not timedelta(0) < within <= MAX_WITHIN:
                self.refuse(
                    _at(path, "within"), "invalid_duration", "Use a duration such as P14D or PT6H."
                )
        self._no_others(data, {"event", "filter", "count", "within"}, path)
        return EventCondition(canonical(name.strip()), condition, op, count, within)

    def _count(self, data: Any, path: str) -> tuple[str, int]:
        if data is None:
            return "gte", 1
        if (
            not isinstance(data, Mapping)
            or data.get("op") not in COUNT_OPERATORS
            or isinstance(data.get("value"), bool)
            or not isinstance(data.get("value"), int)
            or not 0 <= data["value"] <= 10_000
        ):
            self.refuse(
                _at(path, "count"),
                "invalid_count",
                f"Use an op ({', '.join(COUNT_OPERATORS)}) and a whole number up to 10,000.",
            )
            return "gte", 1
        return str(data["op"]), int(data["value"])

    def _no_others(self, data: Mapping[str, Any], known: set[str], path: str) -> None:
        for name in sorted(set(data) - known):
            self.refuse(_at(path, str(name)), "unknown_field", "This field is not known here.")


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
