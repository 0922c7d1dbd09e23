"""Events as a file: page after page of the log, each in a scope of its own, so that nothing stays
open while somebody downloads slowly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from events.core.masking import mask_body, mask_text
from events.domain.rows import SELECTED, EventRow, event_from_row
from people.core.cells import csv_lines
from tenancy.ids import show_id
from tenancy.scope import current_tenant_id, tenant_scope

ROWS = 1000
HEAD = (
    "event_id", "event", "contact_id", "subject", "occurred_at", "received_at", "source",
    "message_id", "history", "properties",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventExport:
    """What to write: of one `name` ("": of all) what was received in [since, until).
    `with_personal`: bodies as they came; else what is personal in them is hidden."""

    tenant_id: UUID
    with_personal: bool
    since: datetime
    until: datetime
    name: str = ""


def write_events(export: EventExport) -> Iterator[bytes]:
    """The file in pieces, newest first, as UTF-8 that spreadsheets recognize. What comes in
    meanwhile is not in it."""
    before: UUID | None = None
    head = "\ufeff" + csv_lines([HEAD])
    while True:
        with tenant_scope(export.tenant_id):
            page = _read(export, before)
        yield (head + csv_lines(_row(event, export.with_personal) for event in page)).encode()
        if len(page) < ROWS:
            return
        before, head = page[-1].id, ""


def _read(export: EventExport, before: UUID | None) -> Sequence[EventRow]:
    where = "e.tenant_id = %s AND e.received_at >= %s AND e.received_at < %s"
    values: list[Any] = [current_tenant_id(), export.since, export.until]
    if export.name:
        where += " AND e.name = %s"
        values.append(export.name)
    if before is not None:
        where += " AND e.id < %s"
        values.append(before)
    with connection.cursor() as cursor:
        # The tenant leads the index: ordering by it too lets the index give the order.
        cursor.execute(
            f"SELECT {SELECTED} FROM events_event e WHERE {where}"
            " ORDER BY e.tenant_id DESC, e.id DESC LIMIT %s",
            [*values, ROWS],
        )
        return [event_from_row(row) for row in cursor.fetchall()]


def _row(event: EventRow, with_personal: bool) -> list[str]:
    properties = event.properties if with_personal else mask_body(event.properties)
    return [
        show_id("evt", event.id),
        event.name,
        show_id("con", event.contact_id) if event.contact_id else "",
        event.subject_id or "",
        event.occurred_at.isoformat(),
        event.received_at.isoformat(),
        event.source,
        event.message_id if with_personal else mask_text(event.message_id),
        "yes" if event.backfill else "no",
        orjson.dumps(properties).decode(),
    ]
