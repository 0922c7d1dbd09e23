"""Texts that wait for something of ours: looked at again as soon as it is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id


def hasten_messages(flow_id: UUID, *, reason: str, now: datetime) -> int:
    """The waiting texts of a flow or campaign that wait for `reason` are due now.

    Returns how many. Those that somebody decides at this moment are left to the time they had.
    """
    rows = fetch_all(
        """
        UPDATE delivery_message SET due_at = %s
        WHERE tenant_id = %s AND id IN (
            SELECT id FROM delivery_message
            WHERE tenant_id = %s AND flow_id = %s AND status = 'scheduled' AND reason = %s
              AND due_at > %s
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id
        """,
        [now, current_tenant_id(), current_tenant_id(), flow_id, reason, now],
    )
    return len(rows)


def held_texts(flow_id: UUID, *, reason: str, now: datetime) -> list[UUID]:
    """The waiting texts of a flow that wait for `reason`, and those whose time has come but that
    nobody has decided anew yet. Answers to replies are not the flow's. Locks nothing."""
    rows = fetch_all(
        """
        SELECT id FROM delivery_message
        WHERE tenant_id = %s AND flow_id = %s AND status = 'scheduled' AND source_kind = 'flow'
          AND (reason = %s OR due_at <= %s)
        ORDER BY id
        """,
        [current_tenant_id(), flow_id, reason, now],
    )
    return [row[0] for row in rows]
