"""Dates that workspaces watch, and the next moment of each for whom it is told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenancy.models import TenantForeignKey, TenantModel


class WatchedDate(TenantModel):
    """One date of every contact, and when reaching it is an event: "three days before, at 9".

    `field`: an attribute, or one of `triggers.core.dates.WORKED`. `days`: negative is before.
    `at`: the time of day at the contact, "09:00". `after_contact`: how far it was filled.
    """

    class State(models.TextChoices):
        FILLING = "filling"
        LIVE = "live"

    field = models.CharField(max_length=128, db_collation="C")
    days = models.SmallIntegerField(default=0)
    at = models.CharField(max_length=5, db_collation="C")
    is_yearly = models.BooleanField(default=False)
    state = models.CharField(
        max_length=7, choices=State.choices, default=State.FILLING, db_collation="C"
    )
    after_contact = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "field", "days", "at", "is_yearly"], name="watched_date_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.field} {self.days:+d} at {self.at}"


class DateDue(TenantModel):
    """When a watched date of one contact is reached next. `subject`: which of their objects, or "".

    `due_at` None: nothing is to come, the row only remembers. `reached`: what was told last, a day
    ("2026-03-14") or of yearly dates a year.
    """

    watch = TenantForeignKey(WatchedDate)
    contact = TenantForeignKey("people.Contact")
    subject = models.CharField(max_length=256, blank=True, default="", db_collation="C")
    due_at = models.DateTimeField(null=True)
    reached = models.CharField(max_length=10, blank=True, default="", db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "watch", "contact", "subject"], name="date_due_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "due_at"], condition=Q(due_at__isnull=False), name="date_due_at"
            ),
            models.Index(fields=["tenant", "contact"], name="date_due_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.due_at}"
