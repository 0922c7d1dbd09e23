"""An OpenAPI description read for people: operations by tag, with fields in plain rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_DEPTH = 3
# What people look for first; the rest follows in the order of the addresses.
_FIRST = (
    "contacts", "contact-changes", "consents", "opt-outs", "opt-out-links", "messages", "clicks", "events", "event-definitions",
    "attributes", "products", "imports", "templates", "segments", "flows", "watched-dates", "campaigns", "webhooks", "gateway",
    "keys",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a body or one parameter; `name` is a path such as `results[].status`."""

    name: str
    kind: str
    required: bool
    note: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    note: str
    fields: list[FieldRow]


@dataclass(frozen=True, slots=True)
class Operation:
    key: str
    method: str
    path: str
    title: str
    paragraphs: list[str]
    call: str
    parameters: list[FieldRow]
    body: list[FieldRow]
    answers: list[Answer]
    refusals: list[Answer]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    operations: list[Operation] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.name.replace("-", " ").replace("opt out", "opt-out").capitalize()


class Reader:
    """Reads a description for the installation at `base`."""

    def __init__(self, description: Mapping[str, Any], base: str) -> None:
        self._description = description
        self._base = base.rstrip("/")

    def groups(self) -> list[Group]:
        """One group per tag."""
        found: dict[str, Group] = {}
        for path, methods in self._description["paths"].items():
            for method, told in methods.items():
                tag = told["tags"][0]
                group = found.setdefault(tag, Group(tag))
                group.operations.append(self._operation(method.upper(), path, told))
        known = {name: place for place, name in enumerate(_FIRST)}
        return sorted(found.values(), key=lambda group: known.get(group.name, len(known)))

    def _operation(self, method: str, path: str, told: Mapping[str, Any]) -> Operation:
        answers = [self._answer(code, each) for code, each in told["responses"].items()]
        return Operation(
            key=told["operationId"],
            method=method,
            path=path,
            title=told.get("summary", told["operationId"]),
            paragraphs=[_plain(part) for part in told.get("description", "").split("\n\n") if part],
            call=self._call(method, path, told),
            parameters=[self._parameter(each) for each in told.get("parameters", [])],
            body=list(self._fields_of(told.get("requestBody", {}))),
            answers=[each for each in answers if each.status < "400"],
            refusals=[each for each in answers if each.status >= "400"],
        )

    def _call(self, method: str, path: str, told: Mapping[str, Any]) -> str:
        """The operation as a command to copy."""
        for each in told.get("parameters", []):
            if each["in"] == "path":
                path = path.replace(f"{{{each['name']}}}", str(each.get("example", each["name"])))
        body = _example(told.get("requestBody", {}))
        implied = "GET" if body is None else "POST"
        words = ["curl -s", *([f"-X {method}"] if method != implied else [])]
        words += [f'"{self._base}{path}"', '-u "$API_KEY:"']
        if isinstance(body, str):
            kind = next(iter(told["requestBody"]["content"]))
            words += [f"-H 'Content-Type: {kind}'", f"-d '{body}'"]
        elif body is not None:
            # In a shell's quotes; JSON has a way to write one.
            text = json.dumps(body, indent=2, ensure_ascii=False).replace("'", "\\u0027")
            words += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
        return " ".join(words)

    def _parameter(self, told: Mapping[str, Any]) -> FieldRow:
        shape = self._shape(told.get("schema", {}))
        note = _note({**shape, "description": told.get("description", "")})
        return FieldRow(
            told["name"], _kind(shape), bool(told.get("required")), note, f"in the {told['in']}"
        )

    def _answer(self, code: str, told: Mapping[str, Any]) -> Answer:
        fields = list(self._fields_of(told)) if code < "400" else []
        return Answer(code, _plain(told.get("description", "")), fields)

    def _fields_of(self, told: Mapping[str, Any]) -> Iterator[FieldRow]:
        for content in told.get("content", {}).values():
            yield from self._rows(self._shape(content.get("schema", {})), "", _DEPTH)
            return

    def _rows(self, shape: Mapping[str, Any], path: str, depth: int) -> Iterator[FieldRow]:
        required = shape.get("required", ())
        for name, raw in shape.get("properties", {}).items():
            inner = self._shape(raw)
            place = f"{path}.{name}" if path else name
            note = _note(inner)
            yield FieldRow(place, _kind(inner), name in required, note)
            if depth:
                items = self._shape(inner["items"]) if "items" in inner else {}
                yield from self._rows(inner, place, depth - 1)
                yield from self._rows(items, f"{place}[]", depth - 1)

    def _shape(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A schema with its references followed."""
        shape = dict(raw)
        parts = [{"$ref": shape.pop("$ref")}] if "$ref" in shape else shape.pop("allOf", [])
        for part in parts:
            if "$ref" in part:
                name = part["$ref"].rpartition("/")[2]
                part = self._shape(self._description["components"]["schemas"][name])
            shape = {**part, **shape}
        return shape


def _example(told: Mapping[str, Any]) -> Any:
    """The first example of a body, None when it has none."""
    for content in told.get("content", {}).values():
        for example in content.get("examples", {}).values():
            return example["value"]
    return None


def _plain(text: str) -> str:
    """Without the marks that say "this is code": a page has its own."""
    return " ".join(text.replace("`", "").split())


def _note(shape: Mapping[str, Any]) -> str:
    """What is told of a field, and what it may be where that is a list of words."""
    told = _plain(shape.get("description", ""))
    if not told or "enum" in shape:
        return f"{told} ({_limits(shape)})" if told else _limits(shape)
    return told


def _kind(shape: Mapping[str, Any]) -> str:
    """`text`, `list of text`, `time or null`."""
    kinds = {
        "date-time": "time",
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "array": "list",
    }
    named = str(
        shape.get("format") if shape.get("format") == "date-time" else shape.get("type", "")
    )
    said = kinds.get(named, named or "any value")
    return f"{said} or null" if shape.get("nullable") else said


def _limits(shape: Mapping[str, Any]) -> str:
    said = []
    if "enum" in shape:
        said.append(", ".join(str(value) for value in shape["enum"] if value not in ("", None)))
    if "minimum" in shape and "maximum" in shape:
        said.append(f"{shape['minimum']} to {shape['maximum']}")
    elif "maxLength" in shape:
        said.append(f"at most {shape['maxLength']} characters")
    if "default" in shape:
        said.append(f"default {str(shape['default']).lower()}")
    return "; ".join(said)
