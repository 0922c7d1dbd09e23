"""Shopify's carts, checkouts, orders, refunds and parcels. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.core.items import (
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
from connectors.core.shopify_customers import consent_of, person_of, whose_is
from events.core import names

NOBODY = (
    "nobody",
    "The body names nobody yet: no customer, number or e-mail address. The shop sends it again once"
    " it knows.",
)


def read_cart(body: Data, shop: Shop) -> Translation:
    token = text_of(body.get("token")) or text_of(body.get("id"))
    if not token:
        return ignore("no_id", "A cart has a token.")
    at = text_of(body.get("updated_at"))
    item = Item(
        "Cart Updated",
        f"shopify:{shop.prefix}cart:{token}:{at}",
        at,
        anonymous_id=shop.key(f"cart-{token}"),
        properties={"cart_id": shop.key(token), "products": _lines(body, shop)},
    )
    return Translation([item])


def read_checkout(body: Data, shop: Shop) -> Translation:
    token = text_of(body.get("token")) or text_of(body.get("id"))
    if not token:
        return ignore("no_id", "A checkout has a token.")
    if body.get("completed_at"):
        return ignore("completed", "The checkout is done; its order comes by itself.")
    whose = whose_is(body, shop)
    if not (whose["external_id"] or whose["phone"] or whose["email"]):
        return ignore(*NOBODY)
    cart = text_of(body.get("cart_token")) or token
    properties = filled(
        [
            ("cart_id", shop.key(cart)),
            ("checkout_id", shop.key(token)),
            ("checkout_url", web_address(body.get("abandoned_checkout_url"))),
            *_sums(body),
            ("products", _lines(body, shop)),
        ]
    )
    started = text_of(body.get("created_at"))
    changed = text_of(body.get("updated_at"))
    traits = person_of(data_of(body.get("customer")))
    items = [
        Item(
            names.CHECKOUT_STARTED,
            f"shopify:{shop.prefix}checkout:{token}:started",
            # Known only now whose it is: the moment the shop said so, else a checkout that was
            # opened long before would count as history.
            changed or started,
            traits=traits,
            properties=properties,
            **whose,
        )
    ]
    if changed and changed != started:
        identity = f"shopify:{shop.prefix}checkout:{token}:{changed}"
        items.append(Item("Cart Updated", identity, changed, properties=properties, **whose))
    return Translation(items)


def read_order(body: Data, shop: Shop) -> Translation:
    order = shop.key(body.get("id"))
    if not order:
        return ignore("no_id", "An order has an id.")
    whose = whose_is(body, shop)
    if not any(whose[name] for name in ("external_id", "phone", "email")):
        return ignore("nobody", "The order names no customer, number or e-mail address.")
    customer = data_of(body.get("customer"))
    placed = text_of(body.get("processed_at")) or text_of(body.get("created_at"))
    item = Item(
        names.ORDER_COMPLETED,
        f"shopify:{shop.prefix}order:{body['id']}:completed",
        placed,
        traits=person_of(customer),
        properties=_order_properties(body, shop),
        **whose,
    )
    return Translation([item], consent=consent_of(customer, country=item.country))


def read_canceled(body: Data, shop: Shop) -> Translation:
    order, at = shop.key(body.get("id")), text_of(body.get("cancelled_at"))
    if not order:
        return ignore("no_id", "An order has an id.")
    if not at:
        # The topic stands in a header that nobody signs: the body has to say so itself.
        return ignore("not_canceled", "The order in this body is not canceled.")
    properties = _order_properties(body, shop)
    properties |= filled([("reason", text_of(body.get("cancel_reason")))])
    item = Item(
        names.ORDER_CANCELLED,
        f"shopify:{shop.prefix}order:{body['id']}:cancelled",
        at,
        properties=properties,
        order_id=order,
        **whose_is(body, shop),
    )
    return Translation([item])


def read_refund(body: Data, shop: Shop) -> Translation:
    order = shop.key(body.get("order_id"))
    if not order or not shop.key(body.get("id")):
        return ignore("no_id", "A refund has an id and an order.")
    paid_back = [
        each
        for each in list_of(body.get("transactions"))
        if each.get("kind") == "refund" and each.get("status", "success") == "success"
    ]
    total = sum((amount_of(each.get("amount")) for each in paid_back), Decimal(0))
    currency = next((text_of(each.get("currency")) for each in paid_back), "")
    lines = [
        {**_line(data_of(each.get("line_item")), shop), "quantity": count_of(each.get("quantity"))}
        for each in list_of(body.get("refund_line_items"))[:MAX_LINES]
    ]
    item = Item(
        names.ORDER_REFUNDED,
        f"shopify:{shop.prefix}refund:{body['id']}",
        text_of(body.get("processed_at")) or text_of(body.get("created_at")),
        order_id=order,
        properties=filled(
            [
                ("order_id", order),
                ("refund_id", shop.key(body.get("id"))),
                ("total", str(total)),
                ("currency", currency),
                ("products", lines),
            ]
        ),
    )
    return Translation([item])


def read_fulfilled_order(body: Data, shop: Shop) -> Translation:
    found = [_shipment(each, body, shop) for each in list_of(body.get("fulfillments"))]
    items = [item for item in found if item is not None]
    return Translation(items) if items else ignore("not_shipped", "No parcel is in this body.")


def read_fulfillment(body: Data, shop: Shop) -> Translation:
    item = _shipment(body, {}, shop)
    if item is None:
        return ignore("not_shipped", "A fulfillment has an id, an order, and is not canceled.")
    return Translation([item])


def _shipment(body: Data, order: Data, shop: Shop) -> Item | None:
    order_id = shop.key(body.get("order_id")) or shop.key(order.get("id"))
    canceled = text_of(body.get("status")) in {"cancelled", "error", "failure"}
    if not order_id or not shop.key(body.get("id")) or canceled:
        return None
    delivered = text_of(body.get("shipment_status")) == "delivered"
    tracking = body.get("tracking_urls")
    first = tracking[0] if isinstance(tracking, list) and tracking else ""
    whose = whose_is(order, shop) if order else {"email": text_of(body.get("email"), limit=300)}
    return Item(
        names.ORDER_DELIVERED if delivered else names.ORDER_SHIPPED,
        f"shopify:{shop.prefix}fulfillment:{body['id']}:{'delivered' if delivered else 'shipped'}",
        text_of(body.get("updated_at" if delivered else "created_at")),
        order_id=order_id,
        properties=filled(
            [
                ("order_id", order_id),
                ("tracking_url", web_address(body.get("tracking_url")) or web_address(first)),
                ("tracking_number", text_of(body.get("tracking_number"))),
                ("carrier", text_of(body.get("tracking_company"))),
                ("products", _lines(body, shop)),
            ]
        ),
        **whose,
    )


def _order_properties(body: Data, shop: Shop) -> dict[str, Any]:
    cart = text_of(body.get("cart_token")) or text_of(body.get("checkout_token"))
    return filled(
        [
            ("order_id", shop.key(body.get("id"))),
            ("order_number", text_of(body.get("order_number"))),
            ("order_name", text_of(body.get("name"))),
            ("cart_id", shop.key(cart)),
            *_sums(body),
            ("order_url", web_address(body.get("order_status_url"))),
            ("financial_status", text_of(body.get("financial_status"))),
            ("test", True if body.get("test") is True else None),
            ("products", _lines(body, shop)),
        ]
    )


def _sums(body: Data) -> list[tuple[str, Any]]:
    codes = list_of(body.get("discount_codes"))
    shipping = data_of(data_of(body.get("total_shipping_price_set")).get("shop_money"))
    return [
        ("total", text_of(body.get("total_price"))),
        ("subtotal", text_of(body.get("subtotal_price"))),
        ("discount", text_of(body.get("total_discounts"))),
        ("tax", text_of(body.get("total_tax"))),
        ("shipping", text_of(shipping.get("amount"))),
        ("currency", text_of(body.get("currency"))),
        ("coupon", text_of(codes[0].get("code")) if codes else ""),
    ]


def _lines(body: Data, shop: Shop) -> list[dict[str, Any]]:
    return [_line(each, shop) for each in list_of(body.get("line_items"))[:MAX_LINES]]


def _line(line: Data, shop: Shop) -> dict[str, Any]:
    return filled(
        [
            ("product_id", shop.key(line.get("product_id"))),
            ("variant_id", shop.key(line.get("variant_id"))),
            ("sku", text_of(line.get("sku"))),
            ("name", plain_text(line.get("title"))),
            ("variant", text_of(line.get("variant_title"))),
            ("price", text_of(line.get("price"))),
            ("quantity", count_of(line.get("quantity"))),
        ]
    )
