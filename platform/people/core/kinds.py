"""The types of attributes: what fits, how it is stored, and what a first value seems to be. Pure.

    text      text; a number becomes its digits          "gold", 42 -> "42"
    number    a JSON number, or a plain one as text       3, "4.50" -> 4.5
    boolean   true, false, and the words for them         true, "no" -> false
    date      ISO 8601; of a moment its day               "2026-03-14"
    datetime  ISO 8601, stored in UTC; without an offset  "2026-03-14T10:00:00Z"
              it is the workspace's time
    list      texts, numbers, yes and no                  ["mugs", "plates"]
    choice    one of the choices, letter case ignored     "VIP" -> "vip"
    birthday  a day, a month and day, or a month          "1990-03-14", "--03-14", "--03"

A value is stored as `fit` returns it, so stored dates and moments compare as texts do.
"""

from __future__ import annotations

import math
import re
from calendar import month_name, monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TEXT, NUMBER, BOOLEAN, DATE, DATETIME, LIST, CHOICE, BIRTHDAY, OBJECT = (
    "text", "number", "boolean", "date", "datetime", "list", "choice", "birthday", "object",
)  # fmt: skip
# What somebody may declare; a birthday is a standard attribute, an object only comes in.
DECLARABLE = (TEXT, NUMBER, BOOLEAN, DATE, DATETIME, LIST, CHOICE)
LABELS = {
    TEXT: "Text",
    NUMBER: "Number",
    BOOLEAN: "Yes or no",
    DATE: "Date",
    DATETIME: "Date and time",
    LIST: "List",
    CHOICE: "One of several",
    BIRTHDAY: "Birthday",
    OBJECT: "Object",
}
_WANTED = {
    TEXT: "a text",
    NUMBER: "a number, such as 12 or 4.5",
    BOOLEAN: "yes or no",
    DATE: "a date, such as 2026-03-14",
    DATETIME: "a date and time, such as 2026-03-14T10:00:00Z",
    LIST: "a list",
    BIRTHDAY: "a birthday, such as 1990-03-14, --03-14 or --03",
}
MAX_CHOICES, MAX_CHOICE, MAX_ITEMS = 100, 100, 1_000
_NUMERIC = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,10})?", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII)
_NO_YEAR = re.compile(r"--(\d{2})(?:-?(\d{2}))?", re.ASCII)
_IN_WORDS = re.compile(
    r"(?:(?P<before>\d{1,2})(?:st|nd|rd|th)?\s+)?(?P<month>[A-Za-z]{3,9})\.?"
    r"(?:\s+(?P<after>\d{1,2})(?:st|nd|rd|th)?)?(?:,?\s+(?P<year>\d{4}))?",
    re.ASCII,
)
_MONTHS = {month_name[n][:length].lower(): n for n in range(1, 13) for length in (3, 9)}
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})
# Any leap year: a 29th of February needs no year to be a birthday.
_LEAP = 2000


class Misfit(ValueError):
    """`code`: wrong_type or invalid_choice. `wanted`: what it should be, in words."""

    def __init__(self, code: str, wanted: str) -> None:
        self.code, self.wanted = code, wanted
        super().__init__(f"This must be {wanted}.")


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said of one attribute. `is_declared`: by a person or by us, so values must fit; else
    `kind` is what the first value seemed to be and binds nobody. `kept_days`: how long a value is
    believed after it was told; None is for ever."""

    kind: str
    choices: tuple[str, ...] = ()
    is_declared: bool = True
    is_sensitive: bool = False
    kept_days: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a workspace knows of its attributes. `zone` reads times without an offset."""

    by_name: Mapping[str, Rule] = field(default_factory=dict)
    zone: str = "UTC"

    def get(self, name: str) -> Rule | None:
        return self.by_name.get(name)


_PLAIN = Rule(TEXT)
# Types in which values are compared; the others are compared as they stand.
COMPARED = frozenset({NUMBER, BOOLEAN, DATE, DATETIME})
_OF_TEXTS = frozenset({"contains", "starts_with"})

LIFECYCLE = ("new", "active", "repeat", "lapsed")
STANDARD: Mapping[str, Rule] = {
    "birthday": Rule(BIRTHDAY),
    "lifecycle_stage": Rule(CHOICE, LIFECYCLE),
    "loyalty_tier": Rule(TEXT),
    "preferred_store": Rule(TEXT),
    "preferred_category": Rule(TEXT),
    "last_purchase_date": Rule(DATE),
    "appointment_time": Rule(DATETIME),
}
# How others call the standard ones.
ALIASES = {
    "birthDate": "birthday",
    "birth_date": "birthday",
    "birthdate": "birthday",
    "dateOfBirth": "birthday",
    "date_of_birth": "birthday",
    "dob": "birthday",
    "lifecycleStage": "lifecycle_stage",
    "loyaltyTier": "loyalty_tier",
    "preferredStore": "preferred_store",
    "preferredCategory": "preferred_category",
    "lastPurchaseDate": "last_purchase_date",
    "appointmentTime": "appointment_time",
}


