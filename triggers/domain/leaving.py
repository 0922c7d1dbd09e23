"""Runs of a person who is erased: they end, and forget what they were about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from people.domain.leaving import Person, Rows
from tenancy.logs import erase_log
from tenancy.scope import current_tenant_id
from triggers.models import DateDue, EntryDecision, FlowRun, ThresholdLevel

ERASED = "erased"
_END = """
    UPDATE triggers_flowrun SET ended_at = coalesce(ended_at, %(now)s), due_at = NULL,
        state = CASE WHEN ended_at IS NULL THEN 'exited' ELSE state END,
        exit_reason = CASE WHEN ended_at IS NULL THEN %(reason)s ELSE exit_reason END,
        context = '{}', waiting = '{}', entry_key = ''
    WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(ids)s)
"""
_LEAVE = """
    UPDATE triggers_runstep SET left_at = greatest(%(now)s, entered_at), outcome = 'exited'
    WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(ids)s) AND left_at IS NULL
"""


def erase(person: Person, now: datetime) -> None:
    values: dict[str, Any] = {
        "now": now,
        "reason": ERASED,
        "tenant": current_tenant_id(),
        "ids": list(person.ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_END, values)
        cursor.execute(_LEAVE, values)
    DateDue.objects.filter(contact_id__in=person.ids).delete()
    ThresholdLevel.objects.filter(subject__in=[str(each) for each in person.ids]).delete()
    erase_log(EntryDecision._meta.db_table, person.ids)


def export(person: Person) -> dict[str, Rows]:
    runs = FlowRun.objects.filter(contact_id__in=person.ids).order_by("entered_at")
    shown = runs.values("flow__name", "entered_at", "ended_at", "exit_reason", "context")
    return {"flow_runs": list(shown)}
