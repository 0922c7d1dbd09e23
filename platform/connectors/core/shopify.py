"""Shopify's webhooks: topic and body into items. Pure.

The shapes are those of the Admin REST resources, which webhooks carry without their outer name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.core.items import Data, Shop, Translation, ignore
from connectors.core.shopify_customers import read_customer
from connectors.core.shopify_orders import (
    read_canceled,
    read_cart,
    read_checkout,
    read_fulfilled_order,
    read_fulfillment,
    read_order,
    read_refund,
)
from connectors.core.shopify_products import read_level, read_product


def translate(topic: str, body: Data, shop: Shop) -> Translation:
    """What a body of this topic says; an unknown topic is ignored by name."""
    read = _TOPICS.get(topic.strip().lower())
    if read is None:
        return ignore("unknown_topic", f"Nothing is read from {topic[:80] or 'no topic'}.")
    return read(body, shop)


_TOPICS: Mapping[str, Callable[[Data, Shop], Translation]] = {
    "customers/create": read_customer,
    "customers/update": read_customer,
    "carts/create": read_cart,
    "carts/update": read_cart,
    "checkouts/create": read_checkout,
    "checkouts/update": read_checkout,
    "orders/create": read_order,
    "orders/paid": read_order,
    "orders/cancelled": read_canceled,
    "orders/fulfilled": read_fulfilled_order,
    "refunds/create": read_refund,
    "products/create": read_product,
    "products/update": read_product,
    "inventory_levels/update": read_level,
    "inventory_levels/connect": read_level,
    "fulfillments/create": read_fulfillment,
    "fulfillments/update": read_fulfillment,
}
TOPICS = tuple(_TOPICS)
