"""Folding: what batches brought is counted into the catalogue, a little later and as a set.

Ingesting appends one tally per name in the statement it runs anyway. A fold takes tallies away and
adds them up: volumes exactly, bodies as far as `LOOK_AT` reaches. One fold at a time in a workspace,
so no two ever wait for each other on a row, and no ingest waits for any.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from django.db import connection

from events.core.observing import MAX_LATEST, Observed, merge, newest, observe
from tenancy.ids import new_ids
from tenancy.retrying import is_outage
from tenancy.scope import current_tenant_id, router_scope, tenant_scope

logger = logging.getLogger(__name__)

FOLD_ROWS = 5_000
# Bodies read in one fold; a fold of fewer events reads them all.
LOOK_AT = 2_000
HOURS_KEPT = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class _Tally:
    name: str
    volume: int
    first_seen_at: datetime
    last_seen_at: datetime
    batch_id: UUID | None
    first_id: UUID
    last_id: UUID
    received_at: datetime
    backfill: bool


def fold_tallies(*, now: datetime) -> int:
    """Folds what was appended since the last time, the oldest first; returns how many tallies."""
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7204))", [str(tenant_id)]
        )
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            WITH oldest AS MATERIALIZED (
                SELECT id FROM events_eventtally WHERE tenant_id = %s
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
            DELETE FROM events_eventtally t USING oldest
            WHERE t.tenant_id = %s AND t.id = oldest.id
            RETURNING name, volume, first_seen_at, last_seen_at, batch_id, first_id, last_id,
                received_at, backfill
            """,
            [tenant_id, FOLD_ROWS, tenant_id],
        )
        tallies = [_Tally(*row) for row in cursor.fetchall()]
    if tallies:
        placed = [tally for tally in tallies if tally.batch_id is not None]
        _store_names(tallies, _observe(placed))
        _store_hours(_hours(placed, since=now - HOURS_KEPT))
    return len(tallies)


def forget_hours(*, now: datetime) -> int:
    """Removes hours nobody asks about any more; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM events_eventhour WHERE tenant_id = %s AND hour < %s",
            [current_tenant_id(), now - HOURS_KEPT],
        )
        return int(cursor.rowcount)


def tenants_to_fold() -> list[UUID]:
    """Active workspaces in which something arrived since their last fold."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id FROM tenancy_tenant t WHERE t.is_active AND EXISTS ("
            "SELECT 1 FROM events_eventtally e WHERE e.tenant_id = t.id)"
        )
        return [row[0] for row in cursor.fetchall()]


def sweep_old(*, now: datetime) -> int:
    """Forgets old hours of every workspace that has some; returns how many."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tenant_id FROM events_eventhour WHERE hour < %s", [now - HOURS_KEPT]
        )
        tenant_ids = [row[0] for row in cursor.fetchall()]
    total = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            total += forget_hours(now=now)
    return total


def sweep_catalogue(*, now: datetime) -> int:
    """Folds for every workspace that has something; returns how many tallies."""
    total = 0
    for tenant_id in tenants_to_fold():
        try:
            folded = FOLD_ROWS
            while folded == FOLD_ROWS:
                with tenant_scope(tenant_id):
                    folded = fold_tallies(now=now)
                total += folded
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("the catalogue of one workspace could not be folded")
    return total


def _observe(tallies: Sequence[_Tally]) -> dict[str, Observed]:
    """Reads bodies, the newest batches first, as many of each name."""
    by_name: dict[str, list[_Tally]] = defaultdict(list)
    for tally in sorted(tallies, key=lambda one: one.first_id, reverse=True):
        by_name[tally.name].append(tally)
    found = {name: Observed() for name in by_name}
    wanted: list[tuple[_Tally, int]] = []
    for those in by_name.values():
        room = max(1, LOOK_AT // len(by_name))
        for tally in those:
            if room > 0:
                wanted.append((tally, min(room, tally.volume)))
                room -= tally.volume
    with connection.cursor() as cursor:
        # LATERAL with a LIMIT: one probe of the primary key per batch, whatever the planner thinks.
        cursor.execute(
            """
            SELECT e.name, e.original_name, e.properties, e.id, e.received_at
            FROM unnest(%(name)s::text[], %(batch)s::uuid[], %(first)s::uuid[], %(last)s::uuid[],
                        %(received)s::timestamptz[], %(most)s::bigint[])
              AS b(name, batch, first, last, received, most)
            CROSS JOIN LATERAL (
                SELECT * FROM events_event x
                WHERE x.tenant_id = %(tenant)s AND x.id BETWEEN b.first AND b.last
                  AND x.received_at = b.received AND x.batch_id = b.batch AND x.name = b.name
                ORDER BY x.id DESC LIMIT b.most) AS e
            """,
            {
                "tenant": current_tenant_id(),
                "name": [tally.name for tally, _ in wanted],
                "batch": [tally.batch_id for tally, _ in wanted],
                "first": [tally.first_id for tally, _ in wanted],
                "last": [tally.last_id for tally, _ in wanted],
                "received": [tally.received_at for tally, _ in wanted],
                "most": [most for _, most in wanted],
            },
        )
        rows = cursor.fetchall()
    for name, original, properties, event_id, received_at in rows:
        said = orjson.loads(properties) if isinstance(properties, str | bytes) else properties
        held = found[name]
        observe(held, name, original, said)
        held.latest.append([str(event_id), received_at.isoformat()])
        if len(held.latest) > 10 * MAX_LATEST:
            held.latest = newest(held.latest)
    return found


def _store_names(tallies: Sequence[_Tally], observed: dict[str, Observed]) -> None:
    counted: dict[str, tuple[int, datetime, datetime]] = {}
    for tally in tallies:
        volume, first, last = counted.get(tally.name, (0, tally.first_seen_at, tally.last_seen_at))
        counted[tally.name] = (
            volume + tally.volume,
            min(first, tally.first_seen_at),
            max(last, tally.last_seen_at),
        )
    names = sorted(counted)
    held = _held(names)
    merged = [merge(held.get(name, Observed()), observed.get(name, Observed())) for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO events_eventtype AS held (id, tenant_id, name, volume, first_seen_at,
                last_seen_at, looked_at, invalid, properties, spellings, latest, is_sensitive)
            SELECT id, %s, name, volume, first_seen_at, last_seen_at, looked_at, invalid,
                properties, spellings, latest, false
            FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::timestamptz[],
                        %s::timestamptz[], %s::bigint[], %s::bigint[], %s::jsonb[], %s::jsonb[],
                        %s::jsonb[])
              AS made(id, name, volume, first_seen_at, last_seen_at, looked_at, invalid,
                      properties, spellings, latest)
            ON CONFLICT (tenant_id, name) DO UPDATE SET
                volume = held.volume + excluded.volume,
                first_seen_at = LEAST(held.first_seen_at, excluded.first_seen_at),
                last_seen_at = GREATEST(held.last_seen_at, excluded.last_seen_at),
                looked_at = excluded.looked_at, invalid = excluded.invalid,
                properties = excluded.properties, spellings = excluded.spellings,
                latest = excluded.latest
            """,
            [
                current_tenant_id(),
                new_ids(len(names)),
                names,
                [counted[name][0] for name in names],
                [counted[name][1] for name in names],
                [counted[name][2] for name in names],
                [one.looked_at for one in merged],
                [one.invalid for one in merged],
                [orjson.dumps(one.properties).decode() for one in merged],
                [orjson.dumps(one.spellings).decode() for one in merged],
                [orjson.dumps(one.latest).decode() for one in merged],
            ],
        )


