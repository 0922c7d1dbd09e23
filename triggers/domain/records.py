"""Runs between the table and the engine: read as sets, written as sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id
from triggers.core.state import RUNNING, RunEffect, RunState

_COLUMNS = """
    id, contact_id, state, step_key, triggered_at, anchor_at, due_at, waiting, outcomes,
    message_id, replied_at, trigger_event_id, flow_id, version_id, entry_key, on_hold,
    entered_at, context, CASE WHEN ended_at IS NULL THEN NULL ELSE exit_reason END
"""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as stored: what the engine sees, and what it does not need to see.

    `is_new`: not in the table yet. `ended_reason`: None while it runs.
    """

    state: RunState
    flow_id: UUID
    version_id: UUID
    entry_key: str
    entered_at: datetime
    on_hold: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)
    is_new: bool = False
    ended_reason: str | None = None

    @property
    def id(self) -> UUID:
        return self.state.run_id


def running_of(contact_ids: Iterable[UUID]) -> list[RunRecord]:
    """The runs of these contacts that have not ended. Lock the contacts first."""
    return _select("contact_id = ANY(%s) AND ended_at IS NULL", [sorted(set(contact_ids))])


def runs_by_id(run_ids: Iterable[UUID]) -> dict[UUID, RunRecord]:
    """These runs, ended ones too."""
    wanted = list(run_ids)
    return {record.id: record for record in _select("id = ANY(%s)", [wanted])} if wanted else {}


def running_of_flow(
    flow_id: UUID,
    *,
    after: UUID | None = None,
    limit: int | None = None,
    ids: Sequence[UUID] | None = None,
) -> list[RunRecord]:
    """A page of a flow's running runs by id, or those of `ids` that still run."""
    where, values = "flow_id = %s AND ended_at IS NULL", [flow_id]
    if after is not None:
        where, values = where + " AND id > %s", [*values, after]
    if ids is not None:
        return _select(f"{where} AND id = ANY(%s)", [*values, list(ids)])
    return _select(where, values, limit=limit)


def due_among(
    run_ids: Iterable[UUID], contact_ids: Iterable[UUID], now: datetime
) -> list[RunRecord]:
    """Of these runs those still due, whose contacts are among those locked."""
    return _select(
        "id = ANY(%s) AND contact_id = ANY(%s) AND ended_at IS NULL AND NOT on_hold"
        " AND due_at <= %s",
        [list(run_ids), list(contact_ids), now],
    )


