"""Which words a workspace may make opt-in keywords of its own."""

from __future__ import annotations

import re

from consent.core.classifier import classify
from consent.core.keywords import FILLERS, OPT_IN, is_reserved
from consent.core.normalizing import normalize

LONGEST = 20
_WORD = re.compile(r"[^\W_]{2,20}")


def word_flaw(text: str) -> tuple[str, str] | None:
    """(code, sentence) when the word cannot be a keyword of the workspace's own; else None.

    Codes: invalid_format, already_opt_in (JOIN and its kin work without it), reserved_keyword.
    """
    word = normalize(text)
    if not _WORD.fullmatch(word) or word.isdigit():
        return "invalid_format", f"One word of 2 to {LONGEST} letters or digits, such as VIP."
    if word in OPT_IN:
        return "already_opt_in", f"{word.upper()} subscribes in every workspace already."
    # Whatever the classifier reads into it today (STOP in any language, its typos, HELP, YES) is
    # taken; words beside a keyword ("please") would never be seen alone.
    if is_reserved(word) or word in FILLERS or classify(word).kind != "none":
        return (
            "reserved_keyword",
            f"{word.upper()} has a meaning of its own in replies (opt-out, help, yes). "
            "Take another word.",
        )
    return None
