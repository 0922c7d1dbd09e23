"""Whether an event starts a run, and if not, why not: in words. Pure, on sets.

The order of the questions is fixed: history or too old, filter, threshold, already over,
re-entry, 60 seconds. The first "no" is the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from events.core import filters
from triggers.core.definition import EventTrigger
from triggers.core.durations import parse_duration, words_for
from triggers.core.plan import Plan, rule_matches
from triggers.core.state import Happening
from triggers.core.thresholds import Level, judge_crossing

SAME_FLOW_GUARD = timedelta(seconds=60)
SEGMENT_GAP = timedelta(minutes=5)
MAX_DEPTH = 5

ENTERED = "entered"
BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A listened event. `subject`: whose threshold it moves (contact id or product key)."""

    event: Happening
    known_at: datetime
    contact_id: UUID | None = None
    subject: str = ""
    backfill: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Entered or not. `detail["text"]` says it in words; `replaces`: the run to end first."""

    trigger: Trigger
    contact_id: UUID | None
    entered: bool
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    entry_key: str = ""
    replaces: UUID | None = None
    not_before: datetime | None = None
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RunBrief:
    """An earlier run of the same flow and contact."""

    run_id: UUID
    entry_key: str
    entered_at: datetime
    ended_at: datetime | None = None
    texts_sent: bool = False
    gave_up: bool = False  # left because the product sold out: the request still stands


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that a trigger would let in. `entry_key` tells parallel runs apart."""

    trigger: Trigger
    contact_id: UUID
    entry_key: str = ""
    not_before: datetime | None = None
    request_id: UUID | None = None


def judge_triggers(
    plan: Plan,
    triggers: Sequence[Trigger],
    levels: Mapping[str, Level],
    *,
    published_at: datetime,
    now: datetime,
) -> tuple[list[Trigger], list[Verdict], dict[str, Level]]:
    """Which events pass age, filter and threshold; refusals; levels that changed.

    Events are taken in order of occurred_at, so two balances in one set are two steps.
    """
    passed: list[Trigger] = []
    refused: list[Verdict] = []
    moved: dict[str, Level] = {}
    for one in sorted(triggers, key=lambda t: (t.event.occurred_at, t.event.id)):
        level = moved.get(one.subject, levels.get(one.subject))
        reason, detail, after = _judge_trigger(plan, one, level, published_at, now)
        if after is not None and after != level:
            moved[one.subject] = after
        if reason:
            refused.append(Verdict(one, one.contact_id, False, reason, detail))
        else:
            passed.append(one)
    return passed, refused, moved


def judge_candidates(
    plan: Plan,
    candidates: Sequence[Candidate],
    earlier: Mapping[UUID, Sequence[RunBrief]],
    ending: Mapping[UUID, Sequence[Happening]],
    now: datetime,
) -> list[Verdict]:
    """Exit criteria already met, re-entry and the 60 second guard, contact by contact.

    `earlier`: this flow's runs by contact. `ending`: events that exit criteria listen to. Of two
    candidates in one set the second sees the run that the first has opened.
    """
    known = {contact_id: list(runs) for contact_id, runs in earlier.items()}
    verdicts = []
    for one in candidates:
        runs = known.setdefault(one.contact_id, [])
        verdict = _judge_candidate(plan, one, runs, ending.get(one.contact_id, ()), now)
        verdicts.append(verdict)
        if verdict.entered:
            if verdict.replaces is not None:
                runs[:] = [run for run in runs if run.run_id != verdict.replaces]
            # Known by the event until it has an id of its own: a later event of the same set
            # may not replace it, the guard of 60 seconds refuses that first.
            runs.append(RunBrief(one.trigger.event.id, one.entry_key, now))
    return verdicts


def entry_key_of(plan: Plan, properties: Mapping[str, Any]) -> str:
    """What tells runs of one contact apart: the value of the re-entry key, or ""."""
    key = plan.definition.reentry.key
    if not key:
        return ""
    value = filters.read_path(properties, key)
    return "" if value is None else str(value)[:256]


