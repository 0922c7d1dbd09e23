"""Conditions on an event's properties: pure, shared by segments, flows and exit criteria.

    {"property": "price", "op": "gt", "value": 10}
    {"all": [...]}   {"any": [...]}   {"not": {...}}

`property` may be a dotted path (`new.city`, `products.0.name`). Missing data makes a condition
false, whatever its operator (`is_not` and `not_in` too), except `is_not_set`. Nothing raises.

How values compare (SQL written for the same filter has to agree):
  is, is_not, in, not_in   equal JSON values; numbers by value; text exactly, letter case included.
                           A text that is a plain number equals that number ("10" is 10).
  gt, gte, lt, lte         number with number (a plain-number text counts as one); text with text by
                           code point, which is right for ISO dates; anything else is false.
  contains                 text within text, ignoring letter case; or a list that has the element.
  starts_with              text, ignoring letter case.
  is_set                   present, not null, not blank text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Filter = Mapping[str, Any]

OPERATORS = (
    "is",
    "is_not",
    "in",
    "not_in",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "starts_with",
    "is_set",
    "is_not_set",
)
MAX_DEPTH = 10
MAX_CONDITIONS = 200
_VALUELESS = frozenset({"is_set", "is_not_set"})
_LISTED = frozenset({"in", "not_in"})
_ORDERED = frozenset({"gt", "gte", "lt", "lte"})
_PLAIN_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class FilterError:
    """One wrong place in a filter; `path` such as `all[0].op`."""

    path: str
    code: str
    detail: str


def matches(condition: Filter | None, properties: Mapping[str, Any] | None) -> bool:
    """Whether `properties` satisfy the filter; no filter is satisfied by everything."""
    if not condition:
        return True
    if "all" in condition:
        return all(matches(part, properties) for part in condition["all"])
    if "any" in condition:
        return any(matches(part, properties) for part in condition["any"])
    if "not" in condition:
        return not matches(condition["not"], properties)
    found = read_path(properties, str(condition.get("property", "")))
    return compare(found, str(condition.get("op", "")), condition.get("value"))


def read_path(data: Any, path: str) -> Any:
    """The value at a dotted path, or None. A key that contains dots is found as it is first."""
    found = _find(data, path)
    return None if found is _MISSING else found


def compare(found: Any, op: str, value: Any) -> bool:
    """One operator on one value; `found` None means missing."""
    present = found is not None and not (isinstance(found, str) and not found.strip())
    if op == "is_not_set":
        return not present
    if op == "is_set":
        return present
    if found is None:
        return False
    if op == "is":
        return equal(found, value)
    if op == "is_not":
        return not equal(found, value)
    if op in _LISTED:
        among = isinstance(value, list | tuple) and any(equal(found, each) for each in value)
        return among == (op == "in")
    if op in _ORDERED:
        return _ordered(found, op, value)
    if op == "contains":
        if isinstance(found, list):
            return any(equal(each, value) for each in found)
        return isinstance(found, str) and isinstance(value, str) and value.lower() in found.lower()
    if op == "starts_with":
        return (
            isinstance(found, str)
            and isinstance(value, str)
            and found.lower().startswith(value.lower())
        )
    return False


def equal(left: Any, right: Any) -> bool:
    """JSON equality: true is not 1, 10 is 10.0, and "10" is 10."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if _is_number(left) != _is_number(right):
        pair = _numbers(left, right)
        return pair is not None and pair[0] == pair[1]
    return bool(left == right)


def validate(condition: Any, *, path: str = "") -> list[FilterError]:
    """Every mistake in a filter, each with its place; an empty list means it can be used."""
    counter = [0]
    errors = _validate(condition, path, 1, counter)
    if counter[0] > MAX_CONDITIONS:
        errors.append(
            FilterError(path, "too_many", f"A filter has at most {MAX_CONDITIONS} conditions.")
        )
    return errors


