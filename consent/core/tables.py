"""The shipped tables, read once per process."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).resolve().parent.parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """One file of consent/data as parsed JSON. Callers must not change it."""
    raw = (_DATA / name).read_bytes()
    parsed: dict[str, Any] = json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)
    return parsed
