"""Everything the gate looks at, loaded beforehand for a whole set. Plain data, no database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.core.caps import CapRules, Slot
from consent.core.quiet_hours import QuietRules
from consent.core.zones import ZoneSet
from delivery.core.intents import SendIntent


@dataclass(frozen=True, slots=True)
class GateIntent:
    """An intent with what is known of its message.

    `held_phone`: the number an earlier decision was made for ("" when this is the first).
    `reply_received_at`: when the inbound message it answers came in.
    """

    intent: SendIntent
    message_id: UUID
    created_at: datetime
    expires_at: datetime
    held_phone: str = ""
    reply_received_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.intent.dedupe_key


@dataclass(frozen=True, slots=True)
class SenderView:
    """A sender and its gateway. `stopped`: the gateway's stop code. `blocked`: ISO countries.
    `room`: segments it can still take before it is a minute ahead."""

    id: UUID
    gateway_id: UUID
    label: str
    active: bool
    paused_reason: str
    retry_at: datetime | None
    stopped: str
    blocked: frozenset[str]
    segments_per_second: float
    room: float


@dataclass(frozen=True, slots=True)
class ContactView:
    """`phone` is E.164 or "". `country`: ISO code of the number's country, "" when unknown or
    when no sender blocks any."""

    erased: bool
    phone: str
    country: str


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What consent knows of one contact."""

    statuses: Mapping[str, str]
    suppression: str | None
    paused_for_review: bool
    zones: ZoneSet
    quiet: QuietRules
    caps: CapRules
    slots: tuple[Slot, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceView:
    """What the sender of the intent says: is its run still live, do its conditions hold?

    `until`: one that is not live only waits, and is asked again then.
    """

    live: bool = True
    reason: str | None = None
    until: datetime | None = None
    conditions_ok: bool = True
    detail: Mapping[str, Any] = field(default_factory=dict)
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Rival:
    """Another marketing text already stored for the contact, waiting for its time."""

    message_id: UUID
    priority: int
    due_at: datetime
    source_key: str


@dataclass(frozen=True, slots=True)
class TextView:
    """A rendered text as it would leave. `problem` is a reason code."""

    body: str
    encoding: str
    num_segments: int
    problem: str | None = None
    detail: str = ""
    tells_stop: bool = False
    fields: tuple[dict[str, Any], ...] = ()
    links: tuple[tuple[str, str, str], ...] = ()  # label, target, token


@dataclass(frozen=True, slots=True)
class Facts:
    """Loaded for one set of intents. Keys: dedupe keys, or contact ids where it says so.

    `agreed`: by contact, how a member proved that the contact's number is theirs (test texts).
    `answerers`: by dedupe key, the sender somebody wrote to, also when its gateway is not in use.
    """

    workspace_active: bool
    senders: Sequence[SenderView]
    contacts: Mapping[UUID, ContactView]
    consent: Mapping[UUID, ConsentView]
    sources: Mapping[str, SourceView]
    held: Mapping[str, tuple[UUID, str]]
    rivals: Mapping[UUID, Sequence[Rival]]
    agreed: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    answerers: Mapping[str, SenderView] = field(default_factory=dict)


def choose_sender(facts: Facts, item: GateIntent) -> SenderView | None:
    """One sender per contact, the same as long as the working ones stay the same; an answer comes
    from the number that was written to.

    None when there is none at all; a paused one only when all are paused.
    """
    answerer = facts.answerers.get(item.key)
    if answerer is not None and answerer.active and not answerer.stopped:
        return answerer
    key = item.intent.contact_id or item.key
    working = [s for s in facts.senders if s.active and not s.stopped]
    pool = working or list(facts.senders)
    if not pool:
        return None
    if len(pool) == 1:
        return pool[0]
    digest = hashlib.sha256(str(key).encode()).digest()
    return pool[int.from_bytes(digest[:4]) % len(pool)]
