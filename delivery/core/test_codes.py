"""The word and code a member texts to us to show that a phone is theirs. Pure."""

from __future__ import annotations

import re

WORD = "TEST"
DIGITS = 6
_SAID = re.compile(rf"\W*{WORD}\W*(\d{{{DIGITS}}})\W*", re.IGNORECASE)


def words_for(code: str) -> str:
    """What the member is asked to text."""
    return f"{WORD} {code}"


def read_code(body: str) -> str | None:
    """The code in a text that says nothing else, None otherwise."""
    found = _SAID.fullmatch(body.strip())
    return found[1] if found and found[1].isascii() else None