def find_due(now: datetime, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(run, contact) of due runs, the longest due first. Locks nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, contact_id FROM triggers_flowrun"
            " WHERE tenant_id = %s AND due_at <= %s AND due_at IS NOT NULL AND NOT on_hold"
            " ORDER BY due_at, id LIMIT %s",
            [current_tenant_id(), now, limit],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _select(where: str, values: Sequence[Any], *, limit: int | None = None) -> list[RunRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM triggers_flowrun"
            f" WHERE tenant_id = %s AND {where} ORDER BY id LIMIT %s",
            [current_tenant_id(), *values, limit],
        )
        return [_record(row) for row in cursor.fetchall()]


def _record(row: Sequence[Any]) -> RunRecord:
    context = _loads(row[17])
    return RunRecord(
        state=RunState(
            run_id=row[0],
            contact_id=row[1],
            state=row[2],
            step_key=row[3],
            triggered_at=row[4],
            anchor_at=row[5],
            due_at=row[6],
            waiting=_loads(row[7]),
            outcomes=_loads(row[8]),
            message_id=row[9],
            replied_at=row[10],
            trigger_event_id=row[11],
            trigger=context.get("event") or {},
        ),
        flow_id=row[12],
        version_id=row[13],
        entry_key=row[14],
        on_hold=row[15],
        entered_at=row[16],
        context=context,
        ended_reason=row[18],
    )


def _loads(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


_INSERT_RUNS = """
INSERT INTO triggers_flowrun (id, tenant_id, flow_id, version_id, contact_id, entry_key, state,
    step_key, due_at, on_hold, waiting, outcomes, message_id, replied_at, trigger_event_id,
    triggered_at, entered_at, anchor_at, ended_at, exit_reason, exit_event_id, context)
SELECT id, %(tenant)s, flow_id, version_id, contact_id, entry_key, state, step_key, due_at,
    on_hold, waiting::jsonb, outcomes::jsonb, NULL, replied_at, trigger_event_id, triggered_at,
    entered_at, anchor_at, ended_at, exit_reason, exit_event_id, context::jsonb
FROM unnest(%(id)s::uuid[], %(flow)s::uuid[], %(version)s::uuid[], %(contact)s::uuid[],
    %(entry_key)s::text[], %(state)s::text[], %(step)s::text[], %(due)s::timestamptz[],
    %(hold)s::boolean[], %(waiting)s::text[], %(outcomes)s::text[], %(replied)s::timestamptz[],
    %(trigger_event)s::uuid[], %(triggered)s::timestamptz[], %(entered)s::timestamptz[],
    %(anchor)s::timestamptz[], %(ended)s::timestamptz[], %(reason)s::text[],
    %(exit_event)s::uuid[], %(context)s::text[])
  AS given(id, flow_id, version_id, contact_id, entry_key, state, step_key, due_at, on_hold,
    waiting, outcomes, replied_at, trigger_event_id, triggered_at, entered_at, anchor_at,
    ended_at, exit_reason, exit_event_id, context)
"""
_UPDATE_RUNS = """
UPDATE triggers_flowrun AS run SET state = given.state, step_key = given.step_key,
    due_at = given.due_at, waiting = given.waiting::jsonb, outcomes = given.outcomes::jsonb,
    message_id = given.message_id, replied_at = given.replied_at, anchor_at = given.anchor_at,
    ended_at = given.ended_at, exit_reason = given.exit_reason,
    exit_event_id = given.exit_event_id
FROM unnest(%(id)s::uuid[], %(state)s::text[], %(step)s::text[], %(due)s::timestamptz[],
    %(waiting)s::text[], %(outcomes)s::text[], %(message)s::uuid[], %(replied)s::timestamptz[],
    %(anchor)s::timestamptz[], %(ended)s::timestamptz[], %(reason)s::text[],
    %(exit_event)s::uuid[])
  AS given(id, state, step_key, due_at, waiting, outcomes, message_id, replied_at, anchor_at,
    ended_at, exit_reason, exit_event_id)
WHERE run.tenant_id = %(tenant)s AND run.id = given.id
"""


def write_runs(records: Sequence[RunRecord], effects: Mapping[UUID, RunEffect]) -> None:
    """New runs are inserted as they stand after their effect; others are updated by it."""
    made = [record for record in records if record.is_new]
    changed = [r for r in records if not r.is_new and r.id in effects]
    with connection.cursor() as cursor:
        if made:
            cursor.execute(_INSERT_RUNS, _columns_of(made, effects))
        if changed:
            cursor.execute(_UPDATE_RUNS, _columns_of(changed, effects))


def _columns_of(records: Sequence[RunRecord], effects: Mapping[UUID, RunEffect]) -> dict[str, Any]:
    given = [effects.get(r.id) or RunEffect(after=r.state) for r in records]
    after = [effect.after for effect in given]
    return {
        "tenant": current_tenant_id(),
        "id": [r.id for r in records],
        "flow": [r.flow_id for r in records],
        "version": [r.version_id for r in records],
        "contact": [r.state.contact_id for r in records],
        "entry_key": [r.entry_key for r in records],
        "hold": [r.on_hold for r in records],
        "trigger_event": [r.state.trigger_event_id for r in records],
        "triggered": [r.state.triggered_at for r in records],
        "entered": [r.entered_at for r in records],
        "context": [_dumps(r.context) for r in records],
        "state": [one.state for one in after],
        "step": [one.step_key for one in after],
        "due": [one.due_at for one in after],
        "waiting": [_dumps(one.waiting) for one in after],
        "outcomes": [_dumps(one.outcomes) for one in after],
        "message": [one.message_id for one in after],
        "replied": [one.replied_at for one in after],
        "anchor": [one.anchor_at for one in after],
        "ended": [effect.ended_at for effect in given],
        "reason": [effect.exit_reason[:200] for effect in given],
        "exit_event": [effect.exit_event_id for effect in given],
    }


def write_steps(records: Sequence[RunRecord], effects: Mapping[UUID, RunEffect]) -> None:
    """Closes the step each run stood at when it left it; adds those it passed and reached."""
    closed: list[tuple[UUID, str, datetime, str]] = []
    added: list[tuple[RunRecord, str, datetime, datetime | None, str]] = []
    for record in records:
        effect = effects.get(record.id) or (
            RunEffect(after=record.state) if record.is_new else None
        )
        if effect is None:
            continue
        open_key = None if record.is_new else record.state.step_key
        for one in effect.left:
            if one.step_key == open_key:
                closed.append((record.id, one.step_key, one.left_at, one.outcome[:120]))
                open_key = None
            else:
                entered, left = one.entered_at, one.left_at
                added.append((record, one.step_key, entered, left, one.outcome[:120]))
        after = effect.after
        if after.state in RUNNING and after.step_key != open_key:
            added.append((record, after.step_key, after.anchor_at, None, ""))
    _close_steps(closed)
    _add_steps(added)


def _close_steps(closed: Sequence[tuple[UUID, str, datetime, str]]) -> None:
    if not closed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE triggers_runstep AS step SET left_at = given.left_at, outcome = given.outcome
            FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[])
              AS given(run_id, step_key, left_at, outcome)
            WHERE step.tenant_id = %s AND step.run_id = given.run_id
              AND step.step_key = given.step_key AND step.left_at IS NULL
            """,
            [*(list(column) for column in zip(*closed, strict=True)), current_tenant_id()],
        )


def _add_steps(
    added: Sequence[tuple[RunRecord, str, datetime, datetime | None, str]],
) -> None:
    if not added:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO triggers_runstep (id, tenant_id, run_id, flow_id, version_id, contact_id,
                step_key, entered_at, left_at, outcome, message_id)
            SELECT id, %s, run_id, flow_id, version_id, contact_id, step_key, entered_at, left_at,
                outcome, NULL
            FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[],
                %s::timestamptz[], %s::timestamptz[], %s::text[])
              AS given(id, run_id, flow_id, version_id, contact_id, step_key, entered_at, left_at,
                outcome)
            """,
            [
                current_tenant_id(),
                new_ids(len(added)),
                [record.id for record, *_ in added],
                [record.flow_id for record, *_ in added],
                [record.version_id for record, *_ in added],
                [record.state.contact_id for record, *_ in added],
                [one[1] for one in added],
                [one[2] for one in added],
                [one[3] for one in added],
                [one[4] for one in added],
            ],
        )


def set_messages(pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """(run, message) for runs that wait for the outcome of a message just decided."""
    if not pairs:
        return
    values: list[Any] = [[p[0] for p in pairs], [p[1] for p in pairs], current_tenant_id()]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE triggers_flowrun AS run SET message_id = given.message_id"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS given(run_id, message_id)"
            " WHERE run.tenant_id = %s AND run.id = given.run_id",
            values,
        )
        cursor.execute(
            "UPDATE triggers_runstep AS step SET message_id = given.message_id"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS given(run_id, message_id)"
            " WHERE step.tenant_id = %s AND step.run_id = given.run_id AND step.left_at IS NULL",
            values,
        )


def pass_over(run_ids: Sequence[UUID], reason: str, now: datetime) -> None:
    """Messages that could not be asked for: their runs go on at once, the reason is kept."""
    if not run_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE triggers_flowrun SET state = 'active', due_at = %s, waiting = %s::jsonb"
            " WHERE tenant_id = %s AND id = ANY(%s)",
            [
                now,
                _dumps({"door": True, "pass_message": reason}),
                current_tenant_id(),
                list(run_ids),
            ],
        )
