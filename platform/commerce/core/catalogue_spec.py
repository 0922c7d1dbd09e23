"""The body of POST /api/v1/products, checked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from api.problems import FieldError, Invalid
from commerce.core.money import read_currency, to_minor
from commerce.core.reading import MAX_KEY, read_url
from events.core.decoding import ListDecoder, strip_bom

MAX_PRODUCTS = 1_000
MAX_VARIANTS = 200
MAX_USAGE_DAYS = 3_660
MARGIN_BANDS = ("", "low", "medium", "high")
_LENGTHS = {"name": 300, "category": 200, "tip": 300}
_VARIANT_LENGTHS = {"name": 200}


class ApiVariant(msgspec.Struct, forbid_unknown_fields=True):
    """One kind of a product; what is left out stays as it is."""

    variant_id: str | int
    name: str | None = None
    price: str | int | float | None = None
    currency: str | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None
    usage_days: int | None = None


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
    margin_band: str | None = None
    usage_days: int | None = None
    tip: str | None = None
    variants: list[ApiVariant] | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    products: list[ApiProduct]


class _RawBody(msgspec.Struct, forbid_unknown_fields=True):
    products: list[msgspec.Raw]


_decoder: ListDecoder[ApiProduct] = ListDecoder(_Body, _RawBody, ApiProduct, "products")


@dataclass(frozen=True, slots=True)
class ReadVariant:
    """A variant whose every field can be stored."""

    key: str
    name: str | None
    price_minor: int | None
    currency: str | None
    stock: int | None
    url: str | None
    image_url: str | None
    usage_days: int | None


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
    margin_band: str | None
    usage_days: int | None
    tip: str | None
    variants: tuple[ReadVariant, ...]


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


Refuse = Callable[[str, str, str], None]


def _read(item: ApiProduct, place: str, default: str, errors: list[FieldError]) -> ReadProduct:
    def refuse(name: str, code: str, detail: str) -> None:
        errors.append(FieldError(f"{place}.{name}", code, detail))

    key = _key(item.product_id, "product_id", refuse)
    _check_lengths(item, _LENGTHS, refuse)
    price, currency = _price(item, default, refuse)
    if item.margin_band is not None and item.margin_band not in MARGIN_BANDS:
        refuse("margin_band", "invalid_choice", "One of: low, medium, high, or empty.")
    variants = item.variants or []
    if len(variants) > MAX_VARIANTS:
        refuse("variants", "wrong_count", f"At most {MAX_VARIANTS} variants.")
        variants = []
    return ReadProduct(
        key=key,
        name=item.name,
        category=item.category,
        price_minor=price,
        currency=currency,
        stock=_stock(item.stock, refuse),
        url=_address(item.url, "url", refuse),
        image_url=_address(item.image_url, "image_url", refuse),
        margin_band=item.margin_band,
        usage_days=_usage_days(item.usage_days, refuse),
        tip=item.tip,
        variants=tuple(
            _read_variant(each, f"{place}.variants[{n}]", default, errors)
            for n, each in enumerate(variants)
        ),
    )


def _read_variant(
    item: ApiVariant, place: str, default: str, errors: list[FieldError]
) -> ReadVariant:
    def refuse(name: str, code: str, detail: str) -> None:
        errors.append(FieldError(f"{place}.{name}", code, detail))

    _check_lengths(item, _VARIANT_LENGTHS, refuse)
    price, currency = _price(item, default, refuse)
    return ReadVariant(
        key=_key(item.variant_id, "variant_id", refuse),
        name=item.name,
        price_minor=price,
        currency=currency,
        stock=_stock(item.stock, refuse),
        url=_address(item.url, "url", refuse),
        image_url=_address(item.image_url, "image_url", refuse),
        usage_days=_usage_days(item.usage_days, refuse),
    )


def _key(value: str | int, name: str, refuse: Refuse) -> str:
    key = str(value).strip()
    if not key or len(key) > MAX_KEY or "\x00" in key:
        what = "product" if name == "product_id" else "variant"
        refuse(name, "invalid_key", f"A {what} id has 1 to {MAX_KEY} letters.")
    return key


def _check_lengths(item: Any, lengths: Mapping[str, int], refuse: Refuse) -> None:
    for name, limit in lengths.items():
        text = getattr(item, name)
        if text is not None and (len(text) > limit or "\x00" in text):
            refuse(name, "too_long", f"This has at most {limit} letters.")


def _price(
    item: ApiProduct | ApiVariant, default: str, refuse: Refuse
) -> tuple[int | None, str | None]:
    currency = read_currency(item.currency, default)
    if item.currency is not None and currency != item.currency.upper():
        refuse("currency", "invalid_currency", "Use a three-letter code such as USD.")
    price = to_minor(item.price, currency)
    if item.price is not None and (price is None or price < 0):
        refuse("price", "invalid_price", "Write an amount such as 19.99.")
    return price, currency if price is not None else None


def _stock(value: int | None, refuse: Refuse) -> int | None:
    if value is not None and abs(value) >= 10**15:
        refuse("stock", "invalid_stock", "This is no amount of anything.")
    return value


def _usage_days(value: int | None, refuse: Refuse) -> int | None:
    if value is not None and not 1 <= value <= MAX_USAGE_DAYS:
        refuse("usage_days", "out_of_range", f"Days from 1 to {MAX_USAGE_DAYS}.")
    return value


def _address(value: str | None, name: str, refuse: Refuse) -> str | None:
    if value is None or value == "":
        return value
    if read_url({"it": value}, ["it"]) is None or "\x00" in value:
        refuse(name, "invalid_url", "Use a web address that starts with https://.")
        return None
    return value
