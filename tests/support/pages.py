"""Pages as somebody reads them: a template's own line breaks and blanks do not show."""

from __future__ import annotations

from typing import Any


def flat(answer: Any) -> str:
    """The answer's text on one line, every run of blanks as one space."""
    return " ".join(answer.content.decode().split())
