"""What is kept of a person as a file: JSON as it is, or CSV with a line a thing. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec

_TIMES = (
    "at", "occurred_at", "received_at", "created_at", "placed_at", "updated_at", "entered_at",
    "first_seen_at", "requested_at", "balance_at", "clicked_at",
)  # fmt: skip
# A spreadsheet would run these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(kept: Mapping[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(kept, enc_hook=str), indent=2)


def as_csv(kept: Mapping[str, Any]) -> bytes:
    """heading, at, name, value: a line for every value of every thing."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(["heading", "number", "at", "name", "value"])
    for heading, found in kept.items():
        things = found if isinstance(found, list) else [found]
        for number, thing in enumerate(things, 1):
            at = next((thing[name] for name in _TIMES if thing.get(name)), "")
            for name, value in thing.items():
                lines.writerow([heading, number, _text(at), name, _text(value)])
    return out.getvalue().encode("utf-8-sig")


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else _plain(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode().strip('"')
