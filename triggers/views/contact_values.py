"""A contact's attributes in a form: their JSON kind stays what it is."""

from __future__ import annotations

import json
from typing import Any

KINDS = ("text", "number", "yes_no")
LONGEST = 2000
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


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
