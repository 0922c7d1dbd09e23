"""Everything the gate needs for a set, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import phonenumbers

from consent.domain.contact_points import find_tokens
from consent.domain.facts import ConsentFacts
from consent.domain.facts import facts_for as consent_facts_for
from delivery.core.checks import AHEAD
from delivery.core.facts import (
    ConsentView,
    ContactView,
    Facts,
    GateIntent,
    Rival,
    SenderView,
)
from delivery.core.intents import TEST_TEXT
from delivery.domain.rows import fetch_all
from delivery.domain.sources import load_sources
from people.domain.queries import ContactFacts, contacts_by_id
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class Loaded:
    """Facts for the gate, and what the words are made of."""

    facts: Facts
    tenant: Tenant
    contacts: Mapping[UUID, ContactFacts]
    stop_notices: Mapping[UUID, datetime | None]


def load_facts(
    items: Sequence[GateIntent],
    *,
    now: datetime,
    wall: datetime,
    held: Mapping[str, tuple[UUID, str]] | None = None,
    at_claim: bool = False,
) -> Loaded:
    """Reads the facts of a set. The caller holds the contacts' locks if it is going to write.

    `at_claim` leaves out what only the decision looks at: rivals, caps and the senders' room.
    """
    ids = sorted({i.intent.contact_id for i in items if i.intent.contact_id is not None})
    tenant = Tenant.objects.get(id=current_tenant_id())
    contacts = contacts_by_id(ids)
    consents = (
        consent_facts_for(list(contacts.values()), now=now, with_slots=not at_claim)
        if contacts
        else {}
    )
    senders = load_senders(now=now, wall=wall, with_room=not at_claim)
    answerers = _load_answerers(items, senders, now=now, wall=wall)
    # Reading a number's country costs more than all other checks: only where one is blocked.
    by_country = any(sender.blocked for sender in [*senders, *answerers.values()])
    facts = Facts(
        workspace_active=tenant.is_active,
        senders=senders,
        contacts={key: _contact_view(contact, by_country) for key, contact in contacts.items()},
        consent={key: _consent_view(found) for key, found in consents.items()},
        sources=load_sources([item.intent for item in items], now=now),
        held=held or {},
        rivals={} if at_claim else _load_rivals(ids),
        agreed=_load_agreements(items, contacts),
        answerers=answerers,
    )
    notices = {key: found.last_stop_notice_at for key, found in consents.items()}
    return Loaded(facts, tenant, contacts, notices)


def load_senders(
    *, now: datetime, wall: datetime, with_room: bool = True, only: Sequence[UUID] | None = None
) -> list[SenderView]:
    """The senders of the gateway in use in a fixed order, with the room each has left.

    `only`: these instead, whichever gateway they belong to.
    """
    rows = fetch_all(
        """
        SELECT s.id, s.gateway_id, coalesce(nullif(s.phone, ''), s.messaging_service_sid),
               s.state = 'active' OR s.paused_until <= %s, s.paused_reason,
               greatest(s.paused_until, g.stopped_until),
               CASE WHEN g.stopped_until <= %s THEN '' ELSE g.stopped_reason END,
               g.blocked_regions, s.segments_per_second,
               CASE WHEN %s THEN
                   (SELECT coalesce(sum(greatest(m.num_segments, 1)), 0) FROM delivery_message m
                    WHERE m.tenant_id = s.tenant_id AND m.status = 'queued'
                      AND m.sender_id = s.id)
               ELSE 0 END
        FROM delivery_sender s
        JOIN delivery_gateway g ON g.tenant_id = s.tenant_id AND g.id = s.gateway_id
        WHERE s.tenant_id = %s AND CASE WHEN %s THEN g.is_live ELSE s.id = ANY(%s) END
        ORDER BY s.id
        """,
        [wall, wall, with_room, current_tenant_id(), only is None, list(only or ())],
    )
    return [
        SenderView(
            id=row[0],
            gateway_id=row[1],
            label=row[2],
            active=bool(row[3]),
            paused_reason=row[4],
            # Pauses are kept in wall time; whoever waits for them waits in business time.
            retry_at=now + (row[5] - wall) if row[5] is not None else None,
            stopped=row[6],
            blocked=frozenset(row[7]),
            segments_per_second=row[8],
            room=row[8] * AHEAD.total_seconds() - float(row[9]),
        )
        for row in rows
    ]


def load_replies(ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When these inbound messages came in."""
    if not ids:
        return {}
    rows = fetch_all(
        "SELECT id, received_at FROM delivery_inboundmessage WHERE tenant_id = %s AND id = ANY(%s)",
        [current_tenant_id(), list(ids)],
    )
    return {row[0]: row[1] for row in rows}


