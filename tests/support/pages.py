"""Pages as somebody reads them: a template's own line breaks and blanks do not show."""

from __future__ import annotations

import re
from typing import Any

_EDGE = "a|button|dd|div|dt|h[1-6]|li|option|p|summary|td|th"
_OPENS = re.compile(rf"(<(?:{_EDGE})(?:\s[^>]*)?>) ")
_CLOSES = re.compile(rf" (?=</(?:{_EDGE})>)")


def flat(answer: Any) -> str:
    """The answer's text on one line: a run of blanks is one, and there is none at a block's edges."""
    line = " ".join(answer.content.decode().split())
    return _CLOSES.sub("", _OPENS.sub(r"\1", line))
