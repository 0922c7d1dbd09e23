"""The body of POST /api/v1/products, checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from api.problems import FieldError, Invalid
from commerce.core.money import read_currency, to_minor
from commerce.core.reading import MAX_KEY, read_url
from events.core.decoding import ListDecoder, strip_bom

MAX_PRODUCTS = 1_000
_LENGTHS = {"name": 300, "category": 200}


class ApiProduct(msgspec.Struct, forbid_unknown_fields=True):
    """One product; what is left out stays as it is."""

    product_id: str | int
    name: str | None = None
    category: str | None = None
    price: str | int | float | None = None
    currency: str | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    products: list[ApiProduct]


class _RawBody(msgspec.Struct, forbid_unknown_fields=True):
    products: list[msgspec.Raw]


_decoder: ListDecoder[ApiProduct] = ListDecoder(_Body, _RawBody, ApiProduct, "products")


@dataclass(frozen=True, slots=True)
class ReadProduct:
    """A product whose every field can be stored."""

    key: str
    name: str | None
    category: str | None
    price_minor: int | None
    currency: str | None
    stock: int | None
    url: str | None
    image_url: str | None


def read_products_body(body: bytes, *, currency: str) -> list[ReadProduct]:
    """Raises `Problem` malformed_json, or `Invalid` with every wrong field of every product."""
    _, items = _decoder.decode(strip_bom(body))
    if not items or len(items) > MAX_PRODUCTS:
        raise Invalid([FieldError("products", "wrong_count", f"Send 1 to {MAX_PRODUCTS}.")])
    errors: list[FieldError] = []
    found: list[ReadProduct] = []
    for index, item in enumerate(items):
        place = f"products[{index}]"
        if isinstance(item, list):
            errors += [FieldError(f"{place}.{e.field}".rstrip("."), e.code, e.detail) for e in item]
        else:
            found.append(_read(item, place, currency, errors))
    if errors:
        raise Invalid(errors, "Some products cannot be accepted; nothing was changed.")
    return found


def _read(item: ApiProduct, place: str, default: str, errors: list[FieldError]) -> ReadProduct:
    def refuse(name: str, code: str, detail: str) -> None:
        errors.append(FieldError(f"{place}.{name}", code, detail))

    key = str(item.product_id).strip()
    if not key or len(key) > MAX_KEY or "\x00" in key:
        refuse("product_id", "invalid_key", f"A product id has 1 to {MAX_KEY} letters.")
    for name, limit in _LENGTHS.items():
        text = getattr(item, name)
        if text is not None and (len(text) > limit or "\x00" in text):
            refuse(name, "too_long", f"This has at most {limit} letters.")
    currency = read_currency(item.currency, default)
    if item.currency is not None and currency != item.currency.upper():
        refuse("currency", "invalid_currency", "Use a three-letter code such as USD.")
    price = to_minor(item.price, currency)
    if item.price is not None and (price is None or price < 0):
        refuse("price", "invalid_price", "Write an amount such as 19.99.")
    if item.stock is not None and abs(item.stock) >= 10**15:
        refuse("stock", "invalid_stock", "This is no amount of anything.")
    return ReadProduct(
        key=key,
        name=item.name,
        category=item.category,
        price_minor=price,
        currency=currency if price is not None else None,
        stock=item.stock,
        url=_address(item.url, "url", refuse),
        image_url=_address(item.image_url, "image_url", refuse),
    )


def _address(value: str | None, name: str, refuse: Any) -> str | None:
    if value is None or value == "":
        return value
    if read_url({"it": value}, ["it"]) is None or "\x00" in value:
        refuse(name, "invalid_url", "Use a web address that starts with https://.")
        return None
    return value
