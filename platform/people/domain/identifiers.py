"""Who holds which identifier: read for whole sets, one query each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from people.core.identifiers import IdentityRef
from people.domain.literals import text_array
from tenancy.scope import current_tenant_id

Key = tuple[str, str]


@dataclass(slots=True)
class Held:
    """What resolving has read of a contact. `is_new` when this call made it."""

    external_id: str | None = None
    phone: str | None = None
    email: str | None = None
    timezone: str = ""
    timezone_source: str = ""
    last_seen_at: datetime | None = None
    is_new: bool = False

    @property
    def is_anonymous(self) -> bool:
        return not (self.external_id or self.phone or self.email)


def read_owners(refs: Sequence[IdentityRef]) -> tuple[dict[Key, UUID], dict[UUID, Held]]:
    keys = {key for ref in refs for key in ref.pairs()}
    owners: dict[Key, UUID] = {}
    held: dict[UUID, Held] = {}
    if not keys:
        return owners, held
    pairs = sorted(keys)
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        # LATERAL with LIMIT can only run as index probes per key. A plain join is planned as a
        # scan while statistics are young, and then an event costs more the more people there are.
        cursor.execute(
            """
            SELECT wanted.kind, wanted.value, bound.contact_id, contact.*
            FROM unnest(%s::text[], %s::text[]) AS wanted(kind, value)
            CROSS JOIN LATERAL (
                SELECT i.contact_id FROM people_identifier i
                WHERE i.tenant_id = %s AND i.kind = wanted.kind AND i.value = wanted.value
                LIMIT 1
            ) AS bound
            CROSS JOIN LATERAL (
                SELECT c.external_id, c.phone, c.email, c.timezone, c.timezone_source,
                       c.last_seen_at
                FROM people_contact c WHERE c.tenant_id = %s AND c.id = bound.contact_id
                LIMIT 1
            ) AS contact
            """,
            [
                text_array(kind for kind, _ in pairs),
                text_array(value for _, value in pairs),
                tenant_id,
                tenant_id,
            ],
        )
        for kind, value, contact_id, *rest in cursor.fetchall():
            owners[kind, value] = contact_id
            if contact_id not in held:
                held[contact_id] = Held(*rest)
    return owners, held


def read_counts(contacts: set[UUID], now: datetime) -> dict[tuple[UUID, str], list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT contact_id, kind, count(*), count(*) FILTER (WHERE first_seen_at > %s)
            FROM people_identifier WHERE tenant_id = %s AND contact_id = ANY(%s)
            GROUP BY contact_id, kind
            """,
            [now - timedelta(days=7), current_tenant_id(), sorted(contacts)],
        )
        return {(row[0], row[1]): [row[2], row[3]] for row in cursor.fetchall()}
