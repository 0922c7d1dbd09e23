"""Rows of contacts with the proof of their consent, saved as a set: pasted ones, and those of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.core.message_types import covered_types
from consent.core.pasting import PastedRow, Proof, traits_of
from consent.domain import hooks
from consent.domain.contact_points import find_tokens
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut
from consent.models import Suppression
from events.domain.contacts import REFUSED, NewContact, Saved, save_contacts
from events.models import Lane
from people.core.identifiers import IdentityRef
from people.core.traits import read_traits
from people.domain.definitions import attribute_rules
from people.domain.queries import workspace_defaults
from people.models import AddedBy
from tenancy.audit import record_audit
from tenancy.models import User
from tenancy.retrying import repeat_collisions

LIVE_LIMIT = 50
REJECTED = "rejected"
CONSENT_WORDS = {
    "subscribed": "subscribed",
    "unchanged": "already subscribed",
    "stop_stands": "opted out; only they can take that back",
    "older_than_opt_out": "opted out after that date",
    "pending": "has to confirm",
    "nothing_pending": "not subscribed",
    "unsubscribed": "opted out, as the row says",
}
_TAKEN = {
    "phone": "This number belongs to another contact.",
    "email": "This e-mail belongs to another contact.",
    "external_id": "This external id belongs to another contact.",
    "nobody": "This names nobody.",
}


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row. `outcome`: created, updated, unchanged or rejected (with `code`).

    `consent`: a code of `OptInResult`, "unsubscribed", "unproven", or "" where none was claimed.
    `detail` says the reason, or what is to be known about the consent.
    """

    line: int
    shown: str
    name: str
    outcome: str
    code: str = ""
    detail: str = ""
    consent: str = ""
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """All rows in their order. `dry_run`: this is what would be, nothing was written."""

    rows: list[RowResult]
    dry_run: bool

    @property
    def counts(self) -> dict[str, int]:
        """created, updated, unchanged, rejected, and subscribed."""
        counted = Counter(row.outcome for row in self.rows)
        subscribed = sum(row.consent in {"subscribed", "unchanged"} for row in self.rows)
        names = ("created", "updated", "unchanged", REJECTED)
        return {name: counted[name] for name in names} | {"subscribed": subscribed}


