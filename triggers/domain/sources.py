"""What delivery asks about a flow's text before it goes: is the run still on, is it still true?

Exit criteria are read from the event log, in the transaction that decides and again in the one
that claims for submitting: an order accepted a moment ago counts although nobody reacted to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from delivery.core.facts import SourceView
from delivery.core.intents import SendIntent
from delivery.core.reasons import Reason
from events.domain.queries import events_for
from triggers.core.engine import find_exit
from triggers.core.plan import Plan
from triggers.core.state import Happening
from triggers.domain.facts import sold_out_products
from triggers.domain.plans import plans_for
from triggers.domain.records import RunRecord, runs_by_id
from triggers.models import Flow

_MOMENT = timedelta(microseconds=1)
# A text of a paused flow is looked at again this often; resuming says at once what becomes of it.
LOOK_AGAIN = timedelta(minutes=5)


def load_flow_sources(intents: Sequence[SendIntent], *, now: datetime) -> Mapping[str, SourceView]:
    """A view per dedupe key. Four queries, however many intents."""
    run_ids = {intent.run_id for intent in intents if intent.run_id is not None}
    records = runs_by_id(run_ids)
    plans = plans_for({record.version_id for record in records.values()})
    statuses = dict(
        Flow.objects.filter(id__in={r.flow_id for r in records.values()}).values_list(
            "id", "status"
        )
    )
    open_runs = [r for r in records.values() if r.ended_reason is None]
    events = _exit_events(open_runs, plans, now)
    sold_out = sold_out_products(open_runs, plans)
    views = {}
    for intent in intents:
        record = records.get(intent.run_id) if intent.run_id else None
        views[intent.dedupe_key] = _view(record, statuses, plans, events, sold_out, now)
    return views


def _view(
    record: RunRecord | None,
    statuses: Mapping[UUID, str],
    plans: Mapping[UUID, Plan],
    events: Mapping[UUID, Sequence[Happening]],
    sold_out: set[UUID],
    now: datetime,
) -> SourceView:
    if record is None:
        return SourceView(live=False, reason=Reason.EXITED, detail={"why": "run_gone"})
    status = statuses.get(record.flow_id)
    if record.ended_reason is not None:
        why = record.ended_reason or "ended"
        reason = Reason.REPLACED if why == "replaced" else Reason.EXITED
        if why == "archived":
            reason = Reason.FLOW_ARCHIVED
        return SourceView(live=False, reason=reason, detail={"why": why})
    if status not in {Flow.Status.LIVE, Flow.Status.PAUSED}:
        return SourceView(live=False, reason=Reason.FLOW_ARCHIVED)
    plan = plans.get(record.version_id)
    ended = find_exit(plan, record.state, events.get(record.state.contact_id, ())) if plan else None
    if ended is not None:
        detail = {"why": ended.exit_reason, "event_id": str(ended.exit_event_id)}
        return SourceView(live=False, reason=Reason.EXITED, detail=detail)
    if record.id in sold_out:
        return SourceView(
            conditions_ok=False,
            reason=Reason.CONDITIONS_NOT_MET,
            detail={"why": "out_of_stock", "product_key": record.context.get("product_key")},
        )
    if status == Flow.Status.PAUSED:
        return SourceView(live=False, reason=Reason.FLOW_PAUSED, until=now + LOOK_AGAIN)
    return SourceView()


def _exit_events(
    records: Sequence[RunRecord], plans: Mapping[UUID, Plan], now: datetime
) -> dict[UUID, list[Happening]]:
    names: set[str] = set()
    for record in records:
        if plan := plans.get(record.version_id):
            names |= plan.exit_names
    if not names or not records:
        return {}
    since = min(record.state.triggered_at for record in records) - _MOMENT
    found: dict[UUID, list[Happening]] = defaultdict(list)
    contact_ids = {record.state.contact_id for record in records}
    for row in events_for(contact_ids, names, since=since, until=now):
        if row.contact_id is not None:
            found[row.contact_id].append(
                Happening(row.id, row.name, row.occurred_at, row.properties)
            )
    return found
