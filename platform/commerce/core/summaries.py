"""What a contact's orders add up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.affinity import last_viewed, most_viewed, prefer, sum_bought
from commerce.core.facts import Fact, read_stamp, stamp
from commerce.core.reorder import Habit, Purchase, expect_reorder

_CATEGORIES_KEPT = 50


@dataclass(slots=True)
class Summary:
    """One row of BuyingSummary."""

    contact_id: UUID
    order_count: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    last_category: str = ""
    categories: list[str] = field(default_factory=list)
    preferred_category: str = ""
    preferred_confidence: float = 0.0
    net_minor: int = 0
    average_minor: int | None = None
    currency: str = ""
    lifetime: dict[str, Any] = field(default_factory=dict)
    last_viewed_key: str = ""
    last_viewed_at: datetime | None = None
    most_viewed_key: str = ""
    reorder_at: datetime | None = None
    reorder_key: str = ""
    reorder: dict[str, Any] = field(default_factory=dict)
    bought: dict[str, Any] = field(default_factory=dict)
    looks: list[Fact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BoughtOrder:
    """An order as it counts. `is_told`: its Order Completed is known, not only a refund."""

    key: str
    state: str
    total_minor: int
    refunded_minor: int
    net_minor: int
    currency: str
    placed_at: datetime
    is_told: bool
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of the products that were bought. `variants`: days of use by variant."""

    categories: Mapping[str, str] = field(default_factory=dict)
    habits: Mapping[str, Habit] = field(default_factory=dict)
    variants: Mapping[str, int] = field(default_factory=dict)


def count_orders(
    summary: Summary, orders: Iterable[BoughtOrder], known: Catalogue, *, currency: str
) -> None:
    """Works out all that comes from orders. A cancelled order counts nowhere; a refund whose order
    is unknown counts in the money only. `currency`: the workspace's."""
    standing = sorted(
        (one for one in orders if one.state != "cancelled"),
        key=lambda one: (one.placed_at, one.key),
    )
    placed = [one for one in standing if one.is_told]
    summary.currency = currency
    summary.order_count = len(placed)
    summary.first_order_at = placed[0].placed_at if placed else None
    summary.last_order_at = placed[-1].placed_at if placed else None
    summary.lifetime = _lifetime(standing)
    own = summary.lifetime.get(currency, {})
    summary.net_minor = own.get("net_minor", 0)
    summary.average_minor = own.get("average_minor")
    summary.last_category = _main_category(placed[-1], known) if placed else ""
    newest_first: dict[str, None] = {}
    for one in reversed(placed):
        for item in one.items:
            if category := category_of(item, known):
                newest_first.setdefault(category, None)
    summary.categories = list(newest_first)[:_CATEGORIES_KEPT]
    lines = [(stamp(one.placed_at), item) for one in placed for item in one.items]
    summary.bought = sum_bought((at, category_of(item, known)) for at, item in lines)
    expect = expect_reorder(
        [
            Purchase(at, str(item["product_id"]), int(item["quantity"]), item.get("variant_id", ""))
            for at, item in lines
        ],
        known.habits,
        known.variants,
    )
    summary.reorder_key, summary.reorder = expect or ("", {})
    summary.reorder_at = read_stamp(summary.reorder["at"]) if expect else None


def judge(summary: Summary) -> None:
    """Works out what comes from orders and looks together; after `count_orders`."""
    summary.preferred_category, summary.preferred_confidence = prefer(summary.bought, summary.looks)
    summary.last_viewed_key, at = last_viewed(summary.looks)
    summary.last_viewed_at = read_stamp(at) if at else None
    summary.most_viewed_key = most_viewed(summary.looks)


def category_of(item: Mapping[str, Any], known: Catalogue) -> str:
    """As its own event said, else as the catalogue says now."""
    return str(item.get("category") or known.categories.get(str(item.get("product_id")), ""))


def _main_category(order: BoughtOrder, known: Catalogue) -> str:
    """The category of the line that cost most, among those that have one."""
    named = [(category, item) for item in order.items if (category := category_of(item, known))]
    if not named:
        return ""
    return max(named, key=lambda each: _cost(each[1]))[0]


def _cost(item: Mapping[str, Any]) -> int:
    return int(item.get("price_minor") or 0) * int(item.get("quantity") or 1)


def _lifetime(orders: Iterable[BoughtOrder]) -> dict[str, Any]:
    """By currency; the average is of what was ordered, before refunds."""
    sums: dict[str, dict[str, Any]] = {}
    for one in orders:
        of = sums.setdefault(
            one.currency,
            {"orders": 0, "total_minor": 0, "refunded_minor": 0, "net_minor": 0},
        )
        of["orders"] += int(one.is_told)
        of["total_minor"] += one.total_minor
        of["refunded_minor"] += one.refunded_minor
        of["net_minor"] += one.net_minor
    for of in sums.values():
        count = of["orders"]
        of["average_minor"] = (2 * of["total_minor"] + count) // (2 * count) if count else None
    return dict(sorted(sums.items()))
