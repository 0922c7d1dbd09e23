"""What a contact can be found by: short tokens, and the search words that meet them. Pure.

Row security lets only leakproof operators use an index, and `LIKE` is none. So every word of a name
and every number is stored with its endings ("maya" as maya, aya, ya), and "contains" becomes a range
over them: a text that starts somewhere inside a word starts one of its endings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

NAME, DIGITS, EMAIL = "n", "d", "e"
PERSONAL = frozenset({DIGITS, EMAIL})  # found only by who may see whole numbers and addresses
LEAST_LETTERS = 2
LEAST_DIGITS = 3
MAX_TOKEN = 24
_MAX_WORDS = 8
_MAX_TERM = 100
_NOT_WORD = re.compile(r"[^\w]+|_+")
_NUMBER = re.compile(r"[+\d\s().\-/]+")
_NOT_DIGIT = re.compile(r"[^0-9]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that has to be found: a token of one of `kinds` that starts with `text`."""

    kinds: tuple[str, ...]
    text: str

    @property
    def end(self) -> str:
        """The first text that no longer starts with `text`, in code point order."""
        return self.text + "\U0010ffff"


def tokens_of(
    *, names: Iterable[str], phones: Iterable[str], emails: Iterable[str]
) -> set[tuple[str, str]]:
    """(kind, token) of everything one contact can be found by."""
    found: set[tuple[str, str]] = set()
    for word in [word for name in names for word in words_of(name)][:_MAX_WORDS]:
        found |= {(NAME, ending) for ending in _endings(word, LEAST_LETTERS)}
    for phone in phones:
        digits = _NOT_DIGIT.sub("", phone)
        found |= {(DIGITS, ending) for ending in _endings(digits, LEAST_DIGITS)}
    found |= {(EMAIL, email.lower()) for email in emails}
    return found


def words_of(text: str) -> list[str]:
    """Words as they are compared: lower case, accents off."""
    plain = unicodedata.normalize("NFKD", text.replace("\x00", " "))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return [word[:MAX_TOKEN] for word in _NOT_WORD.split(bare) if word]


def _search_words(text: str) -> list[str]:
    """The words that count. One letter is too little, except for who is just typing the next name:
    "Quinn C" leaves fewer than "Quinn"."""
    words = [word for word in words_of(text) if len(word) >= LEAST_LETTERS][:_MAX_WORDS]
    last = words_of(text.split()[-1]) if text.split() else []
    if words and len(last) == 1 and len(last[0]) < LEAST_LETTERS:
        words.append(last[0])
    return words


def wanted_by(term: str, *, with_personal: bool = True) -> list[list[Wanted]]:
    """Alternatives, each a list of things that must all be found; empty when nothing can be.

    A term of digits is a part of a number, one with @ the beginning of an e-mail address, anything
    else parts of names or, when it is one word, the beginning of an address. `with_personal` False
    looks at names alone, so that nobody finds out a number by searching for it.
    """
    text = term.strip()[:_MAX_TERM]
    digits = _NOT_DIGIT.sub("", text)
    if _NUMBER.fullmatch(text) and digits:
        # A leading 0 belongs to the way a number is dialed, not to the number.
        bare = digits.lstrip("0") if text.startswith("0") and len(digits) > 6 else digits
        if not with_personal or len(bare) < LEAST_DIGITS:
            return []
        return [[Wanted((DIGITS,), bare[:MAX_TOKEN])]]
    if "@" in text:
        return [[Wanted((EMAIL,), text.lower())]] if with_personal else []
    words = _search_words(text)
    if not words:
        return []
    if with_personal and words == [text.lower()]:
        return [[Wanted((NAME, EMAIL), words[0])]]
    found = [[Wanted((NAME,), word) for word in words]]
    if with_personal and len(text.split()) == 1 and "\x00" not in text:
        found.append([Wanted((EMAIL,), text.lower())])  # jo.parker
    return found


def _endings(word: str, least: int) -> list[str]:
    word = word[:MAX_TOKEN]
    if len(word) < least:
        return [word] if word else []
    return [word[start:] for start in range(len(word) - least + 1)]
