"""Event names: the canonical ones, their aliases, and those only our own floors append."""

from __future__ import annotations

import re
from functools import lru_cache

PRODUCT_VIEWED = "Product Viewed"
PRODUCT_ADDED = "Product Added"
PRODUCT_REMOVED = "Product Removed"
CART_VIEWED = "Cart Viewed"
CHECKOUT_STARTED = "Checkout Started"
ORDER_COMPLETED = "Order Completed"
ORDER_UPDATED = "Order Updated"
ORDER_REFUNDED = "Order Refunded"
ORDER_CANCELLED = "Order Cancelled"
ORDER_SHIPPED = "Order Shipped"
ORDER_DELIVERED = "Order Delivered"
BACK_IN_STOCK_REQUESTED = "Back In Stock Requested"
PRODUCT_INVENTORY_CHANGED = "Product Inventory Changed"
PRODUCT_PRICE_CHANGED = "Product Price Changed"
PRODUCT_RESTOCKED = "Product Restocked"
PRODUCT_PRICE_DROPPED = "Product Price Dropped"
DATE_REACHED = "Date Reached"
LOYALTY_BALANCE_CHANGED = "Loyalty Balance Changed"
APPOINTMENT_SCHEDULED = "Appointment Scheduled"
APPOINTMENT_RESCHEDULED = "Appointment Rescheduled"
APPOINTMENT_CONFIRMED = "Appointment Confirmed"
APPOINTMENT_CANCELLED = "Appointment Cancelled"
APPOINTMENT_COMPLETED = "Appointment Completed"
APPOINTMENT_MISSED = "Appointment Missed"
SUBSCRIPTION_STARTED = "Subscription Started"
SUBSCRIPTION_RENEWING = "Subscription Renewing"
SUBSCRIPTION_RENEWED = "Subscription Renewed"
SUBSCRIPTION_PAUSED = "Subscription Paused"
SUBSCRIPTION_CANCELLED = "Subscription Cancelled"
TICKET_OPENED = "Ticket Opened"
TICKET_UPDATED = "Ticket Updated"
TICKET_SOLVED = "Ticket Solved"
SHIPMENT_OUT_FOR_DELIVERY = "Shipment Out For Delivery"
SHIPMENT_DELAYED = "Shipment Delayed"
SUPPORT_QUESTION_ASKED = "Support Question Asked"
PAGE_VIEWED = "Page Viewed"
SCREEN_VIEWED = "Screen Viewed"
IDENTIFIED = "Contact Identified"
GROUP_JOINED = "Group Joined"
ALIAS_ADDED = "Alias Added"

SMS_SENT = "SMS Sent"
SMS_DELIVERED = "SMS Delivered"
SMS_FAILED = "SMS Failed"
SMS_SKIPPED = "SMS Skipped"
SMS_LINK_CLICKED = "SMS Link Clicked"
SMS_REPLIED = "SMS Replied"
SMS_SUBSCRIBED = "SMS Subscribed"
SMS_UNSUBSCRIBED = "SMS Unsubscribed"
SEGMENT_ENTERED = "Segment Entered"
SEGMENT_LEFT = "Segment Left"
CONTACT_CHANGED = "Contact Changed"
IDENTITY_CONFLICT = "Identity Conflict Detected"
CONTACT_MERGED = "Contact Merged"
CONTACT_UNMERGED = "Contact Unmerged"
CONTACT_ERASED = "Contact Erased"

CANONICAL = (
    PRODUCT_VIEWED,
    PRODUCT_ADDED,
    PRODUCT_REMOVED,
    CART_VIEWED,
    CHECKOUT_STARTED,
    ORDER_COMPLETED,
    ORDER_UPDATED,
    ORDER_REFUNDED,
    ORDER_CANCELLED,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    BACK_IN_STOCK_REQUESTED,
    PRODUCT_INVENTORY_CHANGED,
    PRODUCT_PRICE_CHANGED,
    LOYALTY_BALANCE_CHANGED,
    APPOINTMENT_SCHEDULED,
    APPOINTMENT_RESCHEDULED,
    APPOINTMENT_CONFIRMED,
    APPOINTMENT_CANCELLED,
    APPOINTMENT_COMPLETED,
    APPOINTMENT_MISSED,
    SUBSCRIPTION_STARTED,
    SUBSCRIPTION_RENEWING,
    SUBSCRIPTION_RENEWED,
    SUBSCRIPTION_PAUSED,
    SUBSCRIPTION_CANCELLED,
    TICKET_OPENED,
    TICKET_UPDATED,
    TICKET_SOLVED,
    SHIPMENT_OUT_FOR_DELIVERY,
    SHIPMENT_DELAYED,
    SUPPORT_QUESTION_ASKED,
    PAGE_VIEWED,
    SCREEN_VIEWED,
)

