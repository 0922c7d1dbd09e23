"""What each flow and each of its steps did in a period. Computed from rows, never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from analytics.domain.attribution import credits_by_step
from tenancy.scope import current_tenant_id


@dataclass(slots=True)
class StepNumbers:
    """One step. `waiting` is how many stand there now; everything else is of the period."""

    step_key: str
    entered: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    scheduled: int = 0
    clicked: int = 0
    replied: int = 0
    opted_out: int = 0
    ordered: int = 0
    attributed_revenue_minor: int = 0


@dataclass(slots=True)
class FlowNumbers:
    """One flow: how many entered, where they are, and its steps by key."""

    flow_id: UUID
    entered: int = 0
    running: int = 0
    finished: int = 0
    exited: int = 0
    steps: dict[str, StepNumbers] = field(default_factory=dict)

    def step(self, key: str) -> StepNumbers:
        return self.steps.setdefault(key, StepNumbers(key))

    def total(self, name: str) -> int:
        """The sum of one number over all steps."""
        return sum(int(getattr(step, name)) for step in self.steps.values())

    @property
    def skipped(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for step in self.steps.values():
            for reason, count in step.skipped.items():
                found[reason] = found.get(reason, 0) + count
        return found


def numbers_for(
    flow_ids: Iterable[UUID], *, start: datetime, end: datetime
) -> dict[UUID, FlowNumbers]:
    """Numbers of these flows in (start, end]. A fixed number of queries, however many flows."""
    found = {flow_id: FlowNumbers(flow_id) for flow_id in flow_ids}
    if not found:
        return found
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "flows": sorted(found),
        "start": start,
        "end": end,
    }
    _count_runs(found, values)
    _count_steps(found, values)
    _count_messages(found, values)
    _count_answers(found, values)
    for (flow_id, step_key), credit in credits_by_step(start=start, end=end).items():
        if flow_id in found:
            step = found[flow_id].step(step_key)
            step.ordered, step.attributed_revenue_minor = credit.orders, credit.minor
    return found


def _count_runs(found: dict[UUID, FlowNumbers], values: dict[str, Any]) -> None:
    for flow_id, entered, running, finished, exited in _rows(
        """
        SELECT flow_id, count(*) FILTER (WHERE entered_at > %(start)s AND entered_at <= %(end)s),
               count(*) FILTER (WHERE ended_at IS NULL),
               count(*) FILTER (WHERE state = 'finished' AND ended_at > %(start)s),
               count(*) FILTER (WHERE state = 'exited' AND ended_at > %(start)s)
        FROM triggers_flowrun WHERE tenant_id = %(tenant)s AND flow_id = ANY(%(flows)s)
        GROUP BY flow_id
        """,
        values,
    ):
        flow = found[flow_id]
        flow.entered, flow.running, flow.finished, flow.exited = entered, running, finished, exited


def _count_steps(found: dict[UUID, FlowNumbers], values: dict[str, Any]) -> None:
    for flow_id, key, entered in _rows(
        """
        SELECT flow_id, step_key, count(*) FROM triggers_runstep
        WHERE tenant_id = %(tenant)s AND flow_id = ANY(%(flows)s)
          AND entered_at > %(start)s AND entered_at <= %(end)s GROUP BY flow_id, step_key
        """,
        values,
    ):
        found[flow_id].step(key).entered = entered
    for flow_id, key, waiting in _rows(
        """
        SELECT flow_id, step_key, count(*) FROM triggers_flowrun
        WHERE tenant_id = %(tenant)s AND flow_id = ANY(%(flows)s) AND ended_at IS NULL
        GROUP BY flow_id, step_key
        """,
        values,
    ):
        found[flow_id].step(key).waiting = waiting


def _count_messages(found: dict[UUID, FlowNumbers], values: dict[str, Any]) -> None:
    # A text counts where it was decided; what its carrier said later counts with it.
    for flow_id, key, status, reason, count in _rows(
        """
        SELECT flow_id, step_key, status, CASE status WHEN 'skipped' THEN reason ELSE '' END,
               count(*)
        FROM delivery_message
        WHERE tenant_id = %(tenant)s AND flow_id = ANY(%(flows)s)
          AND coalesce(sent_at, created_at) > %(start)s AND coalesce(sent_at, created_at) <= %(end)s
        GROUP BY 1, 2, 3, 4
        """,
        values,
    ):
        step = found[flow_id].step(key)
        if status in {"sent", "delivered", "undelivered"}:
            step.sent += count
        if status == "delivered":
            step.delivered += count
        elif status in {"failed", "undelivered"}:
            step.failed += count
        elif status == "skipped":
            step.skipped[reason] = count
        elif status in {"scheduled", "queued", "sending"}:
            step.scheduled += count


def _count_answers(found: dict[UUID, FlowNumbers], values: dict[str, Any]) -> None:
    for flow_id, key, clicked in _rows(
        """
        SELECT m.flow_id, m.step_key, count(DISTINCT c.message_id)
        FROM delivery_click c
        JOIN delivery_message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
        WHERE c.tenant_id = %(tenant)s AND c.kind = 'human' AND m.flow_id = ANY(%(flows)s)
          AND c.clicked_at > %(start)s AND c.clicked_at <= %(end)s GROUP BY 1, 2
        """,
        values,
    ):
        found[flow_id].step(key).clicked = clicked
    for flow_id, key, replied, opted_out in _rows(
        """
        SELECT m.flow_id, m.step_key, count(DISTINCT m.id) FILTER (WHERE i.kind <> 'opt_out'),
               count(DISTINCT m.id) FILTER (WHERE i.kind = 'opt_out')
        FROM delivery_inboundmessage i
        JOIN delivery_message m ON m.tenant_id = i.tenant_id AND m.id = i.answered_message_id
        WHERE i.tenant_id = %(tenant)s AND m.flow_id = ANY(%(flows)s)
          AND i.received_at > %(start)s AND i.received_at <= %(end)s GROUP BY 1, 2
        """,
        values,
    ):
        step = found[flow_id].step(key)
        step.replied, step.opted_out = replied, opted_out


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
