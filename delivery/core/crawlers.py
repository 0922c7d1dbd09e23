"""Which user agents are machines: the community's list, whole (see delivery/data)."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache, lru_cache
from pathlib import Path

_LIST = Path(__file__).parent.parent / "data" / "crawler-user-agents.json.gz"


@lru_cache(maxsize=4096)
def crawler_name(user_agent: str) -> str | None:
    """What of the list the user agent matches, or None for a browser."""
    found = _pattern().search(user_agent)
    return found.group(0) if found else None


@cache
def _pattern() -> re.Pattern[str]:
    with gzip.open(_LIST, "rt", encoding="utf-8") as lines:
        entries = json.load(lines)
    return re.compile("|".join(f"(?:{entry['pattern']})" for entry in entries))
