"""Proving that the ledger is whole, and that the projection says what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from consent.core.chain import GENESIS, digest, row_hash, seal_hash
from consent.core.ledger import PhoneState, replay
from consent.domain.contact_points import Point
from consent.domain.sealing import read_heads
from consent.domain.writing import entry_of, hashed_fields, read_states
from consent.models import ConsentEvidence, ConsentRecord, ConsentSeal, ContactPoint

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """`code`: gap, broken_link, altered_record, altered_evidence, cut_off, broken_seal or
    wrong_projection. `position` is the record's, or the seal's number."""

    code: str
    phone_token: str
    position: int


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was read and what is wrong with it."""

    chains: int
    records: int
    seals: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


def verify_chain(phone_token: str | None = None) -> ChainReport:
    """Recomputes one number's chain, or all chains and seals of the workspace.

    Evidence that was erased is no fault; evidence that is there must fit its digests.
    """
    faults: list[Fault] = []
    chains = records = 0
    for point, rows in _chains(phone_token):
        chains += 1
        records += len(rows)
        faults += _check_chain(point, rows)
    seals = 0
    if phone_token is None:
        for number, fault in _check_seals():
            seals = max(seals, number)
            faults += [fault] if fault else []
    return ChainReport(chains, records, seals, tuple(faults))


def replayed_state(phone_token: str) -> PhoneState:
    """The state that the ledger alone gives."""
    rows = ConsentRecord.objects.filter(phone_token=phone_token).order_by("position")
    return replay(entry_of(row) for row in rows)


def _chains(phone_token: str | None) -> Iterator[tuple[Point, list[ConsentRecord]]]:
    last = ""
    while True:
        points = ContactPoint.objects.order_by("phone_token")
        if phone_token is not None:
            points = points.filter(phone_token=phone_token)
        batch = list(points.filter(phone_token__gt=last)[:_BATCH])
        if not batch:
            return
        last = batch[-1].phone_token
        rows = ConsentRecord.objects.filter(
            phone_token__in=[point.phone_token for point in batch]
        ).order_by("phone_token", "position")
        by_token = {token: list(those) for token, those in groupby(rows, _token_of)}
        for point in batch:
            yield (
                Point(point.phone_token, point.chain_length, point.chain_head, point.review_since),
                by_token.get(point.phone_token, []),
            )


def _token_of(record: ConsentRecord) -> str:
    return record.phone_token


def _check_chain(point: Point, rows: list[ConsentRecord]) -> Iterator[Fault]:
    token, previous = point.phone_token, GENESIS
    for expected, row in enumerate(rows, start=1):
        if row.position != expected:
            yield Fault("gap", token, expected)
            return
        if row.previous_hash != previous:
            yield Fault("broken_link", token, row.position)
        if row.row_hash != row_hash(row.previous_hash, hashed_fields(row)):
            yield Fault("altered_record", token, row.position)
        previous = row.row_hash
    if (len(rows), previous) != (point.chain_length, point.chain_head):
        yield Fault("cut_off", token, point.chain_length)
    yield from _check_evidence(token, rows)
    if replay(entry_of(row) for row in rows) != read_states([point])[token]:
        yield Fault("wrong_projection", token, point.chain_length)


def _check_evidence(token: str, rows: list[ConsentRecord]) -> Iterator[Fault]:
    by_record = {row.id: row for row in rows}
    for evidence in ConsentEvidence.objects.filter(record_id__in=list(by_record)):
        row = by_record[evidence.record_id]
        found = {
            name: digest(bytes.fromhex(evidence.salts[name]), name, value)
            for name, value in evidence.personal.items()
        }
        if found != row.digests:
            yield Fault("altered_evidence", token, row.position)


def _check_seals() -> Iterator[tuple[int, Fault | None]]:
    previous = GENESIS
    for expected, seal in enumerate(ConsentSeal.objects.order_by("number"), start=1):
        whole = (
            seal.number == expected
            and seal.previous_hash == previous
            and seal.seal_hash == seal_hash(previous, seal.number, read_heads(seal.number))
        )
        previous = seal.seal_hash
        yield seal.number, None if whole else Fault("broken_seal", "", seal.number)
