"""One set of rows further: read, judged, saved and counted in one transaction.

The job's row is locked for as long: that lock is the claim. A worker that dies takes its transaction
with it, so the set was done or it was not; there is no lease to wait for and nothing to repair.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from imports.core.columns import CONTACTS, ORDERS, read_mapping
from imports.core.contact_rows import Reading
from imports.core.order_rows import order_key
from imports.core.records import Record
from imports.domain.contact_work import read_contact_rows, save_contact_rows
from imports.domain.files import read_from
from imports.domain.options import Options, options_of
from imports.domain.order_work import read_order_rows, save_orders
from imports.domain.rows import REJECTED, Outcome, no_counts, save_outcomes
from imports.domain.starts import FlowStart, flow_starts
from imports.models import Import, ImportOutcome, ImportPart
from people.domain.definitions import attribute_rules
from people.domain.queries import workspace_defaults
from tenancy.audit import record_audit
from tenancy.retrying import is_collision, is_outage
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

# Few enough to stay well under two seconds, enough to share the fixed cost of a transaction.
ROWS_AT_ONCE = 500
MAX_ROWS = 1_000_000
TOO_MANY = f"The file has more than {MAX_ROWS:,} rows; cut it in two."
KEPT_FOR = timedelta(days=7)
EXPIRED = "Nobody started it within a week."
ACTIVE = (Import.State.CHECKING, Import.State.RUNNING)
ENDED = (Import.State.DONE, Import.State.CANCELED)
_WAITING = (
    Import.State.EMPTY,
    Import.State.UPLOADED,
    Import.State.CHECKED,
    Import.State.PAUSED,
)
_TRIES = 5
_REMOVED_AT_ONCE = 20_000
_PARTS_AT_ONCE = 40
_UNSTORABLE = "This row holds a value that cannot be stored."


class _Undo(Exception):
    pass


def advance(tenant_id: UUID, import_id: UUID, *, now: datetime, limit: int = ROWS_AT_ONCE) -> int:
    """Takes an import one set further; returns how much was done, 0 when nothing is to do or
    somebody else is at it. Opens its own scopes.

    A set that cannot be stored is halved until the row to blame stands alone and is rejected.
    """
    size, tries = limit, 0
    while True:
        try:
            with tenant_scope(tenant_id):
                return _advance(import_id, limit=size, now=now)
        except Exception as error:
            if is_outage(error):
                raise
            if is_collision(error) and (tries := tries + 1) < _TRIES:
                continue
            # Its name alone: what the database says quotes the row.
            logger.warning("a set of %d rows could not be imported: %s", size, type(error).__name__)
            if size == 1:
                break
            size //= 2
    with tenant_scope(tenant_id):
        return _advance(import_id, limit=1, now=now, set_aside=True)


def _advance(import_id: UUID, *, limit: int, now: datetime, set_aside: bool = False) -> int:
    job: Import | None = (
        Import.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(id=import_id, tidied=False)
        .first()
    )
    if job is None:
        return 0
    if job.state in ENDED:
        return _tidy(job)
    if job.state in _WAITING:
        return _expire(job, now)
    begins = job.state == Import.State.CHECKING and job.position == 0
    if begins and (removed := _remove_some(job)):
        return removed
    records, is_last = _next_records(job, limit)
    if records:
        _work(job, records, set_aside=set_aside, now=now)
        job.position, job.line = records[-1].end, records[-1].next_line
    if job.rows_done > MAX_ROWS:
        job.state, job.error, job.finished_at = Import.State.CANCELED, TOO_MANY, now
    elif is_last:
        _finish(job, now)
    job.save()
    return len(records) or 1


def _next_records(job: Import, limit: int) -> tuple[list[Record], bool]:
    """The next rows, and whether they are the last. Rows of one order are not parted."""
    rows = read_from(job, job.position, job.line)
    if job.has_header and job.position == 0:
        next(rows, None)
    reading = _reading(job, options_of(job.options, timezone=_zone()), None)
    found: list[Record] = []
    for record in rows:
        if len(found) >= limit and not (
            job.kind == ORDERS
            and (key := order_key(record, reading))
            and key == order_key(found[-1], reading)
            and len(found) < limit + ROWS_AT_ONCE
        ):
            return found, False
        found.append(record)
    return found, True


def _work(job: Import, records: Sequence[Record], *, set_aside: bool, now: datetime) -> None:
    is_check = job.state == Import.State.CHECKING
    options = options_of(job.options, timezone=_zone())
    reading = _reading(job, options, now)
    starting: dict[str, int] = {}
    if set_aside:
        outcomes = [Outcome(one.line, REJECTED, "unstorable", _UNSTORABLE) for one in records]
    else:
        # Who stands in the file is kept by the check as well: the import asks it.
        rows = _read(job, records, reading)
        if is_check:
            outcomes, starting = _try(job, rows, options, now)
        else:
            outcomes, _ = _save(job, rows, options, starts=(), now=now)
    stage = ImportOutcome.Stage.CHECK if is_check else ImportOutcome.Stage.RUN
    save_outcomes(job, stage, outcomes)
    for slug, count in starting.items():
        job.effects[slug] = job.effects.get(slug, 0) + count


def _read(job: Import, records: Sequence[Record], reading: Reading) -> Sequence[Any]:
    if job.kind == CONTACTS:
        return read_contact_rows(job, records, reading)
    return read_order_rows(job, records, reading)


def _try(
    job: Import, rows: Sequence[Any], options: Options, now: datetime
) -> tuple[list[Outcome], dict[str, int]]:
    """Does all of it and takes it back."""
    try:
        with transaction.atomic():
            raise _Undo(_save(job, rows, options, starts=flow_starts(), now=now))
    except _Undo as undone:
        outcomes, starting = undone.args[0]
        return outcomes, starting


def _save(
    job: Import,
    rows: Sequence[Any],
    options: Options,
    *,
    starts: Sequence[FlowStart],
    now: datetime,
) -> tuple[list[Outcome], dict[str, int]]:
    if job.kind == ORDERS:
        return save_orders(rows, options, now=now), {}
    return save_contact_rows(job, rows, options, starts=starts, now=now)


def _finish(job: Import, now: datetime) -> None:
    job.counts = job.counts or no_counts()
    if job.state == Import.State.CHECKING:
        job.state, job.row_count, job.checked = Import.State.CHECKED, job.rows_done, job.counts
        return
    job.state, job.finished_at = Import.State.DONE, now
    told = {name: job.counts[name] for name in job.counts if name not in ("examples", "reasons")}
    record_audit(
        "import.finished",
        target=job.name,
        data={"kind": job.kind, "by": job.actor, "rows": job.rows_done, **told},
        now=now,
    )


def _expire(job: Import, now: datetime) -> int:
    """A file that nobody starts is not kept for ever; a paused import neither."""
    if job.created_at > now - KEPT_FOR:
        return 0
    job.state, job.error, job.finished_at = Import.State.CANCELED, EXPIRED, now
    job.save()
    return 1


def _tidy(job: Import) -> int:
    """Removes the file and whom it named, some at a time."""
    numbers = ImportPart.objects.filter(of=job).values("id")[:_PARTS_AT_ONCE]
    parts, _ = ImportPart.objects.filter(id__in=list(numbers.values_list("id", flat=True))).delete()
    removed = parts + _remove_some(job, outcomes=False)
    if not removed:
        job.tidied = True
        job.save(update_fields=["tidied"])
    return removed


def _remove_some(job: Import, *, outcomes: bool = True) -> int:
    """Some of what an earlier check left behind."""
    removed = 0
    tables = ["imports_importkey", *(["imports_importoutcome"] if outcomes else [])]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}"
                " WHERE tenant_id = %s AND of_id = %s LIMIT %s)) AND tenant_id = %s",
                [current_tenant_id(), job.id, _REMOVED_AT_ONCE, current_tenant_id()],
            )
            removed += int(cursor.rowcount)
    return removed


def _reading(job: Import, options: Options, now: datetime | None) -> Reading:
    defaults = workspace_defaults()
    return Reading(
        mapping=read_mapping(job.mapping, kind=job.kind, width=job.width),
        width=job.width,
        country=defaults.country,
        timezone=defaults.timezone,
        now=now or job.created_at,
        date_order=options.date_order,
        general=options.proof,
        rules=attribute_rules(),
    )


def _zone() -> str:
    return workspace_defaults().timezone
