"""What shops sell and what people do with it: projections of events, and the product catalogue.

Money is minor units (cents) with an ISO currency, never a float and never a bare number.
"""

from __future__ import annotations

from django.db import models

from people.models import Contact
from tenancy.models import TenantForeignKey, TenantModel


class Product(TenantModel):
    """Something on sale. Newer facts win, each fact by its own time."""

    class MarginBand(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    key = models.CharField(max_length=256, db_collation="C", help_text="The shop's product id")
    name = models.CharField(max_length=300, blank=True, default="")
    category = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    stock = models.BigIntegerField(null=True)
    previous_stock = models.BigIntegerField(null=True)
    url = models.CharField(max_length=2000, blank=True, default="")
    image_url = models.CharField(max_length=2000, blank=True, default="")
    stock_at = models.DateTimeField(null=True)
    stock_event_id = models.UUIDField(null=True)
    price_at = models.DateTimeField(null=True)
    described_at = models.DateTimeField(null=True)
    # What only the catalogue tells; no event does.
    margin_band = models.CharField(
        max_length=6, choices=MarginBand.choices, blank=True, default="", db_collation="C"
    )
    usage_days = models.PositiveIntegerField(null=True, help_text="How long one of it lasts")
    tip = models.CharField(max_length=300, blank=True, default="")
    units_sold = models.BigIntegerField(default=0, help_text="In the 90 days before it was counted")
    # How long people wait before they buy it again: see core/reorder.
    observed_days = models.FloatField(null=True)
    observed_gaps = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="product_key")]
        indexes = [
            models.Index(fields=["tenant", "-units_sold"], name="product_sold"),
            models.Index(fields=["tenant", "category", "-units_sold"], name="product_category"),
        ]

    def __str__(self) -> str:
        return self.name or self.key


class ProductVariant(TenantModel):
    """One kind of a product: a size, a color. What is not its own ("" or None) is the product's."""

    product = TenantForeignKey(Product)
    key = models.CharField(max_length=256, db_collation="C", help_text="The shop's variant id")
    name = models.CharField(max_length=200, blank=True, default="")
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    stock = models.BigIntegerField(null=True)
    url = models.CharField(max_length=2000, blank=True, default="")
    image_url = models.CharField(max_length=2000, blank=True, default="")
    usage_days = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="variant_key")]
        indexes = [models.Index(fields=["tenant", "product"], name="variant_product")]

    def __str__(self) -> str:
        return self.name or self.key


class Complement(TenantModel):
    """Who bought of `category` may like `complement`: dresses go with shoes. First comes first."""

    category = models.CharField(max_length=200, db_collation="C")
    complement = models.CharField(max_length=200, db_collation="C")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "category", "complement"], name="complement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.category} with {self.complement}"


class Cart(TenantModel):
    """What somebody means to buy. A cart that never had an id has the key `contact:<id>`."""

    class State(models.TextChoices):
        OPEN = "open"
        ORDERED = "ordered"

    key = models.CharField(max_length=256, db_collation="C")
    contact = TenantForeignKey(Contact)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    items = models.JSONField(default=list)
    value_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    url = models.CharField(max_length=2000, blank=True, default="")
    checkout_at = models.DateTimeField(null=True, help_text="When a checkout was last started")
    ordered_at = models.DateTimeField(null=True)
    # What events told that still matters: the columns above are a function of it, so neither the
    # order of arrival nor a repetition changes them. See `commerce.core.carts`.
    facts = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="cart_key")]
        indexes = [models.Index(fields=["tenant", "contact", "updated_at"], name="cart_contact")]

    def __str__(self) -> str:
        return self.key