def wanted(rule: Rule) -> str:
    """`a number, such as 12 or 4.5`; of a choice its choices."""
    if rule.kind == CHOICE:
        return f"one of {', '.join(rule.choices[:10])}{' ...' if len(rule.choices) > 10 else ''}"
    return _WANTED.get(rule.kind, "what it was declared as")


def fit(value: Any, rule: Rule, *, zone: str) -> Any:
    """The value as this type is stored. Raises `Misfit`."""
    found = _READERS[rule.kind](value, rule, zone) if rule.kind in _READERS else value
    if found is None:
        code = "invalid_choice" if rule.kind == CHOICE else "wrong_type"
        raise Misfit(code, wanted(rule))
    return found


def infer(value: Any) -> str:
    """What a value seems to be."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, list):
        return LIST
    if not isinstance(value, str):
        return OBJECT
    if _DAY.fullmatch(value):
        return DATE if _day(value) else TEXT
    return DATETIME if _MOMENT.match(value) and _moment(value) else TEXT


def compared_as(rules: Rules, name: str, op: str) -> str | None:
    """The type in which a condition compares the attribute; None: as the values stand, which is how
    texts, lists and whatever is merely inferred are compared."""
    rule = rules.get(name)
    if rule is None or not rule.is_declared or op in _OF_TEXTS:
        return None
    return rule.kind if rule.kind in COMPARED else None


def comparable(value: Any, kind: str, *, zone: str) -> Any:
    """A value of a condition or a contact as that type compares it; None where it does not fit."""
    if isinstance(value, list):
        return [comparable(each, kind, zone=zone) for each in value]
    return _READERS[kind](value, _PLAIN, zone)


def typed(found: Any, op: str, value: Any, rules: Rules, name: str) -> tuple[Any, Any]:
    """(the contact's value, the condition's value) as they are compared."""
    kind = compared_as(rules, name, op)
    if kind is None:
        return found, value
    if isinstance(found, list):
        found = None
    return comparable(found, kind, zone=rules.zone), comparable(value, kind, zone=rules.zone)


def _text(value: Any, rule: Rule, zone: str) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)


def _number(value: Any, rule: Rule, zone: str) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str) or not _NUMERIC.fullmatch(value.strip()):
        return None
    return float(value) if "." in value else int(value)


def _boolean(value: Any, rule: Rule, zone: str) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else None
    if word in _YES or (value in (0, 1) and value == 1):
        return True
    return False if word in _NO or value == 0 else None


def _date(value: Any, rule: Rule, zone: str) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _MOMENT.match(text):
        moment = _moment(text)
        return moment.date().isoformat() if moment else None
    found = _day(text)
    return found.isoformat() if found else None


def _datetime(value: Any, rule: Rule, zone: str) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    day = _day(text)
    moment = datetime.combine(day, datetime.min.time()) if day else None
    if moment is None and _MOMENT.match(text):
        moment = _moment(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        # An hour that comes twice, or never: as PostgreSQL reads it.
        folds = [moment.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1)]
        moment = min(folds, key=lambda each: each.utcoffset() or timedelta())
    try:
        # Whole seconds: moments of one shape compare as texts.
        return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    except OverflowError:
        return None


def _list(value: Any, rule: Rule, zone: str) -> list[Any] | None:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        return None
    return value if all(isinstance(each, str | int | float) for each in value) else None


def _choice(value: Any, rule: Rule, zone: str) -> str | None:
    word = value.strip().casefold() if isinstance(value, str) else None
    return next((each for each in rule.choices if each.casefold() == word), None)


def _birthday(value: Any, rule: Rule, zone: str) -> str | None:
    """Day and month in digits alone, 03/04, is read by nobody: it is March here, April there."""
    if not isinstance(value, str):
        return None
    text = value.strip()[:40]
    if _MOMENT.match(text):
        text = text[:10]
    if _DAY.fullmatch(text):
        found = _day(text)
        return found.isoformat() if found and found.year >= 1900 else None
    parts = _NO_YEAR.fullmatch(text)
    if parts is not None:
        return _month_and_day(int(parts[1]), int(parts[2]) if parts[2] else None)
    words = _IN_WORDS.fullmatch(text)
    if words is None or (words["before"] and words["after"]):
        return None
    month = _MONTHS.get(words["month"].lower())
    day = words["before"] or words["after"]
    if month is None:
        return None
    if words["year"] is None:
        return _month_and_day(month, int(day) if day else None)
    return _birthday(f"{words['year']}-{month:02}-{int(day):02}", rule, zone) if day else None


def _month_and_day(month: int, day: int | None) -> str | None:
    if not 1 <= month <= 12:
        return None
    if day is None:
        return f"--{month:02}"
    return f"--{month:02}-{day:02}" if 1 <= day <= monthrange(_LEAP, month)[1] else None


def _day(text: str) -> date | None:
    parts = _DAY.fullmatch(text)
    try:
        return date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


_READERS: Mapping[str, Any] = {
    TEXT: _text,
    NUMBER: _number,
    BOOLEAN: _boolean,
    DATE: _date,
    DATETIME: _datetime,
    LIST: _list,
    CHOICE: _choice,
    BIRTHDAY: _birthday,
}
