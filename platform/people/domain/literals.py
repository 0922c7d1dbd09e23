"""Array parameters as PostgreSQL array literals.

psycopg builds arrays element by element with a regular expression each; on a batch of 500 events
that took longer than everything else together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID


def uuid_array(values: Iterable[UUID | None]) -> str:
    return "{" + ",".join(["NULL" if v is None else v.hex for v in values]) + "}"


def time_array(values: Iterable[datetime | None]) -> str:
    return "{" + ",".join(["NULL" if v is None else v.isoformat() for v in values]) + "}"


def int_array(values: Iterable[int]) -> str:
    return "{" + ",".join([str(v) for v in values]) + "}"


def text_array(values: Iterable[str | None]) -> str:
    return "{" + ",".join(["NULL" if v is None else _quoted(v) for v in values]) + "}"


def json_array(values: Iterable[str]) -> str:
    """JSON texts as one JSON list, for `jsonb_array_elements`."""
    return "[" + ",".join(values) + "]"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
