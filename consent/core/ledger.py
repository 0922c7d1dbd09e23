"""Consent as a fold over its ledger: what an act may do, and the state that follows.

The writer and the replay use the same `apply`, so the projection can always be rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from consent.core.message_types import CONSENT_TYPES

# --- words of the ledger --------------------------------------------------------------------
OPT_IN_SOURCES = frozenset(
    # the person's own acts
    {"keyword", "start", "confirmation", "web_form", "preference_center"}
    # somebody tells us about them
    | {"api", "import", "agent"}
)
OWN_ACTS = frozenset({"keyword", "start", "confirmation", "web_form", "preference_center"})
HANDSET_ACTS = frozenset({"keyword", "start", "confirmation"})  # the phone itself is the proof

OPT_OUT_SOURCES = frozenset(
    {"keyword", "free_text", "wrong_number", "provider"}
    | {"web_form", "preference_center", "agent", "complaint", "review", "api", "import"}
)
# Said on the phone's own keyboard, so START on the same keyboard takes it back.
_LIFTED_BY_START = frozenset({"keyword", "free_text", "provider"})

SUPPRESSION_REASONS = frozenset(
    {"landline", "invalid", "complaint", "reassigned", "deactivated", "bounced", "manual", "legal"}
)
LEGAL_BASES = frozenset(
    {"pewc", "express", "soft_opt_in", "casl_express", "casl_implied_ebr", "casl_implied_inquiry"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """The part of a ledger row that has an effect."""

    kind: str
    message_types: tuple[str, ...]
    source: str
    occurred_at: datetime
    record_id: UUID
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TypeState:
    """Consent of one number for one message type.

    `since` and `source` belong to the act that made the status; `had_consent`: was subscribed
    at some time; `before`: the status a lapsed double opt-in falls back to.
    """

    status: str
    since: datetime
    source: str
    record_id: UUID
    had_consent: bool = False
    before: TypeState | None = None


@dataclass(frozen=True, slots=True)
class PhoneState:
    """Everything the ledger says about one number."""

    types: dict[str, TypeState] = field(default_factory=dict)
    suppressions: dict[str, datetime] = field(default_factory=dict)
    review_since: datetime | None = None

    def status(self, message_type: str) -> str:
        state = self.types.get(message_type)
        return state.status if state else "never_subscribed"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an act leads to: the row to write (`kind`, None for none) and a stable code."""

    kind: str | None
    code: str


_STATUS_AFTER = {
    "opt_in": "subscribed",
    "re_opt_in": "subscribed",
    "double_opt_in": "subscribed",
    "opt_in_requested": "pending",
    "opt_out": "unsubscribed",
}
KINDS = frozenset(
    {*_STATUS_AFTER, "expired", "suppressed", "unsuppressed", "review_opened", "review_closed"}
)


def apply(state: PhoneState, entry: Entry) -> PhoneState:
    """The state after one more row."""
    if entry.kind == "suppressed":
        added = {entry.reason: entry.occurred_at}
        return replace(state, suppressions={**state.suppressions, **added})
    if entry.kind == "unsuppressed":
        left = {name: at for name, at in state.suppressions.items() if name != entry.reason}
        return replace(state, suppressions=left)
    if entry.kind == "review_opened":
        return replace(state, review_since=state.review_since or entry.occurred_at)
    if entry.kind == "review_closed":
        return replace(state, review_since=None)
    types = dict(state.types)
    for name in entry.message_types:
        now = types.get(name)
        if entry.kind == "expired":
            if now and now.status == "pending":
                if now.before:
                    types[name] = now.before
                else:
                    del types[name]
            continue
        status = _STATUS_AFTER[entry.kind]
        if status == "pending" and now and now.status == "subscribed":
            continue
        types[name] = TypeState(
            status=status,
            since=entry.occurred_at,
            source=entry.source,
            record_id=entry.record_id,
            had_consent=status == "subscribed" or bool(now and now.had_consent),
            before=now if status == "pending" else None,
        )
    return replace(state, types=types)


def replay(entries: Iterable[Entry]) -> PhoneState:
    """The state after all rows, in their order."""
    state = PhoneState()
    for entry in entries:
        state = apply(state, entry)
    return state


def judge_opt_in(
    state: PhoneState,
    *,
    message_types: tuple[str, ...],
    source: str,
    legal_basis: str,
    double: bool,
    occurred_at: datetime,
) -> Ruling:
    """What a wish to subscribe leads to. `double`: this source must be confirmed from the phone.

    Codes: subscribed, pending, unchanged, stop_stands (only the person can take a STOP back),
    older_than_opt_out, unproven (no legal basis named), nothing_pending.
    """
    states = [state.types.get(name) for name in message_types]
    stops = [known for known in states if known and known.status == "unsubscribed"]
    pending = [known for known in states if known and known.status == "pending"]
    waiting_stops = [
        known.before for known in pending if known.before and known.before.status == "unsubscribed"
    ]
    if source == "confirmation" and not pending:
        return Ruling(None, "nothing_pending")
    if source in {"api", "import", "agent"} and legal_basis not in LEGAL_BASES:
        return Ruling(None, "unproven")
    if (stops or waiting_stops) and source not in OWN_ACTS:
        return Ruling(None, "stop_stands")
    if any(known.since > occurred_at for known in (*stops, *waiting_stops)):
        return Ruling(None, "older_than_opt_out")
    if all(known and known.status == "subscribed" for known in states):
        return Ruling(None, "unchanged")
    if pending and source in HANDSET_ACTS:
        return Ruling("double_opt_in", "subscribed")
    if source == "start":
        restorable = stops and all(
            known.had_consent and known.source in _LIFTED_BY_START for known in stops
        )
        return Ruling("re_opt_in", "subscribed") if restorable else _ask(pending)
    if source not in HANDSET_ACTS and double:
        return _ask(pending)
    return Ruling("re_opt_in" if stops or waiting_stops else "opt_in", "subscribed")


def judge_opt_out(state: PhoneState, *, message_types: tuple[str, ...], source: str) -> Ruling:
    """What a wish to stop leads to: it always holds. A repetition writes no second row.

    A stop said elsewhere (web, agent) after one typed on the phone is written down, because
    START no longer takes it back.
    """
    states = [state.types.get(name) for name in message_types]
    if all(known and known.status == "unsubscribed" for known in states):
        stronger = source not in _LIFTED_BY_START and any(
            known and known.source in _LIFTED_BY_START for known in states
        )
        return Ruling("opt_out" if stronger else None, "unchanged")
    return Ruling("opt_out", "unsubscribed")


def stop_types(scope: str, *, keyword: str = "", source: str = "keyword") -> tuple[str, ...]:
    """The message types a STOP ends. `scope` is the workspace's: "all" or "marketing".

    STOPALL and the provider's own block always end everything.
    """
    if scope == "all" or source == "provider" or keyword in {"stopall", "stop all"}:
        return CONSENT_TYPES
    return ("marketing", "conversational")


def _ask(pending: list[TypeState]) -> Ruling:
    return Ruling(None if pending else "opt_in_requested", "pending")
