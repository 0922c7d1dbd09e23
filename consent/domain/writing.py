"""Appending to the ledger: the one place that writes records and their projection.

    ledger = open_ledger(tokens, now=now)     # locks the numbers, reads their state
    ledger.append(Draft(...))                 # judges nothing, only chains and applies
    ledger.save()                             # everything in a handful of set statements

`open_ledger` also takes the workspace's seal lock shared, so that a seal never falls between a
record and its transaction's commit.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from consent.core.chain import digest, row_hash
from consent.core.ledger import Entry, PhoneState, TypeState, apply
from consent.domain.contact_points import Point, lock_points
from consent.models import (
    Consent,
    ConsentDisclosure,
    ConsentEvidence,
    ConsentRecord,
    ContactPoint,
    Suppression,
)
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class Draft:
    """A row to append. `evidence` holds the personal values, by name."""

    phone_token: str
    kind: str
    source: str
    occurred_at: datetime
    message_types: tuple[str, ...] = ()
    reason: str = ""
    legal_basis: str = ""
    rule: str = ""
    actor: str = ""
    contact_id: UUID | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    disclosure: str = ""


def open_ledger(tokens: Iterable[str], *, now: datetime) -> Ledger:
    """Locks these numbers and reads their state. The caller holds the contacts' locks already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [seal_lock_name()]
        )
    points = lock_points(tokens)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM consent_consentseal WHERE tenant_id = %s",
            [current_tenant_id()],
        )
        (seal_number,) = cursor.fetchone()
    return Ledger(points, read_states(points.values()), seal_number=seal_number, now=now)


def seal_lock_name() -> str:
    return f"consent.seal:{current_tenant_id()}"


def read_states(points: Iterable[Point]) -> dict[str, PhoneState]:
    """The projected state of these numbers."""
    reviews = {point.phone_token: point.review_since for point in points}
    types: dict[str, dict[str, TypeState]] = {token: {} for token in reviews}
    for consent in Consent.objects.filter(phone_token__in=list(reviews), topic=""):
        types[consent.phone_token][consent.message_type] = TypeState(
            status=consent.status,
            since=consent.since,
            source=consent.source,
            record_id=consent.record_id,
            had_consent=consent.had_consent,
            before=_from_json(consent.before),
        )
    suppressions: dict[str, dict[str, datetime]] = {token: {} for token in reviews}
    for suppression in Suppression.objects.filter(phone_token__in=list(reviews)):
        suppressions[suppression.phone_token][suppression.reason] = suppression.since
    return {
        token: PhoneState(types[token], suppressions[token], since)
        for token, since in reviews.items()
    }


def hashed_fields(record: ConsentRecord) -> dict[str, Any]:
    """What a record's hash covers: every field that is not itself a hash of the chain."""
    return {
        "id": str(record.id),
        "tenant": str(record.tenant_id),
        "phone_token": record.phone_token,
        "position": record.position,
        "kind": record.kind,
        "message_types": list(record.message_types),
        "topic": record.topic,
        "source": record.source,
        "reason": record.reason,
        "legal_basis": record.legal_basis,
        "rule": record.rule,
        "actor": record.actor,
        "contact_id": str(record.contact_id) if record.contact_id else None,
        "disclosure_hash": record.disclosure_hash,
        "digests": record.digests,
        "occurred_at": record.occurred_at.astimezone(UTC).isoformat(),
        "recorded_at": record.recorded_at.astimezone(UTC).isoformat(),
        "seal_number": record.seal_number,
    }