def _find(data: Any, path: str) -> Any:
    if isinstance(data, Mapping) and path in data:
        return data[path]
    for part in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(part, _MISSING)
        elif isinstance(data, list) and part.isascii() and part.isdigit():
            index = int(part) if len(part) < 6 else len(data)
            data = data[index] if index < len(data) else _MISSING
        else:
            return _MISSING
    return data


def _ordered(found: Any, op: str, value: Any) -> bool:
    left: Any
    right: Any
    if isinstance(found, str) and isinstance(value, str):
        left, right = found, value
    else:
        pair = _numbers(found, value)
        if pair is None:
            return False
        left, right = pair
    if op == "gt":
        return bool(left > right)
    if op == "gte":
        return bool(left >= right)
    if op == "lt":
        return bool(left < right)
    return bool(left <= right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(left: Any, right: Any) -> tuple[float, float] | None:
    """Both as numbers when at least one is one and the other is one or spells one."""
    if not (_is_number(left) or _is_number(right)):
        return None
    pair = []
    for value in (left, right):
        if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
            value = float(value)
        if not _is_number(value):
            return None
        pair.append(value)
    return pair[0], pair[1]


def _validate(condition: Any, path: str, depth: int, counter: list[int]) -> list[FilterError]:
    counter[0] += 1
    if counter[0] > MAX_CONDITIONS:
        return []
    if not isinstance(condition, Mapping):
        return [FilterError(path, "not_an_object", "A condition is a JSON object.")]
    if depth > MAX_DEPTH:
        return [FilterError(path, "too_deep", f"Groups nest at most {MAX_DEPTH} deep.")]
    groups = [key for key in ("all", "any", "not") if key in condition]
    if groups:
        if len(condition) != 1:
            return [FilterError(path, "mixed", "A group holds exactly one of all, any, not.")]
        return _validate_group(condition, groups[0], path, depth, counter)
    return _validate_leaf(condition, path)


def _validate_group(
    condition: Filter, group: str, path: str, depth: int, counter: list[int]
) -> list[FilterError]:
    inner = f"{path}.{group}" if path else group
    if group == "not":
        return _validate(condition["not"], inner, depth + 1, counter)
    parts = condition[group]
    if not isinstance(parts, list) or not parts:
        return [FilterError(inner, "empty", "A group lists at least one condition.")]
    errors = []
    for index, part in enumerate(parts):
        errors += _validate(part, f"{inner}[{index}]", depth + 1, counter)
    return errors


def _validate_leaf(condition: Filter, path: str) -> list[FilterError]:
    prefix = f"{path}." if path else ""
    errors = [
        FilterError(f"{prefix}{key}", "unknown", "A condition has property, op and value.")
        for key in condition
        if key not in {"property", "op", "value"}
    ]
    name = condition.get("property")
    if not isinstance(name, str) or not name.strip():
        errors.append(FilterError(f"{prefix}property", "required", "Name a property."))
    op = condition.get("op")
    if op not in OPERATORS:
        known = ", ".join(OPERATORS)
        errors.append(FilterError(f"{prefix}op", "unknown_operator", f"Use one of {known}."))
        return errors
    value = condition.get("value", _MISSING)
    wrong = _wrong_value(str(op), value)
    if wrong:
        errors.append(FilterError(f"{prefix}value", "wrong_value", wrong))
    return errors


def _wrong_value(op: str, value: Any) -> str:
    if op in _VALUELESS:
        return "" if value is _MISSING or value is None else f"{op} takes no value."
    if op in _LISTED:
        fine = isinstance(value, list) and bool(value)
        return "" if fine else f"{op} takes a list with at least one value."
    if value is _MISSING or value is None:
        return f"{op} takes a value."
    if op in _ORDERED and (isinstance(value, bool) or not isinstance(value, int | float | str)):
        return f"{op} compares with a number or a text."
    if op == "starts_with" and not isinstance(value, str):
        return "starts_with takes a text."
    return ""
