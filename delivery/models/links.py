from __future__ import annotations

from django.db import models
from django.db.models import Q

from delivery.models.messages import Message
from people.models import Contact
from tenancy.models.base import TenantForeignKey, TenantModel


class TrackedLink(TenantModel):
    """A short link of one message: the token leads to contact, message and target."""

    token = models.CharField(max_length=16, db_collation="C")
    message = TenantForeignKey(Message)
    contact = TenantForeignKey(Contact, null=True)
    label = models.CharField(max_length=80)
    url = models.TextField(help_text="The target without campaign parameters")
    campaign = models.CharField(max_length=80, blank=True, default="", help_text="utm_campaign")
    created_at = models.DateTimeField()
    first_clicked_at = models.DateTimeField(null=True, help_text="First human click")

    class Meta:
        constraints = [
            # Over all workspaces: a token is read before anybody knows whose it is.
            models.UniqueConstraint(fields=["token"], name="link_token_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "message"], name="link_message"),
            models.Index(fields=["tenant", "contact", "-created_at"], name="link_contact"),
        ]

    def __str__(self) -> str:
        return self.token


class Click(TenantModel):
    """One opening of a link: the facts are written once; the verdict can be recomputed.

    `clicked_at` is business time, `received_at` wall time. The address is kept as a keyed digest.
    """

    class Kind(models.TextChoices):
        HUMAN = "human"
        BOT = "bot"
        PREFETCH = "prefetch"

    link = TenantForeignKey(TrackedLink)
    message_id = models.UUIDField()
    contact_id = models.UUIDField(null=True)
    clicked_at = models.DateTimeField()
    received_at = models.DateTimeField()
    method = models.CharField(max_length=8)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    purpose = models.CharField(max_length=80, blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    kind = models.CharField(
        max_length=8, choices=Kind.choices, blank=True, default="", help_text="Empty: not judged"
    )
    kind_reason = models.CharField(max_length=40, blank=True, default="")
    kind_detail = models.CharField(max_length=200, blank=True, default="")
    judged_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "message_id"], name="click_message"),
            models.Index(fields=["tenant", "address", "received_at"], name="click_address"),
            models.Index(fields=["tenant", "clicked_at"], name="click_newest"),
            models.Index(
                fields=["tenant", "received_at"], name="click_unjudged", condition=Q(kind="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'unjudged'} {self.link_id}"
