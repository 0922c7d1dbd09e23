"""Crossing a threshold: an edge, not a level, with hysteresis and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.core import filters
from triggers.core.definition import Crosses
from triggers.core.state import Happening

_SIGNS = {"USD": "$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "GBP": "£", "EUR": "€"}


@dataclass(frozen=True, slots=True)
class Level:
    """The last value seen, and whether the next pass over the threshold fires."""

    value: float
    armed: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one event did: `text` is the reason why it did not cross."""

    crossed: bool
    after: Level | None
    reason: str = ""
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def judge_crossing(rule: Crosses, event: Happening, level: Level | None) -> Crossing:
    """Whether the event carries its value over the threshold.

    Before: the event's own `previous_property`, else the level kept from earlier events. With
    neither, the value comes from nothing and crosses by reaching the threshold.
    """
    words = rule.property.rpartition(".")[2].replace("_", " ")
    currency = event.properties.get("currency")
    value = _number(filters.read_path(event.properties, rule.property))
    if value is None:
        return Crossing(False, level, "no_value", f"the event has no {words}")
    if level is not None and event.occurred_at < level.seen_at:
        text = f"a newer {words} was known already"
        return Crossing(False, level, "out_of_date", text)
    before, armed = _before(rule, event, level)
    beyond = _is_beyond(rule, value)
    after = Level(value, _armed_after(rule, value, beyond, armed), event.occurred_at)
    detail = {
        "value": value,
        "previous": before,
        "threshold": rule.threshold,
        "currency": currency,
    }
    edge = show_amount(rule.threshold, currency)
    if not beyond:
        verb = "reach" if rule.direction == "up" else "fall to"
        text = f"the {words} did not {verb} {edge}, it is {show_amount(value, currency)}"
        return Crossing(False, after, "below_threshold", text, detail)
    if not armed:
        was = show_amount(value if before is None else before, currency)
        text = f"the {words} did not cross {edge}, it was {was}"
        return Crossing(False, after, "not_crossed", text, detail)
    return Crossing(True, after, detail=detail)


def show_amount(value: float, currency: Any = None) -> str:
    """`$15`, `$15.50`, `15 CHF`, `3`: short, for a sentence."""
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
    if not isinstance(currency, str) or not currency:
        return f"{value:g}" if not float(value).is_integer() else number
    sign = _SIGNS.get(currency.upper())
    if sign is None:
        return f"{number} {currency.upper()}"
    return f"-{sign}{number[1:]}" if number.startswith("-") else f"{sign}{number}"


def _before(rule: Crosses, event: Happening, level: Level | None) -> tuple[float | None, bool]:
    """The value before, and whether crossing now counts."""
    stated = None
    if rule.previous_property:
        stated = _number(filters.read_path(event.properties, rule.previous_property))
    if stated is not None:
        near = not _is_beyond(rule, stated)
        if level is None or rule.hysteresis == 0:
            return stated, near
        return stated, near and (level.armed or _is_rearmed(rule, stated))
    if level is None:
        return None, True
    return level.value, level.armed


def _armed_after(rule: Crosses, value: float, beyond: bool, armed: bool) -> bool:
    if beyond:
        return False
    return armed or _is_rearmed(rule, value)


def _is_beyond(rule: Crosses, value: float) -> bool:
    return value >= rule.threshold if rule.direction == "up" else value <= rule.threshold


def _is_rearmed(rule: Crosses, value: float) -> bool:
    if rule.direction == "up":
        return value < rule.threshold - rule.hysteresis
    return value > rule.threshold + rule.hysteresis


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
