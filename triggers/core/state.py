"""What the engine is told about a run, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from people.core.kinds import Rules
from triggers.core.definition import MessageStep

ACTIVE = "active"  # at a delay, or at the door of a step until due_at
WAITING_MESSAGE = "waiting_message"  # until the message is sent, skipped or failed
WAITING_EVENT = "waiting_event"  # until an event or reply, at most until due_at
FINISHED = "finished"
EXITED = "exited"
RUNNING = frozenset({ACTIVE, WAITING_MESSAGE, WAITING_EVENT})


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as the engine sees it. `properties` are plain JSON."""

    id: UUID
    name: str
    occurred_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunState:
    """One run. `anchor_at`: when the last step was left; delays and waits count from it.

    `waiting`: {"door": true} before a step is begun; {"for": "reply", "why": ...} at a message
    that waits for a reply; {"pass_message": <reason>} when the next message is to be passed over;
    {"moved_to": <duration>, "late_after": {message step key: seconds}} at a delay that was changed
    since: the length that counts, and how long after it each text may still go.
    `outcomes`: message step key -> "sent", "skipped:<reason>" or "failed:<reason>".
    """

    run_id: UUID
    contact_id: UUID
    state: str
    step_key: str
    triggered_at: datetime
    anchor_at: datetime
    due_at: datetime | None = None
    waiting: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    message_id: UUID | None = None
    replied_at: datetime | None = None
    trigger: Mapping[str, Any] = field(default_factory=dict)
    trigger_event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """What became of a message: `outcome` is sent, skipped or failed; `at` the actual time."""

    message_id: UUID
    outcome: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known about a run's contact right now.

    `events`: in order of occurred_at, at least those that exits and waits listen to.
    `one_text_per_cart`: a further text about this cart needs a reply first.
    `texts_before`: texts that earlier runs sent about the same object.
    `held`: the flow is paused: no message is begun.
    `sold_out`: the product whose return the run tells of is gone again.
    """

    events: tuple[Happening, ...] = ()
    message: MessageOutcome | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    segments: frozenset[str] = frozenset()
    zone: str = "UTC"
    held: bool = False
    sold_out: bool = False
    one_text_per_cart: bool = False
    texts_before: int = 0


@dataclass(frozen=True, slots=True)
class StepLeft:
    """A step that was passed. `outcome`: elapsed, sent, skipped:.., happened, timed_out, then.."""

    step_key: str
    entered_at: datetime
    left_at: datetime
    outcome: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunEffect:
    """The run as it is after the step, what it passed, and the message it asks for."""

    after: RunState
    left: tuple[StepLeft, ...] = ()
    message: MessageStep | None = None
    ended_at: datetime | None = None
    exit_reason: str = ""
    exit_event_id: UUID | None = None
