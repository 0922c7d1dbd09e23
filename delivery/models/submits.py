from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q

from delivery.models.gateways import Gateway, Sender
from delivery.models.messages import Message
from tenancy.models.base import TenantForeignKey, TenantModel


class SendAttempt(TenantModel):
    """One POST to the gateway; the id travels in the callback's URL. Wall time.

    Committed before the POST, so that a crash in between leaves a trace to reconcile.
    """

    class State(models.TextChoices):
        POSTING = "posting"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        THROTTLED = "throttled"
        NOT_SENT = "not_sent"
        AMBIGUOUS = "ambiguous"
        LOST = "lost"

    message = TenantForeignKey(Message)
    gateway = TenantForeignKey(Gateway)
    sender = TenantForeignKey(Sender)
    state = models.CharField(max_length=10, choices=State.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    checks = models.SmallIntegerField(default=0)
    sid = models.CharField(max_length=40, blank=True, default="", db_collation="C")
    error_code = models.IntegerField(null=True)
    error_text = models.CharField(max_length=300, blank=True, default="")
    body_hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "message"], name="attempt_message"),
            models.Index(
                fields=["tenant", "next_check_at"],
                name="attempt_unsure",
                condition=Q(next_check_at__isnull=False),
            ),
            models.Index(fields=["tenant", "sid"], name="attempt_sid", condition=~Q(sid="")),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"


class StatusCallback(TenantModel):
    """What the gateway told us, raw. Append-only; wall time."""

    kairos_append_only = True
    kairos_erased: ClassVar[Mapping[str, str]] = {"raw": "'{}'"}

    gateway = TenantForeignKey(Gateway)
    attempt_id = models.UUIDField()
    sid = models.CharField(max_length=40, db_collation="C")
    status = models.CharField(max_length=20, db_collation="C")
    error_code = models.IntegerField(default=0)
    received_at = models.DateTimeField()
    raw = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "sid", "status", "error_code"], name="callback_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "attempt_id"], name="callback_attempt")]

    def __str__(self) -> str:
        return f"{self.sid} {self.status}"


class PendingCallback(TenantModel):
    """A callback that is not applied yet: same id. The row goes in the transaction that applies."""

    kairos_no_fk = True

    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "received_at"], name="pending_callback")]

    def __str__(self) -> str:
        return str(self.id)
