"""Reads of the event log that more than one floor needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from events.domain.rows import SELECTED, EventRow, event_from_row
from tenancy.scope import current_tenant_id

__all__ = [
    "EventRow",
    "batch_events",
    "events_at",
    "events_by_id",
    "events_for",
    "list_events",
    "newest_named",
    "recent_events",
    "timeline",
]

PAGE = 50


def events_for(
    contact_ids: Iterable[UUID],
    names: Iterable[str] | None,
    *,
    since: datetime | None,
    until: datetime,
    known_until: datetime | None = None,
) -> list[EventRow]:
    """Events of these contacts that occurred in (since, until], oldest first. One query.

    `names` None: every name. `since` None: from the beginning. `known_until`: only what was known
    by then, None: all that is known now.
    """
    where = ["e.tenant_id = %s", "e.contact_id = ANY(%s)", "e.occurred_at <= %s"]
    values: list[Any] = [current_tenant_id(), sorted(set(contact_ids)), until]
    if names is not None:
        where.append("e.name = ANY(%s)")
        values.append(sorted(set(names)))
    if since is not None:
        # Nothing occurs after it is received, so the window's start also prunes partitions.
        where.append("e.occurred_at > %s AND e.received_at > %s")
        values += [since, since]
    if known_until is not None:
        where.append("e.known_at <= %s")
        values.append(known_until)
    return _select(" AND ".join(where), values, "ORDER BY e.occurred_at, e.id")


def batch_events(
    batch_id: UUID, first_id: UUID, last_id: UUID, received_at: datetime
) -> list[EventRow]:
    """The events of one batch in the order they were sent."""
    where = "e.tenant_id = %s AND e.id BETWEEN %s AND %s AND e.received_at = %s AND e.batch_id = %s"
    values = [current_tenant_id(), first_id, last_id, received_at, batch_id]
    return _select(where, values, "ORDER BY e.id")


def events_by_id(ids: Iterable[UUID]) -> dict[UUID, EventRow]:
    """The events with these ids that exist in this workspace."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = _select("e.tenant_id = %s AND e.id = ANY(%s)", [current_tenant_id(), wanted], "")
    return {row.id: row for row in rows}


def events_at(places: Iterable[tuple[UUID, datetime]]) -> list[EventRow]:
    """The events with these ids, each looked for in the month it was received in. One query."""
    wanted = dict(places)
    if not wanted:
        return []
    ids = sorted(wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {SELECTED} FROM unnest(%s::uuid[], %s::timestamptz[]) AS at(id, received)
            CROSS JOIN LATERAL (
                SELECT * FROM events_event x
                WHERE x.tenant_id = %s AND x.id = at.id AND x.received_at = at.received
                LIMIT 1) AS e
            """,
            [ids, [wanted[each] for each in ids], current_tenant_id()],
        )
        return [event_from_row(row) for row in cursor.fetchall()]


def timeline(contact_id: UUID, *, before: UUID | None = None, limit: int = PAGE) -> list[EventRow]:
    """A contact's events, newest first; `before` is the last id of the page before."""
    where, values = "e.tenant_id = %s AND e.contact_id = %s", [current_tenant_id(), contact_id]
    if before is not None:
        where += " AND e.id < %s"
        values.append(before)
    return _select(where, values, "ORDER BY e.id DESC LIMIT %s", limit)


def recent_events(*, after: UUID | None = None, limit: int = PAGE) -> list[EventRow]:
    """The workspace's newest events, newest first; `after` leaves out what was seen already."""
    where, values = "e.tenant_id = %s", [current_tenant_id()]
    if after is not None:
        where += " AND e.id > %s"
        values.append(after)
    return _select(where, values, "ORDER BY e.id DESC LIMIT %s", limit)


def newest_named(name: str, *, limit: int, look_at: int = 20_000) -> list[EventRow]:
    """The newest events of a name, newest first, among the last `look_at` of the workspace.

    A sample: there is no index by name alone, so the look back is bounded.
    """
    recent = f"(SELECT * FROM events_event WHERE tenant_id = %s ORDER BY id DESC LIMIT {look_at:d})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM {recent} e WHERE e.name = %s ORDER BY e.id DESC LIMIT %s",
            [current_tenant_id(), name, limit],
        )
        return [event_from_row(row) for row in cursor.fetchall()]


def list_events(
    *,
    contact_id: UUID | None = None,
    name: str | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[EventRow]:
    """Newest received first, of everybody or of one contact; `name` only with a contact."""
    where = "e.tenant_id = %s"
    values: list[UUID | str] = [current_tenant_id()]
    for column, value in (("contact_id", contact_id), ("name", name)):
        if value is not None:
            where += f" AND e.{column} = %s"
            values.append(value)
    if before is not None:
        where += " AND e.id < %s"
        values.append(before)
    # The tenant leads the index: ordering by it too lets the index give the order.
    order = "ORDER BY e.tenant_id DESC, e.id DESC" if contact_id is None else "ORDER BY e.id DESC"
    return _select(where, values, f"{order} LIMIT %s", limit)


def _select(where: str, values: Sequence[Any], suffix: str, *more: Any) -> list[EventRow]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM events_event e WHERE {where} {suffix}",
            [*values, *more],
        )
        return [event_from_row(row) for row in cursor.fetchall()]
