"""Who: segments, who belongs to them since when, and when to look again."""

from __future__ import annotations

from django.db import models

from people.models import Contact
from tenancy.models import TenantForeignKey, TenantModel


class Segment(TenantModel):
    """An audience described by conditions, always current."""

    class State(models.TextChoices):
        BUILDING = "building"
        LIVE = "live"
        FAILED = "failed"
        ARCHIVED = "archived"

    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=80, db_collation="C")
    definition = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    error = models.CharField(max_length=300, blank=True, default="")
    size = models.IntegerField(default=0, help_text="Members when last counted")
    built_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="segment_slug_once")]

    def __str__(self) -> str:
        return self.name


class SegmentMembership(TenantModel):
    """One stay of a contact in a segment; history is kept, never rewritten by late events."""

    segment = TenantForeignKey(Segment)
    contact = TenantForeignKey(Contact)
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "segment", "contact"],
                condition=models.Q(left_at=None),
                name="segment_member_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "contact"], name="segment_member_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class SegmentDue(TenantModel):
    """When time alone may change a contact's membership: look again then."""

    segment = TenantForeignKey(Segment)
    contact = TenantForeignKey(Contact)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "segment", "contact"], name="segment_due_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "due_at"], name="segment_due_at")]

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.due_at}"
