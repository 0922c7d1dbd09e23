"""What a contact buys, holds and waits for, as its page shows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce.domain.overview import Overview, overview_of
from web.templatetags.ui import comma, day_at, money

ORDER_STATES = {
    "placed": ("Placed", "good"),
    "partly_refunded": ("Partly refunded", "wait"),
    "refunded": ("Refunded", "stop"),
    "cancelled": ("Canceled", "stop"),
}
OBJECT_TITLES = {
    "appointment": ("Appointment", "calendar-clock"),
    "subscription": ("Subscription", "repeat"),
    "ticket": ("Ticket", "message-circle-question-mark"),
    "shipment": ("Shipment", "truck"),
}
_SLOW = frozenset({"delayed", "paused"})
_NAMES = ("service", "plan", "product_name", "subject", "name", "carrier")


def buying_shown(contact_id: UUID, *, zone: str, now: datetime) -> dict[str, Any]:
    """{"lines": (label, value, hint), "orders", "objects"}; all empty for somebody who has bought,
    booked and looked at nothing."""
    known = overview_of(contact_id, now=now)
    return {
        "lines": [line for line in _lines(known, zone, now) if line[1]],
        "orders": [
            {
                "key": order.key,
                "pill": ORDER_STATES[order.state],
                "value": money(order.total_minor, order.currency),
                "kept": money(order.net_minor, order.currency)
                if order.net_minor != order.total_minor
                else "",
                "at": day_at(order.placed_at, zone),
            }
            for order in known.orders
        ],
        "objects": [_object(one, zone) for one in known.objects],
    }


def _lines(known: Overview, zone: str, now: datetime) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    if (buying := known.buying) is not None:
        found += _sums(buying)
        last = buying["last_order_at"]
        since = buying["days_since_last_order"]
        found += [
            ("Last order", day_at(last, zone) if last else "", _days(since, "ago")),
            ("Bought last", buying["last_category"], ""),
            (
                "Likes best",
                buying["preferred_category"],
                f"{buying['preferred_confidence']:.0%} sure"
                if buying["preferred_category"]
                else "",
            ),
            ("Viewed last", buying["last_viewed_key"], ""),
            _reorder(buying, zone),
        ]
    if known.cart is not None:
        found.append(_cart(known, now))
    if (account := known.loyalty) is not None:
        points = f"{comma(account.points)} points" if account.points is not None else ""
        worth = money(account.balance_minor, account.currency) if account.balance_minor else ""
        said = ", ".join(part for part in (points, worth) if part)
        found.append(("Loyalty", account.tier or said, said if account.tier else ""))
    waits = ", ".join(key for key, _ in known.requests)
    found.append(("Waits for", waits, "Back in stock" if waits else ""))
    return found


def _sums(buying: dict[str, Any]) -> list[tuple[str, str, str]]:
    lines = [("Orders", comma(buying["order_count"]) if buying["order_count"] else "", "")]
    for currency, sums in buying["lifetime"].items():
        average = money(sums["average_minor"], currency)
        lines.append(
            (
                "Lifetime value",
                money(sums["net_minor"], currency),
                f"{average} an order" if average else "",
            )
        )
    return lines


def _reorder(buying: dict[str, Any], zone: str) -> tuple[str, str, str]:
    at, told = buying["reorder_at"], buying["reorder"]
    if at is None:
        return ("Reorder", "", "")
    days = f"{buying['reorder_key']}, {round(told['days']):,} days after the last"
    seen = told["own_gaps"] + told["product_gaps"]
    local = at.astimezone(ZoneInfo(zone))
    return ("Reorder", f"{local:%b} {local.day}", days if seen else f"{days}; not seen yet")


def _cart(known: Overview, now: datetime) -> tuple[str, str, str]:
    cart, key = known.cart, known.key_item or {}
    assert cart is not None  # noqa: S101 (see _lines)
    name = key.get("name") or key.get("product_id", "")
    others = len(cart.items) - 1
    said = f"{name} and {others} more" if others > 0 else name
    value = money(cart.value_minor, cart.currency)
    begun = cart.checkout_at is not None and now - cart.checkout_at < timedelta(days=30)
    hint = [part for part in (said if value else "", "checkout started" if begun else "") if part]
    return ("In the cart", value or said, ", ".join(hint))


def _object(one: dict[str, Any], zone: str) -> dict[str, Any]:
    title, symbol = OBJECT_TITLES[one["kind"]]
    named = next((str(one[name]) for name in _NAMES if one.get(name)), "")
    tone = "" if not one["is_open"] else "wait" if one["state"] in _SLOW else "good"
    return {
        "title": title,
        "symbol": symbol,
        "named": named,
        "state": one["state"].replace("_", " ").capitalize(),
        "tone": tone,
        "at": day_at(one["due_at"], zone) if one["due_at"] else "",
    }


def _days(count: int | None, word: str) -> str:
    if count is None:
        return ""
    if count == 0:
        return "today"
    return f"{count:,} day{'' if count == 1 else 's'} {word}"
