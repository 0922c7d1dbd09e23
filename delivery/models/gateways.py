from __future__ import annotations

import json

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.crypto import decrypt, encrypt
from tenancy.models.base import TenantForeignKey, TenantModel


class Gateway(TenantModel):
    """One account at a carrier gateway. Its secrets are encrypted at rest."""

    class Kind(models.TextChoices):
        TWILIO = "twilio"
        SIMULATOR = "simulator"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    account_sid = models.CharField(max_length=64, db_collation="C")
    api_key_sid = models.CharField(max_length=64, blank=True, default="")
    secret_encrypted = models.BinaryField(default=bytes)
    auth_tokens_encrypted = models.BinaryField(default=bytes)
    is_live = models.BooleanField(default=True, help_text="In use: new texts go out through it")
    stopped_reason = models.CharField(
        max_length=40, blank=True, default="", help_text="Empty: texts may go out"
    )
    stopped_until = models.DateTimeField(null=True, help_text="Wall time; null: until someone acts")
    blocked_regions = ArrayField(
        models.CharField(max_length=2), default=list, help_text="Countries the gateway refuses"
    )
    # Signed webhooks, in wall time; noted at most once a minute, so that this row stays cool.
    first_heard_at = models.DateTimeField(null=True)
    last_heard_at = models.DateTimeField(null=True)
    last_heard_token = models.CharField(
        max_length=16, blank=True, default="", help_text="Fingerprint of the token that signed"
    )
    tokens_changed_at = models.DateTimeField(null=True, help_text="Wall time")
    checked_at = models.DateTimeField(null=True, help_text="Wall time of the last check")
    check_findings = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_live=True), name="gateway_one_in_use"
            )
        ]
        indexes = [models.Index(fields=["tenant", "is_live"], name="gateway_tenant_live")]

    def __str__(self) -> str:
        return f"{self.kind} {self.account_sid}"

    @property
    def secret(self) -> str:
        """The API key's secret, or the account's token where no API key is used."""
        return decrypt(self.secret_encrypted)

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """What webhooks are signed with; two during a rotation, the newer first."""
        return tuple(json.loads(decrypt(self.auth_tokens_encrypted)))

    def set_secrets(self, *, secret: str, auth_tokens: list[str]) -> None:
        self.secret_encrypted = encrypt(secret)
        self.set_auth_tokens(auth_tokens)

    def set_auth_tokens(self, auth_tokens: list[str]) -> None:
        self.auth_tokens_encrypted = encrypt(json.dumps(auth_tokens))


class Sender(TenantModel):
    """A number or messaging service texts go out from, with the rate the carriers allow it."""

    class Kind(models.TextChoices):
        LONG_CODE = "long_code"
        TOLL_FREE = "toll_free"
        SHORT_CODE = "short_code"
        MESSAGING_SERVICE = "messaging_service"

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"

    gateway = TenantForeignKey(Gateway)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.LONG_CODE)
    phone = models.CharField(max_length=16, blank=True, default="", db_collation="C")
    messaging_service_sid = models.CharField(
        max_length=40, blank=True, default="", db_collation="C"
    )
    segments_per_second = models.FloatField(default=1.0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    paused_reason = models.CharField(max_length=40, blank=True, default="")
    paused_until = models.DateTimeField(null=True, help_text="Wall time; null: until someone acts")
    next_free_at = models.DateTimeField(null=True, help_text="Wall time the booked texts last to")
    failures_in_a_row = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(segments_per_second__gt=0), name="sender_rate_positive"
            ),
            models.CheckConstraint(
                condition=~models.Q(phone="", messaging_service_sid=""), name="sender_named"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "gateway"], name="sender_tenant_gateway"),
            models.Index(fields=["tenant", "phone"], name="sender_tenant_phone"),
        ]

    def __str__(self) -> str:
        return self.phone or self.messaging_service_sid
