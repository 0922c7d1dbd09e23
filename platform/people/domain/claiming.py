"""Numbers and addresses as identifiers: whose they are, and which one is the contact's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from people.core.identifiers import EMAIL, LIMITS, PHONE
from people.core.traits import Traits
from people.domain.facts import ContactFacts
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

IDENTIFYING = (PHONE, EMAIL)


def claim_identifiers(
    claims: Iterable[tuple[UUID, Traits]], before: Mapping[UUID, ContactFacts], now: datetime
) -> dict[tuple[str, str], UUID | None]:
    """Who owns each phone and e-mail that is to be set, after binding those that nobody has."""
    wanted: dict[tuple[str, str], UUID] = {}
    for contact_id, traits in claims:
        if contact_id not in before:
            continue
        for kind in IDENTIFYING:
            value = traits.fields.get(kind)
            if value:
                wanted.setdefault((kind, value), contact_id)
    if all(getattr(before[cid], kind) == value for (kind, value), cid in wanted.items()):
        return dict(wanted)
    keys = sorted(wanted)
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_identifier
                (id, tenant_id, kind, value, contact_id, is_primary, first_seen_at)
            SELECT made.id, %(tenant)s, made.kind, made.value, made.contact_id, false, %(now)s
            FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(values)s::text[], %(owners)s::uuid[])
              AS made(id, kind, value, contact_id)
            WHERE (SELECT count(*) FROM people_identifier held
                   WHERE held.tenant_id = %(tenant)s AND held.contact_id = made.contact_id
                     AND held.kind = made.kind) < %(limit)s
            ON CONFLICT DO NOTHING
            """,
            {
                "tenant": tenant_id,
                "now": now,
                "ids": [new_id() for _ in keys],
                "kinds": [kind for kind, _ in keys],
                "values": [value for _, value in keys],
                "owners": [wanted[key] for key in keys],
                "limit": LIMITS[PHONE],
            },
        )
        cursor.execute(
            """
            SELECT i.kind, i.value, i.contact_id FROM people_identifier i
            WHERE i.tenant_id = %s AND i.kind = ANY(%s) AND i.value = ANY(%s)
            """,
            [tenant_id, list(IDENTIFYING), [value for _, value in keys]],
        )
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


def switch_primary(kind: str, contacts: Sequence[ContactFacts]) -> None:
    """The old value stays an identifier: whoever writes from it is still recognized."""
    tenant_id = current_tenant_id()
    kept = [contact for contact in contacts if getattr(contact, kind)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_identifier SET is_primary = false WHERE tenant_id = %s"
            " AND kind = %s AND contact_id = ANY(%s) AND is_primary",
            [tenant_id, kind, [contact.id for contact in contacts]],
        )
        cursor.execute(
            """
            UPDATE people_identifier i SET is_primary = true
            FROM unnest(%s::uuid[], %s::text[]) AS given(contact_id, value)
            WHERE i.tenant_id = %s AND i.kind = %s AND i.value = given.value
              AND i.contact_id = given.contact_id AND i.value = ANY(%s)
            """,
            [
                [contact.id for contact in kept],
                [getattr(contact, kind) for contact in kept],
                tenant_id,
                kind,
                [getattr(contact, kind) for contact in kept],
            ],
        )
