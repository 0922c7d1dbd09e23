"""Opting out. It always holds, at once, for the whole workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.core.ledger import OPT_OUT_SOURCES, PhoneState, judge_opt_out, stop_types
from consent.core.normalizing import normalize
from consent.domain import acts
from consent.domain.contact_points import find_tokens
from consent.domain.settings import read_compliance
from consent.domain.writing import Draft, open_ledger

# What a stop tells us about the number itself.
_SUPPRESSES = {"wrong_number": "reassigned", "complaint": "complaint"}


@dataclass(frozen=True, slots=True)
class OptOut:
    """One stop.

    `source`: keyword, free_text, wrong_number, provider (Twilio's OptOutType or error 21610),
    web_form, preference_center, agent, complaint, review, api, import.
    `evidence` holds personal values by name, such as {"body": "Please stop"}; a "keyword" in it
    of STOPALL ends everything whatever the workspace chose. `properties` go into the event, such
    as the message that was answered.
    """

    phone: str
    contact_id: UUID | None
    source: str
    evidence: Mapping[str, str]
    occurred_at: datetime
    rule: str = ""
    actor: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    cause_id: UUID | None = None


def record_opt_outs(
    opt_outs: Sequence[OptOut], *, now: datetime, lane: str = "live", history: bool = False
) -> list[UUID]:
    """Writes each stop; returns for each the record that ends the consent.

    Idempotent: a repetition returns the earlier record, writes nothing and tells nobody. Appends
    "SMS Unsubscribed" for numbers that belong to a contact, in `lane`; with `history` it starts no
    flow. The caller holds the contacts' locks
    and cancels queued messages in the same transaction. Raises `Invalid` before anything is
    written.
    """
    _check(opt_outs, now)
    if not opt_outs:
        return []
    scope = read_compliance().stop_scope
    tokens = find_tokens(stop.phone for stop in opt_outs)
    contacts = acts.find_contacts((stop.phone, stop.contact_id) for stop in opt_outs)
    ledger = open_ledger(tokens.values(), now=now)
    records: list[UUID] = []
    changes: list[acts.Change] = []
    for stop in opt_outs:
        token = tokens[stop.phone]
        state = ledger.states[token]
        keyword = normalize(stop.evidence.get("keyword", ""))
        types = stop_types(scope, keyword=keyword, source=stop.source)
        ruling = judge_opt_out(state, message_types=types, source=stop.source)
        contact_id = contacts.get(stop.phone)
        if ruling.kind is None:
            record_id = _standing_record(state, types)
        else:
            record_id = ledger.append(
                Draft(
                    phone_token=token,
                    kind=ruling.kind,
                    source=stop.source,
                    occurred_at=stop.occurred_at,
                    message_types=types,
                    rule=stop.rule,
                    actor=stop.actor,
                    contact_id=contact_id,
                    evidence={"phone": stop.phone, **stop.evidence},
                )
            )
        if state.review_since:
            ledger.append(
                Draft(token, "review_closed", stop.source, stop.occurred_at, actor=stop.actor)
            )
        reason = _SUPPRESSES.get(stop.source)
        if reason and reason not in state.suppressions:
            ledger.append(Draft(token, "suppressed", stop.source, stop.occurred_at, reason=reason))
        records.append(record_id)
        if ruling.code == "unsubscribed" and contact_id:
            changes.append(
                acts.Change(
                    "SMS Unsubscribed",
                    contact_id,
                    record_id,
                    stop.source,
                    types,
                    stop.occurred_at,
                    stop.properties,
                    stop.cause_id,
                )
            )
    ledger.save()
    acts.tell(changes, now=now, lane=lane, history=history)
    return records


def _standing_record(state: PhoneState, types: tuple[str, ...]) -> UUID:
    return max((state.types[name] for name in types), key=lambda known: known.since).record_id


def _check(opt_outs: Sequence[OptOut], now: datetime) -> None:
    errors = []
    for index, stop in enumerate(opt_outs):
        at = f"opt_outs[{index}]"
        errors += acts.check_phone(f"{at}.phone", stop.phone)
        errors += acts.check_choice(f"{at}.source", stop.source, OPT_OUT_SOURCES)
        errors += acts.check_time(f"{at}.occurred_at", stop.occurred_at, now)
    acts.refuse(errors)
