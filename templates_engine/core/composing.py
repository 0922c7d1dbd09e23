"""The finished text: brand prefix, words, opt-out line, each only once."""

from __future__ import annotations

import re

STOP_NOTICE = "Reply STOP to opt out"
_SAYS_STOP = re.compile(r"\bstop\b", re.IGNORECASE)


def prefix_for(sms_name: str) -> str:
    """The brand's name as texts begin with it."""
    return f"{sms_name}:" if sms_name else ""


def says_stop(text: str) -> bool:
    """Whether a text tells how to opt out."""
    return _SAYS_STOP.search(text) is not None


def compose(text: str, *, prefix: str = "", suffix: str = "") -> str:
    """Put the brand's prefix before and the opt-out text after the words.

    One space stands between the parts unless a part brings its own line break; what the words
    already say (the prefix at their start, the suffix anywhere) is not said twice.
    """
    text = text.strip()
    folded = text.casefold()
    if prefix.strip() and not folded.startswith(prefix.strip().casefold()):
        text = _join(prefix.lstrip(), text)
    if suffix.strip() and suffix.strip().casefold() not in folded:
        text = _join(text, suffix.rstrip())
    return text


def _join(first: str, second: str) -> str:
    if not first or not second:
        return first or second
    if first.endswith("\n") or second.startswith("\n"):
        return first.rstrip(" ") + second.lstrip(" ")
    return f"{first.rstrip()} {second.lstrip()}"
