"""How far the shop's history is, in a small file that the start command and the pages read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Progress:
    """`done` of `total` events; written at most every half percent."""

    path: Path | None
    total: int
    done: int = 0
    note: str = ""
    told: int = -1

    @classmethod
    def of(cls, total: int) -> Progress:
        named = os.environ.get("KAIROS_PROGRESS_FILE", "")
        return cls(Path(named) if named else None, total)

    def add(self, count: int, note: str = "") -> None:
        self.done = min(self.done + count, self.total)
        self.note = note or self.note
        if self.done == self.total or self.done - self.told >= max(self.total // 200, 1):
            self.write()

    def finish(self) -> None:
        self.done = self.total
        self.note = ""
        self.write()

    def write(self) -> None:
        self.told = self.done
        if self.path is None:
            return
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"done": self.done, "total": self.total, "note": self.note}))
        fresh.replace(self.path)


def read_progress() -> dict[str, object]:
    """{"done", "total", "note"}; empty when nothing is being loaded."""
    named = os.environ.get("KAIROS_PROGRESS_FILE", "")
    try:
        found = json.loads(Path(named).read_text()) if named else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