def _load_answerers(
    items: Sequence[GateIntent], senders: Sequence[SenderView], *, now: datetime, wall: datetime
) -> dict[str, SenderView]:
    """Who answers: the number that was written to, else its gateway's messaging service."""
    heard = {i.intent.in_reply_to for i in items if i.intent.in_reply_to is not None}
    if not heard:
        return {}
    written_to = dict(
        fetch_all(
            """
            SELECT DISTINCT ON (i.id) i.id, s.id
            FROM delivery_inboundmessage i
            JOIN delivery_sender s ON s.tenant_id = i.tenant_id AND s.gateway_id = i.gateway_id
              AND (s.phone = i.to_phone OR s.phone = '')
            WHERE i.tenant_id = %s AND i.id = ANY(%s)
            ORDER BY i.id, s.phone = i.to_phone DESC, s.id
            """,
            [current_tenant_id(), list(heard)],
        )
    )
    known = {sender.id: sender for sender in senders}
    missing = sorted(set(written_to.values()) - set(known))
    if missing:
        known |= {sender.id: sender for sender in load_senders(now=now, wall=wall, only=missing)}
    found: dict[str, SenderView] = {}
    for item in items:
        sender_id = written_to.get(item.intent.in_reply_to) if item.intent.in_reply_to else None
        if sender_id is not None and sender_id in known:
            found[item.key] = known[sender_id]
    return found


def _load_agreements(
    items: Sequence[GateIntent], contacts: Mapping[UUID, ContactFacts]
) -> dict[UUID, dict[str, str]]:
    """By contact, that its present number is a member's own. Only test texts ask."""
    wanted = {i.intent.contact_id for i in items if i.intent.source_kind == TEST_TEXT}
    phones = {key: contacts[key].phone for key in wanted if key is not None and key in contacts}
    if not phones:
        return {}
    tokens = find_tokens(phone for phone in phones.values() if phone)
    rows = fetch_all(
        "SELECT contact_id, phone_token, confirmed_at, inbound_id FROM delivery_testnumber"
        " WHERE tenant_id = %s AND contact_id = ANY(%s) AND confirmed_at IS NOT NULL"
        " ORDER BY confirmed_at",
        [current_tenant_id(), list(phones)],
    )
    return {
        row[0]: {"confirmed_at": row[2].isoformat(), "inbound_id": str(row[3])}
        for row in rows
        if tokens.get(phones[row[0]] or "") == row[1]
    }


def _load_rivals(contact_ids: Sequence[UUID]) -> dict[UUID, list[Rival]]:
    rows = fetch_all(
        "SELECT contact_id, id, priority, due_at, source_key FROM delivery_message"
        " WHERE tenant_id = %s AND contact_id = ANY(%s) AND status = 'scheduled'"
        " AND message_type = 'marketing' AND due_at IS NOT NULL",
        [current_tenant_id(), list(contact_ids)],
    )
    found: dict[UUID, list[Rival]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(Rival(row[1], row[2], row[3], row[4]))
    return found


def _contact_view(contact: ContactFacts, by_country: bool) -> ContactView:
    phone = contact.phone or ""
    return ContactView(
        erased=contact.erased_at is not None,
        phone=phone,
        country=_country_of(phone) if phone and by_country else "",
    )


@lru_cache(maxsize=65536)
def _country_of(phone: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or ""
    except phonenumbers.NumberParseException:
        return ""


def _consent_view(found: ConsentFacts) -> ConsentView:
    return ConsentView(
        statuses=found.statuses,
        suppression=found.suppression,
        paused_for_review=found.paused_for_review,
        zones=found.zones,
        quiet=found.quiet,
        caps=found.caps,
        slots=found.slots,
        evidence={"records": {kind: str(r) for kind, r in found.consent_record_ids.items()}},
    )
