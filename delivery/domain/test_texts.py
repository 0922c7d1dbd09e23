"""Test texts: to the member's own phone, through the same gate and ledger as every text.

The phone's holder agrees by texting a code to us from it, so nobody can make us text a stranger,
and incoming texts are proved to arrive before the first one leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.problems import Problem
from consent.domain.contact_points import find_tokens
from delivery.core.intents import TEST_TEXT, Decision, SendIntent
from delivery.core.test_codes import DIGITS, read_code, words_for
from delivery.domain.answering import Answer, send_answer
from delivery.domain.deciding import decide
from delivery.models import InboundMessage, Message, TestNumber
from people.domain.queries import contacts_by_id
from tenancy.audit import record_audit
from tenancy.crypto import keyed_digest
from tenancy.ids import new_id
from tenancy.models import User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

CODE_FOR = timedelta(minutes=30)
TTL = timedelta(minutes=10)
MOST_AN_HOUR = 30
PRIORITY = 90


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A member's own phone here. `phone`: E.164, "" while it is not confirmed. `say`: what to
    text to us from it, "" when no code is open. `until`: wall time the code lasts to."""

    phone: str
    contact_id: UUID | None
    confirmed_at: datetime | None
    say: str
    until: datetime | None


def own_number(user_id: UUID, *, wall: datetime) -> OwnNumber:
    """How far this member's phone is confirmed in the workspace in scope."""
    row = TestNumber.objects.filter(user_id=user_id).first()
    if row is None:
        return OwnNumber("", None, None, "", None)
    phone = _phone_of(row)
    open_code = row.code_until is not None and row.code_until > wall
    return OwnNumber(
        phone=phone,
        contact_id=row.contact_id if phone else None,
        confirmed_at=row.confirmed_at if phone else None,
        say=words_for(_code(row)) if open_code else "",
        until=row.code_until if open_code else None,
    )


def open_code(user_id: UUID, *, wall: datetime) -> OwnNumber:
    """Gives the member a code to text from their phone; an older one is void."""
    row, _ = TestNumber.objects.select_for_update(no_key=True).get_or_create(user_id=user_id)
    row.code_until = wall + CODE_FOR
    row.code_digest = _digest(_code(row))
    row.save(update_fields=["code_until", "code_digest"])
    return own_number(user_id, wall=wall)


def forget_number(user: User, *, now: datetime) -> None:
    """The member's phone gets no more test texts. Repeating is harmless."""
    gone, _ = TestNumber.objects.filter(user_id=user.id).delete()
    if gone:
        record_audit("test_number.forgotten", target=user.email, actor=user, now=now)


def hear_code(inbound: InboundMessage, contact_id: UUID, *, now: datetime, wall: datetime) -> bool:
    """Takes an incoming text as the proof that its phone is the member's whose code it says.

    False when it says no open code. A code is no reply: it moves no flow and waits for nobody, and
    is answered once. In the transaction of the text, after its contact is locked.
    """
    code = read_code(inbound.body)
    if code is None:
        return False
    row = (
        TestNumber.objects.select_for_update(no_key=True)
        .filter(code_digest=_digest(code), code_until__gt=wall)
        .first()
    )
    if row is None:
        return False
    phone = inbound.from_phone
    row.contact_id = contact_id
    row.phone_token = find_tokens([phone])[phone]
    row.inbound_id = inbound.id
    row.confirmed_at = wall
    row.code_digest, row.code_until = "", None
    row.save()
    inbound.contact_id, inbound.kind = contact_id, "test_number"
    inbound.save(update_fields=["contact", "kind"])
    who = {"user_id": str(row.user_id), "inbound_id": str(inbound.id)}
    record_audit("test_number.confirmed", target=f"...{phone[-4:]}", data=who, now=now)
    send_answer(
        Answer.TESTS,
        key=inbound.id.hex,
        contact_id=contact_id,
        phone=phone,
        in_reply_to=inbound.id,
        now=now,
    )
    return True


def send_test_text(
    user: User,
    *,
    template_version_id: UUID | None = None,
    context: dict[str, Any] | None = None,
    now: datetime,
    wall: datetime,
) -> Decision:
    """Decides one test text to the member's own confirmed phone, in the caller's transaction.

    With `template_version_id` (a draft too) the template's words and type, filled for the member's
    own contact and `context`; without it a plain sentence of the type transactional. Consent is the
    member's own confirmation, a STOP ends it; quiet hours bind and skip; no cap counts it. Call it
    before anything else is locked. Raises `Problem` no_own_number (409), too_many_tests (429).
    """
    number = own_number(user.id, wall=wall)
    if number.contact_id is None:
        raise Problem(
            "no_own_number",
            "Confirm your own phone first, under Settings, Sending.",
            status=409,
        )
    sent = Message.objects.filter(
        contact_id=number.contact_id,
        source_kind=TEST_TEXT,
        created_at__gt=now - timedelta(hours=1),
    ).count()
    if sent >= MOST_AN_HOUR:
        detail = f"{MOST_AN_HOUR} test texts an hour are enough for one phone. Try again later."
        raise Problem("too_many_tests", detail, status=429, headers={"Retry-After": "600"})
    [decision] = decide(
        [
            SendIntent(
                dedupe_key=f"test_text:{new_id().hex}",
                contact_id=number.contact_id,
                template_version_id=template_version_id,
                message_type="transactional",
                source_kind=TEST_TEXT,
                source_key=user.id.hex,
                step_key="test_text",
                priority=PRIORITY,
                context=context or {},
                ttl=TTL,
                window="skip",
                body=None if template_version_id else _plain_words(user),
            )
        ],
        now=now,
    )
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return decision


def newest_test_text(contact_id: UUID) -> Message | None:
    """The last test text to a contact, for a page that follows it."""
    found: Message | None = (
        Message.objects.filter(contact_id=contact_id, source_kind=TEST_TEXT)
        .order_by("-created_at", "-id")
        .first()
    )
    return found


def _plain_words(user: User) -> str:
    return f"This is the test text that {user.name or user.email} asked for. It works."


def _phone_of(row: TestNumber) -> str:
    """The confirmed number while it is still the contact's own, else ""."""
    if row.confirmed_at is None or row.contact_id is None:
        return ""
    contact = contacts_by_id([row.contact_id]).get(row.contact_id)
    if contact is None or contact.erased_at is not None or not contact.phone:
        return ""
    return contact.phone if find_tokens([contact.phone])[contact.phone] == row.phone_token else ""


def _code(row: TestNumber) -> str:
    """The digits of this opening: derived, so that a page can show them again."""
    until = row.code_until.isoformat() if row.code_until else ""
    digest = keyed_digest("test-number", f"{row.tenant_id}:{row.id}:{until}")
    return str(int(digest, 16) % 10**DIGITS).zfill(DIGITS)


def _digest(code: str) -> str:
    return keyed_digest("test-code", f"{current_tenant_id()}:{code}")
