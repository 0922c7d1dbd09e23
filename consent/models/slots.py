from __future__ import annotations

from django.db import models

from tenancy.models import TenantModel


class CapSlot(TenantModel):
    """One text that counts against the caps: reserved when decided, counted when submitted.

    `at` is the instant it counts from. A refund clears `counts_brand`, and `counts_legal` only
    when the provider certainly never took the text.
    """

    class State(models.TextChoices):
        RESERVED = "reserved"
        COUNTED = "counted"
        RELEASED = "released"

    contact_id = models.UUIDField()
    phone_token = models.CharField(max_length=100, db_collation="C")
    message_id = models.UUIDField()
    source_key = models.CharField(max_length=80, blank=True, default="")
    run_id = models.UUIDField(null=True)
    state = models.CharField(max_length=8, choices=State.choices)
    at = models.DateTimeField()
    reserved_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(max_length=60, blank=True, default="")
    counts_brand = models.BooleanField(default=True)
    counts_legal = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "message_id"], name="cap_slot_message")
        ]
        indexes = [
            models.Index(fields=["tenant", "phone_token", "at"], name="cap_slot_phone"),
            models.Index(fields=["tenant", "contact_id", "at"], name="cap_slot_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.state} at {self.at}"