class _Undo(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Saving:
    """How a set of rows is saved. `entered_by` goes into the evidence, such as "user:ann@x.example".

    `history`: told as history, which starts no flow; else in `lane`.
    """

    source: str
    message_types: tuple[str, ...]
    added_by: str = AddedBy.PASTE
    entered_by: str = ""
    lane: str = ""
    history: bool = False


def add_contacts(
    rows: Sequence[PastedRow],
    *,
    source: str = "import",
    dry_run: bool = False,
    orders: bool = False,
    actor: User | None = None,
    now: datetime,
) -> Added:
    """Saves the rows that are not rejected yet; one result per row, in order.

    Consent needs the whole proof (source, wording, date): less is kept as nothing and said so. An
    opt-out stands whatever the row says. A proof speaks about offers; `orders`: and about texts on
    orders and appointments. `dry_run` does all of it and takes it back. The number of queries does
    not depend on the number of rows. A collision with another writer repeats the whole set.
    """

    def save() -> list[RowResult]:
        by = f"user:{actor.email}" if actor else ""
        how = Saving(source, covered_types(orders=orders), entered_by=by)
        results = save_rows(rows, how, now=now)
        if dry_run:
            raise _Undo(results)
        _audit(results, source=source, actor=actor, now=now)
        return results

    try:
        return Added(repeat_collisions(save), dry_run)
    except _Undo as undone:
        (results,) = undone.args
        return Added(results, dry_run)


def save_rows(rows: Sequence[PastedRow], how: Saving, *, now: datetime) -> list[RowResult]:
    """Saves the rows that are not rejected yet, in the caller's transaction; one result per row.

    An opt-out of a row is recorded before anything else of its consent. The number of queries does
    not depend on the number of rows. Raises what collides with another writer.
    """
    good = [row for row in rows if not row.code]
    country = workspace_defaults().country
    saved = dict(
        zip(
            [row.line for row in good],
            save_contacts(
                [_contact(row, country) for row in good],
                added_by=how.added_by,
                lane=how.lane,
                history=how.history,
                now=now,
            ),
            strict=True,
        )
    )
    stopped = [
        row for row in good if row.stopped_at and "phone" in row.values and _is_in(saved, row)
    ]
    hooks.opt_outs(
        [_opt_out(row, saved[row.line].contact_id, how) for row in stopped],
        now=now,
        lane=how.lane or (Lane.LIVE if len(stopped) <= LIVE_LIMIT else Lane.BULK),
        history=how.history,
    )
    agreed = [
        row
        for row in good
        if _is_in(saved, row)
        and row.stopped_at is None
        and row.proof.is_there
        and not row.proof.missing
        and "phone" in row.values
    ]
    written = record_opt_ins(
        [_opt_in(row, saved[row.line].contact_id, how) for row in agreed],
        now=now,
        lane=how.lane or (Lane.LIVE if len(agreed) <= LIVE_LIMIT else Lane.BULK),
        history=how.history,
    )
    consents = {row.line: each.code for row, each in zip(agreed, written, strict=True)}
    consents |= {row.line: "unsubscribed" for row in stopped}
    reasons = _suppressed(row.values["phone"] for row in good if "phone" in row.values)
    return [
        _result(
            row,
            saved.get(row.line),
            consents.get(row.line, ""),
            reasons.get(row.values.get("phone", ""), ""),
        )
        for row in rows
    ]


def _suppressed(phones: Iterable[str]) -> dict[str, str]:
    """Why some of these numbers get no text, whatever their owner says. One query."""
    tokens = {token: phone for phone, token in find_tokens(phones).items()}
    rows = Suppression.objects.filter(phone_token__in=list(tokens)).order_by("since")
    return {tokens[row.phone_token]: row.reason for row in reversed(rows)}


def _contact(row: PastedRow, country: str) -> NewContact:
    values = row.values
    ref = IdentityRef(
        external_id=values.get("external_id"),
        anonymous_id=values.get("anonymous_id"),
        phone=values.get("phone"),
        email=values.get("email"),
    )
    said = {**row.attributes, **traits_of(values)}
    return NewContact(ref, read_traits(said, country=country, rules=attribute_rules()))


def _is_in(saved: Mapping[int, Saved], row: PastedRow) -> bool:
    return saved[row.line].contact_id is not None


def _opt_out(row: PastedRow, contact_id: UUID | None, how: Saving) -> OptOut:
    assert row.stopped_at is not None  # noqa: S101 (see save_rows)
    evidence = {"entered_by": how.entered_by} if how.entered_by else {}
    return OptOut(
        phone=row.values["phone"],
        contact_id=contact_id,
        source=how.source,
        evidence=evidence,
        occurred_at=row.stopped_at,
        rule="status",
        actor=how.entered_by,
    )


def _opt_in(row: PastedRow, contact_id: UUID | None, how: Saving) -> OptIn:
    proof: Proof = row.proof
    assert proof.at is not None  # noqa: S101 (complete, see the caller)
    return OptIn(
        phone=row.values["phone"],
        source=how.source,
        occurred_at=proof.at,
        contact_id=contact_id,
        legal_basis="pewc",
        message_types=how.message_types,
        # The proof names the words, the place and the day: nothing is left to ask.
        double_opt_in=False,
        evidence={"agreed_at": proof.source, "entered_by": how.entered_by},
        disclosure=proof.wording,
        rule="proof",
        actor=how.entered_by,
    )


def _result(row: PastedRow, saved: Saved | None, consent: str, suppressed: str) -> RowResult:
    name = " ".join(row.values[part] for part in ("first_name", "last_name") if part in row.values)[
        :80
    ]
    if saved is None:
        return RowResult(row.line, row.shown, name, REJECTED, row.code, row.detail)
    if saved.outcome == REFUSED:
        detail = _TAKEN.get(saved.taken, "This identifier belongs to another contact.")
        return RowResult(row.line, row.shown, name, REJECTED, "taken", detail)
    detail = CONSENT_WORDS.get(consent, "")
    if not consent and row.proof.is_there:
        consent = "unproven"
        detail = f"consent not proven: no {' and no '.join(row.proof.missing)}"
    if suppressed:
        detail = "; ".join(part for part in (detail, f"suppressed ({suppressed})") if part)
    return RowResult(
        row.line, row.shown, name, saved.outcome, "", detail, consent, saved.contact_id
    )


def _audit(results: list[RowResult], *, source: str, actor: User | None, now: datetime) -> None:
    counts = Added(results, False).counts
    if any(counts[name] for name in ("created", "updated", "unchanged")):
        record_audit("contacts.added", data={"by": source, **counts}, actor=actor, now=now)
