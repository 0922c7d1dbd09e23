from __future__ import annotations

from django.db import models

from delivery.models.gateways import Gateway
from people.models import Contact
from tenancy.models.base import TenantForeignKey, TenantModel


class InboundMessage(TenantModel):
    """A text that came in, with what we took it for. Business time."""

    gateway = TenantForeignKey(Gateway)
    sid = models.CharField(max_length=40, db_collation="C")
    contact = TenantForeignKey(Contact, null=True)
    from_phone = models.CharField(max_length=20, db_collation="C")
    to_phone = models.CharField(max_length=40, db_collation="C")
    body = models.TextField(blank=True, default="")
    media = models.JSONField(default=list)
    opt_out_type = models.CharField(max_length=10, blank=True, default="")
    kind = models.CharField(max_length=14, blank=True, default="")
    keyword = models.CharField(max_length=40, blank=True, default="")
    rule = models.CharField(max_length=80, blank=True, default="")
    answered_message_id = models.UUIDField(null=True, help_text="Our last text before it")
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sid"], name="inbound_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "-received_at"], name="inbound_contact"),
            models.Index(fields=["tenant", "-received_at"], name="inbound_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.from_phone} {self.kind}"
