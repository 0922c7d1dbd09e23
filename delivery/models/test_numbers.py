from __future__ import annotations

from django.db import models

from people.models import Contact
from tenancy.models.base import TenantForeignKey, TenantModel


class TestNumber(TenantModel):
    """A member's own phone, which test texts go to: its holder agreed by texting the member's
    code to us from it. One a member. Wall time; the number itself stands on the contact only."""

    __test__ = False  # pytest would take it for a test

    user_id = models.UUIDField()
    code_digest = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    code_until = models.DateTimeField(null=True)
    contact = TenantForeignKey(Contact, null=True)
    phone_token = models.CharField(max_length=80, blank=True, default="", db_collation="C")
    inbound_id = models.UUIDField(null=True, help_text="The text that confirmed it")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user_id"], name="test_number_once")
        ]
        indexes = [models.Index(fields=["tenant", "contact"], name="test_number_contact")]

    def __str__(self) -> str:
        return str(self.id)
