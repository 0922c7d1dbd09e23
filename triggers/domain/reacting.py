"""React: what a set of new events does to runs. One transaction per set, sets all the way down.

Inside it: project commerce, keep segments current, end or move running runs, open new ones,
advance them to their first wait with the messages on the way decided. The rows of the batch are
marked done in the same transaction, so a killed worker repeats all of it or nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from commerce.domain.projecting import project_events
from events.core.names import CONTACT_MERGED, SMS_REPLIED
from events.domain.merging import follow_stragglers
from events.domain.queries import EventRow
from people.domain.queries import lock_contacts
from segments.domain.membership import update_memberships
from tenancy.ids import parse_id
from tenancy.retrying import is_collision, is_outage
from tenancy.scope import tenant_scope
from triggers.core.engine import step
from triggers.core.plan import MESSAGE_OUTCOMES, SMS_FAILED, SMS_SENT, Plan
from triggers.core.state import (
    EXITED,
    Happening,
    MessageOutcome,
    RunEffect,
    RunFacts,
    StepLeft,
)
from triggers.domain.applying import apply_effects
from triggers.domain.batches import claim_batches, finish_batches, react_in_parts
from triggers.domain.dates import follow_dates
from triggers.domain.entering import find_entries, open_runs
from triggers.domain.facts import run_facts
from triggers.domain.plans import LiveFlow, live_flows, plans_for
from triggers.domain.records import RunRecord, running_of
from triggers.domain.replies import answer_replies
from triggers.domain.requests import fulfill_requests

logger = logging.getLogger(__name__)

# Events of one transaction: enough to share its fixed cost and to write a contact's rows once for
# several events, few enough to last about a second.
EVENTS_AT_ONCE = 2_000
BATCHES_AT_ONCE = 100
_TRIES = 3


def react(tenant_id: UUID, *, now: datetime, limit: int = EVENTS_AT_ONCE) -> int:
    """Reacts to one set of pending batches, live ones first; returns how many events it took.

    Opens its own scopes. Collisions run again, then in halves; a row that cannot be reacted to is
    set aside with its error on its batch, the others go on.
    """
    for attempt in range(_TRIES):
        try:
            with tenant_scope(tenant_id):
                claim = claim_batches(limit=limit, batches=BATCHES_AT_ONCE)
                if not claim.batch_ids:
                    return 0
                react_to(claim.events, now=now, again=claim.again)
                finish_batches(claim.batch_ids, now=now)
            return max(1, len(claim.events))
        except Exception as error:
            if is_outage(error):
                raise
            if is_collision(error) and attempt + 1 < _TRIES:
                continue
            logger.warning("reacting to a set failed, going on in parts: %r", error)
            return react_in_parts(tenant_id, react=react_to, limit=limit, now=now)
    return 0


def react_to(events: Sequence[EventRow], *, now: datetime, again: bool = False) -> None:
    """Everything these events cause, in the caller's transaction. Harmless when repeated.

    `again`: some of them may have been reacted to before.
    """
    if not events:
        return
    flows = live_flows()
    events = _lock_and_follow(events)
    before = project_events(events, now=now)
    update_memberships(events, now=now)
    follow_dates(events, now=now)
    entries = find_entries(flows, events, before=before, now=now, again=again)
    lock_contacts(entries.contact_ids - {event.contact_id for event in events})
    by_contact = happenings_by_contact(events)
    running = running_of(_contacts_to_look_at(events, entries.contact_ids))
    messages = message_outcomes(events)
    effects, plans = move_runs(running, by_contact, messages, now=now)
    fulfill_requests(running, effects, now=now)
    records, replaced = open_runs(flows, entries, now=now)
    ended = _end_replaced(running, replaced, effects, now)
    depths = _depths(records, events)
    apply_effects(running, [*effects.values(), *ended], plans, now=now)
    start_runs(records, by_contact, now=now, depths=depths, flows=flows)
    answer_replies([event for event in events if event.name == SMS_REPLIED], now=now)


def _lock_and_follow(events: Sequence[EventRow]) -> Sequence[EventRow]:
    """Locks the contacts; events of one that was merged meanwhile become the survivor's."""
    ids = {event.contact_id for event in events if event.contact_id is not None}
    missing = ids.difference(lock_contacts(ids))
    merged = {
        parse_id("con", str(event.properties.get("contact")))
        for event in events
        if event.name == CONTACT_MERGED and event.kind == "internal"
    }
    ways = follow_stragglers(missing | merged)
    if not missing & ways.keys():
        return events
    lock_contacts(ways[contact_id] for contact_id in missing & ways.keys())
    return [
        replace(event, contact_id=ways[event.contact_id]) if event.contact_id in ways else event
        for event in events
    ]


