"""Segment trees and property filters as SQL text: one statement answers for any set of contacts.

The SQL says exactly what `events.core.filters` says in Python; a property test holds the two
together. Nothing here runs a query. Values travel as parameters, never as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from people.core.kinds import Rules, comparable, compared_as
from segments.core.buying import Worked, due_sql, find_worked, numbers_in, value_sql
from segments.core.definition import (
    AttributeCondition,
    EventCondition,
    Node,
    clocks,
    windows,
)
from segments.core.typed_sql import read_as

_PLAIN_NUMBER = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
_IS_PLAIN = re.compile(_PLAIN_NUMBER, re.ASCII)
NO_RULES = Rules()
# Attributes that are columns of the contact; every other name is looked up in `attributes`.
COLUMNS = frozenset(
    {
        "external_id",
        "phone",
        "email",
        "first_name",
        "last_name",
        "locale",
        "timezone",
        "city",
        "region",
        "postal_code",
        "country",
        "phone_type",
        "created_at",
    }
)


class Statement:
    """Collects parameters while SQL text is put together."""

    def __init__(self, now: datetime, *, some: bool, rules: Rules = NO_RULES) -> None:
        """`some`: ask about the contacts in the parameter `ids` only. `rules`: the types in which
        attributes are compared."""
        self.now = now
        self.some = some
        self.rules = rules
        self.params: dict[str, Any] = {"now": now}

    def bind(self, value: Any) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    # --- the tree -------------------------------------------------------------------------

    def members(self, node: Node) -> str:
        """SELECT of the ids of contacts that belong. Needs `tenant` (and `ids`)."""
        only = "AND c.id = ANY(%(ids)s)" if self.some else ""
        return (
            "SELECT c.id FROM people_contact c "
            f"WHERE c.tenant_id = %(tenant)s AND c.erased_at IS NULL {only} "
            f"AND {self.predicate(node)}"
        )

    def predicate(self, node: Node) -> str:
        if isinstance(node, AttributeCondition):
            worked = find_worked(node.attribute)
            if worked is not None:
                return self._worked(worked, node)
            if node.attribute in COLUMNS:
                return self.compare(f"to_jsonb(c.{node.attribute})", node.op, node.value)
            found = self.path("c.attributes", node.attribute)
            kind = compared_as(self.rules, node.attribute, node.op)
            if kind is None:
                return self.compare(found, node.op, node.value)
            value = comparable(node.value, kind, zone=self.rules.zone)
            return self.compare(read_as(kind, found, self.bind, self.rules.zone), node.op, value)
        if isinstance(node, EventCondition):
            return self._event(node)
        if node.kind == "not":
            return f"(NOT {self.predicate(node.parts[0])})"
        word = " AND " if node.kind == "all" else " OR "
        return f"({word.join(self.predicate(part) for part in node.parts)})"

    def _worked(self, worked: Worked, node: AttributeCondition) -> str:
        # Compared once: OFFSET 0 keeps the planner from copying the look-up into every use of it.
        rule = self.compare("v.found", node.op, node.value)
        return f"(SELECT {rule} FROM (SELECT {value_sql(worked)} AS found OFFSET 0) v)"

    def _event(self, condition: EventCondition) -> str:
        # A contact without any such event is in no group of the subquery, so counts that zero
        # satisfies are asked the other way round.
        op, count = condition.count_op, condition.count
        if op == "gt":
            op, count = "gte", count + 1
        elif op == "lte":
            op, count = "lt", count + 1
        if op == "gte":
            return "true" if count == 0 else self._having(condition, ">=", count, "IN")
        if op == "lt":
            return "false" if count == 0 else self._having(condition, ">=", count, "NOT IN")
        if count == 0:
            return self._having(condition, ">=", 1, "NOT IN")
        return self._having(condition, "=", count, "IN")

    def _having(self, condition: EventCondition, sign: str, count: int, word: str) -> str:
        if self.some:
            # One contact at a time, and no further than the count asks: this can only run as index
            # probes. As a join it is planned as a scan of a month while statistics are young.
            most = count if sign == ">=" else count + 1
            rule = (
                f"(SELECT count(*) FROM (SELECT 1 FROM events_event e "
                f"WHERE {self.events(condition)} LIMIT {most}) AS found) {sign} {count}"
            )
            return f"({rule})" if word == "IN" else f"(NOT {rule})"
        return (
            f"(c.id {word} (SELECT e.contact_id FROM events_event e WHERE {self.events(condition)} "
            f"GROUP BY e.contact_id HAVING count(*) {sign} {count}))"
        )

    def events(self, condition: EventCondition) -> str:
        """The WHERE clause of the events that a condition counts; with `some` those of `c`."""
        parts = [
            "e.tenant_id = %(tenant)s",
            f"e.name = {self.bind(condition.event)}",
            "e.contact_id = c.id" if self.some else "e.contact_id IS NOT NULL",
            "e.occurred_at <= %(now)s",
            "e.known_at <= %(now)s",
        ]
        if condition.within is not None:
            start = self.bind(self.now - condition.within)
            # received_at is never before occurred_at: this prunes partitions, it removes nothing.
            parts += [f"e.occurred_at > {start}", f"e.received_at >= {start}"]
        if condition.filter:
            parts.append(self.filter(condition.filter))
        return " AND ".join(parts)

    # --- filters on JSON ------------------------------------------------------------------

    def filter(self, condition: Mapping[str, Any], column: str = "e.properties") -> str:
        if "all" in condition:
            return f"({' AND '.join(self.filter(p, column) for p in condition['all']) or 'true'})"
        if "any" in condition:
            return f"({' OR '.join(self.filter(p, column) for p in condition['any']) or 'false'})"
        if "not" in condition:
            return f"(NOT {self.filter(condition['not'], column)})"
        found = self.path(column, str(condition["property"]))
        return self.compare(found, str(condition["op"]), condition.get("value"))

    def path(self, column: str, path: str) -> str:
        """The JSON value at a dotted path; a key that contains the dots comes first."""
        whole = f"{column} -> {self.bind(path)}"
        if "." not in path:
            return f"({whole})"
        return f"COALESCE({whole}, {column} #> {self.bind(path.split('.'))}::text[])"

    def compare(self, found: str, op: str, value: Any) -> str:
        """A boolean, never NULL: missing data makes it false."""
        there = f"{found} IS NOT NULL AND {found} <> 'null'::jsonb"
        text = f"({found} #>> '{{}}')"
        blank = f"(jsonb_typeof({found}) = 'string' AND {text} !~ '\\S')"
        if op == "is_set":
            return f"COALESCE({there} AND NOT {blank}, false)"
        if op == "is_not_set":
            return f"COALESCE(NOT ({there}) OR {blank}, true)"
        if op == "is":
            rule = self._equal(found, value)
        elif op == "is_not":
            rule = f"NOT COALESCE({self._equal(found, value)}, false)"
        elif op in {"in", "not_in"}:
            among = " OR ".join(self._equal(found, each) for each in value) or "false"
            rule = f"({among})" if op == "in" else f"NOT COALESCE({among}, false)"
        elif op in {"gt", "gte", "lt", "lte"}:
            rule = self._ordered(found, op, value)
        elif op == "contains":
            rule = self._contains(found, value)
        elif op == "starts_with" and isinstance(value, str):
            rule = (
                f"(jsonb_typeof({found}) = 'string' AND "
                f"starts_with(lower({text}), lower({self.bind(value)}::text)))"
            )
        else:
            rule = "false"
        return f"COALESCE({there} AND {rule}, false)"

    def _equal(self, found: str, value: Any) -> str:
        number = _number(value)
        exact = f"{found} = {self.bind(json.dumps(value))}::jsonb"
        if number is None:
            return f"({exact})"
        bound = self.bind(number)
        text = f"({found} #>> '{{}}')"
        if isinstance(value, str):
            # The text itself, or the number that it spells.
            return (
                f"({exact} OR CASE WHEN jsonb_typeof({found}) = 'number' "
                f"THEN ({found})::float8 = {bound}::float8 ELSE false END)"
            )
        return (
            f"CASE jsonb_typeof({found}) WHEN 'number' THEN ({found})::float8 = {bound}::float8 "
            f"WHEN 'string' THEN CASE WHEN {text} ~ '{_PLAIN_NUMBER}' "
            f"THEN {text}::float8 = {bound}::float8 ELSE false END ELSE false END"
        )

    def _ordered(self, found: str, op: str, value: Any) -> str:
        sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[op]
        text = f"({found} #>> '{{}}')"
        number = _number(value)
        bound = self.bind(number) if number is not None else None
        if isinstance(value, str):
            words = f'{text} COLLATE "C" {sign} {self.bind(value)}::text'
            numbers = f"({found})::float8 {sign} {bound}::float8" if bound else "false"
            return (
                f"CASE jsonb_typeof({found}) WHEN 'string' THEN {words} "
                f"WHEN 'number' THEN {numbers} ELSE false END"
            )
        if bound is None:
            return "false"
        return (
            f"CASE jsonb_typeof({found}) WHEN 'number' THEN ({found})::float8 {sign} {bound}::float8 "
            f"WHEN 'string' THEN CASE WHEN {text} ~ '{_PLAIN_NUMBER}' "
            f"THEN {text}::float8 {sign} {bound}::float8 ELSE false END ELSE false END"
        )

    def _contains(self, found: str, value: Any) -> str:
        inside = (
            f"EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof({found}) = 'array' "
            f"THEN {found} ELSE '[]'::jsonb END) AS each(item) "
            f"WHERE each.item <> 'null'::jsonb AND {self._equal('each.item', value)})"
        )
        if not isinstance(value, str):
            return inside
        text = f"({found} #>> '{{}}')"
        return (
            f"CASE WHEN jsonb_typeof({found}) = 'string' "
            f"THEN strpos(lower({text}), lower({self.bind(value)}::text)) > 0 ELSE {inside} END"
        )


def _number(value: Any) -> float | int | None:
    """The number that a JSON value is, or spells."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _IS_PLAIN.match(value):
        return float(value)
    return None


