"""Any JSON into one event, by paths that a person wrote. Pure.

A path is `$.order.lines[0]["unit price"]`: `$` is the body. A field without a leading `$` means that
very text. `properties` are `name = path` lines; `* = path` takes over all of an object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.problems import FieldError
from connectors.core.items import Item
from events.core.names import PRODUCT_SUBJECT, RESERVED, canonical

IDENTIFIERS = ("external_id", "phone", "email", "anonymous_id")
FIELDS = ("event", *IDENTIFIERS, "occurred_at", "message_id")
MAX_PATH = 300
MAX_PROPERTIES = 50
DEFAULT: dict[str, Any] = {
    "event": "$.event",
    "external_id": "$.external_id",
    "phone": "$.phone",
    "email": "$.email",
    "anonymous_id": "",
    "occurred_at": "$.occurred_at",
    "message_id": "$.id",
    "properties": {"*": "$.properties"},
}
_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(\d{1,4})\]|\["((?:[^"\\]|\\.){1,100})"\]')
_MISSING = object()
Step = str | int


@dataclass(slots=True)
class Mapped:
    """What a mapping makes of a body. `errors`: by field, then `item` is None. `absent`: properties
    whose path leads nowhere in this body."""

    item: Item | None = None
    errors: list[FieldError] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def read_path(text: str) -> tuple[Step, ...]:
    """`$.a[0]` as its steps. Raises ValueError, in words."""
    if len(text) > MAX_PATH:
        raise ValueError(f"A path has at most {MAX_PATH} letters.")
    if not text.startswith("$"):
        raise ValueError("A path begins with $, such as $.order.id.")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(f"This path cannot be read from “{text[at : at + 20]}” on.")
        name, index, quoted = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name if name is not None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return tuple(steps)


def check_mapping(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """(the mapping with every field, what is wrong with it by field)."""
    errors: list[FieldError] = []
    clean: dict[str, Any] = {}
    for name in given:
        if name not in (*FIELDS, "properties"):
            errors.append(FieldError(str(name)[:60], "unknown_field", "There is no such field."))
    for name in FIELDS:
        value = given.get(name, "")
        value = "" if value is None else value
        if not isinstance(value, str):
            errors.append(FieldError(name, "wrong_type", "Write a path or a text."))
            continue
        clean[name] = value.strip()
        _check_value(name, clean[name], errors)
    if not clean.get("event") and not any(each.field == "event" for each in errors):
        errors.append(FieldError("event", "required", "Say what happened: a name, or its path."))
    clean["properties"] = _check_properties(given.get("properties"), errors)
    needs = [clean.get(name) for name in IDENTIFIERS]
    about_product = canonical(clean.get("event") or "") in PRODUCT_SUBJECT
    if not any(needs) and not about_product:
        errors.append(
            FieldError("phone", "required", "Say where to find who it is, at least once.")
        )
    return clean, errors


def apply_mapping(mapping: Mapping[str, Any], body: Any, *, mark: str) -> Mapped:
    """One item of a body. `mark` makes its message id where the body has none of its own."""
    out = Mapped()
    values = {name: _scalar(name, mapping.get(name, ""), body, out) for name in FIELDS}
    if not values["event"] and not any(each.field == "event" for each in out.errors):
        where = mapping.get("event", "")
        out.errors.append(FieldError("event", "missing", f"{where} is not in this body."))
    at = _moment(values["occurred_at"], out)
    properties: dict[str, Any] = {}
    for name, path in dict(mapping.get("properties") or {}).items():
        value = _look(path, body)
        if value is _MISSING or value is None:
            out.absent.append(name)
        elif name != "*":
            properties[name] = value
        elif isinstance(value, Mapping):
            properties = {**{str(key): each for key, each in value.items()}, **properties}
        else:
            detail = f"{path} is no object, so it has no properties to take over."
            out.errors.append(FieldError("properties.*", "wrong_type", detail))
    if out.errors:
        return out
    identity = values["message_id"]
    out.item = Item(
        values["event"],
        f"webhook:{mark}:{identity}" if identity else "",
        at,
        external_id=values["external_id"],
        phone=values["phone"],
        email=values["email"],
        anonymous_id=values["anonymous_id"],
        properties=properties,
    )
    return out


def read_lines(text: str) -> tuple[dict[str, str], list[FieldError]]:
    """`name = $.path` lines of a form as properties."""
    found: dict[str, str] = {}
    errors = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, sign, path = line.partition("=")
        if not sign or not name.strip() or not path.strip():
            errors.append(FieldError("properties", "invalid", f"Line {number}: name = $.path"))
        elif name.strip() in found:
            detail = f"Line {number}: {name.strip()[:60]} is said already."
            errors.append(FieldError("properties", "repeated", detail))
        else:
            found[name.strip()] = path.strip()
    return found, errors


def write_lines(properties: Mapping[str, str]) -> str:
    return "\n".join(f"{name} = {path}" for name, path in properties.items())


def _check_value(name: str, value: str, errors: list[FieldError]) -> None:
    if "\x00" in value:
        errors.append(FieldError(name, "invalid_character", "Text cannot hold the NUL character."))
    elif value.startswith("$"):
        try:
            read_path(value)
        except ValueError as error:
            errors.append(FieldError(name, "invalid_path", str(error)))
    elif name == "event" and canonical(value) in RESERVED:
        detail = f"Only Kairos itself records {canonical(value)}."
        errors.append(FieldError(name, "reserved_name", detail))
    elif name == "event" and len(value) > 200:
        errors.append(FieldError(name, "invalid_name", "A name has 1 to 200 letters."))
    elif name != "event" and value:
        errors.append(FieldError(name, "invalid_path", "A path begins with $, such as $.order.id."))


def _check_properties(given: Any, errors: list[FieldError]) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        errors.append(FieldError("properties", "wrong_type", "Send names with their paths."))
        return {}
    if len(given) > MAX_PROPERTIES:
        errors.append(FieldError("properties", "too_many", f"At most {MAX_PROPERTIES}."))
        return {}
    clean: dict[str, str] = {}
    for name, path in given.items():
        place = f"properties.{str(name)[:60]}"
        if not isinstance(name, str) or not 0 < len(name) <= 128 or "\x00" in name:
            errors.append(FieldError(place, "invalid_name", "A name has 1 to 128 letters."))
        elif not isinstance(path, str):
            errors.append(FieldError(place, "wrong_type", "Write a path such as $.order.total."))
        else:
            try:
                read_path(path)
            except ValueError as error:
                errors.append(FieldError(place, "invalid_path", str(error)))
            clean[name] = path
    return clean


def _look(path: str, body: Any) -> Any:
    value = body
    for step in read_path(path):
        held: Any = value
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return _MISSING
        elif not isinstance(value, Mapping) or step not in value:
            return _MISSING
        value = held[step]
    return value


def _scalar(name: str, said: str, body: Any, out: Mapped) -> str:
    if not said.startswith("$"):
        return said
    value = _look(said, body)
    if value is _MISSING or value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        out.errors.append(FieldError(name, "wrong_type", f"{said} is neither text nor number."))
        return ""
    return str(value).strip()


def _moment(text: str, out: Mapped) -> str | None:
    """ISO 8601 as it is; seconds or milliseconds since 1970 become it."""
    if not text:
        return None
    if text.replace(".", "", 1).isdigit() and text.isascii() and len(text) <= 17:
        seconds = float(text)
        seconds = seconds / 1000 if seconds > 10**11 else seconds
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            pass
    try:
        datetime.fromisoformat(text)
    except ValueError:
        detail = "This is no time: write 2026-11-17T18:00:00Z or seconds since 1970."
        out.errors.append(FieldError("occurred_at", "invalid_time", detail))
        return None
    return text
