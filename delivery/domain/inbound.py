"""Texts that come in. One transaction: store once, classify, write consent, cancel, answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.core.classifier import Classification, classify
from consent.core.ledger import stop_types
from consent.core.message_types import MESSAGE_TYPES
from consent.domain.contact_points import find_tokens
from consent.domain.keywords import own_keywords
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from people.domain.merged import survivors_of
from consent.domain.queries import is_opt_in_pending
from consent.domain.reviews import Review, open_reviews
from consent.domain.settings import read_compliance
from consent.models import Consent
from delivery.core.reasons import Reason
from delivery.domain.answering import Answer, send_answer
from delivery.domain.canceling import cancel_messages
from delivery.domain.conversations import hear_reply
from delivery.domain.events import REPLIED, message_properties, template_slugs
from delivery.domain.ledger import MessageRow, read_messages
from delivery.domain.opting_in import ask_to_confirm, learn_name, welcome
from delivery.domain.test_texts import hear_code
from delivery.models import Gateway, InboundMessage
from events.domain.recording import NewEvent, append_events
from people.domain.queries import contacts_by_phone, lock_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from templates_engine.domain.queries import versions_by_id
from tenancy.clock import wall_now
from tenancy.ids import new_id

# What Twilio takes for an opt-out, an opt-in or a question itself, as the whole message: it has
# answered these before we hear of them. Everything else is ours to confirm.
CARRIER_STOP = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
CARRIER_HELP = frozenset({"help", "info"})


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A text as the gateway passed it on. `opt_out_type`: the gateway's own verdict, if any."""

    sid: str
    from_phone: str
    to_phone: str
    body: str
    media: Sequence[dict[str, str]] = ()
    opt_out_type: str = ""


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
    act = _ACTS.get(verdict.kind)
    if act is not None and _is_number(sms.from_phone):
        act(_Heard(gateway, sms, inbound, contact_id, last, verdict), now=now)
    if verdict.kind in {"none", "review"} and contact_id is not None:
        _tell_reply(inbound, last, now=now)
    if contact_id is not None:
        hear_reply(contact_id, kind=verdict.kind, now=now)
    return inbound.id


@dataclass(frozen=True, slots=True)
class _Heard:
    gateway: Gateway
    sms: InboundSms
    inbound: InboundMessage
    contact_id: UUID | None
    last: MessageRow | None
    verdict: Classification

    @property
    def evidence(self) -> dict[str, str]:
        return {
            "body": self.sms.body,
            "keyword": self.verdict.keyword,
            "sid": self.sms.sid,
            "to": self.sms.to_phone,
        }

    @property
    def properties(self) -> dict[str, Any]:
        """What the event about this text says of the text it answers."""
        told = {"inbound_id": str(self.inbound.id)}
        return {**_about(self.last), **told}

    @property
    def whole(self) -> str:
        return self.sms.body.strip().casefold()


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
    return resolve_contacts([IdentityRef(phone=sms.from_phone)], now=now)[0]


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


def _opt_out(heard: _Heard, *, now: datetime) -> None:
    phone = heard.sms.from_phone
    was_out = _is_unsubscribed(phone)
    said_to_carrier = bool(heard.sms.opt_out_type) or heard.whole in CARRIER_STOP
    wrong_number = heard.verdict.kind == "wrong_number"
    source = "wrong_number" if wrong_number else "keyword" if said_to_carrier else "free_text"
    record_opt_outs(
        [
            OptOut(
                phone=phone,
                contact_id=heard.contact_id,
                source=source,
                evidence=heard.evidence,
                occurred_at=now,
                rule=heard.verdict.rule,
                properties=heard.properties,
            )
        ],
        now=now,
    )
    ended = stop_types(read_compliance().stop_scope, keyword=heard.verdict.keyword, source=source)
    cancel_messages(
        phones=[phone],
        contact_ids=[heard.contact_id] if heard.contact_id is not None else None,
        except_types=[kind for kind in MESSAGE_TYPES if kind not in ended],
        reason=Reason.UNSUBSCRIBED,
        now=now,
    )
    if said_to_carrier and answers_keywords(heard.gateway, heard.sms.to_phone):
        return  # the carrier has confirmed it; a second text would be one too many
    if not was_out:
        _answer(heard, Answer.STOPPED, key=heard.inbound.id.hex, now=now)