def _judge_trigger(
    plan: Plan, one: Trigger, level: Level | None, published_at: datetime, now: datetime
) -> tuple[str, dict[str, Any], Level | None]:
    trigger = plan.definition.trigger
    crossing = None
    after = None
    if isinstance(trigger, EventTrigger) and trigger.crosses is not None:
        crossing = judge_crossing(trigger.crosses, one.event, level)
        # History moves the level too: a threshold crossed last year does not cross again now.
        after = crossing.after if _passes_filter(trigger, one) else None
    if one.backfill:
        return BACKFILL, _say("history that was loaded starts no flow"), after
    if one.depth >= MAX_DEPTH:
        return "loop", _say(f"flows had caused each other {MAX_DEPTH} times in a row"), after
    if one.known_at < published_at:
        return "before_publish", _say("the flow was not live yet"), after
    limit = parse_duration(trigger.max_age)
    age = now - one.event.occurred_at
    if age > limit.roughly():
        text = f"the event is {words_for(age)} old, this flow takes events of up to {limit.words()}"
        return "too_old", _say(text, age_seconds=int(age.total_seconds())), after
    if isinstance(trigger, EventTrigger):
        if not _passes_filter(trigger, one):
            return "filter", _say("the event does not match the trigger's filter"), after
        if crossing is not None and not crossing.crossed:
            return crossing.reason, {**crossing.detail, "text": crossing.text}, after
    if one.contact_id is None and getattr(trigger, "audience", "contact") == "contact":
        return "no_contact", _say("the event belongs to no contact"), after
    return "", {}, after


def _passes_filter(trigger: EventTrigger, one: Trigger) -> bool:
    return trigger.filter is None or filters.matches(trigger.filter, one.event.properties)


def _judge_candidate(
    plan: Plan,
    one: Candidate,
    runs: Sequence[RunBrief],
    ending: Sequence[Happening],
    now: datetime,
) -> Verdict:
    over = _already_over(plan, one, ending)
    if over is not None:
        text = f"{over.name} came first"
        return _refuse(one, "already_exited", text, event_id=str(over.id))
    same = [run for run in runs if run.entry_key == one.entry_key]
    replaces, reason, text = _judge_reentry(plan, same, runs, now)
    if reason:
        return _refuse(one, reason, text)
    if any(run.entered_at > now - _guard_for(plan) for run in _guarded(plan, same, runs)):
        limit = words_for(_guard_for(plan))
        return _refuse(one, "too_soon", f"entered this flow less than {limit} ago")
    return Verdict(
        one.trigger,
        one.contact_id,
        True,
        ENTERED,
        entry_key=one.entry_key,
        replaces=replaces,
        not_before=one.not_before,
        request_id=one.request_id,
    )


def _judge_reentry(
    plan: Plan, same: Sequence[RunBrief], runs: Sequence[RunBrief], now: datetime
) -> tuple[UUID | None, str, str]:
    """(run to replace, reason, words): no reason means the way is free."""
    reentry = plan.definition.reentry
    running = [run for run in same if run.ended_at is None]
    if reentry.mode == "once":
        if any(not run.gave_up for run in same):
            return None, "once", "entered before, and this flow takes everybody once"
        return None, "", ""
    replaces = None
    if running and reentry.mode == "replace":
        if running[0].texts_sent:
            return None, "text_sent", "already in this flow, and a text about it was sent"
        replaces = running[0].run_id
    elif running:
        return None, "already_running", "already in this flow"
    if not reentry.min_gap or replaces is not None:
        return replaces, "", ""
    gap = parse_duration(reentry.min_gap)
    since_entry = reentry.mode == "every"
    last = max(
        (run.entered_at if since_entry else run.ended_at or run.entered_at for run in same),
        default=None,
    )
    if last is not None and now < gap.after(last):
        verb = "entered" if since_entry else "left"
        return None, "min_gap", f"{verb} this flow less than {gap.words()} ago"
    return replaces, "", ""


def _already_over(plan: Plan, one: Candidate, ending: Sequence[Happening]) -> Happening | None:
    """The first event at or after the trigger that would end the run at once."""
    trigger = one.trigger.event
    rules = [*plan.definition.exit, *([plan.definition.goal] if plan.definition.goal else [])]
    for event in ending:
        if event.occurred_at < trigger.occurred_at or event.id == trigger.id:
            continue
        if any(rule_matches(r, event.name, event.properties, trigger.properties) for r in rules):
            return event
    return None


def _guard_for(plan: Plan) -> timedelta:
    by_segment = not isinstance(plan.definition.trigger, EventTrigger)
    return SEGMENT_GAP if by_segment else SAME_FLOW_GUARD


def _guarded(plan: Plan, same: Sequence[RunBrief], runs: Sequence[RunBrief]) -> Sequence[RunBrief]:
    """Two products back in stock at once are two requests of one contact, not a loop."""
    by_request = getattr(plan.definition.trigger, "audience", "") == "back_in_stock_requests"
    return same if by_request else runs


def _refuse(one: Candidate, reason: str, text: str, **values: Any) -> Verdict:
    return Verdict(
        one.trigger,
        one.contact_id,
        False,
        reason,
        _say(text, **values),
        entry_key=one.entry_key,
        request_id=one.request_id,
    )


def _say(text: str, **values: Any) -> dict[str, Any]:
    return {"text": text, **values}