def compile_members(
    node: Node, *, now: datetime, some: bool, rules: Rules = NO_RULES
) -> tuple[str, dict[str, Any]]:
    """SQL and parameters of the ids that belong; `some` reads the parameter `ids`."""
    statement = Statement(now, some=some, rules=rules)
    return statement.members(node), statement.params


def compile_expiries(node: Node, *, now: datetime, some: bool) -> tuple[str, dict[str, Any]] | None:
    """SQL of (contact, the first instant at which time alone may change the answer), or None."""
    statement = Statement(now, some=some)
    parts = []
    for condition in windows(node):
        span = statement.bind(condition.within)
        found = f"FROM events_event e WHERE {statement.events(condition)}"
        parts.append(
            f"SELECT c.id AS contact_id, first.occurred_at + {span}::interval AS due_at "
            "FROM unnest(%(ids)s::uuid[]) AS c(id) CROSS JOIN LATERAL ("
            f"SELECT e.occurred_at {found} ORDER BY e.occurred_at LIMIT 1) AS first"
            if some
            else f"SELECT e.contact_id, min(e.occurred_at) + {span}::interval AS due_at {found} "
            "GROUP BY e.contact_id"
        )
    for counted in clocks(node):
        worked = find_worked(counted.attribute)
        for days in numbers_in(counted.value):
            due = due_sql(worked, days) if worked else None
            only = "AND c.id = ANY(%(ids)s)" if some else ""
            parts.append(
                f"SELECT contact_id, due_at FROM (SELECT c.id AS contact_id, {due} AS due_at "
                f"FROM people_contact c WHERE c.tenant_id = %(tenant)s {only}) AS counted "
                "WHERE due_at IS NOT NULL"
            )
    if not parts:
        return None
    union = " UNION ALL ".join(parts)
    text = f"SELECT contact_id, min(due_at) FROM ({union}) AS windows GROUP BY contact_id"
    return text, statement.params
