"""What carriers report of phone numbers, kept with the contacts that have them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from people.core.lines import CARRIER
from tenancy.scope import current_tenant_id


def note_landlines(pairs: Iterable[tuple[UUID, str]], *, now: datetime) -> int:
    """(contact, number) pairs of which a carrier said that they are landlines; returns how many rows
    changed. A contact that has another number by now is left alone. The caller holds the locks.
    """
    wanted = sorted(set(pairs))
    if not wanted:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_contact c SET phone_type = 'fixed_line',
                told = c.told || jsonb_build_object('phone_type', %s::jsonb),
                updated_at = GREATEST(c.updated_at, %s)
            FROM unnest(%s::uuid[], %s::text[]) AS said(id, phone)
            WHERE c.tenant_id = %s AND c.id = said.id AND c.id = ANY(%s) AND c.phone = said.phone
            """,
            [
                f'["{CARRIER}", "{now.isoformat()}"]',
                now,
                [contact_id for contact_id, _ in wanted],
                [phone for _, phone in wanted],
                current_tenant_id(),
                [contact_id for contact_id, _ in wanted],
            ],
        )
        return int(cursor.rowcount)
