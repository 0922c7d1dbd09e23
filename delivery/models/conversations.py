from __future__ import annotations

from django.db import models
from django.db.models import Q

from delivery.models.messages import Message
from people.models import Contact
from tenancy.models.base import TenantForeignKey, TenantModel


class Conversation(TenantModel):
    """What one contact wrote to people and what people answered. Business time.

    Open: a reply waits (since `waiting_since`). Up to `settled_at` nothing needs an answer any
    more. Changed only under the contact's lock.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        CLOSED = "closed"

    contact = TenantForeignKey(Contact)
    state = models.CharField(max_length=8, choices=State.choices, db_collation="C")
    waiting_since = models.DateTimeField(null=True, help_text="The oldest reply without an answer")
    last_inbound_at = models.DateTimeField(null=True)
    last_outbound_at = models.DateTimeField(null=True, help_text="The last answer of a person")
    active_at = models.DateTimeField(help_text="The later of the two")
    settled_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="When a member last looked at it")
    answered_by_id = models.UUIDField(null=True)
    answered_by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact"], name="conversation_once"),
            models.CheckConstraint(
                condition=Q(state="open", waiting_since__isnull=False)
                | (~Q(state="open") & Q(waiting_since__isnull=True)),
                name="conversation_open_waits",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "waiting_since", "id"],
                name="conversation_open",
                condition=Q(state="open"),
            ),
            models.Index(
                fields=["tenant", "state", "-active_at", "-id"], name="conversation_state"
            ),
            models.Index(fields=["tenant", "-active_at", "-id"], name="conversation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.contact_id}"


class Answer(TenantModel):
    """Who wrote a text: a member's words to a contact. The text itself is the message."""

    message = TenantForeignKey(Message)
    contact = TenantForeignKey(Contact)
    inbound_id = models.UUIDField(help_text="The reply it answers")
    member_id = models.UUIDField()
    member_name = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "message"], name="answer_message_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "-created_at"], name="answer_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.member_name} to {self.contact_id}"
