"""Values from events and contacts made fit for a text: one line, no syntax, no rubbish.

Every cleaner answers a non-empty string, or "" when nothing worth reading is left.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from people.core.quality import MAX_NAME, name_flaw

MAX_VALUE = 120
MAX_URL = 2000
_MAX_RAW = 2000
_MAX_NUMBER = 10**15

# The common case decided by one match: visible ASCII and precomposed Latin, no brackets.
_PLAIN = re.compile(r"[ -Z\\^-z|~\u00a1-\u00ac\u00ae-\u024f]*").fullmatch
_READABLE = re.compile(r"[^\W_]").search
_SYNTAX = str.maketrans("[]{}", "()()")
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_JOINERS = frozenset("\u200c\u200d")

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
        "inf",
        "-inf",
        "(object object)",
        "(deleted)",
    }
)
_URL = re.compile(
    r"https?://(?P<host>[\w-]+(?:\.[\w-]+)*\.?)(?::\d{1,5})?(?:[/?#][^\s<>\"{}|\\^`\[\]]*)?", re.I
).fullmatch
_NUMERIC = re.compile(r"-?\d{1,15}(?:\.\d{1,10})?").fullmatch


def clean_text(value: object, limit: int = MAX_VALUE) -> str:
    """One line of readable text of at most `limit` characters.

    Control, bidirectional and invisible characters go, white space collapses, template
    brackets become round ones, and what a database prints for "nothing" counts as nothing.
    """
    if not isinstance(value, str):
        return clean_number(value)
    text = str.__str__(value)
    if len(text) <= limit and _PLAIN(text) and "  " not in text:
        text = text.strip()
        if not _READABLE(text):
            return ""
    else:
        text = _scrub(text)
        if not text:
            return ""
        if len(text) > limit:
            text = _shorten(text, limit)
    if len(text) < 16 and text.lower() in _NOTHING:
        return ""
    return text


def clean_name(value: object) -> str:
    """A person's name, or "" for 'TEST', numbers, e-mail addresses, shouting and the like; see
    `people.core.quality`."""
    if not isinstance(value, str) or name_flaw(value) is not None:
        return ""
    name = clean_text(value).strip(" ,;:_\"*'")
    return "" if len(name) > MAX_NAME or name_flaw(name) is not None else name


def clean_number(value: object) -> str:
    """A number with thousands separated and at most two decimals; "" for anything else."""
    number = as_number(value)
    if number is None:
        return ""
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def as_number(value: object) -> int | float | Decimal | None:
    """An ordinary number (below 10**15) out of a number or a numeric string; True is none."""
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 27 or not text.isascii() or not _NUMERIC(text):
            return None
        number: int | float | Decimal = Decimal(text)
    elif type(value) is int or type(value) is float or type(value) is Decimal:
        number = value
    else:
        return None
    # A comparison with NaN is false (a signaling Decimal raises), so test finiteness first.
    if isinstance(number, Decimal) and not number.is_finite():
        return None
    return number if -_MAX_NUMBER < number < _MAX_NUMBER else None


def clean_url(value: object, brand: object = None) -> str:
    """A web address, or "". With brand["link_hosts"] it must lie on one of those hosts
    or below; an address with a user name in it is never taken."""
    if not isinstance(value, str) or len(value) > MAX_URL:
        return ""
    url = str.__str__(value).strip()
    found = _URL(url)
    if found is None or not url.isprintable():
        return ""
    if type(brand) is dict:
        hosts = brand.get("link_hosts")
        if hosts and not _host_allowed(found["host"], hosts):
            return ""
    return url


def clean_literal(text: str) -> str:
    """The author's own words: composed, with plain line ends and no control characters."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if text.isprintable():
        return text
    return "".join(_literal_character(character) for character in text)


def _literal_character(character: str) -> str:
    if character == "\n" or character in _JOINERS:
        return character
    category = unicodedata.category(character)
    if character == "\t" or category in ("Zs", "Zl", "Zp"):
        return " "
    return "" if category in ("Cc", "Cf", "Cs") else character


def _scrub(raw: str) -> str:
    text = unicodedata.normalize("NFC", raw[:_MAX_RAW]).translate(_SYNTAX)
    kept: list[str] = []
    visible = False
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            kept.append(" ")
        elif (
            category in ("Cs", "Co")
            or (category == "Cf" and character not in _JOINERS)
            or ord(character) & 0xFFFE == 0xFFFE
            or 0xFDD0 <= ord(character) <= 0xFDEF
        ):
            continue
        else:
            kept.append(character)
            if not visible and category[0] in "LNS" and character not in _INVISIBLE:
                visible = True
    return " ".join("".join(kept).split()) if visible else ""


def _shorten(text: str, limit: int) -> str:
    head = text[: limit - 3]
    cut = head.rfind(" ")
    if cut > limit // 2:
        head = head[:cut]
    # Never end in the middle of a cluster: a joiner or mark without its base looks broken.
    while head and (head[-1] in _JOINERS or unicodedata.combining(head[-1])):
        head = head[:-1]
    return head.rstrip(" ,;:-") + "..."


def _host_allowed(host: str, hosts: Any) -> bool:
    if type(hosts) not in (list, tuple):
        return False
    host = host.lower().rstrip(".")
    return any(
        isinstance(allowed, str)
        and allowed
        and (host == allowed.lower() or host.endswith("." + allowed.lower()))
        for allowed in hosts
    )
