"""Amounts of money as people read them: $15, $12.50, €1,299, 3,000 JPY by its symbol."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from templates_engine.core.values import as_number

_SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "CAD": "CA$",
    "AUD": "A$",
    "NZD": "NZ$",
    "JPY": "¥",
    "MXN": "MX$",
}
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


def decimals_of(currency: str) -> int:
    """How many decimals the currency's minor unit has."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def format_minor(minor: int, currency: str) -> str:
    """1500, "USD" -> "$15"; 1250, "USD" -> "$12.50"; "" for an unknown shape."""
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        return ""
    currency = currency.upper()
    decimals = decimals_of(currency)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 10**decimals)
    amount = f"{whole:,}" if not rest else f"{whole:,}.{rest:0{decimals}d}"
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount} {currency}"


def read_minor(raw: object, box: dict[str, Any], brand: object) -> tuple[int, str] | None:
    """Minor units and currency out of {"minor", "currency"}, or of a plain number in major
    units beside a "currency" in the same object (else the brand's currency)."""
    if type(raw) is dict:
        minor, currency = raw.get("minor"), raw.get("currency")
        if type(minor) is int and abs(minor) < 10**15 and isinstance(currency, str):
            return minor, currency
        return None
    number = as_number(raw)
    if number is None:
        return None
    currency = box.get("currency")
    if not isinstance(currency, str) and type(brand) is dict:
        currency = brand.get("currency")
    if not isinstance(currency, str) or len(currency) != 3:
        return None
    scaled = Decimal(str(number)).scaleb(decimals_of(currency.upper()))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency


def clean_money(raw: object, box: dict[str, Any], brand: object, *, positive: bool = False) -> str:
    """Money as text; with `positive`, nothing and less than nothing count as missing."""
    found = read_minor(raw, box, brand)
    if found is None or (positive and found[0] <= 0):
        return ""
    return format_minor(*found)
