"""What a text that came in does: ends or begins consent, asks for a person, is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.core.classifier import Classification
from consent.core.ledger import stop_types
from consent.core.message_types import MESSAGE_TYPES
from consent.domain.contact_points import find_tokens
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.reviews import Review, open_reviews
from consent.domain.settings import read_compliance
from consent.models import Consent
from delivery.core.reasons import Reason
from delivery.domain.answering import Answer, send_answer
from delivery.domain.canceling import cancel_messages
from delivery.domain.events import message_properties, template_slugs
from delivery.domain.ledger import MessageRow
from delivery.domain.opting_in import ask_to_confirm, learn_name, welcome
from delivery.models import Gateway, InboundMessage
from tenancy.clock import wall_now

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


@dataclass(frozen=True, slots=True)
class Heard:
    """A text, who sent it, what it answers and what it was taken for."""

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
        return {**about(self.last), **told}

    @property
    def whole(self) -> str:
        return self.sms.body.strip().casefold()


def about(last: MessageRow | None) -> dict[str, Any]:
    """What an event says of the text that was answered."""
    if last is None:
        return {"message_id": None}
    return message_properties(last, template_slugs([last.template_version_id]))


def _opt_out(heard: Heard, *, now: datetime) -> None:
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


def _opt_in(heard: Heard, *, now: datetime) -> None:
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


def _help(heard: Heard, *, now: datetime) -> None:
    said_to_carrier = bool(heard.sms.opt_out_type) or heard.whole in CARRIER_HELP
    if said_to_carrier and answers_keywords(heard.gateway, heard.sms.to_phone):
        return
    # Once an hour: two machines that answer each other must come to rest.
    _answer(heard, Answer.HELP, key=_hourly(now), now=now)


def _review(heard: Heard, *, now: datetime) -> None:
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


def _answer(heard: Heard, answer: Answer, *, key: str, now: datetime) -> None:
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


def _hourly(now: datetime) -> str:
    return f"{now:%Y%m%d%H}"


# By the verdict's kind.
ACTS = {
    "opt_out": _opt_out,
    "wrong_number": _opt_out,
    "opt_in": _opt_in,
    "help": _help,
    "review": _review,
}
