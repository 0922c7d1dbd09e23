"""Reads of the ledger that more than one edge needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.domain.contact_points import find_tokens
from consent.models import (
    Consent,
    ConsentDisclosure,
    ConsentEvidence,
    ConsentRecord,
    ContactPoint,
    Suppression,
)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of a number's ledger. `personal` is empty once erased, or when not asked for."""

    record_id: UUID
    position: int
    kind: str
    message_types: tuple[str, ...]
    source: str
    reason: str
    legal_basis: str
    rule: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    disclosure: str
    personal: dict[str, Any]


def consent_history(phone: str, *, with_personal: bool = False) -> list[HistoryRow]:
    """A number's ledger, oldest first. `with_personal` needs the permission to see it."""
    token = find_tokens([phone])[phone]
    rows = list(ConsentRecord.objects.filter(phone_token=token).order_by("position"))
    texts, held = evidence_of(rows)
    personal = held if with_personal else {}
    return [
        HistoryRow(
            record_id=row.id,
            position=row.position,
            kind=row.kind,
            message_types=tuple(row.message_types),
            source=row.source,
            reason=row.reason,
            legal_basis=row.legal_basis,
            rule=row.rule,
            actor=row.actor,
            occurred_at=row.occurred_at,
            recorded_at=row.recorded_at,
            disclosure=texts.get(row.disclosure_hash, ""),
            personal=personal.get(row.id, {}),
        )
        for row in rows
    ]


def evidence_of(
    rows: Sequence[ConsentRecord],
) -> tuple[dict[str, str], dict[UUID, dict[str, Any]]]:
    """What stands behind these rows: disclosures by their hash, personal values by record."""
    hashes = {row.disclosure_hash for row in rows} - {""}
    texts = ConsentDisclosure.objects.filter(text_hash__in=hashes)
    evidence = ConsentEvidence.objects.filter(record_id__in=[row.id for row in rows])
    return (
        dict(texts.values_list("text_hash", "text")),
        dict(evidence.values_list("record_id", "personal")),
    )


def is_opt_in_pending(phone: str) -> bool:
    """Whether a double opt-in waits for this number's YES."""
    token = find_tokens([phone])[phone]
    return bool(Consent.objects.filter(phone_token=token, status="pending").exists())


def stop_is_waiting(phone: str) -> bool:
    """Whether this number said stop: its state, or what an unconfirmed opt-in falls back to."""
    token = find_tokens([phone])[phone]
    held = Consent.objects.filter(phone_token=token, topic="").values_list("status", "before")
    return any(
        status == "unsubscribed" or (before or {}).get("status") == "unsubscribed"
        for status, before in held
    )


def is_unsubscribed(phone: str, message_types: Collection[str]) -> bool:
    """Whether this number opted out of all these message types."""
    token = find_tokens([phone])[phone]
    out = Consent.objects.filter(phone_token=token, topic="", status="unsubscribed")
    return set(message_types) <= set(out.values_list("message_type", flat=True))


def unsubscribed_among(phones: Iterable[str], message_types: Collection[str]) -> set[str]:
    """Those of the numbers that opted out of all these message types. One query."""
    by_token = {token: phone for phone, token in find_tokens(phones).items()}
    held: dict[str, set[str]] = {}
    rows = Consent.objects.filter(
        phone_token__in=list(by_token), topic="", status="unsubscribed"
    ).values_list("phone_token", "message_type")
    for token, message_type in rows:
        held.setdefault(token, set()).add(message_type)
    return {by_token[token] for token, types in held.items() if set(message_types) <= types}


def suppressions_of(phone: str) -> list[str]:
    """Why this number must not be texted: reason codes, none for most."""
    token = find_tokens([phone])[phone]
    return list(Suppression.objects.filter(phone_token=token).values_list("reason", flat=True))


def confirmed_name(phone: str) -> str:
    """The first name given with the opt-in that a YES has just confirmed; "" without one, and when
    the number subscribed without confirming anything: a lapsed form may be a stranger's."""
    token = find_tokens([phone])[phone]
    acts = ConsentRecord.objects.filter(phone_token=token).order_by("-position")
    newest = acts.filter(kind__in=["opt_in", "re_opt_in", "double_opt_in", "opt_out"]).first()
    if newest is None or newest.kind != "double_opt_in":
        return ""
    asked = acts.filter(kind="opt_in_requested").values_list("id", flat=True).first()
    held = ConsentEvidence.objects.filter(record_id=asked).first() if asked else None
    return str(held.personal.get("first_name", "")) if held else ""


def count_open_reviews() -> int:
    """How many numbers wait for a person's decision."""
    return int(ContactPoint.objects.filter(review_since__isnull=False).count())
