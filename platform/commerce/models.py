"""What shops sell and what people do with it: projections of events, and the product catalogue.

Money is minor units (cents) with an ISO currency, never a float and never a bare number.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from people.models import Contact
from tenancy.models import TenantForeignKey, TenantModel


class Product(TenantModel):
    """Something on sale. Newer facts win, each fact by its own time."""

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
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="product_key")]

    def __str__(self) -> str:
        return self.name or self.key


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
    snapshot_at = models.DateTimeField(null=True, help_text="When a whole list was last told")
    ordered_at = models.DateTimeField(null=True)
    # Events whose additions are in `items` already; a repeated reaction adds nothing twice.
    applied = ArrayField(models.UUIDField(), default=list)
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
        REFUNDED = "refunded"
        CANCELLED = "cancelled"

    key = models.CharField(max_length=256, db_collation="C", help_text="The shop's order id")
    contact = TenantForeignKey(Contact)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLACED)
    total_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    reporting_minor = models.BigIntegerField(null=True)
    reporting_currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()
    items = models.JSONField(default=list)
    source_cart_key = models.CharField(max_length=256, null=True, db_collation="C")  # noqa: DJ001
    # None until its Order Completed is here: a refund may arrive first.
    event_id = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True, help_text="When its newest Order Completed occurred")
    applied = ArrayField(models.UUIDField(), default=list)

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
    balance_at = models.DateTimeField()
    event_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact"], name="loyalty_contact")
        ]

    def __str__(self) -> str:
        return f"{self.balance_minor} {self.currency}"
