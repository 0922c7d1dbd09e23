"""The catalogue: what is known of each name that events came under."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantModel


class EventType(TenantModel):
    """One catalogue entry: what is counted, what bodies said, what a person decided.

    `volume` counts what is folded; see `catalogue.list_event_types`. The JSON columns are those of
    `core.observing.Observed`.
    """

    name = models.CharField(max_length=200, db_collation="C")
    volume = models.BigIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    looked_at = models.BigIntegerField(default=0, help_text="How many bodies were read")
    invalid = models.BigIntegerField(default=0, help_text="How many of them had a flaw")
    properties = models.JSONField(default=dict)
    spellings = models.JSONField(default=dict)
    latest = models.JSONField(default=list)
    is_expected = models.BooleanField(null=True, help_text="Null: as the standard says")
    is_sensitive = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="event_type_name")]

    def __str__(self) -> str:
        return self.name


class EventTally(TenantModel):
    """How many events of a name one batch brought, and where they lie. Appended, so that ingests of
    one workspace never wait for each other on a counter; folded into the catalogue soon after."""

    kairos_no_fk = True

    name = models.CharField(max_length=200, db_collation="C")
    volume = models.IntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    batch_id = models.UUIDField(null=True)
    first_id = models.UUIDField(null=True)
    last_id = models.UUIDField(null=True)
    received_at = models.DateTimeField(null=True)
    backfill = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"{self.volume} {self.name}"


class EventHour(TenantModel):
    """How many events of a name became known in one hour (UTC); `live`: those of them that are no
    history. Kept for 35 days."""

    name = models.CharField(max_length=200, db_collation="C")
    hour = models.DateTimeField()
    volume = models.BigIntegerField()
    live = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name", "hour"], name="event_hour_once")
        ]

    def __str__(self) -> str:
        return f"{self.volume} {self.name} at {self.hour:%m-%d %H}"


class UnstoredItem(TenantModel):
    """One item of a call that was not stored: wrong, or known already. For developers to look at;
    the last thousand, for a week. `body` is JSON text, shortened, without keys of ours."""

    class Outcome(models.TextChoices):
        REJECTED = "rejected"
        DUPLICATE = "duplicate"

    outcome = models.CharField(max_length=9, choices=Outcome.choices, db_collation="C")
    name = models.CharField(max_length=200, db_collation="C", blank=True, default="")
    original_name = models.CharField(max_length=200, blank=True, default="")
    message_id = models.CharField(max_length=256, blank=True, default="")
    source = models.CharField(max_length=8, help_text="server, public or api")
    key_id = models.UUIDField(null=True)
    at = models.DateTimeField(help_text="Business time")
    place = models.IntegerField(help_text="Which item of its call, from 0")
    errors = models.JSONField(default=list)
    body = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.outcome} {self.name}"
