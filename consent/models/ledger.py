"""May we text this person: the ledger and what follows from it.

The truth is `ConsentRecord`; `Consent`, `Suppression` and the flags of `ContactPoint` are its
projection. Everything is keyed by a phone token, so an erased person's STOP stays recognizable.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from consent.core.chain import GENESIS
from tenancy.models import TenantForeignKey, TenantModel


class ContactPoint(TenantModel):
    """One phone number of this workspace: the end of its chain, and the lock of its caps."""

    phone_token = models.CharField(max_length=100, db_collation="C")
    chain_length = models.IntegerField(default=0)
    chain_head = models.CharField(max_length=64, default=GENESIS)
    review_since = models.DateTimeField(null=True, help_text="Marketing pauses until a decision")
    last_stop_notice_at = models.DateTimeField(null=True, help_text="Last told how to stop")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "phone_token"], name="contact_point_token")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "review_since"],
                condition=models.Q(review_since__isnull=False),
                name="contact_point_review",
            )
        ]

    def __str__(self) -> str:
        return self.phone_token[:11]


class ConsentRecord(TenantModel):
    """One row of the ledger. Never changed, never removed; holds nothing personal.

    `digests` are salted digests of the personal values in `ConsentEvidence`. `seal_number` is
    the daily seal that covers the row.
    """

    kairos_append_only = True

    phone_token = models.CharField(max_length=100, db_collation="C")
    position = models.IntegerField(help_text="1, 2, 3 ... within the number's chain")
    kind = models.CharField(max_length=20)
    message_types = ArrayField(models.CharField(max_length=16), default=list)
    topic = models.CharField(max_length=64, blank=True, default="")
    source = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True, default="")
    legal_basis = models.CharField(max_length=24, blank=True, default="")
    rule = models.CharField(max_length=60, blank=True, default="", help_text="What matched")
    actor = models.CharField(max_length=80, blank=True, default="")
    contact_id = models.UUIDField(null=True)
    disclosure_hash = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    digests = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    seal_number = models.IntegerField()
    previous_hash = models.CharField(max_length=64)
    row_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "phone_token", "position"], name="consent_record_position"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "seal_number", "phone_token", "position"],
                name="consent_record_seal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.position}"


class ConsentEvidence(TenantModel):
    """The personal part of a record: number, words, address. May be erased; the chain holds."""

    record = TenantForeignKey(ConsentRecord)
    personal = models.JSONField(help_text="name -> value")
    salts = models.JSONField(help_text="name -> hex")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "record"], name="consent_evidence_once")
        ]

    def __str__(self) -> str:
        return f"evidence of {self.record_id}"


class ConsentDisclosure(TenantModel):
    """A disclosure as people saw it, kept once per wording."""

    kairos_append_only = True

    text_hash = models.CharField(max_length=64, db_collation="C")
    text = models.TextField()
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "text_hash"], name="consent_disclosure_once")
        ]

    def __str__(self) -> str:
        return self.text_hash[:12]


class Consent(TenantModel):
    """What a number agreed to, per message type. No row: never subscribed."""

    phone_token = models.CharField(max_length=100, db_collation="C")
    message_type = models.CharField(max_length=16, db_collation="C")
    topic = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    status = models.CharField(max_length=16, db_collation="C")
    since = models.DateTimeField()
    source = models.CharField(max_length=20)
    had_consent = models.BooleanField(default=False)
    before = models.JSONField(null=True, help_text="What a lapsed double opt-in falls back to")
    record = TenantForeignKey(ConsentRecord)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "phone_token", "message_type", "topic"], name="consent_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "since"],
                condition=models.Q(status="pending"),
                name="consent_pending",
            ),
            models.Index(
                fields=["tenant", "status", "phone_token"],
                condition=models.Q(message_type="marketing", topic=""),
                name="consent_marketing_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_type}: {self.status}"


class Suppression(TenantModel):
    """This number must not be texted, whatever its owner says."""

    phone_token = models.CharField(max_length=100, db_collation="C")
    reason = models.CharField(max_length=40, db_collation="C")
    since = models.DateTimeField()
    record = TenantForeignKey(ConsentRecord)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "phone_token", "reason"], name="suppression_once"
            )
        ]

    def __str__(self) -> str:
        return self.reason


class ConsentSeal(TenantModel):
    """One hash over all chains that grew since the seal before."""

    kairos_append_only = True

    number = models.IntegerField()
    sealed_at = models.DateTimeField()
    chain_count = models.IntegerField()
    record_count = models.IntegerField()
    previous_hash = models.CharField(max_length=64)
    seal_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="consent_seal")]

    def __str__(self) -> str:
        return f"seal {self.number}"
