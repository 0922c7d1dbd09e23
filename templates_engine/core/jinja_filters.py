"""The filters a text may use. Each bounds what it returns; none calls anything of its input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date as Date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from templates_engine.core.jinja_sandbox import (
    MAX_ITEMS,
    STATE,
    Link,
    Missing,
    State,
    as_words,
    clean_raw,
    stop_growth,
)
from templates_engine.core.money import clean_money
from templates_engine.core.results import RenderStopped
from templates_engine.core.values import as_number

_DATE = re.compile(r"(?:(\d{4})|-)-(\d{2})(?:-(\d{2}))?", re.ASCII).fullmatch
EACH = "each "
JOINED = "joined "
WORDS = "words "
"""Names of the filters the checker puts in; the space keeps templates from writing them."""


def default(value: Any, words: Any = "", blank: Any = True) -> Any:
    """The fallback, also for blank values whatever the second argument says."""
    if isinstance(value, Undefined) or value is None:
        return words
    return words if type(value) is str and not value.strip() else value


def _text_filter(change: Callable[[str], str]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        if type(value) is not str:
            value = as_words(value, None)
        stop_growth(len(value))
        return change(value)

    return apply


def _title(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))


def truncate(value: Any, length: Any = 40, *_ignored: Any) -> Any:
    """At most `length` characters, cut at a word, with three dots."""
    if isinstance(value, Undefined):
        return value
    text = as_words(value, None)
    if type(length) is not int or not 4 <= length <= 1600:
        raise RenderStopped("render_failed", "truncate takes a length from 4 to 1600.")
    if len(text) <= length:
        return text
    head = text[: length - 3]
    cut = head.rfind(" ")
    return (head[:cut] if cut > 0 else head).rstrip(" ,;:-") + "..."


def replace(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, Undefined):
        return value
    if type(old) is not str or type(new) is not str or not old:
        raise RenderStopped("render_failed", "replace takes two texts.")
    text = as_words(value, None)
    stop_growth(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def length(value: Any) -> int:
    return len(value) if type(value) in (str, list, dict) else 0


def first(value: Any) -> Any:
    return _at(value, 0)


def last(value: Any) -> Any:
    return _at(value, -1)


def join(value: Any, separator: Any = "", key: Any = None) -> Any:
    """The readable items of a list; with `key`, that key of each."""
    if type(value) is not list or type(separator) is not str:
        return Missing(name="A list")
    words: list[str] = []
    for item in value[:MAX_ITEMS]:
        raw = item.get(key) if type(key) is str and type(item) is dict else item
        cleaned = clean_raw(raw, "", None)
        if cleaned is not None and type(cleaned) not in (list, bool):
            words.append(as_words(cleaned, None))
    stop_growth(sum(map(len, words)) + len(words) * len(separator))
    return separator.join(words) if words else Missing(name="A list")


def round_number(value: Any, digits: Any = 0) -> Any:
    if isinstance(value, Undefined):
        return value
    number = as_number(value)
    if number is None or type(digits) is not int or not 0 <= digits <= 6:
        raise RenderStopped("render_failed", "round takes a number and 0 to 6 digits.")
    step = Decimal(1).scaleb(-digits)
    rounded = Decimal(str(number)).quantize(step, rounding=ROUND_HALF_UP)
    return int(rounded) if digits == 0 else rounded


def number(value: Any) -> Any:
    """A number out of a number or a numeric text, for comparing."""
    found = as_number(value)
    return Missing(name="A number") if found is None else found


def date(value: Any, style: Any = "short") -> Any:
    """A date, or a birthday without a year, in words: short is Mar 14, long is Mar 14, 2026, month is
    March, weekday is Saturday. What has no such part, and a moment, is missing."""
    if isinstance(value, Undefined):
        return value
    found = _DATE(value) if type(value) is str else None
    if style not in ("short", "long", "month", "weekday"):
        raise RenderStopped("render_failed", "date takes short, long, month or weekday.")
    year, month, day = found.groups() if found else (None, None, None)
    try:
        moment = Date(int(year or 2000), int(month or 0), int(day or 1))
    except ValueError:
        return Missing(name="A date")
    if style == "month":
        return f"{moment:%B}"
    if day is None or (year is None and style != "short"):
        return Missing(name="A date")
    if style == "weekday":
        return f"{moment:%A}"
    return f"{moment:%b} {moment.day}" + (f", {moment.year}" if style == "long" else "")


def money(value: Any, currency: Any = None) -> Any:
    """An amount in major units, or {"minor", "currency"}, as money."""
    if isinstance(value, Undefined):
        return value
    box = {"currency": currency} if type(currency) is str else {}
    return clean_money(value, box, None) or Missing(name="An amount without a currency")


@pass_context
def each(context: Context, value: Any) -> Iterator[Any]:
    """What a loop walks: list items, cleaned, one round of the budget each."""
    state: State = context.parent[STATE]
    if type(value) not in (list, tuple):
        return
    for item in value[:MAX_ITEMS]:
        state.rounds -= 1
        if state.rounds < 0:
            raise RenderStopped("render_limit", "The loops of the template go round too often.")
        state.check_clock()
        cleaned = clean_raw(item, "", None)
        yield Missing(name="item") if cleaned is None else cleaned


@pass_context
def joined(context: Context, parts: list[Any]) -> str:
    """`a ~ b`: the words of each part, bounded."""
    state: State = context.parent[STATE]
    state.check_clock()
    words = [as_words(part, state) for part in parts]
    stop_growth(sum(map(len, words)))
    return "".join(words)


def words_only(value: Any) -> Any:
    """The value if a text can show it, else missing."""
    if type(value) is str or type(value) is Link:
        return value
    if type(value) is bool or type(value) is list:
        return Missing(name="A list or a yes")
    if type(value) is dict:
        return value if clean_money(value, value, None) else Missing(name="An object")
    return value


def _at(value: Any, index: int) -> Any:
    if type(value) is str and value:
        return value[index]
    if type(value) is list and value:
        cleaned = clean_raw(value[index], "", None)
        if cleaned is not None:
            return cleaned
    return Missing(name="An item")


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "upper": _text_filter(str.upper),
    "lower": _text_filter(str.lower),
    "capitalize": _text_filter(str.capitalize),
    "title": _text_filter(_title),
    "trim": _text_filter(str.strip),
    "truncate": truncate,
    "replace": replace,
    "length": length,
    "count": length,
    "first": first,
    "last": last,
    "join": join,
    "round": round_number,
    "number": number,
    "money": money,
    "date": date,
}
INNER_FILTERS: dict[str, Callable[..., Any]] = {
    EACH: each,
    JOINED: joined,
    WORDS: words_only,
}
