"""A contact's attributes in a form: of their declared type, or of the JSON kind they have."""

from __future__ import annotations

import json
from typing import Any

from people.core.kinds import BIRTHDAY, BOOLEAN, CHOICE, DATE, DATETIME, LIST, Rule, fit

KINDS = ("text", "number", "yes_no")
LONGEST = 2000
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


HINTS = {
    DATE: "Such as 2026-03-14.",
    DATETIME: "Such as 2026-03-14T10:00, in the workspace's time.",
    LIST: "Parts with commas between them.",
    BIRTHDAY: "Such as 1990-03-14, March 14 or March.",
}


def shown_typed(value: Any, rule: Rule) -> str:
    """The value of a declared type as a form shows it; "" of None."""
    if value is None:
        return ""
    if rule.kind == LIST and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ", ".join(value)
    return shown_value(value)


def options_of(rule: Rule) -> list[str]:
    """What can be chosen; [] of what is written."""
    if rule.kind == BOOLEAN:
        return ["yes", "no"]
    return list(rule.choices) if rule.kind == CHOICE else []


def read_typed(text: str, rule: Rule, zone: str) -> Any:
    """The value in its declared type; None for an empty text. Raises ValueError with words."""
    said = read_value(text, "text")
    if said is None:
        return None
    if rule.kind == LIST:
        said = [part.strip() for part in said.split(",") if part.strip()]
    return fit(said, rule, zone=zone)


def value_kind(value: Any) -> str:
    """text, number, yes_no, or json for what a line cannot hold."""
    if isinstance(value, bool):
        return "yes_no"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "json"


def shown_value(value: Any) -> str:
    """The value as a form shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_value(text: str, kind: str) -> Any:
    """The value of that kind; None for an empty text (it takes the attribute away). Raises
    ValueError with words for people."""
    text = text.strip()
    if not text:
        return None
    if len(text) > LONGEST:
        raise ValueError(f"At most {LONGEST:,} characters.")
    if "\x00" in text or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValueError("This has characters that are no text.")
    if kind == "text":
        return text
    if kind == "yes_no":
        if text.casefold() not in _YES | _NO:
            raise ValueError("Write yes or no.")
        return text.casefold() in _YES
    if kind == "number":
        return _number(text)
    raise ValueError("This value has parts; change it through the API.")


def _number(text: str) -> int | float:
    try:
        if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
            whole = int(text[:40])
            if abs(whole) < 2**63:
                return whole
        else:
            found = float(text)
            if abs(found) < 1e300:  # also false for what is no number
                return found
    except ValueError:
        pass
    raise ValueError("Write a number, such as 12 or 4.5.")
