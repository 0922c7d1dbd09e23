"""What a team member writes down about one contact: who it is, what it agreed to, that it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.problems import FieldError, Invalid
from consent.core.message_types import covered_types
from consent.core.pasting import LONGEST, NO_SMS, flaw_of, read_moment
from consent.domain.opt_ins import OptIn, OptInResult
from consent.domain.opt_outs import OptOut
from delivery.domain.opting_in import opt_in
from delivery.domain.opting_out import OptedOut, opt_out
from events.core.contact_spec import read_contact
from events.domain.contacts import REFUSED, NewContact, Saved, save_contacts
from people.core.identifiers import clean_phone
from people.core.traits import FIELDS
from people.domain.definitions import attribute_rules
from people.domain.queries import ContactFacts, workspace_defaults
from people.models import AddedBy
from tenancy.audit import record_audit
from tenancy.ids import show_id
from tenancy.models import User

NOTHING, PROOF, ASK = "none", "proof", "ask"
WAYS = (NOTHING, PROOF, ASK)
_GIVEN = (*FIELDS, "external_id")
# A browser's clock field has whole minutes; what happened in this one lies in the past.
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is said about somebody's consent. `way`: none, proof (all of source, wording and time)
    or ask (source: where they wished for texts; a YES from the phone proves it). `orders`: the words
    name texts about orders and appointments too, not only offers."""

    way: str = NOTHING
    source: str = ""
    wording: str = ""
    at: datetime | None = None
    orders: bool = False


def read_agreement(given: Mapping[str, str], *, timezone: str, now: datetime) -> Agreement:
    """From the fields way, consent_source, consent_wording, consent_date and covers_orders. Raises
    `Invalid`. The question that is sent asks about offers alone, so a YES to it proves no more."""
    way = given.get("way", NOTHING) or NOTHING
    if way not in WAYS:
        raise Invalid([FieldError("way", "invalid_choice", f"One of: {', '.join(WAYS)}.")])
    if way == NOTHING:
        return Agreement()
    errors = []
    source, wording = (given.get(name, "").strip() for name in LONGEST)
    for name, value in (("consent_source", source), ("consent_wording", wording)):
        if flaw := flaw_of(name, value, longest=LONGEST[name]):
            errors.append(FieldError(name, *flaw))
    if not source:
        errors.append(FieldError("consent_source", "missing", "Say where they agreed."))
    if way == PROOF and not wording:
        errors.append(FieldError("consent_wording", "missing", "Write the words they agreed to."))
    at = None
    try:
        if said := given.get("consent_date", "").strip():
            at = min(read_moment(said, timezone=timezone, now=now + _MINUTE), now)
        elif way == PROOF:
            errors.append(FieldError("consent_date", "missing", "Say when they agreed."))
    except ValueError as error:
        errors.append(FieldError("consent_date", "invalid_date", str(error)))
    if errors:
        raise Invalid(errors)
    orders = way == PROOF and bool(given.get("covers_orders"))
    return Agreement(way, source, wording, at, orders)


def add_contact(
    given: Mapping[str, str], *, actor: User, timezone: str, now: datetime, wall: datetime
) -> tuple[Saved, OptInResult | None]:
    """One contact from a form, with its consent. Raises `Invalid`; then nothing was changed.

    `given` holds fields of a contact and those of `read_agreement`. A contact that is known already
    is updated.
    """
    defaults = workspace_defaults()
    values = {name: said for name in _GIVEN if (said := given.get(name, "").strip())}
    errors = [
        FieldError(name, *flaw) for name, value in values.items() if (flaw := flaw_of(name, value))
    ]
    try:
        agreement = read_agreement(given, timezone=timezone, now=now)
    except Invalid as problem:
        agreement = Agreement()
        errors += problem.errors
    if not any(values.get(name) for name in ("phone", "email", "external_id")):
        errors.append(FieldError("phone", "missing", "Write a number, or at least an e-mail."))
    elif not any(error.field in _GIVEN for error in errors):
        try:
            ref, traits = read_contact(values, country=defaults.country, rules=attribute_rules())
        except Invalid as problem:
            errors += problem.errors
    errors += _no_sms(values.get("phone", ""), defaults.country)
    if agreement.way != NOTHING and not values.get("phone"):
        errors.append(FieldError("phone", "missing", "Consent belongs to a phone number."))
    if errors:
        raise Invalid(errors)
    (saved,) = save_contacts([NewContact(ref, traits)], added_by=AddedBy.HAND, now=now)
    if saved.outcome == REFUSED or saved.contact_id is None:
        raise Invalid([FieldError(saved.taken, "taken", "This belongs to another contact.")])
    record_audit(
        "contact.saved",
        target=show_id("con", saved.contact_id),
        data={"outcome": saved.outcome},
        actor=actor,
        now=now,
    )
    if agreement.way == NOTHING or ref.phone is None:
        return saved, None
    return saved, _record(saved.contact_id, ref.phone, agreement, actor=actor, now=now, wall=wall)


