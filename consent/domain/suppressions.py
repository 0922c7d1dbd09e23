"""Numbers that must not be texted whatever their owner says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from consent.core.ledger import SUPPRESSION_REASONS
from consent.domain import acts
from consent.domain.contact_points import find_tokens
from consent.domain.writing import Draft, open_ledger


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """`reason`: landline, invalid, complaint, reassigned, deactivated, bounced, manual, legal.
    `source` says who knows, such as "provider" or "agent"."""

    phone: str
    reason: str
    occurred_at: datetime
    source: str = "provider"
    contact_id: UUID | None = None
    rule: str = ""
    actor: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


def suppress(new: Sequence[NewSuppression], *, now: datetime) -> int:
    """Suppresses the numbers; one that already is for that reason stays. Returns how many are new."""
    errors = []
    for index, item in enumerate(new):
        at = f"suppressions[{index}]"
        errors += acts.check_phone(f"{at}.phone", item.phone)
        errors += acts.check_choice(f"{at}.reason", item.reason, SUPPRESSION_REASONS)
        errors += acts.check_time(f"{at}.occurred_at", item.occurred_at, now)
    acts.refuse(errors)
    tokens = find_tokens(item.phone for item in new)
    ledger = open_ledger(tokens.values(), now=now)
    added = 0
    for item in new:
        token = tokens[item.phone]
        if item.reason in ledger.states[token].suppressions:
            continue
        ledger.append(
            Draft(
                phone_token=token,
                kind="suppressed",
                source=item.source,
                occurred_at=item.occurred_at,
                reason=item.reason,
                rule=item.rule,
                actor=item.actor,
                contact_id=item.contact_id,
                evidence={"phone": item.phone, **item.evidence},
            )
        )
        added += 1
    ledger.save()
    return added


def lift_suppression(phone: str, *, reason: str, actor: str, now: datetime) -> bool:
    """Takes one suppression back, by a team member's decision. False when there was none.

    A STOP is no suppression: it stays.
    """
    token = find_tokens([phone])[phone]
    ledger = open_ledger([token], now=now)
    if reason not in ledger.states[token].suppressions:
        return False
    ledger.append(Draft(token, "unsuppressed", "agent", now, reason=reason, actor=actor))
    ledger.save()
    return True
