"""The body of an item that was not stored, small enough and clean enough to be kept. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

MAX_BODY = 4_096
_LONGEST, _MOST, _DEEPEST = 200, 20, 6
_KEY = re.compile(r"\b(?:wk|pk|kairos|whsec)_[\w-]{8,}")
_CUT = "…"


def keep_body(raw: bytes) -> str:
    """JSON text with long texts and lists cut short and without keys of ours; "" for what is no
    JSON, or is too large even then: nobody could tell what is personal in it."""
    try:
        value = _shorten(msgspec.json.decode(raw), 0)
    except (ValueError, RecursionError, msgspec.DecodeError):
        return ""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_BODY else ""


def name_in(raw: bytes) -> str:
    """The event's name in a body that could not be read as an event; "" without one."""
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError, msgspec.DecodeError):
        return ""
    name = value.get("event") if isinstance(value, dict) else None
    return clean(name)[:200] if isinstance(name, str) else ""


def clean(text: str) -> str:
    """A text that PostgreSQL can hold, without keys of ours."""
    kept = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return _KEY.sub("••••", kept)


def _shorten(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return _CUT
    if isinstance(value, dict):
        kept = [(key, each) for key, each in value.items() if key != "writeKey"]
        return {clean(key)[:_LONGEST]: _shorten(each, depth + 1) for key, each in kept[: 2 * _MOST]}
    if isinstance(value, list):
        short = [_shorten(each, depth + 1) for each in value[:_MOST]]
        return [*short, _CUT] if len(value) > _MOST else short
    if isinstance(value, str):
        text = clean(value)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + _CUT
    return value
