"""The catalogue of event names: volume and last seen, kept without a hot row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_SQUASH_EVERY = 64
_SQUASH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class EventTypeFacts:
    """One catalogue entry; times are when events of that name occurred."""

    name: str
    volume: int
    first_seen_at: datetime
    last_seen_at: datetime


def list_event_types() -> list[EventTypeFacts]:
    """Every name this workspace has seen, the busiest first. Exact at any time."""
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT name, sum(volume)::bigint, min(first_seen_at), max(last_seen_at) FROM (
                SELECT name, volume, first_seen_at, last_seen_at
                FROM events_eventtype WHERE tenant_id = %s
                UNION ALL
                SELECT name, volume, first_seen_at, last_seen_at
                FROM events_eventtally WHERE tenant_id = %s
            ) AS counted GROUP BY name ORDER BY 2 DESC, 1
            """,
            [tenant_id, tenant_id],
        )
        return [EventTypeFacts(*row) for row in cursor.fetchall()]


def maybe_squash(batch_id: UUID, *, now: datetime) -> None:
    """Squashes after one batch in 64, chosen by its id."""
    if batch_id.int % _SQUASH_EVERY == 0:
        squash_tallies()


def squash_tallies() -> int:
    """Folds appended tallies into the catalogue; tallies another squash holds are left to it.

    Returns how many were folded.
    """
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        # One squash at a time: two would wait for each other on catalogue rows.
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7204))", [str(tenant_id)]
        )
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            DELETE FROM events_eventtally WHERE tenant_id = %s AND id IN (
                SELECT id FROM events_eventtally WHERE tenant_id = %s
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING name, volume, first_seen_at, last_seen_at
            """,
            [tenant_id, tenant_id, _SQUASH_ROWS],
        )
        rows = cursor.fetchall()
        folded: dict[str, tuple[int, datetime, datetime]] = {}
        for name, volume, first, last in rows:
            held = folded.get(name, (0, first, last))
            folded[name] = (held[0] + volume, min(held[1], first), max(held[2], last))
        names = sorted(folded)
        if names:
            cursor.execute(
                """
                INSERT INTO events_eventtype AS held
                    (id, tenant_id, name, volume, first_seen_at, last_seen_at)
                SELECT id, %s, name, volume, first_seen_at, last_seen_at
                FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::timestamptz[],
                            %s::timestamptz[])
                  AS made(id, name, volume, first_seen_at, last_seen_at)
                ON CONFLICT (tenant_id, name) DO UPDATE SET
                    volume = held.volume + excluded.volume,
                    first_seen_at = LEAST(held.first_seen_at, excluded.first_seen_at),
                    last_seen_at = GREATEST(held.last_seen_at, excluded.last_seen_at)
                """,
                [
                    tenant_id,
                    new_ids(len(names)),
                    names,
                    [folded[name][0] for name in names],
                    [folded[name][1] for name in names],
                    [folded[name][2] for name in names],
                ],
            )
        return len(rows)