# Nobody outside may claim that these happened.
RESERVED = frozenset(
    {
        SMS_SENT,
        SMS_DELIVERED,
        SMS_FAILED,
        SMS_SKIPPED,
        SMS_LINK_CLICKED,
        SMS_REPLIED,
        SMS_SUBSCRIBED,
        SMS_UNSUBSCRIBED,
        SEGMENT_ENTERED,
        SEGMENT_LEFT,
        PRODUCT_RESTOCKED,
        PRODUCT_PRICE_DROPPED,
        DATE_REACHED,
        CONTACT_CHANGED,
        IDENTITY_CONFLICT,
        CONTACT_MERGED,
        CONTACT_UNMERGED,
        CONTACT_ERASED,
    }
)

# About a product, not about a person: a contact named beside them is not recorded.
PRODUCT_SUBJECT = frozenset({PRODUCT_INVENTORY_CHANGED, PRODUCT_PRICE_CHANGED})

# What a browser may say. Orders, balances and stock come from servers only.
PUBLIC_NAMES = frozenset(
    {
        PRODUCT_VIEWED,
        PRODUCT_ADDED,
        PRODUCT_REMOVED,
        CART_VIEWED,
        CHECKOUT_STARTED,
        BACK_IN_STOCK_REQUESTED,
        PAGE_VIEWED,
        SCREEN_VIEWED,
        "Product List Viewed",
        "Product Clicked",
        "Products Searched",
        "Cart Updated",
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Product Added to Wishlist",
    }
)

_ALIASES = {
    # Klaviyo
    "Placed Order": ORDER_COMPLETED,
    "Started Checkout": CHECKOUT_STARTED,
    "Added to Cart": PRODUCT_ADDED,
    "Viewed Product": PRODUCT_VIEWED,
    "Cancelled Order": ORDER_CANCELLED,
    "Canceled Order": ORDER_CANCELLED,
    "Refunded Order": ORDER_REFUNDED,
    "Fulfilled Order": ORDER_SHIPPED,
    "Subscribed to Back in Stock": BACK_IN_STOCK_REQUESTED,
    # Shopify topics
    "checkouts/create": CHECKOUT_STARTED,
    "orders/create": ORDER_COMPLETED,
    "orders/paid": ORDER_COMPLETED,
    "orders/updated": ORDER_UPDATED,
    "orders/cancelled": ORDER_CANCELLED,
    "orders/fulfilled": ORDER_SHIPPED,
    "refunds/create": ORDER_REFUNDED,
    "inventory_levels/update": PRODUCT_INVENTORY_CHANGED,
    # WooCommerce topics
    "order.created": ORDER_COMPLETED,
    "woocommerce_checkout_order_processed": ORDER_COMPLETED,
    "action.woocommerce_checkout_order_processed": ORDER_COMPLETED,
    "action.woocommerce_add_to_cart": PRODUCT_ADDED,
    "woocommerce_add_to_cart": PRODUCT_ADDED,
    # Spellings in use
    "Order Canceled": ORDER_CANCELLED,
    "Order Placed": ORDER_COMPLETED,
    "Appointment Canceled": APPOINTMENT_CANCELLED,
    "Subscription Canceled": SUBSCRIPTION_CANCELLED,
    "Subscription Created": SUBSCRIPTION_STARTED,
    "Ticket Created": TICKET_OPENED,
    "Ticket Closed": TICKET_SOLVED,
    "Back In Stock Request": BACK_IN_STOCK_REQUESTED,
    "Viewed Cart": CART_VIEWED,
    "Loyalty Points Changed": LOYALTY_BALANCE_CHANGED,
}

_SEPARATORS = re.compile(r"[\s_\-]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _key(name: str) -> str:
    """`order_completed`, `Order completed` and `orderCompleted` are one spelling."""
    return _SEPARATORS.sub(" ", _CAMEL.sub(" ", name.strip())).casefold()


_BY_KEY = {_key(name): name for name in (*CANONICAL, *sorted(PUBLIC_NAMES), *sorted(RESERVED))} | {
    _key(alias): name for alias, name in _ALIASES.items()
}


@lru_cache(maxsize=10_000)
def canonical(name: str) -> str:
    """The canonical name for any known spelling; an unknown name stays as it is, trimmed."""
    return _BY_KEY.get(_key(name), name.strip())


def aliases_of(name: str) -> list[str]:
    """The other names, besides spellings of its own, that become this one."""
    return [alias for alias, meant in _ALIASES.items() if meant == name]
