"""Reads of runs that pages and other floors need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from tenancy.scope import current_tenant_id

_CART_RULE = "US carriers allow one text per cart"
_HELD_BACK = {
    "no_reply": ("Skipped · no reply came", "This text goes only after a reply"),
    "flow_paused": ("Skipped · the flow was paused", "Its time passed while the flow was paused"),
    "expired": ("Skipped · too late", "Its time to live had passed when the delay became shorter"),
    "not_approved": ("Skipped · no approved words", "Its template had no approved version"),
}


@dataclass(frozen=True, slots=True)
class RunNote:
    """A text of a flow that became no message, or not yet, and why."""

    at: datetime
    flow_id: UUID
    run_id: UUID
    step_key: str
    title: str
    detail: str
    is_waiting: bool


def run_notes(
    contact_id: UUID, *, before: datetime | None = None, limit: int = 50
) -> list[RunNote]:
    """Texts of a contact's runs that wait for a reply or were passed over, newest first."""
    values = {
        "tenant": current_tenant_id(),
        "contact": contact_id,
        "before": before,
        "reasons": [f"skipped:{reason}" for reason in _HELD_BACK],
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            (SELECT anchor_at AS at, flow_id, id, step_key, waiting::text, '' AS outcome
             FROM triggers_flowrun
             WHERE tenant_id = %(tenant)s AND contact_id = %(contact)s AND ended_at IS NULL
               AND state = 'waiting_event' AND waiting ->> 'for' = 'reply'
               AND (%(before)s::timestamptz IS NULL OR anchor_at < %(before)s))
            UNION ALL
            (SELECT step.left_at, step.flow_id, step.run_id, step.step_key, '{}', step.outcome
             FROM triggers_flowrun run JOIN triggers_runstep step
               ON step.tenant_id = run.tenant_id AND step.run_id = run.id
             WHERE run.tenant_id = %(tenant)s AND run.contact_id = %(contact)s
               AND step.outcome = ANY(%(reasons)s) AND step.message_id IS NULL
               AND (%(before)s::timestamptz IS NULL OR step.left_at < %(before)s)
             ORDER BY step.left_at DESC LIMIT %(limit)s)
            ORDER BY at DESC LIMIT %(limit)s
            """,
            values,
        )
        return [_note(*row) for row in cursor.fetchall()]


def _note(
    at: datetime, flow_id: UUID, run_id: UUID, step_key: str, waiting: str, outcome: str
) -> RunNote:
    if not outcome:
        by_rule = orjson.loads(waiting).get("why") == "us_cart_rule"
        detail = _CART_RULE if by_rule else "This text goes only after a reply"
        return RunNote(at, flow_id, run_id, step_key, "Waits for a reply", detail, True)
    title, detail = _HELD_BACK[outcome.removeprefix("skipped:")]
    return RunNote(at, flow_id, run_id, step_key, title, detail, False)
