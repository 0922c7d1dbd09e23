"""When something was last heard of a contact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from people.domain.identifiers import Held
from people.domain.literals import uuid_array
from tenancy.scope import current_tenant_id

# Rounded, because writing a contact costs more than storing an event.
EVERY = timedelta(hours=1)


def note_seen(held: Mapping[UUID, Held], *, now: datetime) -> None:
    """Notes that these contacts did something just now; nothing for those seen within the hour.

    Waits for nobody: a contact that somebody else holds is noted with its next event.
    """
    stale = [
        key
        for key, one in held.items()
        if one.last_seen_at is not None and one.last_seen_at <= now - EVERY
    ]
    if not stale:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_contact c SET last_seen_at = %(now)s
            FROM (SELECT id FROM people_contact
                  WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
                    AND last_seen_at < %(now)s
                  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) free
            WHERE c.tenant_id = %(tenant)s AND c.id = free.id
            """,
            {"tenant": current_tenant_id(), "ids": uuid_array(sorted(stale)), "now": now},
        )
