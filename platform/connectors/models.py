"""Doors that other systems post to, what they posted, and the stock of a shop's variants."""

from __future__ import annotations

import json

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenancy.crypto import decrypt, encrypt
from tenancy.models import TenantForeignKey, TenantModel


class Connector(TenantModel):
    """One door of the workspace. Its secrets are encrypted at rest.

    `public_id` stands in the address and cannot be guessed. `id_prefix` keeps the ids of a second
    shop apart. `failures`: the last ones, newest first: [{"at", "reason", "topic"}].
    `first_signed_at` null: nothing genuine has come yet. Wall time, but `last_event_at`.
    """

    class Kind(models.TextChoices):
        SHOPIFY = "shopify", "Shopify"
        WOOCOMMERCE = "woocommerce", "WooCommerce"
        WEBHOOK = "webhook", "Signed webhook"

    kind = models.CharField(max_length=11, choices=Kind.choices, db_collation="C")
    name = models.CharField(max_length=80)
    public_id = models.CharField(max_length=64, unique=True, db_collation="C")
    secrets_encrypted = models.BinaryField(default=bytes)
    old_secret_until = models.DateTimeField(null=True, help_text="Until then both secrets count")
    mapping = models.JSONField(default=dict, help_text="Of a signed webhook: field -> path")
    id_prefix = models.CharField(max_length=16, blank=True, default="")
    hears_carts = models.BooleanField(default=False)
    locations = models.JSONField(default=list, help_text="Where stock was counted so far")
    pinged_at = models.DateTimeField(null=True, help_text="WooCommerce's unsigned first request")
    first_signed_at = models.DateTimeField(null=True)
    last_signed_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True, help_text="Business time")
    last_event_name = models.CharField(max_length=200, blank=True, default="")
    failure_count = models.IntegerField(default=0)
    last_failure_at = models.DateTimeField(null=True)
    failures = models.JSONField(default=list)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret in force, then the one before it; () while there is none."""
        if not self.secrets_encrypted:
            return ()
        return tuple(json.loads(decrypt(self.secrets_encrypted)))

    def set_secrets(self, *secrets: str) -> None:
        self.secrets_encrypted = encrypt(json.dumps(secrets))


class ReceivedBody(TenantModel):
    """A genuine body as it came: stored first, then worked on, and again when somebody asks.

    `results`: what became of each item, as JSON. `contact_ids`: whom it was about, so that erasing
    them finds it. `retry_at` (wall time): when somebody else may take it up.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        FAILED = "failed"

    connector = TenantForeignKey(Connector)
    delivery_key = models.CharField(max_length=400, db_collation="C")
    topic = models.CharField(max_length=120, blank=True, default="")
    body = models.TextField(help_text="JSON, as it was signed")
    received_at = models.DateTimeField(help_text="Business time")
    state = models.CharField(max_length=7, choices=State.choices, db_collation="C")
    attempts = models.SmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True, help_text="Business time")
    times = models.IntegerField(default=1, help_text="How often it was posted")
    replays = models.IntegerField(default=0)
    results = models.JSONField(default=list)
    contact_ids = ArrayField(models.UUIDField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "connector", "delivery_key"], name="received_body_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "connector", "-id"], name="received_body_newest"),
            models.Index(
                fields=["tenant", "retry_at"],
                condition=Q(state="pending"),
                name="received_body_pending",
            ),
            models.Index(fields=["tenant", "received_at"], name="received_body_old"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.state}"


class ShopVariant(TenantModel):
    """A variant whose stock a shop tells by an item id of its own; `stock` null: not counted."""

    connector = TenantForeignKey(Connector)
    item_id = models.CharField(max_length=256, db_collation="C")
    product_id = models.CharField(max_length=256, db_collation="C")
    variant_id = models.CharField(max_length=256, db_collation="C")
    stock = models.BigIntegerField(null=True)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "connector", "item_id"], name="shop_variant_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "connector", "product_id"], name="shop_variant_product")
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.item_id}"
