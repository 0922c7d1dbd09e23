"""Old ids of contacts that were merged: where they lead."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from api.problems import Moved, NotFound
from people.domain.facts import ContactFacts, read_facts
from tenancy.ids import show_id
from tenancy.scope import current_tenant_id

_STEPS = 32


class ContactMerged(Moved):
    """This contact is a part of another one now; nothing was changed."""

    def __init__(self, contact_id: UUID, survivor_id: UUID) -> None:
        new = show_id("con", survivor_id)
        super().__init__(
            "contact_merged",
            f"This contact was merged into {new}.",
            field="merged_into",
            old=show_id("con", contact_id),
            new=new,
        )


def present_contact(contact_id: UUID) -> ContactFacts:
    """Raises `ContactMerged` for an old id, `NotFound` for nobody and for somebody erased."""
    found = read_facts([contact_id]).get(contact_id)
    if found is not None and found.merged_into_id is not None:
        raise ContactMerged(contact_id, survivors_of([contact_id])[contact_id])
    if found is None or found.erased_at is not None:
        raise NotFound("This contact")
    return found


def survivors_of(ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Of those that were merged, the contact they are a part of now. One query."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE way (id, leads_to, steps) AS (
                SELECT c.id, c.merged_into_id, 1 FROM people_contact c
                WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
                  AND c.merged_into_id IS NOT NULL
                UNION ALL
                SELECT way.id, c.merged_into_id, way.steps + 1
                FROM way JOIN people_contact c ON c.tenant_id = %(tenant)s AND c.id = way.leads_to
                WHERE c.merged_into_id IS NOT NULL AND way.steps < %(most)s)
            SELECT DISTINCT ON (id) id, leads_to FROM way ORDER BY id, steps DESC
            """,
            {"tenant": current_tenant_id(), "ids": wanted, "most": _STEPS},
        )
        return dict(cursor.fetchall())
