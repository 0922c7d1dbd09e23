"""Status callbacks: stored raw by the edge, applied here in sets."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from delivery.core.reactions import reason_for
from delivery.core.standing import Telling
from delivery.domain.outcomes import News, record_news
from delivery.domain.rows import fetch_all, in_halves
from delivery.gateways.errors import classify_error
from people.domain.queries import lock_contacts
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)
_SET = 500
_Pending = tuple[UUID, UUID, str, str, int, Any, bool]


def store_callback(
    *,
    gateway_id: UUID,
    attempt_id: UUID,
    sid: str,
    status: str,
    error_code: int,
    raw: Mapping[str, Any],
    wall: datetime,
) -> bool:
    """Writes one callback and marks it as not applied: one statement. False for a repetition."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH told AS (
                INSERT INTO delivery_statuscallback
                    (id, tenant_id, gateway_id, attempt_id, sid, status, error_code,
                     received_at, raw)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)
                ON CONFLICT (tenant_id, sid, status, error_code) DO NOTHING
                RETURNING id, tenant_id, received_at
            )
            INSERT INTO delivery_pendingcallback (id, tenant_id, received_at)
            SELECT id, tenant_id, received_at FROM told
            """,
            [
                new_id(),
                current_tenant_id(),
                gateway_id,
                attempt_id,
                sid,
                status,
                error_code,
                wall,
                orjson.dumps(dict(raw)).decode(),
            ],
        )
        return bool(cursor.rowcount)


def find_attempt(gateway_id: UUID, sid: str) -> UUID | None:
    """Which of a gateway's attempts a sid belongs to."""
    rows = fetch_all(
        "SELECT id FROM delivery_sendattempt WHERE tenant_id = %s AND sid = %s AND sid <> ''"
        " AND gateway_id = %s LIMIT 1",
        [current_tenant_id(), sid, gateway_id],
    )
    return rows[0][0] if rows else None


def apply_callbacks(tenant_id: UUID, *, now: datetime) -> int:
    """Applies the callbacks nobody has applied yet. Opens its own scope; returns how many."""
    with tenant_scope(tenant_id):
        pending: list[_Pending] = fetch_all(
            "SELECT p.id, c.attempt_id, c.sid, c.status, c.error_code, m.contact_id,"
            " a.id IS NOT NULL"
            " FROM delivery_pendingcallback p"
            " JOIN delivery_statuscallback c ON c.tenant_id = p.tenant_id AND c.id = p.id"
            " LEFT JOIN delivery_sendattempt a ON a.tenant_id = c.tenant_id AND a.id = c.attempt_id"
            # One account's callback says nothing about another account's text.
            " AND a.gateway_id = c.gateway_id"
            " LEFT JOIN delivery_message m ON m.tenant_id = a.tenant_id AND m.id = a.message_id"
            " WHERE p.tenant_id = %s ORDER BY p.received_at, p.id LIMIT %s",
            [current_tenant_id(), _SET],
        )
    return in_halves(tenant_id, pending, lambda part: _apply(part, now=now), _set_aside)


def news_of(attempt_id: UUID, *, sid: str, status: str, error_code: int | None) -> News:
    """A carrier status, from a callback or a look-up, as news."""
    code = error_code or None
    failed = status in {"failed", "undelivered", "canceled"}
    error = classify_error(code) if code is not None and failed else None
    reason = ""
    if failed:
        reason = reason_for(error.name if error is not None else "unknown")
    return News(
        Telling(
            "taken", attempt_id, sid, status, error_code=code if failed else None, reason=reason
        ),
        error=error,
    )


def _apply(pending: Sequence[_Pending], *, now: datetime) -> int:
    lock_contacts({row[5] for row in pending if row[5] is not None})
    # Whoever deletes the mark applies the callback: another worker finds nothing left of it.
    mine = {
        row[0]
        for row in fetch_all(
            "DELETE FROM delivery_pendingcallback WHERE tenant_id = %s AND id = ANY(%s)"
            " RETURNING id",
            [current_tenant_id(), [row[0] for row in pending]],
        )
    }
    news = [
        news_of(attempt_id, sid=sid, status=status, error_code=code)
        for key, attempt_id, sid, status, code, _, is_ours in pending
        if key in mine and is_ours
    ]
    record_news(news, now=now, wall=wall_now())
    return len(mine)


def _set_aside(row: _Pending, error: Exception) -> None:
    logger.error("callback %s could not be applied", row[0], exc_info=error)
    fetch_all(
        "DELETE FROM delivery_pendingcallback WHERE tenant_id = %s AND id = %s RETURNING id",
        [current_tenant_id(), row[0]],
    )
