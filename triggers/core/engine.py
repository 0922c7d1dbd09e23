"""The engine: moves runs of one version as far as they can go right now. Pure, on sets.

Order of precedence, for every run: exit criteria and goal win over everything; then what the run
waits for; then immediate steps until the next wait. A message step hands out the message and
waits for its outcome, so what follows counts from the actual send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from triggers.core.conditions import Known, holds
from triggers.core.definition import Delay, MessageStep, Split, WaitForEvent, WaitForReply
from triggers.core.durations import parse_duration
from triggers.core.plan import SMS_REPLIED, Plan, rule_matches
from triggers.core.replies import is_reserved, match_keyword
from triggers.core.state import (
    ACTIVE,
    EXITED,
    FINISHED,
    RUNNING,
    WAITING_EVENT,
    WAITING_MESSAGE,
    Happening,
    RunEffect,
    RunFacts,
    RunState,
    StepLeft,
)

# A tree of steps has no way back, so a run passes each step once; more means a broken version.
MAX_STEPS_AT_ONCE = 200
# How long after the trigger a cart text may still go (the carriers' rule for cart reminders).
CART_TEXT_LIMIT = timedelta(hours=48)


def step(
    plan: Plan, states: Sequence[RunState], facts: Mapping[UUID, RunFacts], now: datetime
) -> list[RunEffect]:
    """One effect for every run that changes; runs that stay as they are yield none."""
    nothing = RunFacts()
    effects = (advance_run(plan, one, facts.get(one.run_id, nothing), now) for one in states)
    return [effect for effect in effects if effect is not None]


def advance_run(plan: Plan, run: RunState, facts: RunFacts, now: datetime) -> RunEffect | None:
    """One run, as far as it goes. None: nothing changes."""
    if run.state not in RUNNING:
        return None
    ended = find_exit(plan, run, facts.events)
    if ended is not None:
        return ended
    if facts.sold_out and run.state == ACTIVE and "sent" not in run.outcomes.values():
        return _give_up(run, now)
    noted = _note_reply(run, facts.events)
    walk = _Walk(plan, noted, facts, now)
    effect = walk.go()
    if effect is None and noted is not run:
        return RunEffect(after=noted)
    return effect


def find_exit(plan: Plan, run: RunState, events: Sequence[Happening]) -> RunEffect | None:
    """The first event at or after the trigger that ends this run, or None."""
    definition = plan.definition
    rules = [(rule, "exit") for rule in definition.exit]
    if definition.goal is not None:
        rules.insert(0, (definition.goal, "goal"))
    for event in events:
        if event.name not in plan.exit_names or event.occurred_at < run.triggered_at:
            continue
        if event.id == run.trigger_event_id:  # an order flow exits on the next order
            continue
        for rule, kind in rules:
            if rule_matches(rule, event.name, event.properties, run.trigger):
                reason = f"{kind}:{event.name}"
                ended_at = max(event.occurred_at, run.anchor_at)
                return RunEffect(
                    after=replace(run, state=EXITED, due_at=None, waiting={}),
                    left=(StepLeft(run.step_key, run.anchor_at, ended_at, "exited"),),
                    ended_at=ended_at,
                    exit_reason=reason,
                    exit_event_id=event.id,
                )
    return None


@dataclass(slots=True)
class _Arrival:
    """Where the walk stands: the next step to begin, and since when."""

    key: str | None
    at: datetime


class _Walk:
    """The way of one run through immediate steps."""

    def __init__(self, plan: Plan, run: RunState, facts: RunFacts, now: datetime) -> None:
        self.plan, self.run, self.facts, self.now = plan, run, facts, now
        self.outcomes = dict(run.outcomes)
        self.pass_message = str(run.waiting.get("pass_message") or "")
        self.late_after: Mapping[str, int] = run.waiting.get("late_after") or {}
        self.left: list[StepLeft] = []

    def go(self) -> RunEffect | None:
        arrival = self._leave_current()
        if isinstance(arrival, RunEffect) or arrival is None:
            return arrival
        for _ in range(MAX_STEPS_AT_ONCE):
            if arrival.key is None:
                return self._end(arrival.at, FINISHED, "completed")
            following = self._begin(arrival.key, arrival.at)
            if isinstance(following, RunEffect):
                return following
            arrival = following
        return self._end(self.now, EXITED, "loop")

    # -- leaving the step the run stands at -------------------------------------------------

    def _leave_current(self) -> _Arrival | RunEffect | None:
        """Where to go on; None when the run has to stay; an effect when it ends."""
        run = self.run
        place = self.plan.places.get(run.step_key)
        if place is None:
            return self._end(self.now, EXITED, "step_gone")
        is_due = run.due_at is not None and run.due_at <= self.now
        if run.state == WAITING_MESSAGE:
            return self._leave_message(place.next, place.step)
        if run.state == WAITING_EVENT and run.waiting.get("for") == "reply":
            return self._leave_reply_gate(is_due)
        if run.state == WAITING_EVENT:
            found = self._find_wait(place.step, run.anchor_at, run.due_at)
            if found is not None:
                return self._pass("happened", found.occurred_at, place.then)
            if not is_due:
                return None
            return self._pass("timed_out", run.due_at or self.now, place.otherwise)
        if not is_due:
            return None
        if run.waiting.get("door"):
            return _Arrival(run.step_key, run.anchor_at)
        return self._pass("elapsed", run.due_at or self.now, place.next)

    def _leave_message(self, following: str | None, of: object) -> _Arrival | RunEffect | None:
        message = self.facts.message
        if message is None or message.message_id != self.run.message_id:
            return None
        outcome = message.outcome
        if message.reason and outcome != "sent":
            outcome = f"{outcome}:{message.reason}"
        self.outcomes[self.run.step_key] = outcome
        at = max(message.at, self.run.anchor_at)
        arrival = self._pass(outcome, at, following)
        ends = isinstance(of, MessageStep) and of.on_skip == "exit"
        if ends and message.outcome != "sent":
            return self._end(at, EXITED, outcome)
        return arrival

    def _leave_reply_gate(self, is_due: bool) -> _Arrival | None:
        run = self.run
        if run.replied_at is not None:
            return _Arrival(run.step_key, max(run.anchor_at, run.replied_at))
        if not is_due:
            return None
        self.outcomes[run.step_key] = "skipped:no_reply"
        following = self.plan.places[run.step_key].next
        return self._pass("skipped:no_reply", run.due_at or self.now, following)

    def _pass(self, outcome: str, at: datetime, following: str | None) -> _Arrival:
        at = max(at, self.run.anchor_at)
        self.left.append(StepLeft(self.run.step_key, self.run.anchor_at, at, outcome))
        return _Arrival(following, at)

    # -- beginning a step ------------------------------------------------------------------

    def _begin(self, key: str, at: datetime) -> _Arrival | RunEffect:
        place = self.plan.places[key]
        one = place.step
        if isinstance(one, Delay):
            due_at = parse_duration(one.for_).after(at, self.facts.zone)
            if due_at > self.now:
                return self._stay(key, at, ACTIVE, due_at)
            return self._through(key, at, due_at, "elapsed", place.next)
        if isinstance(one, MessageStep):
            return self._begin_message(one, at, place.next)
        if isinstance(one, WaitForEvent | WaitForReply):
            due_at = parse_duration(one.timeout).after(at, self.facts.zone)
            found = self._find_wait(one, at, due_at)
            if found is not None:
                return self._through(key, at, max(at, found.occurred_at), "happened", place.then)
            if due_at > self.now:
                return self._stay(key, at, WAITING_EVENT, due_at)
            return self._through(key, at, due_at, "timed_out", place.otherwise)
        if isinstance(one, Split):
            branch = "then" if holds(one.if_, self._known()) else "else"
            following = place.then if branch == "then" else place.otherwise
            return self._through(key, at, at, branch, following)
        self.left.append(StepLeft(key, at, at, "exit"))
        return self._end(at, FINISHED, "exit_step")

    def _begin_message(
        self, one: MessageStep, at: datetime, following: str | None
    ) -> _Arrival | RunEffect:
        if self.facts.held:
            return self._stay(one.key, at, ACTIVE, self.now, {"door": True})
        if self.pass_message:
            outcome = f"skipped:{self.pass_message}"
            self.pass_message = ""
            self.outcomes[one.key] = outcome
            return self._through(one.key, at, self.now, outcome, following)
        if self._is_too_late(one, at):
            self.outcomes[one.key] = "skipped:expired"
            return self._through(one.key, at, self.now, "skipped:expired", following)
        why = self._needs_reply(one)
        if why:
            limit = self.run.triggered_at + CART_TEXT_LIMIT
            if why == "step":
                limit = parse_duration(one.replies_open_for).after(at, self.facts.zone)
            if limit > self.now:
                return self._stay(one.key, at, WAITING_EVENT, limit, {"for": "reply", "why": why})
            self.outcomes[one.key] = "skipped:no_reply"
            return self._through(one.key, at, self.now, "skipped:no_reply", following)
        return self._stay(one.key, at, WAITING_MESSAGE, None, message=one)

    def _is_too_late(self, one: MessageStep, at: datetime) -> bool:
        """A run that was moved to a shorter delay may be past its text's time to live already."""
        limit = self.late_after.get(one.key)
        return limit is not None and self.now - at > timedelta(seconds=limit)

    def _needs_reply(self, one: MessageStep) -> str:
        """Why this text waits for a reply: "us_cart_rule", "step", or "" when it need not."""
        sent = self.facts.texts_before + sum(o == "sent" for o in self.outcomes.values())
        if self.run.replied_at is not None:
            return ""
        if self.facts.one_text_per_cart and sent:
            return "us_cart_rule"
        return "step" if one.requires_reply else ""

    def _known(self) -> Known:
        return Known(
            properties=self.run.trigger,
            attributes=self.facts.attributes,
            rules=self.facts.rules,
            segments=self.facts.segments,
            outcomes=self.outcomes,
            replied=self.run.replied_at is not None,
        )

    def _find_wait(self, one: object, since: datetime, until: datetime | None) -> Happening | None:
        """The first event in [since, until] that the wait is for."""
        for event in self.facts.events:
            if event.id == self.run.trigger_event_id:
                continue
            if event.occurred_at < since or (until is not None and event.occurred_at > until):
                continue
            if isinstance(one, WaitForEvent):
                if rule_matches(one, event.name, event.properties, self.run.trigger):
                    return event
            elif isinstance(one, WaitForReply) and _is_reply(event):
                body = str(event.properties.get("body") or "")
                if one.keyword is None or match_keyword(body, [one.keyword]):
                    return event
        return None

    # -- answers ---------------------------------------------------------------------------

    def _through(
        self, key: str, at: datetime, left_at: datetime, outcome: str, following: str | None
    ) -> _Arrival:
        self.left.append(StepLeft(key, at, max(at, left_at), outcome))
        return _Arrival(following, max(at, left_at))

    def _stay(
        self,
        key: str,
        at: datetime,
        state: str,
        due_at: datetime | None,
        waiting: Mapping[str, object] | None = None,
        message: MessageStep | None = None,
    ) -> RunEffect:
        kept = dict(waiting or {})
        if self.pass_message:
            kept["pass_message"] = self.pass_message
        after = replace(
            self.run,
            state=state,
            step_key=key,
            anchor_at=at,
            due_at=due_at,
            waiting=kept,
            outcomes=self.outcomes,
            message_id=None,
        )
        return RunEffect(after=after, left=tuple(self.left), message=message)

    def _end(self, at: datetime, state: str, reason: str) -> RunEffect:
        after = replace(
            self.run, state=state, due_at=None, waiting={}, outcomes=self.outcomes, anchor_at=at
        )
        return RunEffect(after=after, left=tuple(self.left), ended_at=at, exit_reason=reason)


def _give_up(run: RunState, now: datetime) -> RunEffect:
    return RunEffect(
        after=replace(run, state=EXITED, due_at=None, waiting={}),
        left=(StepLeft(run.step_key, run.anchor_at, max(now, run.anchor_at), "exited"),),
        ended_at=now,
        exit_reason="out_of_stock",
    )


def _is_reply(event: Happening) -> bool:
    return event.name == SMS_REPLIED and not is_reserved(str(event.properties.get("body") or ""))


def _note_reply(run: RunState, events: Sequence[Happening]) -> RunState:
    if run.replied_at is not None:
        return run
    for event in events:
        if event.occurred_at >= run.triggered_at and _is_reply(event):
            return replace(run, replied_at=event.occurred_at)
    return run
