"""Which of two contacts stays, and what is known of it afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from people.core.traits import FIELDS

# Whose own, when each has one: the survivor's. The other's stays a way to recognize the person.
IDENTIFYING = ("external_id", "phone", "email")
EXPLICIT = "explicit"
# Columns that go along with another one.
_ALONG = {"phone": "phone_type", "timezone": "timezone_source"}
_OPEN = tuple(name for name in FIELDS if name not in IDENTIFYING)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one contact. `told`: when each value was last told of, where that is known."""

    id: UUID
    created_at: datetime
    values: Mapping[str, Any]
    attributes: Mapping[str, Any]
    told: Mapping[str, datetime] = field(default_factory=dict)

    def told_at(self, name: str) -> datetime:
        return self.told.get(name, self.created_at)

    @property
    def rank(self) -> tuple[bool, datetime, UUID]:
        """The smaller one stays."""
        return (not self.values.get("external_id"), self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class Combined:
    """What changes on the survivor: columns, and attributes."""

    columns: dict[str, Any]
    attributes: dict[str, Any]


def choose_survivor(one: Known, other: Known) -> tuple[Known, Known]:
    """(who stays, who becomes a part of it): the one with an external id, then the older one."""
    return (one, other) if one.rank <= other.rank else (other, one)


def combine(survivor: Known, merged: Known) -> Combined:
    """Of each value the newest that anybody told; what a person said wins over what was inferred."""
    columns: dict[str, Any] = {}
    for name in IDENTIFYING:
        if not survivor.values.get(name) and merged.values.get(name):
            _take(columns, name, merged)
    for name in _OPEN:
        theirs = merged.values.get(name)
        if theirs and theirs != survivor.values.get(name) and _wins(name, survivor, merged):
            _take(columns, name, merged)
    attributes = {
        name: value
        for name, value in merged.attributes.items()
        if value is not None
        and (
            survivor.attributes.get(name) is None
            or (
                survivor.attributes[name] != value and merged.told_at(name) > survivor.told_at(name)
            )
        )
    }
    _take_stamps(columns, attributes, survivor, merged)
    return Combined(columns, attributes)


def _take_stamps(
    columns: dict[str, Any], attributes: Mapping[str, Any], survivor: Known, merged: Known
) -> None:
    """Who told it and when goes along with what is taken."""
    own, theirs = survivor.values.get("told") or {}, merged.values.get("told") or {}
    told = {name: at for name, at in own.items() if name not in columns and name not in attributes}
    told |= {name: theirs[name] for name in (*columns, *attributes) if name in theirs}
    if told != own:
        columns["told"] = told
    refused = survivor.values.get("refused") or {}
    kept = {name: why for name, why in refused.items() if name not in attributes}
    if kept != refused:
        columns["refused"] = kept


def _wins(name: str, survivor: Known, merged: Known) -> bool:
    if not survivor.values.get(name):
        return True
    if name == "timezone":
        said, inferred = (
            each.values.get("timezone_source") == EXPLICIT for each in (merged, survivor)
        )
        if said != inferred:
            return said
    return merged.told_at(name) > survivor.told_at(name)


def _take(columns: dict[str, Any], name: str, merged: Known) -> None:
    columns[name] = merged.values[name]
    if name in _ALONG:
        columns[_ALONG[name]] = merged.values.get(_ALONG[name]) or ""
