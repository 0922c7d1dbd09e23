"""Opening runs: which events of a set start which flows, and why the others do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.reading import cart_key, event_product_key, read_news
from commerce.domain.queries import waiting_for_product
from events.core.names import SEGMENT_ENTERED
from events.domain.queries import EventRow, events_for
from tenancy.ids import new_id, new_ids
from tenancy.scope import current_tenant_id
from triggers.core.definition import EventTrigger, SegmentTrigger
from triggers.core.entry import (
    BACKFILL,
    Candidate,
    RunBrief,
    Trigger,
    Verdict,
    entry_key_of,
    judge_candidates,
    judge_triggers,
)
from triggers.core.state import ACTIVE, Happening, RunState
from triggers.domain.levels import read_levels, write_levels
from triggers.domain.plans import LiveFlow
from triggers.domain.records import RunRecord

RELEASE_EVERY = timedelta(minutes=15)
TEXTS_PER_UNIT = 3
_MOMENT = timedelta(microseconds=1)


@dataclass(slots=True)
class Entries:
    """What a set of events may start, before and after the contacts are locked."""

    candidates: dict[UUID, list[Candidate]] = field(default_factory=dict)
    refused: list[tuple[LiveFlow, Verdict]] = field(default_factory=list)

    @property
    def contact_ids(self) -> set[UUID]:
        return {one.contact_id for those in self.candidates.values() for one in those}


def find_entries(
    flows: Sequence[LiveFlow],
    events: Sequence[EventRow],
    *,
    before: Mapping[UUID, Mapping[str, Any]],
    now: datetime,
    again: bool,
) -> Entries:
    """Judges triggers and finds who they would let in. Moves threshold levels.

    `before`: what stood there before an event, as commerce knows it ("previous_balance" ...).
    `again`: some of these events may have been judged before; those are left alone.
    """
    entries = Entries()
    for flow in flows:
        heard = [event for event in events if _hears(flow, event)]
        if again and heard:
            judged = _judged_before(flow.id, [event.id for event in heard])
            heard = [event for event in heard if event.id not in judged]
        if not heard:
            continue
        triggers = [_trigger_of(flow, event, before.get(event.id, {})) for event in heard]
        levels = read_levels(flow, triggers)
        passed, refused, moved = judge_triggers(
            flow.plan, triggers, levels, published_at=flow.published_at, now=now
        )
        write_levels(flow.id, moved)
        if flow.is_paused:
            refused += [_paused(one) for one in passed]
            passed = []
        entries.refused += [(flow, one) for one in refused if one.reason != BACKFILL]
        if passed:
            entries.candidates[flow.id] = _candidates_of(flow, passed, entries, now)
    return entries


def open_runs(
    flows: Sequence[LiveFlow],
    entries: Entries,
    *,
    now: datetime,
) -> tuple[list[RunRecord], list[UUID]]:
    """New runs at the door of their first step, and the runs they replace.

    The contacts are locked. Writes the decisions of entry. Two queries and one write, however
    many candidates.
    """
    by_flow = {flow.id: flow for flow in flows}
    contact_ids = entries.contact_ids
    earlier = _earlier_runs(entries.candidates.keys(), contact_ids)
    ending = _ending_events(by_flow, entries, now)
    records: list[RunRecord] = []
    replaced: list[UUID] = []
    told: list[tuple[LiveFlow, Verdict, UUID | None]] = [
        (flow, verdict, None) for flow, verdict in entries.refused
    ]
    for flow_id, candidates in entries.candidates.items():
        flow = by_flow[flow_id]
        verdicts = judge_candidates(flow.plan, candidates, earlier.get(flow_id, {}), ending, now)
        for verdict in verdicts:
            record = _new_run(flow, verdict, now) if verdict.entered else None
            if record is not None:
                records.append(record)
            if verdict.replaces is not None:
                replaced.append(verdict.replaces)
            told.append((flow, verdict, record.id if record else None))
    _write_decisions(told, now)
    return records, replaced


def _hears(flow: LiveFlow, event: EventRow) -> bool:
    trigger = flow.plan.definition.trigger
    if isinstance(trigger, SegmentTrigger):
        return (
            event.name == SEGMENT_ENTERED
            and event.kind == "internal"
            and event.properties.get("segment") == trigger.segment
        )
    # A schedule hears no event.
    return isinstance(trigger, EventTrigger) and event.name == trigger.event


def _trigger_of(flow: LiveFlow, event: EventRow, before: Mapping[str, Any]) -> Trigger:
    trigger = flow.plan.definition.trigger
    subject = str(event.contact_id or "")
    known = {key: value for key, value in before.items() if value is not None}
    properties = {**known, **event.properties}
    if isinstance(trigger, EventTrigger) and trigger.audience == "back_in_stock_requests":
        subject = _product_of(event) or ""
        properties["product_id"] = subject
        news = read_news(event.properties, "", tells_stock=True)
        if news is not None and news.stock is not None:
            properties["quantity"] = news.stock  # whatever the shop calls it
    return Trigger(
        event=Happening(event.id, event.name, event.occurred_at, properties),
        known_at=event.known_at,
        contact_id=event.contact_id,
        subject=subject,
        backfill=event.backfill,
        depth=event.depth,
    )


def _product_of(event: EventRow) -> str | None:
    if event.subject_kind == "product" and event.subject_id:
        return event.subject_id
    return event_product_key(event.properties)


def _paused(one: Trigger) -> Verdict:
    return Verdict(one, one.contact_id, False, "flow_paused", {"text": "the flow is paused"})


def _candidates_of(
    flow: LiveFlow, passed: Sequence[Trigger], entries: Entries, now: datetime
) -> list[Candidate]:
    trigger = flow.plan.definition.trigger
    if isinstance(trigger, EventTrigger) and trigger.audience == "back_in_stock_requests":
        return _requests_of(flow, trigger, passed, entries, now)
    return [
        Candidate(one, one.contact_id, _entry_key(flow, one))
        for one in passed
        if one.contact_id is not None
    ]


def _entry_key(flow: LiveFlow, one: Trigger) -> str:
    if flow.plan.definition.reentry.key == "cart_id":
        return cart_key(one.event.properties) or ""  # whatever the shop calls it
    return entry_key_of(flow.plan, one.event.properties)


def _requests_of(
    flow: LiveFlow,
    trigger: EventTrigger,
    passed: Sequence[Trigger],
    entries: Entries,
    now: datetime,
) -> list[Candidate]:
    """Who waits for the products, first come first served, three texts per unit and 15 minutes."""
    waiting: dict[str, list[tuple[UUID, UUID]]] = defaultdict(list)
    keys = sorted({one.subject for one in passed if one.subject})
    for contact_id, product_key, request_id in waiting_for_product(keys):
        waiting[product_key].append((contact_id, request_id))
    found = []
    for one in passed:
        requests = waiting.pop(one.subject, [])
        if not requests:
            text = "nobody waits for this product"
            verdict = Verdict(one, None, False, "nobody_waits", {"text": text})
            entries.refused.append((flow, verdict))
        units = _units(trigger, one)
        for place, (contact_id, request_id) in enumerate(requests):
            found.append(
                Candidate(
                    one,
                    contact_id,
                    entry_key=request_id.hex,
                    not_before=now + RELEASE_EVERY * (place // (TEXTS_PER_UNIT * units)),
                    request_id=request_id,
                )
            )
    return found


def _units(trigger: EventTrigger, one: Trigger) -> int:
    value = one.event.properties.get(trigger.crosses.property) if trigger.crosses else None
    try:
        return max(1, int(float(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 1


def _new_run(flow: LiveFlow, verdict: Verdict, now: datetime) -> RunRecord:
    event = verdict.trigger.event
    assert verdict.contact_id is not None  # noqa: S101 (entered verdicts always have one)
    context: dict[str, Any] = {
        "event": dict(event.properties),
        "event_name": event.name,
        "product_key": event_product_key(event.properties),
        "cart_key": cart_key(event.properties),
    }
    if verdict.request_id is not None:
        context |= {"request_id": str(verdict.request_id), "product_key": verdict.trigger.subject}
    # Delays count from the event; who is let in later (first come, first served) counts from then.
    anchor = max(event.occurred_at, verdict.not_before or event.occurred_at)
    return RunRecord(
        state=RunState(
            run_id=new_id(),
            contact_id=verdict.contact_id,
            state=ACTIVE,
            step_key=flow.plan.first,
            triggered_at=event.occurred_at,
            anchor_at=anchor,
            due_at=verdict.not_before or now,
            waiting={"door": True},
            trigger=context["event"],
            trigger_event_id=event.id,
        ),
        flow_id=flow.id,
        version_id=flow.version_id,
        entry_key=verdict.entry_key,
        entered_at=now,
        context=context,
        is_new=True,
    )


def _earlier_runs(
    flow_ids: Iterable[UUID], contact_ids: Iterable[UUID]
) -> dict[UUID, dict[UUID, list[RunBrief]]]:
    flow_ids, contact_ids = list(flow_ids), list(contact_ids)
    found: dict[UUID, dict[UUID, list[RunBrief]]] = defaultdict(lambda: defaultdict(list))
    if not flow_ids or not contact_ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT flow_id, contact_id, id, entry_key, entered_at, ended_at, outcomes::text"
            " FROM triggers_flowrun WHERE tenant_id = %s AND contact_id = ANY(%s)"
            " AND flow_id = ANY(%s) ORDER BY entered_at",
            [current_tenant_id(), contact_ids, flow_ids],
        )
        for flow_id, contact_id, run_id, key, entered_at, ended_at, outcomes in cursor.fetchall():
            sent = "sent" in orjson.loads(outcomes).values()
            found[flow_id][contact_id].append(
                RunBrief(run_id, key, entered_at, ended_at, sent, bool(ended_at) and not sent)
            )
    return found


def _ending_events(
    flows: Mapping[UUID, LiveFlow],
    entries: Entries,
    now: datetime,
) -> dict[UUID, list[Happening]]:
    """From the log, not only from this set: an order that was reacted to first counts."""
    names = set().union(*(flows[flow_id].plan.exit_names for flow_id in entries.candidates))
    candidates = [one for those in entries.candidates.values() for one in those]
    if not names or not candidates:
        return {}
    since = min(one.trigger.event.occurred_at for one in candidates) - _MOMENT
    found: dict[UUID, list[Happening]] = defaultdict(list)
    for row in events_for({one.contact_id for one in candidates}, names, since=since, until=now):
        if row.contact_id is not None:
            found[row.contact_id].append(
                Happening(row.id, row.name, row.occurred_at, row.properties)
            )
    return found


def _judged_before(flow_id: UUID, event_ids: Sequence[UUID]) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM triggers_entrydecision"
            " WHERE tenant_id = %s AND event_id = ANY(%s) AND flow_id = %s",
            [current_tenant_id(), list(event_ids), flow_id],
        )
        return {row[0] for row in cursor.fetchall()}


def _write_decisions(told: Sequence[tuple[LiveFlow, Verdict, UUID | None]], now: datetime) -> None:
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO triggers_entrydecision (id, tenant_id, event_id, event_name, flow_id,
                contact_id, run_id, entered, reason, detail, at)
            SELECT id, %s, event_id, event_name, flow_id, contact_id, run_id, entered, reason,
                detail::jsonb, %s
            FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::uuid[], %s::uuid[],
                %s::boolean[], %s::text[], %s::text[])
              AS given(id, event_id, event_name, flow_id, contact_id, run_id, entered, reason,
                detail)
            """,
            [
                current_tenant_id(),
                now,
                new_ids(len(told)),
                [verdict.trigger.event.id for _, verdict, _ in told],
                [verdict.trigger.event.name for _, verdict, _ in told],
                [flow.id for flow, _, _ in told],
                [verdict.contact_id for _, verdict, _ in told],
                [run_id for _, _, run_id in told],
                [verdict.entered for _, verdict, _ in told],
                [verdict.reason for _, verdict, _ in told],
                [orjson.dumps(verdict.detail).decode() for _, verdict, _ in told],
            ],
        )
