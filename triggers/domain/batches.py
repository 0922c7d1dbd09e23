"""Batches of events: claimed as a set, and taken apart when a row in them cannot be reacted to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import connection

from events.domain.queries import EventRow
from events.domain.rows import SELECTED, event_from_row
from tenancy.retrying import is_collision, is_outage
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

_ERROR_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Claim:
    """Pending batches held by this transaction, with their events in order.

    `again`: one of them was begun before, in parts.
    """

    batch_ids: tuple[UUID, ...]
    events: tuple[EventRow, ...]
    again: bool


class React(Protocol):
    def __call__(self, events: Sequence[EventRow], *, now: datetime, again: bool = ...) -> None: ...


def claim_batches(*, limit: int, batches: int) -> Claim:
    """Locks pending batches of one lane, live before bulk before backfill, oldest first.

    At least one batch, however large; more as long as they stay under `limit` events. Batches
    that another worker holds are passed over.
    """
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, lane, event_count FROM events_eventbatch"
            " WHERE tenant_id = %s AND state = 'pending' ORDER BY lane DESC, id LIMIT %s",
            [tenant_id, batches],
        )
        chosen: list[UUID] = []
        total, lane = 0, None
        for batch_id, its_lane, count in cursor.fetchall():
            if chosen and (its_lane != lane or total + count > limit):
                break
            chosen.append(batch_id)
            total, lane = total + count, its_lane
        if not chosen:
            return Claim((), (), False)
        cursor.execute(
            "SELECT id, received_at, attempts FROM events_eventbatch"
            " WHERE tenant_id = %s AND id = ANY(%s) AND state = 'pending'"
            " ORDER BY id FOR UPDATE SKIP LOCKED",
            [tenant_id, chosen],
        )
        held = cursor.fetchall()
    if not held:
        return Claim((), (), False)
    events = _events_of([row[0] for row in held], [row[1] for row in held])
    return Claim(tuple(row[0] for row in held), events, any(row[2] for row in held))


def finish_batches(batch_ids: Sequence[UUID], *, now: datetime, error: str = "") -> None:
    """Marks batches done, or failed when a row of theirs was set aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_eventbatch SET state = %s, error = %s, done_at = %s"
            " WHERE tenant_id = %s AND id = ANY(%s)",
            [
                "failed" if error else "done",
                error[:_ERROR_LIMIT],
                now,
                current_tenant_id(),
                list(batch_ids),
            ],
        )


def react_in_parts(tenant_id: UUID, *, react: React, limit: int, now: datetime) -> int:
    """Batch by batch, each halved until the rows that cannot be reacted to stand alone.

    Every part is a transaction of its own; the batch is finished when all parts are through.
    Returns how many events were taken.
    """
    with tenant_scope(tenant_id):
        claim = claim_batches(limit=limit, batches=100)
        # Whoever comes after a crash has to know that parts of these are done already.
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE events_eventbatch SET attempts = attempts + 1"
                " WHERE tenant_id = %s AND id = ANY(%s)",
                [current_tenant_id(), list(claim.batch_ids)],
            )
    for batch_id in claim.batch_ids:
        events = [event for event in claim.events if event.batch_id == batch_id]
        poison: list[tuple[UUID, str]] = []
        _react_half(tenant_id, events, react, now, poison)
        error = "; ".join(f"{event_id}: {text}" for event_id, text in poison)
        with tenant_scope(tenant_id):
            finish_batches([batch_id], now=now, error=error)
    return len(claim.events)


def _react_half(
    tenant_id: UUID,
    events: Sequence[EventRow],
    react: React,
    now: datetime,
    poison: list[tuple[UUID, str]],
    tries: int = 3,
) -> None:
    if not events:
        return
    try:
        with tenant_scope(tenant_id):
            react(events, now=now, again=True)
        return
    except Exception as error:
        if is_outage(error):
            raise
        if is_collision(error) and tries:
            return _react_half(tenant_id, events, react, now, poison, tries - 1)
        if len(events) == 1:
            logger.exception("event %s was set aside", events[0].id)
            poison.append((events[0].id, f"{type(error).__name__}: {error}"[:300]))
            return
    middle = len(events) // 2
    _react_half(tenant_id, events[:middle], react, now, poison)
    _react_half(tenant_id, events[middle:], react, now, poison)


def _events_of(batch_ids: Sequence[UUID], received: Sequence[datetime]) -> tuple[EventRow, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM events_event e"
            " JOIN events_eventbatch b ON b.tenant_id = e.tenant_id"
            "  AND e.id BETWEEN b.first_id AND b.last_id AND e.batch_id = b.id"
            " WHERE e.tenant_id = %s AND b.tenant_id = %s AND b.id = ANY(%s)"
            "  AND e.received_at BETWEEN %s AND %s ORDER BY e.id",
            [
                current_tenant_id(),
                current_tenant_id(),
                list(batch_ids),
                min(received),
                max(received),
            ],
        )
        return tuple(event_from_row(row) for row in cursor.fetchall())
