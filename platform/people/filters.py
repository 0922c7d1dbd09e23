"""Filters of the contacts list, of its page and of the API alike. Higher floors register their own,
such as SMS consent or segments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.problems import FieldError, Invalid


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL about the contact `c` that an index answers as the application's role."""

    sql: str
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Filter:
    """`name` stands in addresses. `condition` of a value nobody knows is None. `choices` takes one
    query at most. `told` describes it in the API, with `values` where they are always the same.
    """

    name: str
    label: str
    choices: Callable[[], Sequence[Choice]]
    condition: Callable[[str], Condition | None]
    order: int
    told: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filtered:
    """Values by filter that somebody chose, as SQL."""

    chosen: Mapping[str, str] = field(default_factory=dict)
    conditions: Sequence[Condition] = ()


_filters: dict[str, Filter] = {}


def register(one: Filter) -> None:
    """Call it in `AppConfig.ready`."""
    _filters[one.name] = one


def all_filters() -> list[Filter]:
    return sorted(_filters.values(), key=lambda one: one.order)


def read_filters(given: Mapping[str, Any], *, strict: bool = False) -> Filtered:
    """From the query of an address. `strict` raises `Invalid` for a value that does not exist;
    otherwise it is left out.
    """
    chosen: dict[str, str] = {}
    conditions = []
    errors = []
    for one in all_filters():
        value = str(given.get(one.name) or "").strip()[:200]
        if not value:
            continue
        condition = None if "\x00" in value else one.condition(value)
        if condition is not None:
            chosen[one.name] = value
            conditions.append(condition)
        elif strict:
            known = f"One of: {', '.join(one.values)}." if one.values else one.told
            errors.append(FieldError(one.name, "invalid_choice", known))
    if errors:
        raise Invalid(errors)
    return Filtered(chosen, conditions)
