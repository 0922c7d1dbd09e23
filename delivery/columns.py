"""What delivery adds to the contacts list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from delivery.core.telling import STATUS_WORDS
from delivery.domain.rows import fetch_all
from people.columns import Cell
from people.domain.facts import ContactFacts
from tenancy.scope import current_tenant_id


def last_text_cells(contacts: Sequence[ContactFacts], now: datetime) -> Mapping[object, Cell]:
    """What became of each contact's newest text, and when. One query."""
    rows = fetch_all(
        """
        SELECT wanted.id, last.status, last.at FROM unnest(%s::uuid[]) AS wanted(id)
        CROSS JOIN LATERAL (
            SELECT m.status, coalesce(m.sent_at, m.decided_at) AS at FROM delivery_message m
            WHERE m.tenant_id = %s AND m.contact_id = wanted.id
            ORDER BY m.created_at DESC LIMIT 1) AS last
        """,
        [[contact.id for contact in contacts], current_tenant_id()],
    )
    return {row[0]: Cell(STATUS_WORDS.get(row[1], row[1]), "", row[2]) for row in rows}
