"""Readers: a field and its rules, made ready to fetch one value out of plain facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from templates_engine.core.field import LINK, MONEY, NAME, NUMBER, Field
from templates_engine.core.fields import squeeze
from templates_engine.core.money import clean_money
from templates_engine.core.values import clean_name, clean_number, clean_text, clean_url

_MAX_KEYS = 200
_MAX_ITEMS = 100
_INDEX = re.compile(r"\d{1,3}").fullmatch

Box = dict[str, Any]


class Path(NamedTuple):
    source: str
    space: str
    key: str
    rest: tuple[str, ...]
    when: str


class Reader:
    """Fetches one field. Only plain dicts and lists are entered, so no object's code runs."""

    __slots__ = ("clean", "fallback", "field", "label", "loose", "paths", "required")

    def __init__(self, field: Field, *, fallback: str | None, required: bool) -> None:
        self.field = field
        self.label = field.label
        self.loose = "." in field.label
        self.fallback = fallback
        self.required = required
        self.clean: Callable[[Any, Box, Any], str] = _cleaner(field)
        self.paths = tuple(_parse(path) for path in field.paths)

    @property
    def guarded(self) -> bool:
        """Is there always something to read, or a decision not to send?"""
        return self.fallback is not None or self.required or self.field.always or self.field.is_link

    def read(self, facts: Any) -> tuple[str, str] | None:
        """(value, source), or None when every path is missing, blank or rubbish."""
        for source, space, key, rest, when in self.paths:
            box = facts.get(space)
            if type(box) is not dict or (when and not _holds(facts.get("event"), when)):
                continue
            raw = box.get(key)
            if raw is None:
                raw = _by_loose_key(box, key) if self.loose or space == "links" else None
                if raw is None:
                    continue
            if rest:
                raw, box = walk(raw, box, rest)
                if raw is None:
                    continue
            value = self.clean(raw, box, facts)
            if value:
                return value, source
        return None

    def why(self, facts: Any) -> str:
        """What is wrong with a stored value of the contact that is there and not fit to be read; ""
        when there is none. `facts["unfit"]` has the reasons by name."""
        unfit = facts.get("unfit")
        if type(unfit) is not dict:
            return ""
        for path in self.paths:
            if path.space == "contact":
                reason = unfit.get(path.key)
                if reason is None and self.loose:
                    reason = _by_loose_key(unfit, path.key)
                if type(reason) is str:
                    return reason
        return ""

    def read_raw(self, facts: Any) -> Iterator[tuple[Any, str]]:
        """(value, source) of each path that has one, not yet made into words."""
        for source, space, key, rest, _ in self.paths:
            box = facts.get(space)
            if type(box) is dict:
                raw, _ = walk(box, {}, (key, *rest))
                if raw is not None:
                    yield raw, source


def walk(raw: Any, box: Box, rest: tuple[str, ...]) -> tuple[Any, Box]:
    """Follow keys, list positions and `*` (the key item); (None, box) when the way ends."""
    for key in rest:
        if type(raw) is dict:
            box = raw
            raw = box.get(key)
            if raw is None:
                raw = _by_loose_key(box, key)
        elif type(raw) is list:
            raw = _item(raw, key)
        else:
            return None, box
        if raw is None:
            return None, box
    return raw, box


def _parse(path: str) -> Path:
    source, _, condition = path.partition(" when event.")
    space, key, *rest = source.split(".")
    return Path(source, space, key, tuple(rest), condition)


def _holds(event: Any, key: str) -> bool:
    return type(event) is dict and bool(event.get(key))


def _by_loose_key(box: Box, key: str) -> Any:
    wanted = squeeze(key)
    for index, (name, value) in enumerate(box.items()):
        if index >= _MAX_KEYS:
            return None
        if type(name) is str and len(name) < 100 and squeeze(name) == wanted:
            return value
    return None


def _item(items: list[Any], key: str) -> Any:
    if key == "*":
        dicts = [item for item in items[:_MAX_ITEMS] if type(item) is dict]
        return max(dicts, key=_price, default=None)
    if _INDEX(key):
        return items[int(key)] if int(key) < len(items) else None
    return None


def _price(item: Box) -> float:
    price = item.get("price")
    if type(price) is dict:
        price = price.get("minor")
    if type(price) is int or type(price) is float:
        return float(price) if -1e15 < price < 1e15 else 0.0
    return 0.0


def _cleaner(field: Field) -> Callable[[Any, Box, Any], str]:
    if field.kind == NAME:
        return lambda raw, box, facts: clean_name(raw)
    if field.kind == NUMBER:
        return lambda raw, box, facts: clean_number(raw)
    if field.kind == MONEY:
        positive = field.positive
        return lambda raw, box, facts: clean_money(raw, box, facts.get("brand"), positive=positive)
    if field.kind == LINK:
        return lambda raw, box, facts: clean_url(raw, facts.get("brand"))
    return _text


def _text(raw: Any, box: Box, facts: Any) -> str:
    if type(raw) is dict:
        return clean_money(raw, box, None)
    return clean_text(raw)
