"""One send to an audience: what the marketer sees of a flow with a schedule."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenancy.models import TenantForeignKey, TenantModel


class Campaign(TenantModel):
    """Who, what and when of one send. Its flow has the same id and is made when it is launched.

    `audience` "everybody": every contact subscribed to marketing texts. `excluded`: ids of
    segments whose members get nothing. `send_at`: the instant for "at"; `local_time`: the wall
    clock ("2026-11-24T10:00") for "local". `selected_count`: the audience at the launch.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        SCHEDULED = "scheduled"
        SENDING = "sending"
        PAUSED = "paused"
        STOPPED = "stopped"
        SENT = "sent"

    class Audience(models.TextChoices):
        NOBODY = ""
        EVERYBODY = "everybody"
        SEGMENT = "segment"

    class Timing(models.TextChoices):
        NOW = "now"
        AT = "at"
        LOCAL = "local"

    name = models.CharField(max_length=120)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.DRAFT, db_collation="C"
    )
    audience = models.CharField(
        max_length=10, choices=Audience.choices, blank=True, default="", db_collation="C"
    )
    segment = TenantForeignKey("segments.Segment", null=True)
    excluded = ArrayField(models.UUIDField(), default=list)
    template_version = TenantForeignKey("templates_engine.TemplateVersion", null=True)
    timing = models.CharField(
        max_length=5, choices=Timing.choices, default=Timing.NOW, db_collation="C"
    )
    send_at = models.DateTimeField(null=True)
    local_time = models.CharField(max_length=16, blank=True, default="")
    flow = TenantForeignKey("triggers.Flow", null=True)
    selected_count = models.IntegerField(default=0)
    launched_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    created_by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["tenant", "created_at", "id"], name="campaign_newest")]

    def __str__(self) -> str:
        return self.name


class PartPrice(TenantModel):
    """What one part of a text costs this workspace, for estimates. No row: the list price.

    In millionths of a unit of `currency`: a US part costs 0.0083 USD, which no minor unit holds.
    """

    micros = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="part_price_once")]

    def __str__(self) -> str:
        return f"{self.micros} millionths {self.currency}"
