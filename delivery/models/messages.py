from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from delivery.models.gateways import Sender
from people.models import Contact
from templates_engine.models import TemplateVersion
from tenancy.models.base import TenantForeignKey, TenantModel

UNDECIDED = ("scheduled", "queued")


class Message(TenantModel):
    """One intention to text one contact, sent or not. Narrow on purpose; words and evidence stand
    in `MessageContent`. Times are business time except `submitted_at` (wall)."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled"  # waiting until due_at, then decided anew
        SKIPPED = "skipped"
        QUEUED = "queued"
        SENDING = "sending"  # claimed: a POST may have left
        SENT = "sent"
        DELIVERED = "delivered"
        UNDELIVERED = "undelivered"
        FAILED = "failed"
        CANCELED = "canceled"

    dedupe_key = models.CharField(max_length=200, db_collation="C")
    contact = TenantForeignKey(Contact, null=True)
    phone = models.CharField(max_length=20, blank=True, default="", db_collation="C")
    message_type = models.CharField(max_length=14)
    source_kind = models.CharField(max_length=12)
    source_key = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    flow_id = models.UUIDField(null=True)
    flow_version_id = models.UUIDField(null=True)
    run_id = models.UUIDField(null=True)
    step_key = models.CharField(max_length=64, blank=True, default="")
    template_version = TenantForeignKey(TemplateVersion, null=True)
    priority = models.SmallIntegerField(default=50)
    cause_event_id = models.UUIDField(null=True)
    depth = models.SmallIntegerField(default=0)
    in_reply_to = models.UUIDField(null=True, help_text="The inbound message it answers")

    status = models.CharField(max_length=12, choices=Status.choices)
    reason = models.CharField(max_length=40, blank=True, default="")
    waited_for = models.CharField(
        max_length=40, blank=True, default="", help_text="Why it had to wait; kept when it went"
    )
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    window_ends_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    final_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True, help_text="Wall time of the last claim")

    sender = TenantForeignKey(Sender, null=True)
    attempt_id = models.UUIDField(null=True)
    sid = models.CharField(max_length=40, blank=True, default="", db_collation="C")
    carrier_status = models.CharField(max_length=20, blank=True, default="")
    error_code = models.IntegerField(null=True)
    encoding = models.CharField(max_length=8, blank=True, default="")
    num_segments = models.SmallIntegerField(default=0)
    link_count = models.SmallIntegerField(default=0)
    tells_stop = models.BooleanField(default=False, help_text="Says how to opt out")
    fetches = models.SmallIntegerField(default=0, help_text="Look-ups while no receipt came")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "dedupe_key"], name="message_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "-created_at"], name="message_contact"),
            models.Index(fields=["tenant", "-created_at"], name="message_newest"),
            models.Index(
                F("tenant"),
                F("priority").desc(),
                F("decided_at"),
                name="message_queued",
                condition=Q(status="queued"),
            ),
            models.Index(
                fields=["tenant", "due_at"],
                name="message_scheduled",
                condition=Q(status="scheduled"),
            ),
            models.Index(
                fields=["tenant", "run_id"],
                name="message_run_open",
                condition=Q(status__in=UNDECIDED),
            ),
            models.Index(
                fields=["tenant", "phone"],
                name="message_phone_open",
                condition=Q(status__in=UNDECIDED),
            ),
            models.Index(
                fields=["tenant", "submitted_at"],
                name="message_no_receipt",
                condition=Q(status="sent", fetches__lt=2),
            ),
            models.Index(fields=["tenant", "sid"], name="message_sid", condition=~Q(sid="")),
            # A campaign's live page counts its texts again and again: from this alone.
            models.Index(
                fields=["tenant", "flow_id", "status", "reason"],
                name="message_campaign",
                condition=Q(source_kind="campaign"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.dedupe_key}"


class MessageContent(TenantModel):
    """The words and the evidence of a message: same id, same created_at. Partitioned by month.

    `intent` is what was asked (so that a waiting message can be decided anew), `checks` the
    ordered tests of the last decision, `fields` where each word came from.
    """

    kairos_no_fk = True

    created_at = models.DateTimeField()
    body = models.TextField(blank=True, default="")
    intent = models.JSONField(default=dict)
    checks = models.JSONField(default=list)
    fields = models.JSONField(default=list)

    class Meta:
        db_table = "delivery_messagecontent"

    def __str__(self) -> str:
        return str(self.id)
