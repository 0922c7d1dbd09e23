"""What a contact can be found by: short tokens, and the search words that meet them. Pure.

Row security lets only leakproof operators use an index, and `LIKE` is none. So "starts with" is a
range over texts: over the words of a name, which are kept as tokens, and over the numbers and
addresses that identify the contact anyway. A token per number, written backwards, makes its last
digits a beginning; one per address holds its domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers

from people.core import identifiers

# What is looked for; NAME, ENDING and DOMAIN are also the first letter of a token.
NAME, DIGITS, EMAIL = "n", "d", "e"
ENDING, DOMAIN = DIGITS, EMAIL
PERSONAL = frozenset({DIGITS, EMAIL})  # found only by who may see whole numbers and addresses
LEAST_LETTERS = 2
LEAST_DIGITS = 4
MAX_TOKEN = 24
_MAX_WORDS = 8
_MAX_TERM = 100
_NOT_WORD = re.compile(r"[^\w]+|_+")
_NUMBER = re.compile(r"[+\d\s().\-/]+")
_NOT_DIGIT = re.compile(r"[^0-9]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that has to be found: something of one of `kinds` that starts with `text`; digits
    may also end a number."""

    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """Everything that starts with `start`: of tokens, or of identifiers of one kind."""

    start: str
    identifier: str = ""

    @property
    def end(self) -> str:
        """The first text that no longer starts with `start`, in code point order."""
        return self.start + "\U0010ffff"


def ranges_of(wanted: Wanted, *, country: str) -> list[Range]:
    """Where to look for one thing; nowhere for a bare "@". `country`: the one whose numbers are
    written without a code."""
    found: list[Range] = []
    text = wanted.text
    if NAME in wanted.kinds:
        found.append(Range(NAME + text[:MAX_TOKEN]))
    if DIGITS in wanted.kinds:
        code = phonenumbers.country_code_for_region(country)
        starts = {f"+{text}", f"+{code or ''}{text}"}
        found.append(Range(ENDING + text[::-1]))
        found += [Range(start, identifiers.PHONE) for start in sorted(starts)]
    if EMAIL in wanted.kinds:
        local, _, domain = text.rpartition("@")
        if local or "@" not in text:
            found.append(Range(text, identifiers.EMAIL))
        if not local and len(domain) >= LEAST_LETTERS and ("@" in text or "." in text):
            found.append(Range(DOMAIN + domain[:MAX_TOKEN]))
    return found


def tokens_of(
    *, names: Iterable[str], phones: Iterable[str], emails: Iterable[str]
) -> set[tuple[str, str]]:
    """(kind, token) of what one contact is found by beside its identifiers: about four."""
    words = [word for name in names for word in words_of(name)][:_MAX_WORDS]
    found = {(NAME, word) for word in words}
    found |= {(ENDING, backwards(phone)[:MAX_TOKEN]) for phone in phones}
    return found | {(DOMAIN, email.lower().rpartition("@")[2][:MAX_TOKEN]) for email in emails}


def backwards(number: str) -> str:
    """The digits of a number, the last one first."""
    return _NOT_DIGIT.sub("", number)[::-1]


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
