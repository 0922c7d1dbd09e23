"""Imports as people handle them: begin, map, start, pause, resume, cancel. Each locks the job, which
waits for the set of rows that is under way: at most a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from api.problems import FieldError, Invalid, NotFound, Problem
from imports.core.columns import CONTACTS, FIELDS, Target, flaws_of_mapping, write_mapping
from imports.domain.files import store_file
from imports.domain.options import read_options
from imports.domain.rows import CREATED, UNCHANGED, UPDATED, no_counts
from imports.models import Import
from people.domain.queries import workspace_defaults
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

WORK_TASK = "imports.bulk_work"
State = Import.State
_OPEN = (State.EMPTY, State.UPLOADED, State.CHECKING, State.CHECKED)


def create_import(
    kind: str, name: str, *, actor: User | ApiKey | None = None, now: datetime
) -> Import:
    """A job without a file yet. Raises `Invalid` (kind, name)."""
    errors = []
    if kind not in FIELDS:
        errors.append(FieldError("kind", "invalid_choice", f"One of: {', '.join(FIELDS)}."))
    said = "".join(letter for letter in name if letter.isprintable()).strip()[-120:]
    if not said:
        errors.append(FieldError("name", "required", "Name it, such as contacts.csv."))
    if errors:
        raise Invalid(errors)
    by = f"user:{actor.email}" if isinstance(actor, User) else ""
    by = f"key:{actor.prefix}" if isinstance(actor, ApiKey) else by
    job: Import = Import.objects.create(kind=kind, name=said, actor=by, created_at=now)
    return job


def attach_file(import_id: UUID, pieces: Iterable[bytes]) -> Import:
    """Takes the file in and guesses its columns. Raises `Problem` (409 when there is one already,
    413) or `Invalid` (file)."""
    job = access_import(import_id, lock=True)
    if job.state not in (State.EMPTY, State.UPLOADED):
        raise _conflict("This import has its file already. Begin another one.")
    store_file(job, pieces)
    job.state = State.UPLOADED
    job.save()
    return job


def map_columns(
    import_id: UUID, mapping: Mapping[int, Target], options: Mapping[str, Any], *,
    has_header: bool | None = None, now: datetime, wall: datetime,
) -> Import:  # fmt: skip
    """Says what the columns hold and begins the check, anew if there was one. Raises `Invalid`."""
    job = access_import(import_id, lock=True)
    if job.state not in _OPEN or job.state == State.EMPTY:
        raise _conflict(
            "Send the file first." if job.state == State.EMPTY else "It is under way already."
        )
    errors = flaws_of_mapping(mapping, kind=job.kind, width=job.width)
    try:
        read = read_options(options, timezone=workspace_defaults().timezone, now=now)
    except Invalid as wrong:
        raise Invalid([*errors, *wrong.errors]) from None
    if errors:
        raise Invalid(errors)
    job.mapping, job.options = write_mapping(mapping), read.stored()
    job.has_header = job.has_header if has_header is None else has_header
    job.state, job.row_count, job.checked, job.effects = State.CHECKING, None, {}, {}
    _rewind(job, wall)
    job.save()
    _wake()
    return job


def start_import(
    import_id: UUID, *, starts_flows: bool = False, confirmed: bool = False,
    actor: User | ApiKey | None = None, now: datetime, wall: datetime,
) -> Import:  # fmt: skip
    """Begins the import of a checked file. By default it starts no flow; with `starts_flows` it is
    told as news, and that has to be `confirmed`. Raises `Problem` (409) or `Invalid`."""
    job = access_import(import_id, lock=True)
    if job.state != State.CHECKED:
        raise _conflict("Only a file that was checked to its end can be imported.")
    if starts_flows and job.kind != CONTACTS:
        detail = "An order history never starts a flow."
        raise Invalid([FieldError("starts_flows", "not_for_orders", detail)])
    if starts_flows and not confirmed:
        detail = "Flows may text the people in this file. Say that you want that."
        raise Invalid([FieldError("confirmed", "confirm_needed", detail)])
    if not good_rows(job):
        raise Problem("nothing_to_import", "The check found no row to import.", status=409)
    job.state, job.started_at, job.starts_flows = State.RUNNING, now, starts_flows
    _rewind(job, wall)
    job.save()
    data = {"kind": job.kind, "rows": job.row_count, "starts_flows": starts_flows}
    record_audit("import.started", target=job.name, data=data, actor=actor, now=now)
    _wake()
    return job


def pause_import(import_id: UUID, *, actor: User | ApiKey | None = None, now: datetime) -> Import:
    """Stops after the set of rows that is under way. What is in stays in."""
    job = access_import(import_id, lock=True)
    if job.state != State.RUNNING:
        raise _conflict("Only an import that runs can be paused.")
    return _change(job, State.PAUSED, "import.paused", actor, now)


def resume_import(
    import_id: UUID, *, actor: User | ApiKey | None = None, now: datetime, wall: datetime
) -> Import:
    """Goes on with the next row."""
    job = access_import(import_id, lock=True)
    if job.state != State.PAUSED:
        raise _conflict("Only a paused import can go on.")
    job.stage_began_at, job.stage_began_from = wall, job.position
    changed = _change(job, State.RUNNING, "import.resumed", actor, now)
    _wake()
    return changed


def cancel_import(import_id: UUID, *, actor: User | ApiKey | None = None, now: datetime) -> Import:
    """Ends it; what was imported so far stays, and the report says what that is."""
    job = access_import(import_id, lock=True)
    if job.state in (State.DONE, State.CANCELED):
        raise _conflict("This import has ended.")
    job.finished_at = now
    changed = _change(job, State.CANCELED, "import.canceled", actor, now)
    _wake()
    return changed


def access_import(import_id: UUID, *, lock: bool = False) -> Import:
    """The import in the workspace in scope. Raises `NotFound`."""
    rows = Import.objects.select_for_update(no_key=True) if lock else Import.objects.all()
    job: Import | None = rows.filter(id=import_id).first()
    if job is None:
        raise NotFound("This import")
    return job


def good_rows(job: Import) -> int:
    """How many rows the check would write or found as they are."""
    return sum(job.checked.get(name, 0) for name in (CREATED, UPDATED, UNCHANGED))


def _rewind(job: Import, wall: datetime) -> None:
    job.position, job.line, job.rows_done, job.counts = 0, 1, 0, no_counts()
    job.stage_began_at, job.stage_began_from = wall, 0


def _change(
    job: Import, state: str, action: str, actor: User | ApiKey | None, now: datetime
) -> Import:
    job.state = state
    job.save()
    record_audit(action, target=job.name, data={"rows": job.rows_done}, actor=actor, now=now)
    return job


def _wake() -> None:
    wake(WORK_TASK, queue="bulk", tenant_id=str(current_tenant_id()))


def _conflict(detail: str) -> Problem:
    return Problem("not_now", detail, status=409)
