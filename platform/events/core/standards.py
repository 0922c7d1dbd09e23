"""What the properties of standard events should be, and which events customers expect. Pure.

The names follow the widely used e-commerce vocabulary; what counts as right is what Kairos can work
with: an amount may be `19.99` or `"19.99"`, an id a text or a whole number. An event without an
entry here is never called wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from events.core import names

ID, TEXT, AMOUNT, COUNT, LIST, LINK, CURRENCY = (
    "id",
    "text",
    "amount",
    "count",
    "list",
    "link",
    "currency",
)
WORDS = {
    ID: "a text or a whole number",
    TEXT: "a text",
    AMOUNT: "an amount, such as 19.99",
    COUNT: "a whole number",
    LIST: "a list",
    LINK: "a web address",
    CURRENCY: "a currency code, such as USD",
}


@dataclass(frozen=True, slots=True)
class Standard:
    """`kinds`: what a property must be when it is there. `needs`: of each group of spellings at
    least one has to be there; its first name is the one to tell people."""

    kinds: Mapping[str, str]
    needs: tuple[tuple[str, ...], ...] = field(default=())


_PRODUCT = {
    "product_id": ID,
    "sku": ID,
    "variant_id": ID,
    "name": TEXT,
    "category": TEXT,
    "brand": TEXT,
    "variant": TEXT,
    "price": AMOUNT,
    "value": AMOUNT,
    "quantity": COUNT,
    "currency": CURRENCY,
    "coupon": TEXT,
    "url": LINK,
    "image_url": LINK,
}
_CART = {
    "cart_id": ID,
    "checkout_id": ID,
    "products": LIST,
    "value": AMOUNT,
    "total": AMOUNT,
    "revenue": AMOUNT,
    "subtotal": AMOUNT,
    "shipping": AMOUNT,
    "tax": AMOUNT,
    "discount": AMOUNT,
    "currency": CURRENCY,
    "coupon": TEXT,
    "cart_url": LINK,
    "checkout_url": LINK,
}
_ORDER = {**_CART, "order_id": ID, "order_number": ID, "order_url": LINK, "tracking_url": LINK}
_APPOINTMENT = Standard(
    {"appointment_id": ID, "starts_at": TEXT, "service": TEXT, "location": TEXT, "manage_url": LINK}
)
_SUBSCRIPTION = Standard(
    {
        "subscription_id": ID,
        "plan": TEXT,
        "renews_at": TEXT,
        "price": AMOUNT,
        "currency": CURRENCY,
        "manage_url": LINK,
    },
    (("subscription_id",),),
)
_TICKET = Standard(
    {"ticket_id": ID, "subject": TEXT, "priority": TEXT}, (("ticket_id", "case_id"),)
)
_SHIPMENT = Standard(
    {
        "shipment_id": ID,
        "tracking_number": ID,
        "order_id": ID,
        "carrier": TEXT,
        "tracking_url": LINK,
        "arrives_at": TEXT,
        "reason": TEXT,
    },
    (("shipment_id", "tracking_number", "order_id", "orderId", "order_number"),),
)
_PRODUCT_KEY = ("product_id", "productId", "sku", "variant_id", "id", "products", "items")
_ORDER_KEY = ("order_id", "orderId", "order_number")
_about_product = Standard(_PRODUCT, (_PRODUCT_KEY,))
_about_order = Standard(_ORDER, (_ORDER_KEY,))

STANDARDS: Mapping[str, Standard] = {
    names.PRODUCT_VIEWED: _about_product,
    "Product Clicked": _about_product,
    "Product Added to Wishlist": _about_product,
    names.PRODUCT_ADDED: Standard({**_PRODUCT, "cart_id": ID}, (_PRODUCT_KEY,)),
    names.PRODUCT_REMOVED: Standard({**_PRODUCT, "cart_id": ID}, (_PRODUCT_KEY,)),
    "Product List Viewed": Standard({"list_id": ID, "category": TEXT, "products": LIST}),
    "Products Searched": Standard({"query": TEXT}, (("query",),)),
    names.CART_VIEWED: Standard(_CART),
    "Cart Updated": Standard(_CART),
    names.CHECKOUT_STARTED: Standard({**_CART, "order_id": ID}),
    "Checkout Step Viewed": Standard({**_CART, "step": COUNT}),
    "Checkout Step Completed": Standard({**_CART, "step": COUNT}),
    names.ORDER_COMPLETED: _about_order,
    names.ORDER_UPDATED: _about_order,
    names.ORDER_REFUNDED: _about_order,
    names.ORDER_CANCELLED: _about_order,
    names.ORDER_SHIPPED: _about_order,
    names.ORDER_DELIVERED: _about_order,
    names.BACK_IN_STOCK_REQUESTED: _about_product,
    names.PRODUCT_INVENTORY_CHANGED: Standard(
        {**_PRODUCT, "stock": COUNT, "inventory": COUNT, "previous_quantity": COUNT},
        (_PRODUCT_KEY, ("quantity", "stock", "inventory", "inventory_quantity", "available")),
    ),
    names.PRODUCT_PRICE_CHANGED: Standard(_PRODUCT, (_PRODUCT_KEY, ("price",))),
    names.LOYALTY_BALANCE_CHANGED: Standard(
        {"balance": AMOUNT, "points": COUNT, "currency": CURRENCY, "tier": TEXT},
        (("balance", "points", "points_balance"),),
    ),
    names.APPOINTMENT_SCHEDULED: _APPOINTMENT,
    names.APPOINTMENT_RESCHEDULED: _APPOINTMENT,
    names.APPOINTMENT_CONFIRMED: _APPOINTMENT,
    names.APPOINTMENT_CANCELLED: _APPOINTMENT,
    names.APPOINTMENT_COMPLETED: _APPOINTMENT,
    names.APPOINTMENT_MISSED: _APPOINTMENT,
    names.SUBSCRIPTION_STARTED: _SUBSCRIPTION,
    names.SUBSCRIPTION_RENEWING: _SUBSCRIPTION,
    names.SUBSCRIPTION_RENEWED: _SUBSCRIPTION,
    names.SUBSCRIPTION_PAUSED: _SUBSCRIPTION,
    names.SUBSCRIPTION_CANCELLED: _SUBSCRIPTION,
    names.TICKET_OPENED: _TICKET,
    names.TICKET_UPDATED: _TICKET,
    names.TICKET_SOLVED: _TICKET,
    names.SHIPMENT_OUT_FOR_DELIVERY: _SHIPMENT,
    names.SHIPMENT_DELAYED: _SHIPMENT,
}

# People know that the shop knows: they did it to the shop, or it happened to what they bought.
EXPECTED = frozenset(
    {
        names.PRODUCT_ADDED,
        names.PRODUCT_REMOVED,
        names.CART_VIEWED,
        "Cart Updated",
        names.CHECKOUT_STARTED,
        "Checkout Step Completed",
        "Product Added to Wishlist",
        names.ORDER_COMPLETED,
        names.ORDER_REFUNDED,
        names.ORDER_CANCELLED,
        names.ORDER_SHIPPED,
        names.ORDER_DELIVERED,
        names.BACK_IN_STOCK_REQUESTED,
        names.PRODUCT_INVENTORY_CHANGED,
        names.PRODUCT_PRICE_CHANGED,
        names.PRODUCT_RESTOCKED,
        names.PRODUCT_PRICE_DROPPED,
        names.LOYALTY_BALANCE_CHANGED,
        names.ORDER_UPDATED,
        names.APPOINTMENT_SCHEDULED,
        names.APPOINTMENT_RESCHEDULED,
        names.APPOINTMENT_CONFIRMED,
        names.APPOINTMENT_CANCELLED,
        names.APPOINTMENT_COMPLETED,
        names.APPOINTMENT_MISSED,
        names.SUBSCRIPTION_STARTED,
        names.SUBSCRIPTION_RENEWING,
        names.SUBSCRIPTION_RENEWED,
        names.SUBSCRIPTION_PAUSED,
        names.SUBSCRIPTION_CANCELLED,
        names.TICKET_OPENED,
        names.TICKET_UPDATED,
        names.TICKET_SOLVED,
        names.SHIPMENT_OUT_FOR_DELIVERY,
        names.SHIPMENT_DELAYED,
        names.SUPPORT_QUESTION_ASKED,
    }
)
# Being watched while looking around: texts that show it put people off.
UNEXPECTED = frozenset(
    {
        names.PRODUCT_VIEWED,
        names.PAGE_VIEWED,
        names.SCREEN_VIEWED,
        "Product List Viewed",
        "Product Clicked",
        "Products Searched",
        "Checkout Step Viewed",
    }
)


def expected_by_default(name: str) -> bool | None:
    """Whether customers expect a shop to know of this event; None: nobody can say but the shop."""
    if name in EXPECTED:
        return True
    return False if name in UNEXPECTED else None


def flaws_of(name: str, properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(property, `missing` or `wrong_type`) of everything wrong; [] also where nothing is known."""
    standard = STANDARDS.get(name)
    if standard is None:
        return []
    flaws = [
        (group[0], "missing")
        for group in standard.needs
        if all(properties.get(key) in (None, "") for key in group)
    ]
    for key, kind in standard.kinds.items():
        value = properties.get(key)
        if value is not None and not is_kind(value, kind):
            flaws.append((key, "wrong_type"))
    return flaws


def is_kind(value: Any, kind: str) -> bool:
    """Whether a JSON value is what `kind` says."""
    if kind == LIST:
        return isinstance(value, list)
    if isinstance(value, bool | list | dict):
        return False
    if kind == AMOUNT:
        return _is_number(value)
    if kind == COUNT:
        # Not int(): that of "1e999999" would fill the memory.
        return _is_number(value) and _whole(Decimal(str(value)))
    if kind == ID:
        return isinstance(value, str | int)
    if kind == LINK:
        return isinstance(value, str) and value.startswith(("https://", "http://", "/"))
    if kind == CURRENCY:
        return isinstance(value, str) and len(value) == 3 and value.isalpha()
    return isinstance(value, str)


def _whole(number: Decimal) -> bool:
    return number == number.to_integral_value()


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        return isinstance(value, str) and Decimal(value.strip()).is_finite()
    except InvalidOperation:
        return False
