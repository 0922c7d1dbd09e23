"""Texts that come in. One transaction: store once, classify, write consent, cancel, answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from consent.core.classifier import classify
from consent.domain.keywords import own_keywords
from consent.domain.queries import is_opt_in_pending
from delivery.domain.conversations import hear_reply
from delivery.domain.events import REPLIED
from delivery.domain.inbound_acts import ACTS, Heard, InboundSms, about
from delivery.domain.ledger import MessageRow, read_messages
from delivery.domain.test_texts import hear_code
from delivery.models import Gateway, InboundMessage
from events.domain.recording import NewEvent, append_events
from people.domain.merged import survivors_of
from people.domain.queries import contacts_by_phone, lock_contacts
from people.domain.resolving import IdentityRef, Origin, resolve_contacts
from people.models import AddedBy
from templates_engine.domain.queries import versions_by_id
from tenancy.clock import wall_now
from tenancy.ids import new_id

__all__ = ["InboundSms", "receive_inbound"]


def receive_inbound(gateway: Gateway, sms: InboundSms, *, now: datetime) -> UUID | None:
    """Takes one text in; returns its id, or None when it was here before.

    In the caller's transaction: when it commits, a STOP is in force and what was queued is
    canceled. Contacts are locked before anything else is.
    """
    inbound = _store(gateway, sms, now=now)
    if inbound is None:
        return None
    contact_id = _find_contact(sms, now=now)
    if contact_id is not None and not lock_contacts([contact_id]):
        # Merged a moment ago.
        contact_id = survivors_of([contact_id]).get(contact_id)
        lock_contacts([contact_id] if contact_id is not None else [])
    if (
        contact_id is not None
        and _is_number(sms.from_phone)
        and hear_code(inbound, contact_id, now=now, wall=wall_now())
    ):
        return inbound.id
    last = _last_text(contact_id)
    verdict = classify(
        sms.body,
        opt_out_type=sms.opt_out_type or None,
        double_opt_in_pending=_is_number(sms.from_phone) and is_opt_in_pending(sms.from_phone),
        open_question=last is not None and _asks(last),
        own_keywords=own_keywords(),
    )
    inbound.contact_id = contact_id
    inbound.kind = verdict.kind
    inbound.keyword = verdict.keyword[:40]
    inbound.rule = verdict.rule[:80]
    inbound.answered_message_id = last.id if last is not None else None
    inbound.save(update_fields=["contact", "kind", "keyword", "rule", "answered_message_id"])
    act = ACTS.get(verdict.kind)
    if act is not None and _is_number(sms.from_phone):
        act(Heard(gateway, sms, inbound, contact_id, last, verdict), now=now)
    if verdict.kind in {"none", "review"} and contact_id is not None:
        _tell_reply(inbound, last, now=now)
    if contact_id is not None:
        hear_reply(contact_id, kind=verdict.kind, now=now)
    return inbound.id


def _store(gateway: Gateway, sms: InboundSms, *, now: datetime) -> InboundMessage | None:
    """Claims the sid by inserting it. A repetition waits for the first and finds it there."""
    row = InboundMessage(
        id=new_id(),
        gateway=gateway,
        sid=sms.sid,
        from_phone=sms.from_phone[:20],
        to_phone=sms.to_phone[:40],
        body=sms.body,
        media=list(sms.media),
        opt_out_type=sms.opt_out_type[:10],
        received_at=now,
    )
    InboundMessage.objects.bulk_create([row], ignore_conflicts=True)
    found = InboundMessage.objects.filter(sid=sms.sid).first()
    return row if found is not None and found.id == row.id else None


def _find_contact(sms: InboundSms, *, now: datetime) -> UUID | None:
    """Whoever writes is a contact; short codes and names are nobody."""
    if not _is_number(sms.from_phone):
        return None
    known = contacts_by_phone([sms.from_phone]).get(sms.from_phone)
    if known is not None:
        return known
    origin = Origin(AddedBy.TEXT, is_seen=True)
    return resolve_contacts([IdentityRef(phone=sms.from_phone)], origin=origin, now=now)[0]


def _last_text(contact_id: UUID | None) -> MessageRow | None:
    if contact_id is None:
        return None
    rows = read_messages(
        "m.contact_id = %s AND m.sent_at IS NOT NULL AND m.message_type <> 'compliance'",
        [contact_id],
        tail="ORDER BY m.created_at DESC LIMIT 1",
    )
    return rows[0] if rows else None


def _asks(last: MessageRow) -> bool:
    """Whether our last text asked for an answer: then "stop" at the head of a sentence is read
    by a person first. The whole word alone always counts."""
    if last.template_version_id is None:
        return False
    version = versions_by_id([last.template_version_id]).get(last.template_version_id)
    return version is not None and bool(version.asks)


def _is_number(phone: str) -> bool:
    return phone.startswith("+") and phone[1:].isdigit() and 8 <= len(phone) <= 16


def _tell_reply(inbound: InboundMessage, last: MessageRow | None, *, now: datetime) -> None:
    append_events(
        [
            NewEvent(
                name=REPLIED,
                contact_id=inbound.contact_id,
                properties={
                    **about(last),
                    "body": inbound.body,
                    "keyword": inbound.keyword,
                    "inbound_id": str(inbound.id),
                },
                occurred_at=now,
                message_id=f"{REPLIED}:{inbound.id}",
            )
        ],
        now=now,
    )
