"""Which keyword a reply means: case, punctuation and one typo forgiven, never a reserved word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# What carriers, Twilio and the classifier of consent read as opt-out, opt-in or help. A keyword
# may not be one of them, and no typo of a keyword may be read out of one (SHOP is not STOP).
RESERVED_WORDS = frozenset(
    [
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "revoke",
        "optout",
        "remove",
        "unstop",
        "start",
        "yes",
        "join",
        "subscribe",
        "optin",
        "help",
        "info",
        "aide",
        "arret",
        "alto",
        "baja",
        "ayuda",
        "parar",
        "cancelar",
    ]
)
_WORD = re.compile(r"\w+", re.UNICODE)
_LONGEST_SENTENCE = 8
_LONGEST_WITH_TYPO = 3
_SHORTEST_WITH_TYPO = 4


def normalize(body: str) -> list[str]:
    """The words of a text: NFKC, case folded, without punctuation, emoji and accents."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", body or "")).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [word for word in _WORD.findall(plain.replace("_", " ")) if word]


def is_reserved(body: str) -> bool:
    """Whether the text starts with, or is, a word carriers keep for themselves."""
    words = normalize(body)
    return bool(words) and (words[0] in RESERVED_WORDS or "".join(words) in RESERVED_WORDS)


def match_keyword(body: str, keywords: Iterable[str]) -> str | None:
    """The keyword a reply means, as written in `keywords`, or None.

    A keyword standing anywhere in a short sentence counts ("what size should I take?"); of two,
    the first in the reply wins. One typo (a letter wrong, missing, doubled or two swapped) is
    forgiven in replies of up to three words, for keywords of four letters and more.
    """
    words = normalize(body)
    if not words or is_reserved(body) or len(words) > _LONGEST_SENTENCE:
        return None
    by_word = {"".join(normalize(keyword)): keyword for keyword in keywords}
    by_word.pop("", None)
    for word in words:
        if word in by_word:
            return by_word[word]
    if len(words) > _LONGEST_WITH_TYPO:
        return None
    for word in words:
        if word in RESERVED_WORDS:
            continue
        near = [
            keyword
            for plain, keyword in by_word.items()
            if len(plain) >= _SHORTEST_WITH_TYPO and is_one_typo_away(word, plain)
        ]
        if len(near) == 1:
            return near[0]
    return None


def is_one_typo_away(left: str, right: str) -> bool:
    """At most one letter inserted, left out, replaced, or two neighbors swapped."""
    if left == right:
        return True
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rest_left, rest_right = left[start:], right[start:]
    return (
        rest_left[1:] == rest_right[1:]
        or rest_left[1:] == rest_right
        or rest_left == rest_right[1:]
        or (
            len(rest_left) >= 2
            and len(rest_right) >= 2
            and rest_left[:2] == rest_right[1::-1]
            and rest_left[2:] == rest_right[2:]
        )
    )
