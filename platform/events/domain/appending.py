"""The one statement that appends events: with their batch row and their tallies, duplicates left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from events.domain.listening import EVERYTHING, always_heard
from people.domain.literals import int_array, json_array, text_array, time_array, uuid_array
from tenancy.ids import new_id, new_ids
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

WAKE_TASK = "triggers.work"
WEBHOOK_TASK = "events.webhooks"
MAX_DEPTH = 5
# A message id is refused at least this long; the unique index of a leaf covers its own month.
REMEMBERED = timedelta(days=31)


@dataclass(slots=True)
class Draft:
    """An event about to be appended. `properties` and `context` are JSON text.

    `known_at` None: known when received.
    """

    name: str
    kind: str
    occurred_at: datetime
    properties: str
    context: str = "{}"
    original_name: str = ""
    contact_id: UUID | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    message_id: str | None = None
    known_at: datetime | None = None
    client_time: datetime | None = None
    cause_id: UUID | None = None
    depth: int = 0


_INSERT = """
WITH added AS (
    INSERT INTO events_event (id, tenant_id, name, original_name, kind, contact_id,
        source_contact_id, subject_kind, subject_id, message_id, occurred_at, received_at,
        known_at, client_time, properties, context, backfill, batch_id, cause_id, depth, source)
    SELECT id, %(tenant)s, name, original_name, kind, contact_id,
        contact_id, subject_kind, subject_id, message_id, occurred_at, %(now)s,
        COALESCE(known_at, %(now)s), client_time, properties, context, %(backfill)s, %(batch)s,
        cause_id, depth, %(source)s
    FROM ROWS FROM (
        unnest(%(id)s::uuid[], %(name)s::text[], %(original_name)s::text[], %(kind)s::text[],
            %(contact_id)s::uuid[], %(subject_kind)s::text[], %(subject_id)s::text[],
            %(message_id)s::text[], %(occurred_at)s::timestamptz[], %(known_at)s::timestamptz[],
            %(client_time)s::timestamptz[], %(cause_id)s::uuid[], %(depth)s::smallint[]),
        jsonb_array_elements(%(properties)s::jsonb), jsonb_array_elements(%(context)s::jsonb))
      AS given(id, name, original_name, kind, contact_id, subject_kind, subject_id, message_id,
        occurred_at, known_at, client_time, cause_id, depth, properties, context)
    {anti_join}
    ON CONFLICT DO NOTHING
    RETURNING id, name, occurred_at, depth
), heard AS (
    SELECT EXISTS (
        SELECT 1 FROM added WHERE depth <= %(max_depth)s AND (
            name = ANY(%(always)s)
            OR EXISTS (SELECT 1 FROM events_eventlistener listener
                       WHERE listener.tenant_id = %(tenant)s
                         AND listener.name IN (added.name, %(everything)s)))
    ) AS wakes
), batch AS (
    INSERT INTO events_eventbatch (id, tenant_id, lane, state, received_at, event_count,
        first_id, last_id, wakes, attempts, error, key_id)
    SELECT %(batch)s, %(tenant)s, %(lane)s, CASE WHEN wakes THEN 'pending' ELSE 'done' END,
        %(now)s, (SELECT count(*) FROM added), %(first)s, %(last)s, wakes, 0, '', %(key)s
    FROM heard WHERE EXISTS (SELECT 1 FROM added)
), fed AS (
    INSERT INTO events_webhookfeed (id, tenant_id, first_id, last_id, received_at)
    SELECT %(batch)s, %(tenant)s, %(first)s, %(last)s, %(now)s
    WHERE NOT %(backfill)s AND EXISTS (
        SELECT 1 FROM events_webhookendpoint e
        WHERE e.tenant_id = %(tenant)s AND e.state = 'enabled'
          AND e.event_names::text[] && (SELECT array_agg(name::text) || %(everything)s::text
                                        FROM added HAVING count(*) > 0))
    RETURNING id
), tally AS (
    INSERT INTO events_eventtally (id, tenant_id, name, volume, first_seen_at, last_seen_at,
        batch_id, first_id, last_id, received_at, backfill)
    SELECT (%(tally)s::uuid[])[row_number() OVER ()], %(tenant)s, name, count(*),
        min(occurred_at), max(occurred_at), %(batch)s, %(first)s, %(last)s, %(now)s, %(backfill)s
    FROM added GROUP BY name
)
SELECT added.id, heard.wakes, EXISTS (SELECT 1 FROM fed) FROM added CROSS JOIN heard
"""
# A correlated sub-select, not NOT EXISTS: it can only run as an index probe per row, where a join
# might be planned as a scan of a whole month.
_ANTI_JOIN = """
    WHERE (SELECT 1 FROM events_event earlier
           WHERE earlier.tenant_id = %(tenant)s AND earlier.message_id = given.message_id
             AND earlier.received_at >= %(remembered)s AND earlier.received_at < %(month)s
           LIMIT 1) IS NULL
"""
_WITH_ANTI_JOIN = _INSERT.format(anti_join=_ANTI_JOIN)
_WITHOUT = _INSERT.format(anti_join="")


def append(
    drafts: Sequence[Draft],
    *,
    source: str,
    lane: str,
    backfill: bool,
    now: datetime,
    key_id: UUID | None = None,
) -> list[UUID | None]:
    """Appends in the caller's transaction; per draft its id, or None when it was known already.

    One batch row for all of them; wakes workers after commit when somebody listens.
    """
    if not drafts:
        return []
    ids = new_ids(len(drafts))
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = len({draft.name for draft in drafts})
    batch_id = new_id()
    tenant_id = current_tenant_id()
    named = any(draft.message_id for draft in drafts)
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "now": now,
        "backfill": backfill,
        "batch": batch_id,
        "source": source,
        "lane": lane,
        "key": key_id,
        "first": ids[0],
        "last": ids[-1],
        "always": sorted(always_heard()),
        "everything": EVERYTHING,
        "max_depth": MAX_DEPTH,
        "tally": uuid_array(new_ids(names)),
        "remembered": now - REMEMBERED,
        "month": month,
        "id": uuid_array(ids),
        "name": text_array(d.name for d in drafts),
        "original_name": text_array(d.original_name for d in drafts),
        "kind": text_array(d.kind for d in drafts),
        "contact_id": uuid_array(d.contact_id for d in drafts),
        "subject_kind": text_array(d.subject_kind for d in drafts),
        "subject_id": text_array(d.subject_id for d in drafts),
        "message_id": text_array(d.message_id or str(i) for i, d in zip(ids, drafts, strict=True)),
        "occurred_at": time_array(d.occurred_at for d in drafts),
        "known_at": time_array(d.known_at for d in drafts),
        "client_time": time_array(d.client_time for d in drafts),
        "properties": json_array(d.properties for d in drafts),
        "context": json_array(d.context for d in drafts),
        "cause_id": uuid_array(d.cause_id for d in drafts),
        "depth": int_array(d.depth for d in drafts),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WITH_ANTI_JOIN if named else _WITHOUT, values)
        rows = cursor.fetchall()
    if rows and rows[0][1]:
        wake(WAKE_TASK, tenant_id=str(tenant_id))
    if rows and rows[0][2]:
        wake(WEBHOOK_TASK, queue="bulk", tenant_id=str(tenant_id))
    added = {row[0] for row in rows}
    return [each if each in added else None for each in ids]