class Order(TenantModel):
    """Something bought. `reporting_minor` is fixed at order time; None when no rate is known."""

    class State(models.TextChoices):
        PLACED = "placed"
        PARTLY_REFUNDED = "partly_refunded"
        REFUNDED = "refunded"
        CANCELLED = "cancelled"

    key = models.CharField(max_length=256, db_collation="C", help_text="The shop's order id")
    contact = TenantForeignKey(Contact)
    state = models.CharField(max_length=15, choices=State.choices, default=State.PLACED)
    total_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    net_minor = models.BigIntegerField(default=0, help_text="What the shop keeps of it")
    currency = models.CharField(max_length=3)
    reporting_minor = models.BigIntegerField(null=True)
    reporting_currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    items = models.JSONField(default=list)
    source_cart_key = models.CharField(max_length=256, null=True, db_collation="C")  # noqa: DJ001
    # None until its Order Completed is here: a refund may arrive first.
    event_id = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True, help_text="When its newest Order Completed occurred")
    loose_at = models.DateTimeField(null=True, help_text="The same, of those that name no cart")
    # See `commerce.core.orders`.
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="order_key")]
        indexes = [
            models.Index(fields=["tenant", "contact", "placed_at"], name="order_contact"),
            models.Index(fields=["tenant", "placed_at"], name="order_placed"),
        ]

    def __str__(self) -> str:
        return self.key


class BackInStockRequest(TenantModel):
    """Somebody asked to hear when a product is back. Fulfilled once."""

    contact = TenantForeignKey(Contact)
    product = TenantForeignKey(Product)
    requested_at = models.DateTimeField()
    fulfilled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "product", "contact"],
                condition=models.Q(fulfilled_at=None),
                name="back_in_stock_open_once",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "requested_at"], name="back_in_stock_contact")
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} waits for {self.product_id}"


class LoyaltyAccount(TenantModel):
    """A contact's reward balance, with the one before it so that a crossing can be seen."""

    contact = TenantForeignKey(Contact)
    balance_minor = models.BigIntegerField(default=0)
    previous_minor = models.BigIntegerField(null=True)
    points = models.BigIntegerField(null=True)
    previous_points = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    redeem_url = models.CharField(max_length=2000, blank=True, default="")
    tier = models.CharField(max_length=100, blank=True, default="")
    balance_at = models.DateTimeField()
    event_id = models.UUIDField(null=True)
    # See `commerce.core.balances`.
    facts = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact"], name="loyalty_contact")
        ]

    def __str__(self) -> str:
        return f"{self.balance_minor} {self.currency}"


class BuyingSummary(TenantModel):
    """What a contact's orders and looks add up to. Rebuilt from them whenever one changes.

    `lifetime`: {"USD": {"orders", "total_minor", "refunded_minor", "net_minor",
    "average_minor"}}; the columns of money are the same in the workspace's own currency. What
    depends on the clock (days since the last order) is worked out when it is read.
    """

    contact = TenantForeignKey(Contact)
    order_count = models.PositiveIntegerField(default=0)
    first_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField(null=True)
    last_category = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    categories = models.JSONField(default=list, help_text="All categories bought, newest first")
    preferred_category = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    preferred_confidence = models.FloatField(default=0)
    net_minor = models.BigIntegerField(default=0)
    average_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    lifetime = models.JSONField(default=dict)
    last_viewed_key = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    last_viewed_at = models.DateTimeField(null=True)
    most_viewed_key = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    reorder_at = models.DateTimeField(null=True)
    reorder_key = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    reorder = models.JSONField(default=dict, help_text="How the date came about")
    # Decayed sums per category of what was bought, and the newest looks: see core/affinity.
    bought = models.JSONField(default=dict)
    looks = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact"], name="buying_summary_contact")
        ]
        indexes = [models.Index(fields=["tenant", "reorder_key"], name="buying_summary_reorder")]

    def __str__(self) -> str:
        return f"{self.order_count} orders of {self.contact_id}"


class CustomObject(TenantModel):
    """Something of a contact's with a state and dates: an appointment, a subscription, a ticket,
    a shipment. Built from events; `key` is the shop's id of it."""

    class Kind(models.TextChoices):
        APPOINTMENT = "appointment"
        SUBSCRIPTION = "subscription"
        TICKET = "ticket"
        SHIPMENT = "shipment"

    kind = models.CharField(max_length=12, choices=Kind.choices, db_collation="C")
    key = models.CharField(max_length=256, db_collation="C")
    contact = TenantForeignKey(Contact)
    state = models.CharField(max_length=20, db_collation="C")
    is_open = models.BooleanField(default=True)
    due_at = models.DateTimeField(null=True, help_text="Its next date: start, renewal, arrival")
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    properties = models.JSONField(default=dict)
    # See `commerce.core.objects`.
    facts = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "key"], name="custom_object_key")
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "kind"], name="custom_object_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
