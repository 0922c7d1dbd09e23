"""A trigger's filter as rows of a form, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggers.core.words import OPERATORS

VALUELESS = frozenset({"is_set", "is_not_set"})
_LISTED = frozenset({"in", "not_in"})
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as typed. `error` stands beside it when it was refused."""

    property: str = ""
    op: str = "is"
    value: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class FilterForm:
    """`match` is "all" or "any"."""

    match: str = "all"
    rows: tuple[Row, ...] = ()


def read_filter(condition: Mapping[str, Any] | None) -> FilterForm | None:
    """The filter as rows; None for one with groups inside groups, which rows cannot show."""
    if not condition:
        return FilterForm()
    for match in ("all", "any"):
        if match in condition:
            rows = [_row(one) for one in condition[match]]
            known = tuple(row for row in rows if row is not None)
            return FilterForm(match, known) if len(known) == len(rows) else None
    row = _row(condition)
    return FilterForm("all", (row,)) if row is not None else None


def write_filter(
    match: str, rows: Sequence[Row], seen: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any] | None:
    """The rows as a filter; rows without a property are left out, None: nothing is asked.

    `seen`: properties of past events. What was always a truth value there is compared as one.
    """
    examples = list(seen)
    conditions = [_condition(row, examples) for row in rows if row.property.strip()]
    if not conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    return {"any" if match == "any" else "all": conditions}


def _row(condition: Any) -> Row | None:
    if not isinstance(condition, Mapping) or "property" not in condition:
        return None
    op = str(condition.get("op", ""))
    if op not in OPERATORS:
        return None
    value = condition.get("value")
    if isinstance(value, list):
        if any(isinstance(one, str) and "," in one for one in value):
            return None
        return Row(str(condition["property"]), op, ", ".join(map(_said, value)))
    return Row(str(condition["property"]), op, _said(value))


def _said(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _condition(row: Row, examples: list[Mapping[str, Any]]) -> dict[str, Any]:
    name, op = row.property.strip(), row.op
    if op in VALUELESS:
        return {"property": name, "op": op}
    as_truth = any(isinstance(one.get(name), bool) for one in examples)
    parts = [part.strip() for part in row.value.split(",")] if op in _LISTED else [row.value]
    values = [_value(part.strip(), as_truth) for part in parts if part.strip() or op not in _LISTED]
    return {"property": name, "op": op, "value": values if op in _LISTED else values[0]}


def _value(text: str, as_truth: bool) -> Any:
    if as_truth and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if _NUMBER(text):
        return float(text) if "." in text else int(text)
    return text
