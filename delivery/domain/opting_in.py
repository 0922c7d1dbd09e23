"""Opting in, whichever way: the ledger's row and the text that follows from it, in one
transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from consent.domain.attempts import QUESTIONS_AFTER_STOP, QUESTIONS_PER_NUMBER, take_attempt
from consent.domain.contact_points import find_tokens
from consent.domain.opt_ins import OptIn, OptInResult, record_opt_ins
from consent.domain.queries import confirmed_name, stop_is_waiting, suppressions_of
from consent.domain.settings import read_compliance
from delivery.domain.answering import Answer, send_answer
from events.domain.recording import append_events, contact_changed
from people.domain.attributes import TraitChange, apply_traits
from people.domain.queries import contacts_by_phone, lock_contacts
from people.domain.resolving import IdentityRef, Origin, resolve_contacts
from people.models import AddedBy
from tenancy.ids import new_id

# Only these suppressions end when the number's owner says so on the phone itself.
_MAY_STILL_BE_ASKED = frozenset({"reassigned"})


@dataclass(frozen=True, slots=True)
class FormOptIn:
    """A sign-up form as it was sent, with everything that proves it.

    `rendered`: the page as it read, of the version the visitor had on the screen. `phone` is
    E.164; `address` the network address it came from.
    """

    phone: str
    first_name: str
    version: int
    rendered: str
    url: str
    address: str
    user_agent: str


def opt_in_by_form(form: FormOptIn, *, now: datetime, wall: datetime) -> None:
    """One sign-up through the hosted page. Tells nobody what became of it, so nobody can find
    out whether a number is known."""
    evidence = {
        "url": form.url,
        "ip_address": form.address,
        "user_agent": form.user_agent,
        "page_version": str(form.version),
    }
    if form.first_name:
        evidence["first_name"] = form.first_name
    wish = OptIn(
        phone=form.phone,
        source="web_form",
        occurred_at=now,
        evidence=evidence,
        disclosure=form.rendered,
        rule=f"sign_up_page:{form.version}",
    )
    double = "web_form" in read_compliance().double_opt_in_sources
    result = opt_in(wish, knows_contact=not double, now=now, wall=wall)
    if result.code == "subscribed" and form.first_name:
        contact_id = contacts_by_phone([form.phone]).get(form.phone)
        _take_name(form.first_name, contact_id, now=now)


def opt_in(
    wish: OptIn, *, knows_contact: bool = False, now: datetime, wall: datetime
) -> OptInResult:
    """Writes one wish that came from outside of the phone, and asks for its YES or welcomes.

    `knows_contact`: the caller vouches for the person (an API), so an unknown number becomes a
    contact at once. Otherwise that waits until the phone has confirmed it: a number that a
    stranger typed into a form leaves no contact behind. Raises `Invalid`.
    """
    contact_id = wish.contact_id or contacts_by_phone([wish.phone]).get(wish.phone)
    if contact_id is None and knows_contact:
        door = AddedBy.SIGN_UP if wish.source == "web_form" else AddedBy.API
        ref = IdentityRef(phone=wish.phone)
        [contact_id] = resolve_contacts([ref], origin=Origin(door), now=now)
    if contact_id is not None:
        lock_contacts([contact_id])
    (result,) = record_opt_ins([replace(wish, contact_id=contact_id)], now=now)
    if result.code == "pending":
        ask_to_confirm(wish.phone, contact_id=contact_id, now=now, wall=wall)
    elif result.code == "subscribed":
        welcome(wish.phone, contact_id=contact_id, key=new_id().hex, now=now)
    return result


def ask_to_confirm(
    phone: str,
    *,
    contact_id: UUID | None,
    in_reply_to: UUID | None = None,
    now: datetime,
    wall: datetime,
) -> bool:
    """Texts the question of a double opt-in; False when this number has been asked enough.

    `in_reply_to` says that the phone itself asked for it. Nobody suppressed is asked.
    """
    if not set(suppressions_of(phone)) <= _MAY_STILL_BE_ASKED:
        return False
    if (
        in_reply_to is None
        and stop_is_waiting(phone)
        and not take_attempt(QUESTIONS_AFTER_STOP, phone, wall=wall)
    ):
        return False
    if not take_attempt(QUESTIONS_PER_NUMBER, phone, wall=wall):
        return False
    send_answer(
        Answer.CONFIRM,
        key=_key(phone, new_id().hex),
        contact_id=contact_id,
        phone=phone,
        in_reply_to=in_reply_to,
        now=now,
    )
    return True


def welcome(
    phone: str,
    *,
    contact_id: UUID | None,
    key: str,
    in_reply_to: UUID | None = None,
    now: datetime,
) -> None:
    """The text every new subscription begins with. A repeated `key` sends nothing."""
    send_answer(
        Answer.WELCOME,
        key=_key(phone, key),
        contact_id=contact_id,
        phone=phone,
        in_reply_to=in_reply_to,
        now=now,
    )


def learn_name(phone: str, contact_id: UUID | None, *, now: datetime) -> None:
    """Takes the first name from the confirmed sign-up form, where none is known. Never replaces
    one: anybody can type a name beside a number."""
    _take_name(confirmed_name(phone), contact_id, now=now)


def _take_name(name: str, contact_id: UUID | None, *, now: datetime) -> None:
    if not name or contact_id is None:
        return
    changed = apply_traits(
        [TraitChange(contact_id, {"first_name": name}, fill_only=True, by=AddedBy.SIGN_UP)], now=now
    )
    append_events(contact_changed(changed, occurred_at=now), now=now)


def _key(phone: str, key: str) -> str:
    return f"{find_tokens([phone])[phone][-24:]}:{key}"
