"""Opting out by other ways than a reply, and the links that lead there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from consent.core.ledger import stop_types
from consent.core.message_types import CONSENT_TYPES, MESSAGE_TYPES
from consent.domain.contact_points import find_tokens
from consent.domain.opt_out_links import link_generation
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.queries import is_unsubscribed
from consent.domain.settings import read_compliance
from delivery.core.opt_out_links import OptOutToken, read_token, write_token
from delivery.core.reasons import Reason
from delivery.domain.answering import Answer, send_answer
from delivery.domain.canceling import cancel_messages
from people.domain.queries import contacts_by_phone, lock_contacts
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class OptedOut:
    """`is_new` is False for a repetition. `canceled`: queued texts that now never go."""

    record_id: UUID
    is_new: bool
    canceled: int


def opt_out(stop: OptOut, *, now: datetime) -> OptedOut:
    """Ends the consent, cancels what is queued, and confirms once by text; in the caller's
    transaction, as STOP does. A repetition confirms nothing. Raises `Invalid`."""
    contact_id = stop.contact_id or contacts_by_phone([stop.phone]).get(stop.phone)
    if contact_id is not None:
        lock_contacts([contact_id])
    ended = ended_types(stop.source)
    was_out = is_unsubscribed(stop.phone, ended)
    (record_id,) = record_opt_outs([replace(stop, contact_id=contact_id)], now=now)
    canceled = cancel_messages(
        phones=[stop.phone],
        contact_ids=[contact_id] if contact_id is not None else None,
        except_types=[kind for kind in MESSAGE_TYPES if kind not in ended],
        reason=Reason.UNSUBSCRIBED,
        now=now,
    )
    if not was_out:
        token = find_tokens([stop.phone])[stop.phone]
        send_answer(
            Answer.STOPPED,
            key=f"{token[-24:]}:{record_id.hex}",
            contact_id=contact_id,
            phone=stop.phone,
            in_reply_to=None,
            now=now,
        )
    return OptedOut(record_id, not was_out, canceled)


def take_opt_outs(
    stops: Sequence[OptOut], *, lane: str = "live", history: bool = False, now: datetime
) -> int:
    """Ends the consents and cancels what is queued, without a text about it; returns how many texts
    never go now. In the caller's transaction, with the contacts locked. Raises `Invalid`."""
    record_opt_outs(stops, now=now, lane=lane, history=history)
    canceled = 0
    for source in sorted({stop.source for stop in stops}):
        some = [stop for stop in stops if stop.source == source]
        ended = ended_types(source)
        canceled += cancel_messages(
            phones=[stop.phone for stop in some],
            contact_ids=[stop.contact_id for stop in some if stop.contact_id is not None],
            except_types=[kind for kind in MESSAGE_TYPES if kind not in ended],
            reason=Reason.UNSUBSCRIBED,
            now=now,
        )
    return canceled


def ended_types(source: str = "preference_center") -> tuple[str, ...]:
    """The message types an opt-out ends in this workspace."""
    return stop_types(read_compliance().stop_scope, source=source)


def ends_everything() -> bool:
    return set(ended_types()) == set(CONSENT_TYPES)


def opt_out_url(phone: str) -> str:
    """The public page where whoever holds the link can stop the texts to this E.164 number."""
    token = OptOutToken(current_tenant_id(), phone, link_generation())
    path = reverse("delivery:opt_out", args=[write_token(token, settings.KAIROS_ENCRYPTION_KEYS)])
    return f"{settings.KAIROS_PUBLIC_BASE_URL}{path}"


def read_opt_out_token(text: str) -> OptOutToken | None:
    """Whose link it is. Says nothing yet about whether it was revoked: see `is_current`."""
    return read_token(text, settings.KAIROS_ENCRYPTION_KEYS)


def is_current(token: OptOutToken) -> bool:
    """Whether the workspace in scope still honors this token."""
    return token.tenant_id == current_tenant_id() and token.generation == link_generation()