def move_runs(
    records: Sequence[RunRecord],
    events: Mapping[UUID, Sequence[Happening]],
    messages: Mapping[UUID, MessageOutcome],
    *,
    now: datetime,
    read_log: bool = False,
) -> tuple[dict[UUID, RunEffect], dict[UUID, Plan]]:
    """One engine step for running runs, grouped by version. Effects by run id, and the plans."""
    plans = plans_for({record.version_id for record in records})
    touched = [
        record for record in records if _is_touched(record, plans, events, messages, read_log)
    ]
    facts = run_facts(touched, plans, events=events, messages=messages, now=now, read_log=read_log)
    return _step_by_version(touched, plans, facts, now), plans


def start_runs(
    records: Sequence[RunRecord],
    events: Mapping[UUID, Sequence[Happening]],
    *,
    now: datetime,
    depths: Mapping[UUID, int],
    flows: Sequence[LiveFlow],
) -> int:
    """Writes new runs as far as they get at once, their first messages decided."""
    if not records:
        return 0
    plans = {flow.version_id: flow.plan for flow in flows}
    ready = [r for r in records if r.state.due_at is not None and r.state.due_at <= now]
    facts = run_facts(ready, plans, events=events, messages={}, now=now, read_log=False)
    effects = _step_by_version(ready, plans, facts, now)
    apply_effects(records, list(effects.values()), plans, now=now, depths=depths)
    return len(records)


def happenings_by_contact(events: Sequence[EventRow]) -> dict[UUID, list[Happening]]:
    """The events each contact's runs may want to see, oldest first."""
    found: dict[UUID, list[Happening]] = defaultdict(list)
    for event in sorted(events, key=lambda one: (one.occurred_at, one.id)):
        if event.contact_id is not None:
            found[event.contact_id].append(
                Happening(event.id, event.name, event.occurred_at, event.properties)
            )
    return found


def message_outcomes(events: Sequence[EventRow]) -> dict[UUID, MessageOutcome]:
    """What became of messages, by message id; the first word on each counts."""
    found: dict[UUID, MessageOutcome] = {}
    for event in events:
        if event.name not in MESSAGE_OUTCOMES or event.kind != "internal":
            continue
        try:
            message_id = UUID(str(event.properties.get("message_id") or "").removeprefix("msg_"))
        except ValueError:
            continue
        outcome = {SMS_SENT: "sent", SMS_FAILED: "failed"}.get(event.name, "skipped")
        reason = str(event.properties.get("reason") or "")
        found.setdefault(message_id, MessageOutcome(message_id, outcome, event.occurred_at, reason))
    return found


def _contacts_to_look_at(events: Sequence[EventRow], candidates: set[UUID]) -> set[UUID]:
    return {event.contact_id for event in events if event.contact_id is not None} | candidates


def _is_touched(
    record: RunRecord,
    plans: Mapping[UUID, Plan],
    events: Mapping[UUID, Sequence[Happening]],
    messages: Mapping[UUID, MessageOutcome],
    read_log: bool,
) -> bool:
    plan = plans.get(record.version_id)
    if plan is None:
        return False
    if read_log or record.state.message_id in messages:
        return True
    own = plan.exit_names | plan.wait_names | {SMS_REPLIED}
    return any(event.name in own for event in events.get(record.state.contact_id, ()))


def _step_by_version(
    records: Sequence[RunRecord],
    plans: Mapping[UUID, Plan],
    facts: Mapping[UUID, RunFacts],
    now: datetime,
) -> dict[UUID, RunEffect]:
    by_version: dict[UUID, list[RunRecord]] = defaultdict(list)
    for record in records:
        by_version[record.version_id].append(record)
    effects: dict[UUID, RunEffect] = {}
    for version_id, those in by_version.items():
        plan = plans.get(version_id)
        if plan is not None:
            for effect in step(plan, [record.state for record in those], facts, now):
                effects[effect.after.run_id] = effect
    return effects


def _end_replaced(
    running: Sequence[RunRecord],
    replaced: Sequence[UUID],
    effects: dict[UUID, RunEffect],
    now: datetime,
) -> list[RunEffect]:
    """Ends replaced runs; one that ended by itself in this set stays as it ended."""
    ended = []
    for record in running:
        effect = effects.get(record.id)
        if record.id not in replaced or (effect is not None and effect.ended_at is not None):
            continue
        effects.pop(record.id, None)
        state = record.state
        ended.append(
            RunEffect(
                after=replace(state, state=EXITED, due_at=None, waiting={}),
                left=(
                    StepLeft(state.step_key, state.anchor_at, max(now, state.anchor_at), "exited"),
                ),
                ended_at=now,
                exit_reason="replaced",
            )
        )
    return ended


def _depths(records: Sequence[RunRecord], events: Sequence[EventRow]) -> dict[UUID, int]:
    by_event = {event.id: event.depth for event in events}
    return {
        record.id: by_event.get(record.state.trigger_event_id or record.id, 0) + 1
        for record in records
    }
