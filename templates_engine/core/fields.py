"""The dynamic fields every workspace has: what they are called and where their values lie.

A path is tried only if the ones before it gave nothing: the event, then the live object, then
the contact. `*` in a path stands for the key item of a list, the dearest one. A path with
"when" counts only if the event holds that property.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

NAMESPACES = (
    "contact",
    "event",
    "product",
    "cart",
    "loyalty",
    "buying",
    "appointment",
    "subscription",
    "ticket",
    "shipment",
    "accessory",
    "best_seller",
    "brand",
    "links",
)

NAME, TEXT, NUMBER, MONEY, LINK = "name", "text", "number", "money", "link"


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of the registry.

    `label` is written in brackets, `key` in Jinja2, `title` stands on the chip. `suggestion` is
    offered as fallback and never used unasked. `always`: every workspace has a value, so no
    fallback is needed. `positive`: zero and less count as missing.
    """

    key: str
    label: str
    title: str
    kind: str
    paths: tuple[str, ...]
    sample: str
    suggestion: str = ""
    always: bool = False
    positive: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def is_link(self) -> bool:
        return self.kind == LINK


_ITEM_NAME = ("event.products.*.name", "event.items.*.name", "product.name", "cart.items.*.name")
_ITEM_LINK = ("event.products.*.url", "product.url", "cart.items.*.url")
_CART_LINK = (
    "event.checkout_url",
    "event.abandoned_checkout_url",
    "event.cart_url",
    "cart.checkout_url",
    "cart.url",
)

