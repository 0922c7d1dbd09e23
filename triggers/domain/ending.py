"""Ending all runs of a flow at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from people.domain.queries import lock_contacts
from triggers.core.state import EXITED, WAITING_MESSAGE, RunEffect, StepLeft
from triggers.domain.applying import apply_effects
from triggers.domain.plans import plans_for
from triggers.domain.records import RunRecord, running_of_flow

_AT_ONCE = 2000


def end_runs_of(
    flow_id: UUID, *, reason: str, now: datetime, overdue: Collection[UUID] | None = None
) -> int:
    """Ends the runs of a flow with a reason and cancels their waiting texts; returns how many.

    `overdue`: only runs whose time passed, or that wait for one of these messages. In the caller's
    transaction, a set at a time.
    """
    total = 0
    after: UUID | None = None
    while True:
        found = running_of_flow(flow_id, after=after, limit=_AT_ONCE)
        if not found:
            return total
        after = found[-1].id
        total += _end(flow_id, found, reason=reason, now=now, overdue=overdue)


def end_some_runs(flow_id: UUID, *, reason: str, now: datetime, limit: int) -> int:
    """The same for the next `limit` running runs only: for whoever commits set by set."""
    found = running_of_flow(flow_id, limit=limit)
    return _end(flow_id, found, reason=reason, now=now) if found else 0


def _end(
    flow_id: UUID,
    found: Sequence[RunRecord],
    *,
    reason: str,
    now: datetime,
    overdue: Collection[UUID] | None = None,
) -> int:
    lock_contacts({record.state.contact_id for record in found})
    records = [
        record
        for record in running_of_flow(flow_id, ids=[record.id for record in found])
        if overdue is None or _is_overdue(record, overdue, now)
    ]
    effects = [
        RunEffect(
            after=replace(record.state, state=EXITED, due_at=None, waiting={}),
            left=(
                StepLeft(
                    record.state.step_key,
                    record.state.anchor_at,
                    max(now, record.state.anchor_at),
                    "exited",
                ),
            ),
            ended_at=now,
            exit_reason=reason,
        )
        for record in records
    ]
    apply_effects(records, effects, plans_for({r.version_id for r in records}), now=now)
    return len(records)


def _is_overdue(record: RunRecord, held: Collection[UUID], now: datetime) -> bool:
    state = record.state
    if state.state == WAITING_MESSAGE:
        return state.message_id in held
    return state.due_at is not None and state.due_at <= now
