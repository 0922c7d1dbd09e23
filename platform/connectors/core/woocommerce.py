"""WooCommerce's webhooks: topic and body into items. Pure.

Bodies are those of its REST API, version 3. A guest's order has the customer id 0: then the number
and the e-mail address of the bill say whose it is. Core WooCommerce asks nobody about texts, so
no consent is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.core.items import (
    IDENTIFY,
    MAX_LINES,
    Data,
    Item,
    Shop,
    Translation,
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

# An order that waits for its payment is a checkout; on hold it waits for a transfer somebody promised.
_OPEN = {"pending", "failed", "checkout-draft"}
_PLACED = {"processing", "on-hold", "completed", "refunded"}


def translate(topic: str, body: Data, shop: Shop) -> Translation:
    """What a body of this topic says; an unknown topic is ignored by name."""
    read = _TOPICS.get(topic.strip().lower())
    if read is None:
        return ignore("unknown_topic", f"Nothing is read from {topic[:80] or 'no topic'}.")
    return read(body, shop)


def _customer(body: Data, shop: Shop) -> Translation:
    if not shop.key(body.get("id")):
        return ignore("no_id", "A customer has an id.")
    bill = data_of(body.get("billing"))
    at = _time(body, "date_modified") or _time(body, "date_created")
    item = Item(
        names.IDENTIFIED,
        f"woocommerce:{shop.prefix}customer:{body['id']}:{at}",
        at,
        kind=IDENTIFY,
        external_id=shop.key(body.get("id")),
        phone=text_of(bill.get("phone")),
        email=text_of(body.get("email"), limit=300) or text_of(bill.get("email"), limit=300),
        country=text_of(bill.get("country")),
        traits=_person(body, bill)
        | filled(
            [
                ("city", text_of(bill.get("city"))),
                ("region", text_of(bill.get("state"))),
                ("postal_code", text_of(bill.get("postcode"), limit=32)),
                ("country", text_of(bill.get("country"))),
            ]
        ),
    )
    return Translation([item])


def _order(body: Data, shop: Shop) -> Translation:
    order = shop.key(body.get("id"))
    if not order:
        return ignore("no_id", "An order has an id.")
    bill = data_of(body.get("billing"))
    whose: dict[str, Any] = {
        "external_id": shop.key(body.get("customer_id")),
        "phone": text_of(bill.get("phone")),
        "email": text_of(bill.get("email"), limit=300),
        "country": text_of(bill.get("country")),
    }
    if not any(whose[name] for name in ("external_id", "phone", "email")):
        return ignore("nobody", "The order names no customer, number or e-mail address.")
    status = text_of(body.get("status")).removeprefix("wc-")
    items = []
    traits, about = _person({}, bill), _order_properties(body, shop)
    mark = f"woocommerce:{shop.prefix}order:{body['id']}"
    changed = _time(body, "date_modified") or _time(body, "date_created")
    if status in _OPEN:
        started = {name: value for name, value in about.items() if name not in _OF_ORDERS}
        items.append(
            Item(
                names.CHECKOUT_STARTED,
                f"{mark}:started",
                _time(body, "date_created"),
                traits=traits,
                properties=started,
                **whose,
            )
        )
    if status in _PLACED:
        placed = _time(body, "date_paid") or _time(body, "date_created")
        items.append(
            Item(
                names.ORDER_COMPLETED,
                f"{mark}:completed",
                placed,
                traits=traits,
                properties=about,
                **whose,
            )
        )
    if status == "cancelled":
        items.append(
            Item(names.ORDER_CANCELLED, f"{mark}:cancelled", changed, properties=about, **whose)
        )
    refunds = list_of(body.get("refunds"))
    for refund in refunds[:MAX_LINES]:
        told = _refund_properties(refund, about, shop)
        identity = f"{mark}:refund:{text_of(refund.get('id'))}"
        items.append(Item(names.ORDER_REFUNDED, identity, changed, properties=told, **whose))
    if status == "refunded" and not refunds:
        told = {name: about[name] for name in ("order_id", "currency", "total") if name in about}
        items.append(
            Item(names.ORDER_REFUNDED, f"{mark}:refunded", changed, properties=told, **whose)
        )
    if not items:
        return ignore("no_news", f"An order that is {status[:40] or 'of no status'} says nothing.")
    return Translation(items)


def _product(body: Data, shop: Shop) -> Translation:
    # A variation names the product it belongs to.
    product = shop.key(body.get("parent_id")) or shop.key(body.get("id"))
    if not product:
        return ignore("no_id", "A product has an id.")
    at = _time(body, "date_modified") or _time(body, "date_created")
    mark = f"woocommerce:{shop.prefix}product:{body.get('id')}"
    images, groups = list_of(body.get("images")), list_of(body.get("categories"))
    described = filled(
        [
            ("product_id", product),
            ("variant_id", shop.key(body.get("id")) if shop.key(body.get("parent_id")) else ""),
            ("sku", text_of(body.get("sku"))),
            ("name", plain_text(body.get("name"))),
            ("category", plain_text(groups[0].get("name")) if groups else ""),
            ("url", web_address(body.get("permalink"))),
            ("image_url", web_address(images[0].get("src")) if images else ""),
        ]
    )
    items = []
    price = text_of(body.get("price"))
    if amount_of(price) > 0:
        told = {**described, "price": price}
        items.append(Item(names.PRODUCT_PRICE_CHANGED, f"{mark}:price:{at}", at, properties=told))
    stock = count_of(body.get("stock_quantity"))
    # A variation's own stock is not how many of the product there are.
    if body.get("manage_stock") is True and stock is not None and "variant_id" not in described:
        told = {**described, "quantity": stock}
        items.append(
            Item(names.PRODUCT_INVENTORY_CHANGED, f"{mark}:stock:{at}", at, properties=told)
        )
    if not items:
        return ignore("no_news", "The product has neither a price nor a counted stock.")
    return Translation(items)


def _added_to_cart(body: Data, shop: Shop) -> Translation:
    return ignore("nobody", "WooCommerce sends a cart's key and neither person nor product.")


def _person(customer: Data, bill: Data) -> dict[str, Any]:
    return filled(
        [
            (name, text_of(customer.get(name)) or text_of(bill.get(name)))
            for name in ("first_name", "last_name")
        ]
    )


_OF_ORDERS = frozenset({"order_id", "order_number"})


def _order_properties(body: Data, shop: Shop) -> dict[str, Any]:
    coupons = list_of(body.get("coupon_lines"))
    return filled(
        [
            ("order_id", shop.key(body.get("id"))),
            ("order_number", text_of(body.get("number"))),
            # The unpaid order is the cart: paying it empties it.
            ("cart_id", shop.key(f"order-{text_of(body.get('id'))}")),
            ("total", text_of(body.get("total"))),
            ("discount", text_of(body.get("discount_total"))),
            ("tax", text_of(body.get("total_tax"))),
            ("shipping", text_of(body.get("shipping_total"))),
            ("currency", text_of(body.get("currency"))),
            ("coupon", text_of(coupons[0].get("code")) if coupons else ""),
            ("checkout_url", web_address(body.get("payment_url"))),
            ("status", text_of(body.get("status"))),
            (
                "products",
                [_line(each, shop) for each in list_of(body.get("line_items"))][:MAX_LINES],
            ),
        ]
    )


def _refund_properties(refund: Data, about: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    return filled(
        [
            ("order_id", about.get("order_id")),
            ("refund_id", shop.key(refund.get("id"))),
            # Written as what the order loses: "-10.00".
            ("total", str(abs(amount_of(refund.get("total"))))),
            ("currency", about.get("currency")),
            ("reason", text_of(refund.get("reason"))),
        ]
    )


def _line(line: Data, shop: Shop) -> dict[str, Any]:
    price = line.get("price")
    if isinstance(price, float) or (isinstance(price, int) and not isinstance(price, bool)):
        price = str(price)
    return filled(
        [
            ("product_id", shop.key(line.get("product_id"))),
            ("variant_id", shop.key(line.get("variation_id"))),
            ("sku", text_of(line.get("sku"))),
            ("name", plain_text(line.get("name"))),
            ("price", text_of(price)),
            ("quantity", count_of(line.get("quantity"))),
        ]
    )


def _time(body: Data, name: str) -> str:
    """The UTC spelling; the other one is in the shop's zone, which the body does not name."""
    return text_of(body.get(f"{name}_gmt"))


_TOPICS: Mapping[str, Callable[[Data, Shop], Translation]] = {
    "customer.created": _customer,
    "customer.updated": _customer,
    "order.created": _order,
    "order.updated": _order,
    "order.restored": _order,
    "product.created": _product,
    "product.updated": _product,
    "product.restored": _product,
    "action.woocommerce_add_to_cart": _added_to_cart,
}
TOPICS = tuple(_TOPICS)
