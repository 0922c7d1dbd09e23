"""Which category somebody likes best, and how sure that is. Pure.

Each act counts for the category it was about, the older the less:

    score(c) = sum over acts of weight * 2 ** (-age / HALF_LIFE)

the exponential time weight of Ding & Li, "Time weight collaborative filtering" (CIKM 2005). The
confidence is the best category's share of all scores, smoothed as by Laplace with one purchase
that may have been of anything:

    confidence = score(best) / (sum of scores + weight of a purchase)

Both are taken at the time of the newest act. All scores shrink alike, so the best category never
changes by time passing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from commerce.core.facts import Fact, read_stamp, remember

BOUGHT, CART, VIEW = "bought", "cart", "view"
# Ordered as people mean it: buying over filling a cart over looking.
WEIGHTS: Mapping[str, float] = {BOUGHT: 5.0, CART: 3.0, VIEW: 1.0}
HALF_LIFE = timedelta(days=60)
LOOKS_KEPT = 40
_CATEGORIES_KEPT = 20

Bought = dict[str, Any]


def add_look(looks: list[Fact], look: Fact) -> list[Fact] | None:
    """`look`: {"id", "at", "kind" (view or cart), "product", "category"}; None when known."""
    return remember(looks, look, keep=LOOKS_KEPT)


def sum_bought(lines: Iterable[tuple[str, str]]) -> Bought:
    """{"at", "scores"} of (time stamp, category) per line of an order; {} when there is none."""
    known = sorted((at, category) for at, category in lines if category)
    if not known:
        return {}
    newest = known[-1][0]
    scores: dict[str, float] = {}
    for at, category in known:
        scores[category] = scores.get(category, 0.0) + WEIGHTS[BOUGHT] * _decay(at, newest)
    best = sorted(scores.items(), key=lambda each: (-each[1], each[0]))[:_CATEGORIES_KEPT]
    return {"at": newest, "scores": {category: round(score, 6) for category, score in best}}


def prefer(bought: Bought, looks: Iterable[Fact]) -> tuple[str, float]:
    """(category, confidence from 0 to 1); ("", 0.0) when nothing is known."""
    acts = [one for one in looks if one.get("category")]
    times = [one["at"] for one in acts] + ([bought["at"]] if bought else [])
    if not times:
        return "", 0.0
    newest = max(times)
    scores: dict[str, float] = {}
    if bought:
        fade = _decay(bought["at"], newest)
        scores = {category: score * fade for category, score in bought["scores"].items()}
    for one in acts:
        weight = WEIGHTS[one["kind"]] * _decay(one["at"], newest)
        scores[one["category"]] = scores.get(one["category"], 0.0) + weight
    best, score = min(scores.items(), key=lambda each: (-round(each[1], 6), each[0]))
    return best, round(score / (sum(scores.values()) + WEIGHTS[BOUGHT]), 4)


def last_viewed(looks: Iterable[Fact]) -> tuple[str, str]:
    """(product, time stamp) of the newest view; ("", "") without one."""
    views = [one for one in looks if one["kind"] == VIEW and one.get("product")]
    return (views[-1]["product"], views[-1]["at"]) if views else ("", "")


def most_viewed(looks: Iterable[Fact]) -> str:
    """The product looked at most often among the kept looks; the newer of two alike."""
    counts: dict[str, tuple[int, str]] = {}
    for one in looks:
        if one["kind"] == VIEW and one.get("product"):
            count, _ = counts.get(one["product"], (0, ""))
            counts[one["product"]] = (count + 1, one["at"])
    return max(counts, key=lambda key: (*counts[key], key), default="")


def _decay(at: str, newest: str) -> float:
    age: timedelta = read_stamp(newest) - read_stamp(at)
    return float(2 ** (-(age / HALF_LIFE)))