def _held(names: Sequence[str]) -> dict[str, Observed]:
    """What the catalogue says so far. Only folds write these columns, and they take turns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, looked_at, invalid, properties::text, spellings::text, latest::text"
            " FROM events_eventtype WHERE tenant_id = %s AND name = ANY(%s)",
            [current_tenant_id(), list(names)],
        )
        return {
            name: Observed(looked_at, invalid, *(orjson.loads(text) for text in texts))
            for name, looked_at, invalid, *texts in cursor.fetchall()
        }


Hours = dict[tuple[str, datetime], tuple[int, int]]


def _hours(tallies: Sequence[_Tally], *, since: datetime) -> Hours:
    """(all, live) by hour of becoming known: what is live when it came, history when it happened."""
    hours: Hours = defaultdict(lambda: (0, 0))
    for tally in tallies:
        if not tally.backfill:
            at = tally.received_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            volume, live = hours[tally.name, at]
            hours[tally.name, at] = volume + tally.volume, live + tally.volume
    history = {(tally.batch_id, tally.name) for tally in tallies if tally.backfill}
    batches = {tally.batch_id: tally for tally in tallies if tally.backfill}
    if not batches:
        return hours
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT b.batch, e.name, date_trunc('hour', e.known_at, 'UTC'), count(*)
            FROM unnest(%(batch)s::uuid[], %(first)s::uuid[], %(last)s::uuid[],
                        %(received)s::timestamptz[])
              AS b(batch, first, last, received)
            CROSS JOIN LATERAL (
                SELECT x.name, x.known_at FROM events_event x
                WHERE x.tenant_id = %(tenant)s AND x.id BETWEEN b.first AND b.last
                  AND x.received_at = b.received AND x.batch_id = b.batch
                OFFSET 0) AS e
            WHERE e.known_at >= %(since)s GROUP BY 1, 2, 3
            """,
            {
                "tenant": current_tenant_id(),
                "batch": list(batches),
                "first": [tally.first_id for tally in batches.values()],
                "last": [tally.last_id for tally in batches.values()],
                "received": [tally.received_at for tally in batches.values()],
                "since": since,
            },
        )
        for batch_id, name, hour, count in cursor.fetchall():
            if (batch_id, name) in history:  # the batch's other names are another fold's
                volume, live = hours[name, hour]
                hours[name, hour] = volume + count, live
    return hours


def _store_hours(hours: Hours) -> None:
    keys = sorted(hours)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO events_eventhour AS held (id, tenant_id, name, hour, volume, live)
            SELECT id, %s, name, hour, volume, live
            FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[])
              AS made(id, name, hour, volume, live)
            ON CONFLICT (tenant_id, name, hour) DO UPDATE SET
                volume = held.volume + excluded.volume, live = held.live + excluded.live
            """,
            [
                current_tenant_id(),
                new_ids(len(keys)),
                [name for name, _ in keys],
                [hour for _, hour in keys],
                [hours[key][0] for key in keys],
                [hours[key][1] for key in keys],
            ],
        )
