"""A person in one workspace, and what identifies them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Concat, Lower, NullIf, Trim

from people.attribute_models import AttributeDefinition
from people.merge_models import ContactMerge, MovedRows
from tenancy.models import TenantForeignKey, TenantModel

__all__ = [
    "AddedBy",
    "AttributeDefinition",
    "Contact",
    "ContactMerge",
    "Identifier",
    "MovedRows",
    "SearchToken",
]


class AddedBy(models.TextChoices):
    """Through which door a contact came in first."""

    EVENT = "event", "Events"
    API = "api", "API"
    HAND = "hand", "By hand"
    PASTE = "paste", "Pasted"
    IMPORT = "import", "Imported"
    TEXT = "text", "Wrote a text"
    SIGN_UP = "sign_up", "Sign-up page"


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# After every name in code point order.
NO_NAME = "\U0010ffff"


class Contact(TenantModel):
    """One person in one workspace. A projection: every change is an event with old and new.

    `phone_token`: what consent knows the number by; `index_contacts` keeps it in step.
    `last_seen_at`: when an event last came from them, to the hour.
    `told`: per field or attribute [by, when]; `refused`: per attribute the last value that did not
    fit its declared type and was kept out (see `domain.attributes`).
    """

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
    told = models.JSONField(default=dict, db_default={})
    refused = models.JSONField(default=dict, db_default={})
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, help_text="Gone since: erased, or merged")
    merged_into_id = models.UUIDField(null=True, help_text="Whose part it is now")
    phone_token = models.CharField(max_length=100, null=True, db_collation="C")  # noqa: DJ001
    added_by = models.CharField(
        max_length=8, choices=AddedBy.choices, blank=True, db_default="", db_collation="C"
    )
    last_seen_at = models.DateTimeField(db_default=Value(NEVER))
    sort_name = models.GeneratedField(
        expression=Coalesce(
            NullIf(Trim(Lower(Concat("first_name", Value(" "), "last_name"))), Value("")),
            Value(NO_NAME),
        ),
        output_field=models.CharField(max_length=401, db_collation="C"),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "sort_name", "id"], name="contact_by_name"),
            models.Index(fields=["tenant", "last_seen_at", "id"], name="contact_by_seen"),
            models.Index(fields=["tenant", "added_by", "id"], name="contact_by_door"),
            models.Index(
                fields=["tenant", "country", "id"],
                condition=~Q(country=""),
                name="contact_by_country",
            ),
            models.Index(
                fields=["tenant", "timezone", "id"],
                condition=~Q(timezone=""),
                name="contact_by_zone",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=Q(phone__isnull=False),
                name="contact_with_number",
            ),
            models.Index(
                fields=["tenant", "id"],
                condition=Q(phone__isnull=True),
                name="contact_without_number",
            ),
            models.Index(
                fields=["tenant", "phone_token"],
                condition=Q(phone_token__isnull=False),
                name="contact_phone_token",
            ),
        ]

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
    """Something a contact is found by beside its identifiers: a word of their name, a number
    written backwards, the domain of an address. Made from `Contact` and `Identifier`; see
    `core.searching`.

    The rows are many and say nothing of their own, so they are lean: no id, and the key is the
    index that searches.
    """

    id = None  # type: ignore[assignment]
    pk = models.CompositePrimaryKey("tenant_id", "token", "contact_id")
    contact = TenantForeignKey(Contact)
    token = models.CharField(max_length=32, db_collation="C", help_text="n, d or e in front")

    class Meta:
        indexes = [models.Index(fields=["tenant", "contact"], name="search_token_contact")]

    def __str__(self) -> str:
        return self.token
