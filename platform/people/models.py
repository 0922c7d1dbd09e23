"""A person in one workspace, and what identifies them."""

from __future__ import annotations

from django.db import models

from tenancy.models import TenantForeignKey, TenantModel


class Contact(TenantModel):
    """One person in one workspace. A projection: every change is an event with old and new."""

    # Unknown is NULL, not "": "" would be a value that two contacts share.
    external_id = models.CharField(max_length=256, null=True, db_collation="C")  # noqa: DJ001
    phone = models.CharField(max_length=16, null=True, db_collation="C")  # noqa: DJ001 (E.164)
    phone_type = models.CharField(max_length=24, blank=True, default="")
    email = models.CharField(max_length=254, null=True, db_collation="C")  # noqa: DJ001
    first_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    locale = models.CharField(max_length=35, blank=True, default="")
    timezone = models.CharField(max_length=64, blank=True, default="")
    timezone_source = models.CharField(
        max_length=12, blank=True, default="", help_text="explicit or device"
    )
    city = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=200, blank=True, default="")
    postal_code = models.CharField(max_length=32, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


class Identifier(TenantModel):
    """One way to recognize a contact. A value belongs to at most one contact of a workspace."""

    class Kind(models.TextChoices):
        EXTERNAL_ID = "external_id"
        PHONE = "phone"
        EMAIL = "email"
        ANONYMOUS_ID = "anonymous_id"

    kind = models.CharField(max_length=12, choices=Kind.choices, db_collation="C")
    value = models.CharField(max_length=256, db_collation="C")
    contact = TenantForeignKey(Contact)
    is_primary = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "value"], name="identifier_one_contact"
            ),
            # Also what keeps two concurrent calls from giving one contact two external ids.
            models.UniqueConstraint(
                fields=["tenant", "contact", "kind"],
                condition=models.Q(is_primary=True),
                name="identifier_one_primary",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "contact"], name="identifier_contact")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.contact_id}"


class SearchToken(TenantModel):
    """Something a contact is found by: an ending of a word of their name or of their number, or an
    e-mail address. Made from `Contact` and `Identifier`; see `core.searching`.
    """

    contact = TenantForeignKey(Contact)
    kind = models.CharField(max_length=1, db_collation="C", help_text="n, d or e")
    token = models.CharField(max_length=254, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "contact", "kind", "token"], name="search_token_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "token", "kind", "contact"], name="search_token_found")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.token}"
