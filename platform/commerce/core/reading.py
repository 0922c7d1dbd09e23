"""What an event's properties say about products, carts and orders, whatever the shop calls it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commerce.core.money import read_currency, to_minor

MAX_KEY = 256
MAX_ITEMS = 200
_PRODUCT_KEYS = ("product_id", "productId", "sku", "variant_id")
_CART_KEYS = ("cart_id", "cartId", "cart_token", "checkout_id", "checkout_token")
_ORDER_KEYS = ("order_id", "orderId", "order_number")
_TOTALS = ("total", "order_total", "cart_total", "value", "revenue", "subtotal")
_STOCKS = ("quantity", "stock", "inventory", "inventory_quantity", "available")
_BEFORE = ("previous_quantity", "previous_stock", "previous_inventory")
_CART_URLS = ("checkout_url", "abandoned_checkout_url", "cart_url", "url")

Data = Mapping[str, Any]
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class ProductNews:
    """What one event tells of a product; None: it does not say."""

    key: str
    name: str | None = None
    category: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    url: str | None = None
    image_url: str | None = None
    stock: int | None = None
    previous_stock: int | None = None


def read_key(data: Data, names: Iterable[str]) -> str | None:
    """The first usable id among these properties, as text."""
    for name in names:
        value = data.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        text = str(value).strip()
        if text and len(text) <= MAX_KEY:
            return text
    return None


def product_key(data: Data) -> str | None:
    return read_key(data, _PRODUCT_KEYS) or read_key(data, ("id",))


def cart_key(data: Data) -> str | None:
    return read_key(data, _CART_KEYS)


def order_key(data: Data) -> str | None:
    return read_key(data, _ORDER_KEYS)


def event_product_key(data: Data) -> str | None:
    """The product an event is about: its own, or the first of its list."""
    key = read_key(data, _PRODUCT_KEYS)
    if key is not None:
        return key
    for item in item_list(data):
        return product_key(item)
    return None


def item_list(data: Data) -> list[Data]:
    """The products of a cart or an order, as the event lists them."""
    for name in ("products", "items", "line_items", "Items"):
        listed = data.get(name)
        if isinstance(listed, list):
            return [item for item in listed[:MAX_ITEMS] if isinstance(item, Mapping)]
    return []


def lists_items(data: Data) -> bool:
    return any(isinstance(data.get(name), list) for name in ("products", "items", "line_items"))


def read_news(
    data: Data, default_currency: str, *, tells_stock: bool = False
) -> ProductNews | None:
    """What a product's own properties say; None without an id.

    `quantity` is how many there are only in an event about stock (`tells_stock`); elsewhere it is
    how many were bought.
    """
    key = product_key(data)
    if key is None:
        return None
    currency = read_currency(data.get("currency"), default_currency)
    price = to_minor(data.get("price"), currency)
    return ProductNews(
        key=key,
        name=read_text(data, ("name", "product_name", "title"), 300),
        category=read_text(data, ("category", "product_type"), 200),
        price_minor=price,
        currency=currency if price is not None else None,
        url=read_url(data, ("url", "product_url")),
        image_url=read_url(data, ("image_url", "image")),
        stock=read_count(data, _STOCKS) if tells_stock else None,
        previous_stock=read_count(data, _BEFORE) if tells_stock else None,
    )


def read_item(data: Data, currency: str) -> dict[str, Any] | None:
    """One line of a cart: {"product_id", "name", "quantity", "price_minor", "currency", ...}."""
    news = read_news(data, currency)
    if news is None:
        return None
    quantity = read_count(data, ("quantity", "qty"))
    item = {
        "product_id": news.key,
        "name": news.name or "",
        "quantity": 1 if quantity is None or quantity < 1 else quantity,
        "price_minor": news.price_minor,
        "currency": news.currency or currency,
        "url": news.url or "",
        "image_url": news.image_url or "",
        "category": news.category or "",
    }
    variant = read_text(data, ("variant", "variant_title"), 200)
    if variant:
        item["variant"] = variant
    variant_id = read_key(data, ("variant_id", "variantId"))
    if variant_id is not None and variant_id != news.key:
        item["variant_id"] = variant_id
    return item


def read_total(data: Data, currency: str) -> int | None:
    amount = read_amount(data)
    return None if amount is None else to_minor(amount, currency)


def read_amount(data: Data) -> str | None:
    """The total as it was written, "147.50": its currency may be told by another event."""
    for name in _TOTALS:
        value = data.get(name)
        if to_minor(value, "") is not None:
            return str(value).strip()
    return None


def read_cart_url(data: Data) -> str | None:
    return read_url(data, _CART_URLS)


def read_url(data: Data, names: Iterable[str]) -> str | None:
    """An absolute web address; anything else might be script."""
    for name in names:
        value = data.get(name)
        if (
            isinstance(value, str)
            and len(value) <= 2000
            and value.startswith(("https://", "http://"))
            and not _SPACE.search(value)
        ):
            return value
    return None


def read_count(data: Data, names: Iterable[str]) -> int | None:
    """A whole number; texts of digits count."""
    for name in names:
        value = data.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 16:
            value = int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            value = int(value)
        if isinstance(value, int) and abs(value) < 10**15:
            return value
    return None


def read_text(data: Data, names: Iterable[str], limit: int) -> str | None:
    """The first of these that is a text with words in it, cut to `limit` letters."""
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()[:limit]
    return None
