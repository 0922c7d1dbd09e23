"""Texts that wait, given the words that are in use now."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from tenancy.scope import current_tenant_id


def reword_waiting(version_ids: Iterable[UUID]) -> int:
    """Makes flows' waiting texts of these versions' templates go out in these words; returns how
    many. What is being decided in this moment keeps the words it is decided with."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery_message SET template_version_id = chosen.version_id
            FROM (
                SELECT message.id, now_used.id AS version_id
                FROM delivery_message message
                JOIN templates_engine_templateversion held
                  ON held.tenant_id = message.tenant_id AND held.id = message.template_version_id
                JOIN templates_engine_templateversion now_used
                  ON now_used.tenant_id = held.tenant_id
                 AND now_used.template_id = held.template_id AND now_used.id = ANY(%s)
                WHERE message.tenant_id = %s AND message.status = 'scheduled'
                  AND message.source_kind = 'flow' AND held.id <> now_used.id
                ORDER BY message.id FOR NO KEY UPDATE OF message SKIP LOCKED
            ) AS chosen
            WHERE delivery_message.tenant_id = %s AND delivery_message.id = chosen.id
            """,
            [list(version_ids), current_tenant_id(), current_tenant_id()],
        )
        return int(cursor.rowcount)
