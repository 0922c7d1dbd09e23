"""Opting in. Only the person's own act takes the person's STOP back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consent.core.ledger import (
    HANDSET_ACTS,
    OPT_IN_SOURCES,
    OWN_ACTS,
    PhoneState,
    judge_opt_in,
)
from consent.core.message_types import CONSENT_TYPES
from consent.domain import acts
from consent.domain.contact_points import find_tokens
from consent.domain.settings import read_compliance
from consent.domain.writing import Draft, open_ledger
from consent.models import Consent

PENDING_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OptIn:
    """One wish to be texted.

    `source`: keyword, start, confirmation (the phone itself is the proof), web_form,
    preference_center, api, import, agent. The last three need a `legal_basis` (pewc, express,
    soft_opt_in, casl_express, casl_implied_ebr, casl_implied_inquiry).
    `double_opt_in` overrides the workspace's choice for this source. `evidence` holds personal
    values by name (form URL, IP address, user agent, words); `disclosure` is the text as shown.
    """

    phone: str
    source: str
    occurred_at: datetime
    contact_id: UUID | None = None
    legal_basis: str = ""
    message_types: tuple[str, ...] = CONSENT_TYPES
    double_opt_in: bool | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    disclosure: str = ""
    rule: str = ""
    actor: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    cause_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OptInResult:
    """`code`: subscribed, pending (ask for a YES), unchanged, nothing_pending, stop_stands,
    older_than_opt_out, unproven. `record_id` is None when nothing was written."""

    phone: str
    code: str
    record_id: UUID | None


def record_opt_ins(
    opt_ins: Sequence[OptIn], *, now: datetime, lane: str = "live", history: bool = False
) -> list[OptInResult]:
    """Writes each wish that may hold, in order; idempotent. One result per wish.

    Appends "SMS Subscribed" for numbers that belong to a contact, in `lane`; with `history` it
    starts no flow. The caller holds the contacts' locks. Raises `Invalid` before anything is written.
    """
    _check(opt_ins, now)
    if not opt_ins:
        return []
    doubles = read_compliance().double_opt_in_sources
    tokens = find_tokens(wish.phone for wish in opt_ins)
    contacts = acts.find_contacts((wish.phone, wish.contact_id) for wish in opt_ins)
    ledger = open_ledger(tokens.values(), now=now)
    results: list[OptInResult] = []
    changes: list[acts.Change] = []
    for wish in opt_ins:
        token = tokens[wish.phone]
        state = ledger.states[token]
        # A YES answers the question that was asked, and no more.
        types = _pending(state) if wish.source == "confirmation" else wish.message_types
        double = wish.source in doubles if wish.double_opt_in is None else wish.double_opt_in
        ruling = judge_opt_in(
            state,
            message_types=types,
            source=wish.source,
            legal_basis=wish.legal_basis,
            double=double,
            occurred_at=wish.occurred_at,
        )
        if ruling.kind is None:
            results.append(OptInResult(wish.phone, ruling.code, None))
            continue
        contact_id = contacts.get(wish.phone)
        record_id = ledger.append(
            Draft(
                phone_token=token,
                kind=ruling.kind,
                source=wish.source,
                occurred_at=wish.occurred_at,
                message_types=types,
                legal_basis=wish.legal_basis or ("pewc" if wish.source in OWN_ACTS else ""),
                rule=wish.rule,
                actor=wish.actor,
                contact_id=contact_id,
                evidence={"phone": wish.phone, **wish.evidence},
                disclosure=wish.disclosure,
            )
        )
        if ruling.code == "subscribed":
            # Somebody new holds the number and says so on it.
            if wish.source in HANDSET_ACTS and "reassigned" in state.suppressions:
                ledger.append(
                    Draft(token, "unsuppressed", wish.source, wish.occurred_at, reason="reassigned")
                )
            if contact_id:
                changes.append(
                    acts.Change(
                        "SMS Subscribed",
                        contact_id,
                        record_id,
                        wish.source,
                        types,
                        wish.occurred_at,
                        wish.properties,
                        wish.cause_id,
                    )
                )
        results.append(OptInResult(wish.phone, ruling.code, record_id))
    ledger.save()
    acts.tell(changes, now=now, lane=lane, history=history)
    return results


def _pending(state: PhoneState) -> tuple[str, ...]:
    return tuple(name for name, known in state.types.items() if known.status == "pending")


def expire_pending(*, now: datetime, limit: int = 1000) -> int:
    """Lets double opt-ins lapse that nobody confirmed in 30 days. Returns how many numbers."""
    due = Consent.objects.filter(status="pending", since__lte=now - PENDING_FOR)
    tokens = sorted(set(due.values_list("phone_token", flat=True)[:limit]))
    if not tokens:
        return 0
    ledger = open_ledger(tokens, now=now)
    lapsed = 0
    for token in tokens:
        types = tuple(
            name
            for name, state in ledger.states[token].types.items()
            if state.status == "pending" and state.since <= now - PENDING_FOR
        )
        if types:
            ledger.append(Draft(token, "expired", "system", now, message_types=types))
            lapsed += 1
    ledger.save()
    return lapsed


def _check(opt_ins: Sequence[OptIn], now: datetime) -> None:
    errors = []
    for index, wish in enumerate(opt_ins):
        at = f"opt_ins[{index}]"
        errors += acts.check_phone(f"{at}.phone", wish.phone)
        errors += acts.check_choice(f"{at}.source", wish.source, OPT_IN_SOURCES)
        errors += acts.check_time(f"{at}.occurred_at", wish.occurred_at, now)
        for name in wish.message_types:
            errors += acts.check_choice(f"{at}.message_types", name, CONSENT_TYPES)
    acts.refuse(errors)
