"""What can be learned from bodies of an event: properties, their types, spellings, flaws. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from events.core.standards import flaws_of

MAX_PROPERTIES = 100
MAX_SPELLINGS = 20
MAX_LATEST = 20
# Keys that are values (an address, a number, an id) are many, and may be somebody's.
_IS_KEY = re.compile(r"[^\W\d][\w $.:/-]{0,79}").fullmatch
_IS_VALUE = re.compile(r"\d{5}|[0-9a-f]{12}", re.IGNORECASE).search

Seen = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Observed:
    """What bodies of one name said.

    `properties`: {name: {"types": {type: count}, "wrong": count}}; `wrong` counts bodies in which
    the property was of another type than expected, or missing though needed.
    """

    looked_at: int = 0
    invalid: int = 0
    properties: Seen = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)
    latest: list[list[str]] = field(default_factory=list)


def type_of(value: Any) -> str:
    """The JSON type of a value: string, number, boolean, array, object or null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def observe(held: Observed, name: str, original: str, properties: Mapping[str, Any]) -> None:
    """Adds one body to what is held."""
    held.looked_at += 1
    for key, value in properties.items():
        entry = _entry(held.properties, key)
        if entry is not None:
            types = entry["types"]
            kind = type_of(value)
            types[kind] = types.get(kind, 0) + 1
    flaws = flaws_of(name, properties)
    held.invalid += bool(flaws)
    for key in {key for key, _ in flaws}:
        entry = _entry(held.properties, key)
        if entry is not None:
            entry["wrong"] += 1
    said = original or name
    if said in held.spellings or len(held.spellings) < MAX_SPELLINGS:
        held.spellings[said] = held.spellings.get(said, 0) + 1


def merge(held: Observed, more: Observed) -> Observed:
    """Both together; `more` is the newer one."""
    properties: Seen = {key: _copy(entry) for key, entry in held.properties.items()}
    for key, new in more.properties.items():
        entry = _entry(properties, key)
        if entry is None:
            continue
        entry["wrong"] += new["wrong"]
        for kind, count in new["types"].items():
            entry["types"][kind] = entry["types"].get(kind, 0) + count
    spellings = dict(held.spellings)
    for said, count in more.spellings.items():
        if said in spellings or len(spellings) < MAX_SPELLINGS:
            spellings[said] = spellings.get(said, 0) + count
    return Observed(
        looked_at=held.looked_at + more.looked_at,
        invalid=held.invalid + more.invalid,
        properties=properties,
        spellings=spellings,
        latest=newest([*more.latest, *held.latest]),
    )


def newest(latest: Iterable[list[str]]) -> list[list[str]]:
    """The newest [id, received] pairs, each once. The ids grow with time."""
    found = {pair[0]: pair for pair in latest}
    return [found[key] for key in sorted(found, reverse=True)[:MAX_LATEST]]


def _entry(properties: Seen, key: str) -> dict[str, Any] | None:
    """The entry of a property; None for a key that is a value, or one too many."""
    entry = properties.get(key)
    if entry is None and len(properties) < MAX_PROPERTIES and _IS_KEY(key) and not _IS_VALUE(key):
        entry = properties[key] = {"types": {}, "wrong": 0}
    return entry


def _copy(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"types": dict(entry["types"]), "wrong": entry["wrong"]}
