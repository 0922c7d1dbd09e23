"""Replies that only hint at "stop": marketing pauses until a person has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from consent.domain import acts
from consent.domain.contact_points import find_tokens
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.settings import read_compliance
from consent.domain.writing import Draft, open_ledger

Decision = Literal["keep", "opt_out"]


@dataclass(frozen=True, slots=True)
class Review:
    """A reply to be read. `rule` is the classifier's; `evidence` holds the words."""

    phone: str
    contact_id: UUID | None
    rule: str
    evidence: Mapping[str, str]
    occurred_at: datetime


def open_reviews(reviews: Sequence[Review], *, now: datetime) -> list[Literal["paused", "opt_out"]]:
    """Pauses marketing to these numbers; where the workspace reads doubt as a stop, opts them out.

    The caller holds the contacts' locks.
    """
    if not reviews:
        return []
    if read_compliance().review_is_opt_out:
        record_opt_outs(
            [
                OptOut(
                    review.phone,
                    review.contact_id,
                    "review",
                    review.evidence,
                    review.occurred_at,
                    rule=review.rule,
                )
                for review in reviews
            ],
            now=now,
        )
        return ["opt_out"] * len(reviews)
    tokens = find_tokens(review.phone for review in reviews)
    ledger = open_ledger(tokens.values(), now=now)
    for review in reviews:
        token = tokens[review.phone]
        if ledger.states[token].review_since is None:
            ledger.append(
                Draft(
                    phone_token=token,
                    kind="review_opened",
                    source="free_text",
                    occurred_at=review.occurred_at,
                    rule=review.rule,
                    contact_id=review.contact_id,
                    evidence={"phone": review.phone, **review.evidence},
                )
            )
    ledger.save()
    return ["paused"] * len(reviews)


def close_review(phone: str, *, decision: Decision, actor: str, now: datetime) -> bool:
    """A person has read the reply: texts go on (keep), or the contact is opted out.

    Returns False when nothing was waiting. `actor` is the team member. The caller holds the
    contact's lock.
    """
    acts.refuse(acts.check_choice("decision", decision, ("keep", "opt_out")))
    token = find_tokens([phone])[phone]
    ledger = open_ledger([token], now=now)
    if ledger.states[token].review_since is None:
        return False
    if decision == "opt_out":
        record_opt_outs([OptOut(phone, None, "review", {}, now, actor=actor)], now=now)
        return True
    ledger.append(Draft(token, "review_closed", "agent", now, actor=actor))
    ledger.save()
    return True
