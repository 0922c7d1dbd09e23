"""Amounts as shops write them, read into minor units. Pure; never a float on the way."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

_NO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_LIMIT = Decimal(10) ** 15


def decimals_of(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def to_minor(value: Any, currency: str) -> int | None:
    """19.99, "19.99" or "1,299.50" in minor units; None for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    text = str(value).strip().replace(",", "") if isinstance(value, str) else str(value)
    if len(text) > 40:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) > _LIMIT:
        return None
    return int(amount.scaleb(decimals_of(currency)).quantize(Decimal(1), ROUND_HALF_UP))


def read_currency(value: Any, default: str) -> str:
    """A three-letter code, upper case; the workspace's own when the event names none."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    return default


def show_money(minor: int | None, currency: str) -> dict[str, Any] | None:
    """{"minor": 1999, "currency": "USD"}; None when unknown."""
    return None if minor is None else {"minor": minor, "currency": currency}