FIELDS: tuple[Field, ...] = (
    Field(
        "first_name",
        "FirstName",
        "First name",
        NAME,
        ("contact.first_name", "contact.attributes.first_name"),
        "Maya",
        "there",
    ),
    Field(
        "last_name",
        "LastName",
        "Last name",
        NAME,
        ("contact.last_name", "contact.attributes.last_name"),
        "Okafor",
        "friend",
    ),
    Field(
        "city",
        "City",
        "City",
        TEXT,
        ("contact.city", "contact.attributes.city"),
        "Portland",
        "your area",
    ),
    Field(
        "product_name",
        "ProductName",
        "Product name",
        TEXT,
        ("event.product_name", "event.name", "event.product.name", *_ITEM_NAME),
        "Ridge mug, sage",
        "this item",
        aliases=("product", "item name", "last viewed product"),
    ),
    Field(
        "product_variant",
        "ProductVariant",
        "Product variant",
        TEXT,
        ("event.variant", "event.products.*.variant", "product.variant", "cart.items.*.variant"),
        "sage, 350 ml",
        "your choice",
    ),
    Field(
        "category",
        "Category",
        "Category",
        TEXT,
        (
            "event.category",
            "event.products.*.category",
            "product.category",
            "cart.items.*.category",
        ),
        "mugs",
        "your favorites",
        aliases=("product category",),
    ),
    Field(
        "price",
        "Price",
        "Price",
        MONEY,
        ("event.price", "event.products.*.price", "product.price", "cart.items.*.price"),
        "$24",
        "its price",
        positive=True,
        aliases=("product price",),
    ),
    Field(
        "product_tip",
        "ProductTip",
        "Product tip",
        TEXT,
        ("event.product_tip", "product.tip", "product.product_tip"),
        "warm the mug before you pour",
        aliases=("one tip", "tip"),
    ),
    Field(
        "product_link",
        "ProductLink",
        "Product link",
        LINK,
        ("links.product_link", "event.product_url", "event.url", "event.product.url", *_ITEM_LINK),
        "https://shop.example/products/ridge-mug",
        aliases=("product url",),
    ),
    Field(
        "cart_link",
        "CartLink",
        "Cart link",
        LINK,
        ("links.cart_link", *_CART_LINK, "product.url"),
        "https://shop.example/cart/7fk2",
        aliases=("checkout link", "cart url", "checkout url"),
    ),
    Field(
        "link",
        "link",
        "Link",
        LINK,
        (
            "links.link",
            "event.link",
            *_CART_LINK[:3],
            "event.redeem_url",
            "event.product_url",
            "event.url",
            # Somebody may have both: the event says what the text is about.
            "cart.url when event.cart_id",
            "product.url when event.product_id",
            *_CART_LINK[3:],
            "product.url",
            "loyalty.redeem_url",
        ),
        "https://shop.example/cart/7fk2",
        aliases=("url",),
    ),
    Field(
        "reorder_link",
        "ReorderLink",
        "Reorder link",
        LINK,
        ("links.reorder_link", "event.reorder_url", "product.reorder_url", "product.url"),
        "https://shop.example/cart/add/ridge-mug",
    ),
    Field(
        "cart_total",
        "CartTotal",
        "Cart total",
        MONEY,
        ("event.cart_total", "event.value", "cart.value", "cart.total"),
        "$64",
        "your total",
        positive=True,
        aliases=("cart value",),
    ),
    Field(
        "reward_amount",
        "RewardAmount",
        "Reward amount",
        MONEY,
        (
            "event.reward_amount",
            "event.balance",
            "loyalty.reward_amount",
            "loyalty.balance",
            "contact.attributes.reward_amount",
        ),
        "$15",
        "a reward",
        positive=True,
        aliases=("reward", "reward balance"),
    ),
    Field(
        "redeem_link",
        "RedeemLink",
        "Redeem link",
        LINK,
        ("links.redeem_link", "event.redeem_url", "event.redeem_link", "loyalty.redeem_url"),
        "https://shop.example/rewards/redeem",
        aliases=("redeem url",),
    ),
    Field(
        "points_balance",
        "PointsBalance",
        "Points balance",
        NUMBER,
        (
            "event.points_balance",
            "event.points",
            "loyalty.points_balance",
            "loyalty.points",
            "contact.attributes.points_balance",
        ),
        "420",
        "your points",
        aliases=("points", "loyalty points"),
    ),
    Field(
        "loyalty_tier",
        "LoyaltyTier",
        "Loyalty tier",
        TEXT,
        ("event.tier", "loyalty.tier", "contact.attributes.loyalty_tier"),
        "Gold",
        "member",
        aliases=("tier", "status"),
    ),
    Field(
        "order_number",
        "OrderNumber",
        "Order number",
        TEXT,
        ("event.order_number", "event.order_id"),
        "A-1042",
        "your order",
        aliases=("order", "order id"),
    ),
    Field(
        "order_total",
        "OrderTotal",
        "Order total",
        MONEY,
        ("event.total", "event.revenue", "event.order_total"),
        "$64",
        "your total",
    ),
    Field(
        "order_link",
        "OrderLink",
        "Order link",
        LINK,
        ("links.order_link", "event.order_url", "event.order_status_url"),
        "https://shop.example/orders/A-1042",
    ),
    Field(
        "tracking_link",
        "TrackingLink",
        "Tracking link",
        LINK,
        ("links.tracking_link", "event.tracking_url", "shipment.tracking_url"),
        "https://shop.example/track/A-1042",
    ),
    Field(
        "last_category_bought",
        "LastCategoryBought",
        "Last category bought",
        TEXT,
        (
            "contact.last_category_bought",
            "contact.attributes.last_category_bought",
            "buying.last_category",
        ),
        "mugs",
        "our shop",
    ),
    Field(
        "preferred_category",
        "PreferredCategory",
        "Preferred category",
        TEXT,
        (
            "contact.preferred_category",
            "contact.attributes.preferred_category",
            "buying.preferred_category",
        ),
        "mugs",
        "your favorites",
    ),
    Field(
        "appointment_time",
        "AppointmentTime",
        "Appointment time",
        TEXT,
        (
            "event.appointment_time",
            "event.starts_at_text",
            "appointment.appointment_time",
            "appointment.due_text",
        ),
        "Tue, Mar 3 at 10:00",
        "soon",
    ),
    Field(
        "appointment_place",
        "AppointmentPlace",
        "Appointment place",
        TEXT,
        (
            "event.appointment_place",
            "event.location",
            "event.place",
            "appointment.location",
            "appointment.place",
        ),
        "12 Alder Street",
        "our place",
    ),
    Field(
        "order_count",
        "OrderCount",
        "Number of orders",
        NUMBER,
        ("buying.order_count",),
        "4",
        "some",
        positive=True,
    ),
    Field(
        "lifetime_value",
        "LifetimeValue",
        "Lifetime value",
        MONEY,
        ("buying.lifetime_value",),
        "$312",
        "your orders",
        positive=True,
        aliases=("ltv",),
    ),
    Field(
        "average_order",
        "AverageOrder",
        "Average order",
        MONEY,
        ("buying.average_order",),
        "$78",
        "an order",
        positive=True,
    ),
    Field(
        "last_order_date",
        "LastOrderDate",
        "Date of the last order",
        TEXT,
        ("buying.last_order_on",),
        "Tue, Mar 3",
        "a while ago",
    ),
    Field(
        "days_since_last_order",
        "DaysSinceLastOrder",
        "Days since the last order",
        NUMBER,
        ("buying.days_since_last_order",),
        "42",
        "some",
    ),
    Field(
        "reorder_date",
        "ReorderDate",
        "Expected reorder date",
        TEXT,
        ("buying.reorder_on",),
        "Tue, Mar 31",
        "soon",
    ),
    Field(
        "accessory_category",
        "AccessoryCategory",
        "Category that goes with the last one",
        TEXT,
        ("accessory.category",),
        "saucers",
        "something to go with it",
    ),
    Field(
        "accessory_name",
        "AccessoryName",
        "Product that goes with the last order",
        TEXT,
        ("accessory.name",),
        "Ridge saucer",
        "something to go with it",
        aliases=("accessory",),
    ),
    Field(
        "accessory_link",
        "AccessoryLink",
        "Link of the product that goes with it",
        LINK,
        ("links.accessory_link", "accessory.url"),
        "https://shop.example/products/ridge-saucer",
    ),
    Field(
        "best_seller_name",
        "BestSeller",
        "Best seller",
        TEXT,
        ("best_seller.name",),
        "Ridge mug, sage",
        "our best seller",
        aliases=("best seller name",),
    ),
    Field(
        "best_seller_link",
        "BestSellerLink",
        "Link of the best seller",
        LINK,
        ("links.best_seller_link", "best_seller.url"),
        "https://shop.example/products/ridge-mug",
    ),
    Field(
        "renewal_date",
        "RenewalDate",
        "Subscription renewal date",
        TEXT,
        ("event.renewal_date", "subscription.due_on"),
        "Tue, Mar 31",
        "soon",
    ),
    Field(
        "subscription_plan",
        "SubscriptionPlan",
        "Subscription plan",
        TEXT,
        ("event.plan", "subscription.plan", "subscription.product_name", "subscription.name"),
        "Monthly beans",
        "your subscription",
    ),
    Field(
        "manage_link",
        "ManageLink",
        "Link to manage a subscription",
        LINK,
        ("links.manage_link", "event.manage_url", "subscription.manage_url", "subscription.url"),
        "https://shop.example/account/subscriptions",
    ),
    Field(
        "delivery_date",
        "DeliveryDate",
        "Expected delivery date",
        TEXT,
        ("event.delivery_date", "shipment.due_on"),
        "Tue, Mar 3",
        "soon",
    ),
    Field(
        "ticket_subject",
        "TicketSubject",
        "Subject of the open ticket",
        TEXT,
        ("event.subject", "ticket.subject"),
        "Broken handle",
        "your question",
    ),
    Field(
        "brand_name",
        "BrandName",
        "Brand name",
        TEXT,
        ("brand.name",),
        "Juniper & Oak",
        always=True,
        aliases=("brand", "shop name"),
    ),
    Field(
        "shop_link",
        "ShopLink",
        "Shop link",
        LINK,
        ("brand.shop_url",),
        "https://shop.example",
        always=True,
        aliases=("shop url", "home link"),
    ),
)

