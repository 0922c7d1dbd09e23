"""Numbers to SVG paths. The server draws: charts follow the theme, print, and need no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def spark(values: Sequence[float], *, width: int = 96, height: int = 28) -> str:
    """The `d` of a small line; a flat one for fewer than two values."""
    if len(values) < 2 or max(values) == min(values):
        return f"M0,{height - 3}H{width}"
    low, high = min(values), max(values)
    step, scale = width / (len(values) - 1), (height - 6) / (high - low)
    points = (f"{i * step:.1f},{height - 3 - (v - low) * scale:.1f}" for i, v in enumerate(values))
    return "M" + "L".join(points)


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: two stacked rectangles in a box of `Columns.width` x `Columns.height`."""

    x: float
    width: float
    y: float
    height: float
    y2: float
    height2: float
    label: str
    value: float
    value2: float

    @property
    def total(self) -> float:
        return self.value + self.value2


@dataclass(frozen=True, slots=True)
class Columns:
    width: int
    height: int
    left: int
    bottom: int
    bars: tuple[Bar, ...]
    rules: tuple[tuple[str, float], ...]
    ticks: tuple[tuple[str, float], ...]

    @property
    def floor(self) -> int:
        """Where the columns stand."""
        return self.height - self.bottom


def columns(
    points: Sequence[tuple[str, float, float]],
    *,
    width: int = 760,
    height: int = 220,
    left: int = 36,
    bottom: int = 24,
    top: int = 10,
    ticks: int = 6,
) -> Columns:
    """Stacked columns of (label, lower, upper) with round rules and evenly spread labels."""
    highest = max((low + high for _, low, high in points), default=0)
    ceiling = nice_ceiling(highest)
    room, slot = height - top - bottom, (width - left - 8) / max(1, len(points))
    body = min(28.0, slot * 0.62)

    def tall(value: float) -> float:
        return round(value / ceiling * room, 1)

    bars = tuple(
        Bar(
            x=round(left + slot * i + (slot - body) / 2, 1),
            width=round(body, 1),
            y=round(height - bottom - tall(low), 1),
            height=tall(low),
            y2=round(height - bottom - tall(low + high), 1),
            height2=tall(high),
            label=label,
            value=low,
            value2=high,
        )
        for i, (label, low, high) in enumerate(points)
    )
    rules = tuple(
        (f"{ceiling * part / 2:,.0f}", round(height - bottom - room * part / 2, 1))
        for part in range(3)
    )
    every = max(1, -(-len(points) // ticks))
    marks = tuple(
        (bar.label, bar.x + bar.width / 2) for i, bar in enumerate(bars) if i % every == every // 2
    )
    return Columns(width, height, left, bottom, bars, rules, marks)


def nice_ceiling(value: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100 ... at or above `value`, so that half of it is round."""
    step = 2.0
    while step < value:
        for candidate in (step * 2, step * 3, step * 4, step * 5):
            if candidate >= value:
                return candidate
        step *= 5
    return step
