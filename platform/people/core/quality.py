"""Which stored values are fit to be said to a person, and why others are not. Pure.

What was stored stays as it was told; a value with a flaw is treated as missing wherever words are
made of it, so a fallback is read instead of it. Whoever looks at the contact is told the reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from people.core.kinds import Misfit, Rule, Rules, fit

MAX_NAME = 40
_MOST = 500
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# What people and programs write when there is nothing to write.
_NOTHING = frozenset(
    {
        "null",
        "(null)",
        "<null>",
        "none",
        "nil",
        "undefined",
        "nan",
        "n/a",
        "#n/a",
        "n.a.",
        "inf",
        "-inf",
        "[object object]",
        "(object object)",
        "(deleted)",
        "-",
        "--",
        "tbd",
        "xxx",
    }
)
_TESTS = frozenset(
    {"abc", "asd", "asdf", "asdfg", "demo", "dummy", "foo", "qwerty", "test", "tester", "testing"}
)
_PLACEHOLDERS = frozenset(
    {
        "admin",
        "anonymous",
        "client",
        "customer",
        "dear",
        "default",
        "fake",
        "first",
        "first name",
        "first_name",
        "firstname",
        "fname",
        "friend",
        "guest",
        "last",
        "last name",
        "last_name",
        "lastname",
        "lname",
        "member",
        "name",
        "no name",
        "nobody",
        "noname",
        "not provided",
        "sample",
        "shopper",
        "subscriber",
        "unknown",
        "user",
        "valued customer",
        "visitor",
        "your name",
    }
)
_NAMES = frozenset({"first_name", "last_name"})
_ADDRESS = re.compile(r"@|https?:|www\.|\.(?:com|net|org|shop)\b|/", re.I)
# Letters without upper and lower case (Han, Hangul) make whole names of one sign.
_CASED = ("Lu", "Ll", "Lt")


@dataclass(frozen=True, slots=True)
class Flaw:
    """`code`: what is wrong; `reason`: the end of "fallback used because ..."."""

    code: str
    reason: str


EMPTY = Flaw("empty", "nothing is said in it")
PLACEHOLDER = Flaw("placeholder", "it is a placeholder, not a name")
TEST_VALUE = Flaw("test_value", "it is a test value")
ADDRESS = Flaw("address", "it is an address, not a name")
DIGITS = Flaw("digits", "it has digits in it")
NO_LETTERS = Flaw("no_letters", "it has no letters")
SINGLE_LETTER = Flaw("single_letter", "it is a single letter")
SHOUTING = Flaw("all_capitals", "it is all in capitals")
REPEATED = Flaw("repeated", "it is one letter over and over")
TOO_LONG = Flaw("too_long", f"it has more than {MAX_NAME} characters")
SENSITIVE = Flaw("sensitive", "it is marked sensitive")
FLAWS = (
    EMPTY, PLACEHOLDER, TEST_VALUE, ADDRESS, DIGITS, NO_LETTERS, SINGLE_LETTER, SHOUTING, REPEATED,
    TOO_LONG, SENSITIVE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """`fit`: what may be said, in its declared type; `unfit`: per name why the stored value may not."""

    fit: dict[str, Any] = field(default_factory=dict)
    unfit: dict[str, Flaw] = field(default_factory=dict)


def name_flaw(value: object) -> Flaw | None:
    """Why this is no name to call somebody by; None for one that is."""
    return _name_flaw(value[:_MOST]) if isinstance(value, str) else NO_LETTERS


@lru_cache(maxsize=20_000)
def _name_flaw(value: str) -> Flaw | None:
    seen = "".join(map(_visible, unicodedata.normalize("NFKC", value)))
    name = " ".join(seen.split()).strip(" ,;:_\"*'")
    lowered = name.casefold()
    if not lowered or lowered in _NOTHING:
        return EMPTY
    if len(name) > MAX_NAME:
        return TOO_LONG
    if lowered in _PLACEHOLDERS:
        return PLACEHOLDER
    if lowered in _TESTS or lowered.startswith("test "):
        return TEST_VALUE
    if _ADDRESS.search(name):
        return ADDRESS
    if any(character.isdigit() for character in name):
        return DIGITS
    letters = [character for character in name if character.isalpha()]
    if not letters:
        return NO_LETTERS
    cased = [each for each in letters if unicodedata.category(each) in _CASED]
    if len(letters) == 1:
        return SINGLE_LETTER if cased else None
    if len(letters) > 2 and cased == letters:
        if all(each.isupper() for each in letters):
            return SHOUTING
        if len({each.casefold() for each in letters}) == 1:
            return REPEATED
    return None


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") or character in _INVISIBLE else character


def judge(
    values: Mapping[str, Any],
    rules: Rules,
    *,
    told: Mapping[str, Any],
    since: datetime,
    now: datetime | None,
) -> Judged:
    """Every value of a contact, fields and attributes alike, sorted into fit and unfit.

    `told`: per name [by, ISO time]. `since`: when a value without an entry was told at the latest.
    Without `now` nothing has expired.
    Values that are None or blank are in neither.
    """
    out = Judged()
    for name, value in values.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        rule = rules.get(name)
        flaw = name_flaw(value) if name in _NAMES else None
        if flaw is None and rule is not None:
            value, flaw = _by_rule(value, rule, rules, told_at(told, name) or since, now)
        if flaw is None:
            out.fit[name] = value
        else:
            out.unfit[name] = flaw
    return out


def told_at(told: Mapping[str, Any], name: str) -> datetime | None:
    """When the value was told; None where nobody noted it."""
    entry = told.get(name)
    try:
        return datetime.fromisoformat(entry[1]) if entry else None
    except (TypeError, ValueError, IndexError):
        return None


def _by_rule(
    value: Any, rule: Rule, rules: Rules, at: datetime, now: datetime | None
) -> tuple[Any, Flaw | None]:
    if rule.is_sensitive:
        return value, SENSITIVE
    if now and rule.kept_days is not None and at + timedelta(days=rule.kept_days) <= now:
        days = "day" if rule.kept_days == 1 else "days"
        return value, Flaw("stale", f"it was told more than {rule.kept_days:,} {days} ago")
    if rule.is_declared:
        try:
            return fit(value, rule, zone=rules.zone), None
        except Misfit as misfit:
            return value, Flaw(misfit.code, f"it is not {misfit.wanted}")
    return value, None
