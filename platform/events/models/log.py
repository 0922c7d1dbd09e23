"""The append-only log, the batches it arrived in, and who listens to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models.fields.json import KeyTextTransform

from tenancy.models import TenantModel


class Lane(models.TextChoices):
    LIVE = "live"
    BULK = "bulk"
    BACKFILL = "backfill"


class BatchState(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class EventBatch(TenantModel):
    """The events one call appended: the unit of reacting. Its ids lie between first and last id.

    `wakes` is false when nothing listens to any of its names; such a batch is born done.
    """

    kairos_no_fk = True

    lane = models.CharField(max_length=8, choices=Lane.choices, db_collation="C")
    state = models.CharField(max_length=8, choices=BatchState.choices, db_collation="C")
    received_at = models.DateTimeField()
    event_count = models.IntegerField()
    first_id = models.UUIDField()
    last_id = models.UUIDField()
    wakes = models.BooleanField()
    key_id = models.UUIDField(null=True, help_text="The key that sent it; null for our own floors")
    attempts = models.SmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "lane", "id"],
                condition=models.Q(state="pending"),
                name="event_batch_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_count} events, {self.state}"


class Event(TenantModel):
    """One thing that happened. Never changed, never removed but by erasure and merging.

    The table is partitioned by month of `received_at`; see the migration for its indexes.
    """

    kairos_no_fk = True
    kairos_append_only = True
    kairos_erased: ClassVar[Mapping[str, str]] = {
        "properties": "'{}'",
        "context": "'{}'",
        "original_name": "''",
        "message_id": "t.id::text",
    }

    name = models.CharField(max_length=200, db_collation="C")
    original_name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(max_length=8, help_text="track, identify, page, group, alias, internal")
    contact_id = models.UUIDField(null=True)
    source_contact_id = models.UUIDField(null=True, help_text="As first recorded, before merges")
    subject_kind = models.CharField(max_length=16, null=True, db_collation="C")  # noqa: DJ001
    subject_id = models.CharField(max_length=256, null=True, db_collation="C")  # noqa: DJ001  # noqa: DJ001
    message_id = models.CharField(max_length=256, db_collation="C")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    known_at = models.DateTimeField()
    client_time = models.DateTimeField(null=True, help_text="As the client said, uncorrected")
    properties = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    backfill = models.BooleanField(default=False)
    batch_id = models.UUIDField()
    cause_id = models.UUIDField(null=True)
    depth = models.SmallIntegerField(default=0)
    source = models.CharField(max_length=8, help_text="server, public, api or internal")
    order_id = models.GeneratedField(
        expression=KeyTextTransform("order_id", "properties"),
        output_field=models.CharField(max_length=256, db_collation="C"),
        db_persist=True,
    )
    cart_id = models.GeneratedField(
        expression=KeyTextTransform("cart_id", "properties"),
        output_field=models.CharField(max_length=256, db_collation="C"),
        db_persist=True,
    )
    product_id = models.GeneratedField(
        expression=KeyTextTransform("product_id", "properties"),
        output_field=models.CharField(max_length=256, db_collation="C"),
        db_persist=True,
    )

    class Meta:
        db_table = "events_event"

    def __str__(self) -> str:
        return self.name


class EventListener(TenantModel):
    """A live definition that wants to hear of a name ("*": of every name)."""

    name = models.CharField(max_length=200, db_collation="C")
    owner = models.CharField(max_length=100, db_collation="C", help_text="Such as flow:<id>")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name", "owner"], name="event_listener_once")
        ]
        indexes = [models.Index(fields=["tenant", "owner"], name="event_listener_owner")]

    def __str__(self) -> str:
        return f"{self.owner} hears {self.name}"