def record_consent(
    contact: ContactFacts, agreement: Agreement, *, actor: User, now: datetime, wall: datetime
) -> OptInResult:
    """Writes down that a contact agreed; an opt-out of theirs stands. Raises `Invalid`."""
    if not contact.phone:
        raise Invalid([FieldError("phone", "missing", "This contact has no phone number.")])
    if agreement.way == NOTHING:
        raise Invalid([FieldError("way", "missing", "Say how you know that they agreed.")])
    return _record(contact.id, contact.phone, agreement, actor=actor, now=now, wall=wall)


def withdraw_consent(
    contact: ContactFacts, given: Mapping[str, str], *, actor: User, timezone: str, now: datetime
) -> OptedOut:
    """Writes down that a contact wants no more texts; what is queued is canceled at once.

    Fields: stop_source (how they said it), stop_words, stop_date. Raises `Invalid`.
    """
    errors = []
    if not contact.phone:
        errors.append(FieldError("phone", "missing", "This contact has no phone number."))
    source, words = given.get("stop_source", "").strip(), given.get("stop_words", "").strip()
    for name, value, longest in (("stop_source", source, 200), ("stop_words", words, 2000)):
        if flaw := flaw_of(name, value, longest=longest):
            errors.append(FieldError(name, *flaw))
    if not source:
        errors.append(FieldError("stop_source", "missing", "Say how they told you."))
    at = now
    try:
        if said := given.get("stop_date", "").strip():
            at = min(read_moment(said, timezone=timezone, now=now + _MINUTE), now)
    except ValueError as error:
        errors.append(FieldError("stop_date", "invalid_date", str(error)))
    if errors or not contact.phone:
        raise Invalid(errors)
    name = f"user:{actor.email}"
    stop = OptOut(
        phone=contact.phone,
        contact_id=contact.id,
        source="agent",
        evidence={"told": source, "words": words, "entered_by": name},
        occurred_at=at,
        rule="by hand",
        actor=name,
    )
    done = opt_out(stop, now=now)
    if done.is_new:
        _audit("consent.withdrawn", contact.id, "unsubscribed", actor=actor, now=now)
    return done


def _record(
    contact_id: UUID,
    phone: str,
    agreement: Agreement,
    *,
    actor: User,
    now: datetime,
    wall: datetime,
) -> OptInResult:
    name = f"user:{actor.email}"
    wish = OptIn(
        phone=phone,
        source="agent",
        occurred_at=agreement.at or now,
        contact_id=contact_id,
        legal_basis="pewc",
        message_types=covered_types(orders=agreement.orders),
        double_opt_in=agreement.way == ASK,
        evidence={"agreed_at": agreement.source, "entered_by": name},
        disclosure=agreement.wording,
        rule="proof" if agreement.way == PROOF else "asked by text",
        actor=name,
    )
    result = opt_in(wish, now=now, wall=wall)
    _audit("consent.recorded", contact_id, result.code, actor=actor, now=now)
    return result


def _audit(action: str, contact_id: UUID, code: str, *, actor: User, now: datetime) -> None:
    target = show_id("con", contact_id)
    record_audit(action, target=target, data={"result": code}, actor=actor, now=now)


def _no_sms(phone: str, country: str) -> list[FieldError]:
    try:
        kind = clean_phone(phone, country)[1] if phone else ""
    except ValueError:
        return []  # said already
    return [FieldError("phone", "no_sms", NO_SMS[kind])] if kind in NO_SMS else []