class Ledger:
    """The locked numbers, their states, and the rows waiting to be saved."""

    def __init__(
        self,
        points: dict[str, Point],
        states: dict[str, PhoneState],
        *,
        seal_number: int,
        now: datetime,
    ) -> None:
        self.states = states
        self._points = points
        self._seal_number = seal_number
        self._now = now
        self._records: list[ConsentRecord] = []
        self._evidence: list[ConsentEvidence] = []
        self._disclosures: dict[str, str] = {}
        self._before = dict(states)

    def append(self, draft: Draft) -> UUID:
        """Chains one row and applies it to the state in memory. Returns the record's id."""
        point = self._points[draft.phone_token]
        salts = {name: secrets.token_bytes(16) for name in draft.evidence}
        record = ConsentRecord(
            id=new_id(),
            phone_token=draft.phone_token,
            position=point.chain_length + 1,
            kind=draft.kind,
            message_types=list(draft.message_types),
            source=draft.source,
            reason=draft.reason,
            legal_basis=draft.legal_basis,
            rule=draft.rule[:60],
            actor=draft.actor[:80],
            contact_id=draft.contact_id,
            disclosure_hash=self._keep_disclosure(draft.disclosure),
            digests={
                name: digest(salts[name], name, value) for name, value in draft.evidence.items()
            },
            occurred_at=draft.occurred_at,
            recorded_at=self._now,
            seal_number=self._seal_number,
            previous_hash=point.chain_head,
        )
        record.row_hash = row_hash(record.previous_hash, hashed_fields(record))
        point.chain_length, point.chain_head = record.position, record.row_hash
        self._records.append(record)
        if draft.evidence:
            self._evidence.append(
                ConsentEvidence(
                    record_id=record.id,
                    personal=dict(draft.evidence),
                    salts={name: salt.hex() for name, salt in salts.items()},
                )
            )
        state = apply(self.states[draft.phone_token], entry_of(record))
        self.states[draft.phone_token] = state
        point.review_since = state.review_since
        return record.id

    def save(self) -> None:
        """Writes records, evidence, chain ends and the projection."""
        if not self._records:
            return
        ConsentDisclosure.objects.bulk_create(
            [
                ConsentDisclosure(text_hash=text_hash, text=text, first_seen_at=self._now)
                for text_hash, text in self._disclosures.items()
            ],
            ignore_conflicts=True,
        )
        ConsentRecord.objects.bulk_create(self._records, batch_size=1000)
        ConsentEvidence.objects.bulk_create(self._evidence, batch_size=1000)
        touched = {record.phone_token for record in self._records}
        self._save_points(touched)
        self._save_consents(touched)
        self._save_suppressions(touched)
        self._records, self._evidence, self._disclosures = [], [], {}
        self._before = dict(self.states)

    def _keep_disclosure(self, text: str) -> str:
        if not text:
            return ""
        text_hash = hashlib.sha256(text.encode()).hexdigest()
        self._disclosures[text_hash] = text
        return text_hash

    def _save_points(self, tokens: set[str]) -> None:
        points = [self._points[token] for token in sorted(tokens)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {ContactPoint._meta.db_table} AS held SET chain_length = new.length,"
                " chain_head = new.head, review_since = new.review_since"
                " FROM unnest(%s::text[], %s::int[], %s::text[], %s::timestamptz[])"
                " AS new(token, length, head, review_since)"
                " WHERE held.tenant_id = %s AND held.phone_token = new.token",
                [
                    [point.phone_token for point in points],
                    [point.chain_length for point in points],
                    [point.chain_head for point in points],
                    [point.review_since for point in points],
                    current_tenant_id(),
                ],
            )

    def _save_consents(self, tokens: set[str]) -> None:
        changed, lapsed = [], []
        for token in tokens:
            before, after = self._before[token].types, self.states[token].types
            lapsed += [(token, name) for name in before if name not in after]
            changed += [
                Consent(
                    phone_token=token,
                    message_type=name,
                    status=state.status,
                    since=state.since,
                    source=state.source,
                    had_consent=state.had_consent,
                    before=_to_json(state.before),
                    record_id=state.record_id,
                )
                for name, state in after.items()
                if before.get(name) != state
            ]
        _delete_pairs("consent_consent", "message_type", lapsed)
        Consent.objects.bulk_create(
            changed,
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["tenant", "phone_token", "message_type", "topic"],
            update_fields=["status", "since", "source", "had_consent", "before", "record"],
        )

    def _save_suppressions(self, tokens: set[str]) -> None:
        records = {
            (record.phone_token, record.reason): record.id
            for record in self._records
            if record.kind == "suppressed"
        }
        added, gone = [], []
        for token in tokens:
            before, after = self._before[token].suppressions, self.states[token].suppressions
            gone += [(token, reason) for reason in before if reason not in after]
            added += [
                Suppression(
                    phone_token=token,
                    reason=reason,
                    since=since,
                    record_id=records[token, reason],
                )
                for reason, since in after.items()
                if before.get(reason) != since
            ]
        _delete_pairs("consent_suppression", "reason", gone)
        Suppression.objects.bulk_create(
            added,
            update_conflicts=True,
            unique_fields=["tenant", "phone_token", "reason"],
            update_fields=["since", "record"],
        )


def entry_of(record: ConsentRecord) -> Entry:
    """The part of a record the state depends on."""
    return Entry(
        kind=record.kind,
        message_types=tuple(record.message_types),
        source=record.source,
        occurred_at=record.occurred_at,
        record_id=record.id,
        reason=record.reason,
    )


def _delete_pairs(table: str, column: str, pairs: list[tuple[str, str]]) -> None:
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} AS held USING unnest(%s::text[], %s::text[]) AS gone(token, name)"
            f" WHERE held.tenant_id = %s AND held.phone_token = gone.token"
            f" AND held.{column} = gone.name",
            [[token for token, _ in pairs], [name for _, name in pairs], current_tenant_id()],
        )


def _to_json(state: TypeState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "status": state.status,
        "since": state.since.astimezone(UTC).isoformat(),
        "source": state.source,
        "record_id": str(state.record_id),
        "had_consent": state.had_consent,
    }


def _from_json(data: dict[str, Any] | None) -> TypeState | None:
    if data is None:
        return None
    return TypeState(
        status=data["status"],
        since=datetime.fromisoformat(data["since"]),
        source=data["source"],
        record_id=UUID(data["record_id"]),
        had_consent=data["had_consent"],
    )
