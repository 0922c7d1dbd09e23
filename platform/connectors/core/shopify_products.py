"""Shopify's products, their variants and what is in stock. Pure."""

from __future__ import annotations

from connectors.core.items import (
    Data,
    Item,
    Level,
    Shop,
    Translation,
    Variant,
    amount_of,
    count_of,
    data_of,
    filled,
    ignore,
    list_of,
    plain_text,
    text_of,
    web_address,
)
from events.core import names


def read_product(body: Data, shop: Shop) -> Translation:
    product = shop.key(body.get("id"))
    if not product:
        return ignore("no_id", "A product has an id.")
    at = text_of(body.get("updated_at"))
    variants = list_of(body.get("variants"))
    described = filled(
        [
            ("product_id", product),
            ("name", plain_text(body.get("title"))),
            ("category", text_of(body.get("product_type"))),
            ("brand", text_of(body.get("vendor"))),
            ("url", _product_url(body, shop)),
            ("image_url", web_address(data_of(body.get("image")).get("src"))),
        ]
    )
    items = []
    prices = [price for each in variants if (price := amount_of(each.get("price"))) > 0]
    if prices:
        # A product is as cheap as its cheapest variant: "from 199.00".
        told = {**described, "price": str(min(prices))}
        identity = f"shopify:{shop.prefix}product:{body['id']}:price:{at}"
        items.append(Item(names.PRODUCT_PRICE_CHANGED, identity, at, properties=told))
    counted = [each for each in variants if each.get("inventory_management")]
    stocks = [count_of(each.get("inventory_quantity")) for each in counted]
    if counted and None not in stocks:
        told = {**described, "quantity": sum(stock for stock in stocks if stock is not None)}
        identity = f"shopify:{shop.prefix}product:{body['id']}:stock:{at}"
        items.append(Item(names.PRODUCT_INVENTORY_CHANGED, identity, at, properties=told))
    known = [
        Variant(
            shop.key(each.get("inventory_item_id")),
            product,
            shop.key(each.get("id")),
            count_of(each.get("inventory_quantity")) if each.get("inventory_management") else None,
            at,
        )
        for each in variants
        if shop.key(each.get("inventory_item_id"))
    ]
    if not items and not known:
        return ignore("no_variants", "The product has neither a price nor a stock.")
    return Translation(items, variants=known)


def read_level(body: Data, shop: Shop) -> Translation:
    item, place = shop.key(body.get("inventory_item_id")), text_of(body.get("location_id"))
    available = count_of(body.get("available"))
    if not item or not place:
        return ignore("no_id", "A level names an item and a location.")
    if available is None:
        return ignore("not_counted", "The shop does not count this item.")
    return Translation(level=Level(item, place, available, text_of(body.get("updated_at"))))


def _product_url(body: Data, shop: Shop) -> str:
    handle = text_of(body.get("handle"))
    return web_address(f"{shop.url.rstrip('/')}/products/{handle}") if shop.url and handle else ""
