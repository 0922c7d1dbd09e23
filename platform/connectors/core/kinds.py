"""What each kind of connector is: how it is set up, what it gives, and what it cannot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.core import shopify, woocommerce
from events.core import names

SHOPIFY, WOOCOMMERCE, WEBHOOK = "shopify", "woocommerce", "webhook"


@dataclass(frozen=True, slots=True)
class Kind:
    """`gives`: event names it brings; () where a mapping says. `topics`: what to switch on in the
    shop. `lacks`: what no webhook of it says. `makes_secret`: we make the secret and the shop takes
    it; otherwise the shop makes it and it is entered here."""

    key: str
    label: str
    icon: str
    says: str
    gives: tuple[str, ...]
    topics: tuple[str, ...]
    lacks: tuple[str, ...]
    makes_secret: bool


_ORDERS = (names.ORDER_COMPLETED, names.ORDER_REFUNDED, names.ORDER_CANCELLED)
_PRODUCTS = (names.PRODUCT_INVENTORY_CHANGED, names.PRODUCT_PRICE_CHANGED)
KINDS: Mapping[str, Kind] = {
    SHOPIFY: Kind(
        SHOPIFY,
        "Shopify",
        "shopping-bag",
        "Customers with their SMS consent, carts, checkouts, orders, refunds, parcels and stock.",
        (
            names.IDENTIFIED,
            "Cart Updated",
            names.CHECKOUT_STARTED,
            *_ORDERS,
            names.ORDER_SHIPPED,
            names.ORDER_DELIVERED,
            *_PRODUCTS,
        ),
        shopify.TOPICS,
        (
            "Customers and orders from before today: webhooks only tell what happens from now on.",
            "Which products somebody looks at: add the script of your shop's pages for that.",
            "Carts of visitors who have given neither a number nor an e-mail address.",
        ),
        makes_secret=False,
    ),
    WOOCOMMERCE: Kind(
        WOOCOMMERCE,
        "WooCommerce",
        "store",
        "Customers, orders with guests, unpaid checkouts, refunds, prices and stock.",
        (names.IDENTIFIED, names.CHECKOUT_STARTED, *_ORDERS, *_PRODUCTS),
        woocommerce.TOPICS,
        (
            "Customers and orders from before today: webhooks only tell what happens from now on.",
            "Consent to texts: WooCommerce asks nobody for it. Use the sign-up page or a keyword.",
            "Carts before checkout: WooCommerce tells a cart's key and not whose it is.",
            "Parcels: they belong to shipping extensions, which may use a signed webhook.",
        ),
        makes_secret=True,
    ),
    WEBHOOK: Kind(
        WEBHOOK,
        "Signed webhook",
        "webhook",
        "Any system that can sign a JSON body: help desks, loyalty, booking, your own code.",
        (),
        (),
        (
            "Consent to texts: it needs its proof, which the consents API takes.",
            "More than one event a request: the events API takes up to 500 KB at once.",
        ),
        makes_secret=True,
    ),
}
