"""What becomes of files that wait when somebody in them is erased."""

from __future__ import annotations

from datetime import datetime

from imports.domain.twice import forget
from people.domain.leaving import Person, Rows


def erase(person: Person, now: datetime) -> None:
    """Their row is refused when its turn comes; the file itself goes when the import ends."""
    forget(person.names)


def export(person: Person) -> dict[str, Rows]:
    """Nothing: a file is kept only until it was read, and what it said stands in the contact."""
    return {}
