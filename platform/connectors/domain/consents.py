"""What a shop says about texts, written into the ledger with where it comes from.

The verbs are those of the consents API: an opt-in is welcomed or asked to confirm, an opt-out
cancels what is queued. A state the shop has held for long is written down and nobody is texted
about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.core.items import ConsentSaid
from connectors.models import Connector
from consent.core.message_types import covered_types
from consent.domain import hooks
from consent.domain.contact_points import find_tokens
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut
from consent.domain.settings import read_compliance
from consent.models import Consent
from events.core.incoming import read_time
from people.core.identifiers import clean_phone
from people.domain.queries import contacts_by_phone, lock_contacts, workspace_defaults
from tenancy.ids import show_id

# Longer ago than this it is a state that was brought along, no act that just happened.
RECENT = timedelta(hours=48)
_WORDS = {
    "subscribed": "Subscribed, with the shop's word as evidence.",
    "pending": "A text asks the number to confirm.",
    "unchanged": "It was so already.",
    "stop_stands": "This number opted out; only its owner takes that back.",
    "older_than_opt_out": "This number opted out after that moment.",
    "older_than_opt_in": "This number opted in after that moment.",
    "unsubscribed": "Unsubscribed.",
    "invalid_phone": "The number is none that can be used.",
    "invalid_time": "The time of the consent cannot be read.",
}


def take_consent(
    connector: Connector, said: ConsentSaid, *, now: datetime, wall: datetime
) -> dict[str, Any]:
    """Writes it where it changes something. Returns {"event", "status", "code", "detail"}.

    In the caller's scope and transaction; safe to repeat.
    """
    code = _take(connector, said, now=now, wall=wall)
    wrote = code in {"subscribed", "unsubscribed", "pending"}
    refused = code in {"invalid_phone", "invalid_time"}
    status = "accepted" if wrote else "rejected" if refused else "ignored"
    act = "SMS opt-in" if said.action == "opt_in" else "SMS opt-out"
    return {"event": act, "status": status, "code": code, "detail": _WORDS.get(code, code)}


def _take(connector: Connector, said: ConsentSaid, *, now: datetime, wall: datetime) -> str:
    try:
        phone = clean_phone(said.phone, said.country or workspace_defaults().country)[0]
    except ValueError:
        return "invalid_phone"
    try:
        at = read_time(said.at)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        return "invalid_time"
    at = min(at, now)
    contact_id = contacts_by_phone([phone]).get(phone)
    if contact_id is not None:
        lock_contacts([contact_id])
    held = {
        row["message_type"]: row
        for row in Consent.objects.filter(phone_token=find_tokens([phone])[phone]).values(
            "message_type", "status", "since"
        )
    }
    actor = f"connector:{show_id('cnr', connector.id)}"[:80]
    evidence = {**said.evidence, "connector": connector.name}
    if said.action == "opt_out":
        stop = OptOut(
            phone,
            contact_id,
            "api",
            evidence,
            at,
            rule=f"{connector.kind}:{said.level}",
            actor=actor,
        )
        return _opt_out(stop, held, now=now)
    wish = OptIn(
        phone,
        "api",
        at,
        contact_id,
        legal_basis="express",
        message_types=covered_types(orders=False),
        double_opt_in=False if said.level == "confirmed_opt_in" else None,
        evidence=evidence,
        rule=f"{connector.kind}:{said.level}",
        actor=actor,
    )
    return _opt_in(wish, held, now=now, wall=wall)


def _opt_in(
    wish: OptIn, held: Mapping[str, Mapping[str, Any]], *, now: datetime, wall: datetime
) -> str:
    statuses = {held[name]["status"] for name in wish.message_types if name in held}
    if statuses == {"pending"}:
        return "unchanged"  # It has been asked; asking at every body would be nagging.
    asks = wish.double_opt_in is None and "api" in read_compliance().double_opt_in_sources
    if now - wish.occurred_at > RECENT and not asks:
        (result,) = record_opt_ins([wish], now=now, history=True)
        return result.code
    return hooks.opt_in(wish, now=now, wall=wall)


def _opt_out(stop: OptOut, held: Mapping[str, Mapping[str, Any]], *, now: datetime) -> str:
    on = [row for row in held.values() if row["status"] in {"subscribed", "pending"}]
    if any(row["since"] > stop.occurred_at for row in on):
        return "older_than_opt_in"
    if on:
        hooks.opt_out(stop, now=now)
        return "unsubscribed"
    if any(row["status"] == "unsubscribed" for row in held.values()):
        return "unchanged"
    # Never subscribed here: written down, and nobody is told by text what they never asked for.
    hooks.opt_outs([stop], history=now - stop.occurred_at > RECENT, now=now)
    return "unsubscribed"
