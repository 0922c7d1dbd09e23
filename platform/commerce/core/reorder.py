"""When somebody will want a product again. Pure.

The interval begins with what the catalogue says (days of use times the quantity bought), else with
a cautious `DEFAULT_DAYS`, and moves to what is observed as that grows: first the median time
between two purchases of the product by anybody, then by this contact. Each step is Bühlmann's
credibility blend ("Experience rating and credibility", ASTIN Bulletin 4, 1967):

    interval = Z * observed + (1 - Z) * prior,    Z = n / (n + K)

with n observed gaps and K = 3: three gaps weigh as much as the prior.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from commerce.core.facts import read_stamp

DEFAULT_DAYS = 90
K = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Habit:
    """What is known of a product: its catalogue's days of use, and gaps of all who bought it."""

    usage_days: int | None = None
    observed_days: float | None = None
    observed_gaps: int = 0


@dataclass(frozen=True, slots=True)
class Purchase:
    """One product in one order. `at`: a time stamp."""

    at: str
    key: str
    quantity: int
    variant: str = ""


def expect_reorder(
    purchases: Sequence[Purchase], habits: Mapping[str, Habit], variants: Mapping[str, int]
) -> tuple[str, dict[str, Any]] | None:
    """(product key, {"at", "days", "default_days", "own_gaps", "product_gaps"}), or None.

    About the product bought last among those that are bought again: the catalogue knows its days
    of use, or this contact has bought it twice, or others have. `variants`: days of use by variant.
    """
    by_product: dict[str, dict[str, tuple[int, str]]] = {}
    for one in purchases:
        times = by_product.setdefault(one.key, {})
        quantity, variant = times.get(one.at, (0, ""))
        times[one.at] = (quantity + max(1, one.quantity), max(variant, one.variant))
    best: tuple[str, str, dict[str, Any]] | None = None
    for key, times in by_product.items():
        habit = habits.get(key, Habit())
        ordered = sorted(times)
        quantity, variant = times[ordered[-1]]
        usage = variants.get(variant, habit.usage_days)
        if usage is None and len(ordered) < 2 and not habit.observed_gaps:
            continue
        told = _interval(ordered, usage, quantity, habit)
        if best is None or (ordered[-1], key) > (best[0], best[1]):
            best = (ordered[-1], key, told)
    return None if best is None else (best[1], best[2])


def _interval(
    times: Sequence[str], usage: int | None, quantity: int, habit: Habit
) -> dict[str, Any]:
    moments = [read_stamp(at) for at in times]
    gaps = [(b - a) / _DAY for a, b in itertools.pairwise(moments)]
    prior = float(usage * quantity if usage is not None else DEFAULT_DAYS)
    days = prior
    if habit.observed_days is not None:
        days = _blend(habit.observed_days, habit.observed_gaps, days)
    if gaps:
        days = _blend(median(gaps), len(gaps), days)
    days = max(1.0, round(days, 2))
    return {
        "at": (moments[-1] + days * _DAY).isoformat(),
        "days": days,
        "default_days": prior,
        "own_gaps": len(gaps),
        "product_gaps": habit.observed_gaps,
    }


def _blend(observed: float, count: int, prior: float) -> float:
    weight = count / (count + K)
    return weight * observed + (1 - weight) * prior