_SQUEEZE = re.compile(r"[\s_-]+")
_PART = re.compile(r"[A-Za-z0-9](?:[\w $:-]{0,62}\w)?|\w").fullmatch
_NAME_PATHS = frozenset({"contact.first_name", "contact.last_name"})
_LINK_WORDS = ("url", "link", "href")


def squeeze(label: str) -> str:
    """The form in which names are compared: no case, spaces, underscores or hyphens."""
    return _SQUEEZE.sub("", label).casefold()


_BY_NAME: dict[str, Field] = {}
for _field in FIELDS:
    for _name in (_field.key, _field.label, _field.title, *_field.aliases):
        _BY_NAME.setdefault(squeeze(_name), _field)
_BY_KEY = {field.key: field for field in FIELDS}


def find_field(label: str) -> Field | None:
    """The field meant by a label, key, title or alias, or by a path such as
    `event.gift_note`, `contact.shoe_size`, `product.price`."""
    known = _BY_NAME.get(squeeze(label))
    if known is not None:
        return known
    return path_field(label) if "." in label else None


def path_field(path: str) -> Field | None:
    """A field of the workspace's own, read straight from one of the namespaces."""
    first, *rest = [part.strip() for part in path.split(".")]
    space = first.casefold()
    if space not in NAMESPACES or not 1 <= len(rest) <= 4 or not all(map(_PART, rest)):
        return None
    full = ".".join((space, *rest))
    paths: tuple[str, ...] = (full,)
    if space == "contact" and rest[0] != "attributes":
        paths = (full, ".".join((space, "attributes", *rest)))
    kind = LINK if is_link_key(rest[-1]) else TEXT
    if full in _NAME_PATHS:
        kind = NAME
    sample = "https://shop.example" if kind == LINK else f"({rest[-1].replace('_', ' ')})"
    return Field(full, full, full, kind, paths, sample)


def is_link_key(key: str) -> bool:
    """Does a key by its name hold a web address (url, cart_url, tracking link)?"""
    return re.split(r"[\s_-]", key.casefold())[-1] in _LINK_WORDS


def field_for_key(key: str) -> Field | None:
    return _BY_KEY.get(key)


def suggest_label(label: str) -> str | None:
    """The known label nearest to an unknown one, for "did you mean"."""
    near = difflib.get_close_matches(squeeze(label)[:60], _BY_NAME, n=1, cutoff=0.6)
    return _BY_NAME[near[0]].label if near else None


def describe_unknown(label: str) -> str:
    """The sentence shown for a field nobody knows."""
    near = suggest_label(label)
    hint = f" Did you mean {near}?" if near else " Choose one from the list of fields."
    return f"There is no field called {label[:60]!r}.{hint}"