def _opt_in(heard: _Heard, *, now: datetime) -> None:
    results = record_opt_ins(
        [
            OptIn(
                phone=heard.sms.from_phone,
                source=heard.verdict.opt_in_source,
                occurred_at=now,
                contact_id=heard.contact_id,
                evidence=heard.evidence,
                rule=heard.verdict.rule,
                properties=heard.properties,
            )
        ],
        now=now,
    )
    code, phone = results[0].code, heard.sms.from_phone
    told: dict[str, Any] = {
        "contact_id": heard.contact_id,
        "in_reply_to": heard.inbound.id,
        "now": now,
    }
    if code == "pending":
        ask_to_confirm(phone, wall=wall_now(), **told)
    elif code == "subscribed":
        learn_name(phone, heard.contact_id, now=now)
        if heard.verdict.opt_in_source != "start":
            welcome(phone, key=heard.inbound.id.hex, **told)


def _help(heard: _Heard, *, now: datetime) -> None:
    said_to_carrier = bool(heard.sms.opt_out_type) or heard.whole in CARRIER_HELP
    if said_to_carrier and answers_keywords(heard.gateway, heard.sms.to_phone):
        return
    # Once an hour: two machines that answer each other must come to rest.
    _answer(heard, Answer.HELP, key=_hourly(now), now=now)


def _review(heard: _Heard, *, now: datetime) -> None:
    ruled = open_reviews(
        [
            Review(
                phone=heard.sms.from_phone,
                contact_id=heard.contact_id,
                rule=heard.verdict.rule,
                evidence=heard.evidence,
                occurred_at=now,
            )
        ],
        now=now,
    )
    if "opt_out" in ruled:
        cancel_messages(phones=[heard.sms.from_phone], reason=Reason.UNSUBSCRIBED, now=now)
        _answer(heard, Answer.STOPPED, key=heard.inbound.id.hex, now=now)


def _answer(heard: _Heard, answer: Answer, *, key: str, now: datetime) -> None:
    token = find_tokens([heard.sms.from_phone])[heard.sms.from_phone]
    send_answer(
        answer,
        key=f"{token[-24:]}:{key}",
        contact_id=heard.contact_id,
        phone=heard.sms.from_phone,
        in_reply_to=heard.inbound.id,
        now=now,
    )


def answers_keywords(gateway: Gateway, number: str) -> bool:
    """Whether the carrier answers STOP, START and HELP itself: on all but short codes."""
    digits = number.lstrip("+")
    return not (digits.isdigit() and len(digits) <= 6)


def _is_unsubscribed(phone: str) -> bool:
    token = find_tokens([phone])[phone]
    return bool(
        Consent.objects.filter(
            phone_token=token, message_type="marketing", topic="", status="unsubscribed"
        ).exists()
    )


def _tell_reply(inbound: InboundMessage, last: MessageRow | None, *, now: datetime) -> None:
    append_events(
        [
            NewEvent(
                name=REPLIED,
                contact_id=inbound.contact_id,
                properties={
                    **_about(last),
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


def _about(last: MessageRow | None) -> dict[str, Any]:
    if last is None:
        return {"message_id": None}
    return message_properties(last, template_slugs([last.template_version_id]))


def _hourly(now: datetime) -> str:
    return f"{now:%Y%m%d%H}"


_ACTS = {
    "opt_out": _opt_out,
    "wrong_number": _opt_out,
    "opt_in": _opt_in,
    "help": _help,
    "review": _review,
}
