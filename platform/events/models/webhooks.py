"""Webhooks: who is told of which events, and what became of each telling. Wall time throughout."""

from __future__ import annotations

import json

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenancy.crypto import decrypt, encrypt
from tenancy.models import TenantForeignKey, TenantModel


class WebhookEndpoint(TenantModel):
    """An address that hears of events. Its secrets are encrypted at rest.

    `leased_until`: somebody is sending to it; one sender at a time. `retry_at`: it failed
    and is left alone until then.
    """

    class State(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"

    url = models.CharField(max_length=2000)
    event_names = ArrayField(models.CharField(max_length=200))
    description = models.CharField(max_length=120, blank=True, default="")
    secrets_encrypted = models.BinaryField(default=bytes)
    old_secret_until = models.DateTimeField(null=True, help_text="Until then both secrets sign")
    state = models.CharField(max_length=8, choices=State.choices, db_collation="C")
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    disabled_at = models.DateTimeField(null=True)
    failures_in_a_row = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "id"], name="webhook_enabled", condition=Q(state="enabled")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.url}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret in force, then the one before it, if there is one."""
        return tuple(json.loads(decrypt(self.secrets_encrypted)))

    def set_secrets(self, *secrets: str) -> None:
        self.secrets_encrypted = encrypt(json.dumps(secrets))


class WebhookFeed(TenantModel):
    """A batch of events that some webhook wants to hear of, until its deliveries are made.

    Written by the statement that appends the batch and so visible with it: a batch that commits
    late is found late, never missed. The id is the batch's.
    """

    kairos_no_fk = True

    first_id = models.UUIDField()
    last_id = models.UUIDField()
    received_at = models.DateTimeField(help_text="Business time, as the events have it")

    def __str__(self) -> str:
        return str(self.id)


class WebhookDelivery(TenantModel):
    """One event for one endpoint: sent until it is taken, or given up.

    It holds no words of the event; the body is made from the log each time. `event_id` of a
    test event is the delivery's own id.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    endpoint = TenantForeignKey(WebhookEndpoint)
    event_id = models.UUIDField()
    event_name = models.CharField(max_length=200, db_collation="C")
    event_received_at = models.DateTimeField(help_text="Business time: finds the event's month")
    is_test = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State.choices, db_collation="C")
    attempts = models.IntegerField(default=0, help_text="Since it was made or last replayed")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, help_text="Null: nothing is to be sent any more")
    first_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    response_status = models.SmallIntegerField(null=True)
    response_body = models.CharField(max_length=1024, blank=True, default="")
    error = models.CharField(max_length=40, blank=True, default="", help_text="A stable code")
    duration_ms = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "endpoint", "event_id"], name="webhook_delivery_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "endpoint", "due_at", "id"],
                name="webhook_delivery_due",
                condition=Q(state="pending"),
            ),
            models.Index(fields=["tenant", "endpoint", "-id"], name="webhook_delivery_newest"),
            models.Index(
                fields=["tenant", "created_at"],
                name="webhook_delivery_old",
                condition=~Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.event_name}"
