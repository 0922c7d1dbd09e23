"""Contacts as plain values, for everything that decides and renders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from people.models import NEVER, Contact
from tenancy.scope import current_tenant_id

COLUMNS = (
    "id",
    "external_id",
    "phone",
    "phone_type",
    "email",
    "first_name",
    "last_name",
    "locale",
    "timezone",
    "timezone_source",
    "city",
    "region",
    "postal_code",
    "country",
    "attributes",
    "created_at",
    "updated_at",
    "erased_at",
    "merged_into_id",
    "last_seen_at",
    "told",
    "refused",
)
_JSON = tuple(COLUMNS.index(name) for name in ("attributes", "told", "refused"))
SELECTED = ", ".join(f"c.{column}" for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known of a contact. Texts are "" when unknown; ids, phone and email None.

    `erased_at`: gone since then, erased or, with `merged_into_id`, a part of another contact.
    `told`, `refused`: see `domain.attributes`.
    """

    id: UUID
    external_id: str | None
    phone: str | None
    phone_type: str
    email: str | None
    first_name: str
    last_name: str
    locale: str
    timezone: str
    timezone_source: str
    city: str
    region: str
    postal_code: str
    country: str
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None
    merged_into_id: UUID | None = None
    last_seen_at: datetime = NEVER
    told: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def facts_of(contact: Contact) -> ContactFacts:
    """The same facts from a model instance."""
    return ContactFacts(**{column: getattr(contact, column) for column in COLUMNS})


def read_facts(ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, ContactFacts]:
    """Facts of the contacts that exist. `lock` takes them FOR NO KEY UPDATE, ids ascending."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    suffix = "FOR NO KEY UPDATE" if lock else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM people_contact c"
            f" WHERE c.tenant_id = %s AND c.id = ANY(%s) ORDER BY c.id {suffix}",
            [current_tenant_id(), wanted],
        )
        return {row[0]: facts_from_row(row) for row in cursor.fetchall()}


def facts_from_row(row: Sequence[Any]) -> ContactFacts:
    """From a row selected with `SELECTED`."""
    values = list(row)
    for place in _JSON:
        if isinstance(values[place], str | bytes):
            values[place] = orjson.loads(values[place])
    return ContactFacts(*values)
