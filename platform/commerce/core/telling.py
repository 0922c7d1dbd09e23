"""What a change of a product says, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from commerce.core.money import read_currency, to_minor
from commerce.core.reading import read_news
from events.core import names

Data = Mapping[str, Any]
Show = Callable[[int, str], str]


def change_words(name: str, data: Data, *, currency: str, show: Show) -> str:
    """Such as "0 → 12 in stock" or "$24.00 → $19.00, 20.8% less"; "" when it does not say.

    `currency`: the workspace's own; `show` writes minor units of a currency.
    """
    if name in (names.PRODUCT_INVENTORY_CHANGED, names.PRODUCT_RESTOCKED):
        news = read_news(data, currency, tells_stock=True)
        if news is None or news.stock is None:
            return ""
        return f"{_from(news.previous_stock)}{news.stock:,} in stock"
    currency = read_currency(data.get("currency"), currency)
    price = to_minor(data.get("price"), currency)
    if price is None:
        return ""
    before = to_minor(data.get("previous_price"), currency)
    said = show(price, currency)
    if before is not None:
        said = f"{show(before, currency)} → {said}"
    percent = data.get("dropped_percent")
    if isinstance(percent, int | float) and not isinstance(percent, bool):
        said += f", {percent:g}% less"
    return said


def _from(before: int | None) -> str:
    return "" if before is None else f"{before:,} → "
