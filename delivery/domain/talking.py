"""A member's own words to a contact, through the same gate and ledger as every text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.problems import FieldError, Invalid
from delivery.core.intents import Decision, SendIntent
from delivery.domain.conversations import note_answer
from delivery.domain.deciding import decide
from delivery.models import Answer, InboundMessage
from people.domain.queries import lock_contacts
from tenancy.ids import new_id
from tenancy.models import User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

MAX_ANSWER = 1600
# Somebody who wrote in the evening may be answered in the morning; after that it is stale.
ANSWER_TTL = timedelta(hours=24)
PRIORITY = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """The newest text of a contact: what an answer answers."""

    id: UUID
    received_at: datetime


def last_reply(contact_id: UUID) -> Reply | None:
    """What the contact wrote last, keywords included; None when they never wrote."""
    row = InboundMessage.objects.filter(contact_id=contact_id).order_by("-received_at", "-id")
    found = row.values_list("id", "received_at").first()
    return Reply(*found) if found else None


def answer_contact(
    contact_id: UUID,
    *,
    text: str,
    token: str,
    member: User,
    seen_id: UUID | None = None,
    now: datetime,
) -> Decision:
    """Decides one answer in the caller's transaction and stores who gave it.

    `token` is the form's: the same one twice makes one text. `seen_id`: the newest reply the
    member had before their eyes; later ones still wait for an answer. What the gate refuses is
    stored as skipped and leaves the conversation as it was. Raises `Invalid`.
    """
    words = _clean(text)
    key = _key(token)
    lock_contacts([contact_id])
    reply = last_reply(contact_id)
    if reply is None:
        raise Invalid(
            [FieldError("body", "nothing_to_answer", "This contact never wrote. Nothing was sent.")]
        )
    intent = _intent(contact_id, words, reply.id, key=f"answer:{contact_id.hex}:{key.hex}")
    [decision] = decide([intent], now=now)
    if decision.reason == "duplicate":
        return decision
    Answer.objects.create(
        message_id=decision.message_id,
        contact_id=contact_id,
        inbound_id=reply.id,
        member_id=member.id,
        member_name=(member.name or member.email)[:120],
        created_at=now,
    )
    if decision.status != "skipped":
        note_answer(
            contact_id,
            up_to=_seen_at(contact_id, seen_id) or reply.received_at,
            member_id=member.id,
            member_name=member.name or member.email,
            now=now,
        )
        wake("triggers.work", tenant_id=str(current_tenant_id()))
    return decision


def try_answer(contact_id: UUID, *, text: str = "Hello", now: datetime) -> Decision | None:
    """What the gate would say to an answer now; writes nothing. None: nothing to answer."""
    reply = last_reply(contact_id)
    if reply is None:
        return None
    intent = _intent(contact_id, text, reply.id, key=f"dry-run:{new_id().hex}")
    [decision] = decide([intent], now=now, dry_run=True)
    return decision


def _intent(contact_id: UUID, words: str, inbound_id: UUID, *, key: str) -> SendIntent:
    return SendIntent(
        dedupe_key=key,
        contact_id=contact_id,
        template_version_id=None,
        message_type="conversational",
        source_kind="answer",
        step_key="answer",
        priority=PRIORITY,
        ttl=ANSWER_TTL,
        window="defer",
        in_reply_to=inbound_id,
        body=words,
    )


def _clean(text: str) -> str:
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not words:
        raise Invalid([FieldError("body", "required", "Write something first.")])
    if len(words) > MAX_ANSWER:
        detail = f"At most {MAX_ANSWER:,} characters; these are {len(words):,}."
        raise Invalid([FieldError("body", "too_long", detail)])
    return words


def _key(token: str) -> UUID:
    try:
        return UUID(token)
    except ValueError:
        detail = "This form was not ours or is broken. Load the page again."
        raise Invalid([FieldError("token", "invalid", detail)]) from None


def _seen_at(contact_id: UUID, seen_id: UUID | None) -> datetime | None:
    if seen_id is None:
        return None
    rows = InboundMessage.objects.filter(contact_id=contact_id, id=seen_id)
    found: datetime | None = rows.values_list("received_at", flat=True).first()
    return found
