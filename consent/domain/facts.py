"""Everything the checks must know about a set of contacts, in a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import connection

from consent.core.caps import FACTORY, CapRules, Slot
from consent.core.hours import legal_cap
from consent.core.message_types import CONSENT_TYPES
from consent.core.quiet_hours import QuietRules
from consent.core.zones import ZoneInput, ZoneSet, candidates
from consent.domain.contact_points import find_tokens, lock_points
from consent.domain.settings import read_cap_rules, read_compliance
from consent.domain.slots import longest_span, read_slots
from people.domain.facts import ContactFacts
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """One contact's standing now.

    `statuses` by message type: subscribed, pending, unsubscribed or never_subscribed.
    `suppression` is the reason of the oldest one, None without. `caps` already carries the legal
    limit of the contact's candidate states; `slots` are all that can still matter.
    """

    statuses: dict[str, str]
    consent_record_ids: dict[str, UUID]
    suppression: str | None
    zones: ZoneSet
    quiet: QuietRules
    caps: CapRules
    slots: tuple[Slot, ...]
    last_stop_notice_at: datetime | None
    paused_for_review: bool
    us_cart_rule: str

    @property
    def status(self) -> str:
        """The one word shown for SMS consent: the marketing status, or suppressed."""
        return "suppressed" if self.suppression else self.statuses["marketing"]


def facts_for(
    contacts: Sequence[ContactFacts],
    *,
    now: datetime,
    lock: bool = False,
    with_slots: bool = True,
) -> dict[UUID, ConsentFacts]:
    """Facts of each contact, with or without a number. Four queries whatever the set's size.

    `lock` holds the contact points until the transaction ends; a caller that decides and holds
    the contacts' locks needs it only when two contacts may share a number. `with_slots` False
    leaves the caps at the factory's and the slots empty, for a caller that holds its slots.
    """
    compliance = read_compliance()
    caps = read_cap_rules() if with_slots else FACTORY
    tokens = find_tokens(contact.phone for contact in contacts if contact.phone)
    if lock:
        lock_points(tokens.values())
    statuses, records, suppressions, points = _read_standing(list(tokens.values()))
    slots: Mapping[UUID, Sequence[Slot]] = {}
    if with_slots:
        slots = read_slots(
            {contact.id: tokens[contact.phone] for contact in contacts if contact.phone},
            since=now - longest_span(caps),
            now=now,
        )

    facts = {}
    for contact in contacts:
        token = tokens[contact.phone] if contact.phone else ""
        zones = candidates(zone_input(contact))
        notice, paused = points.get(token, (None, False))
        facts[contact.id] = ConsentFacts(
            statuses={
                kind: statuses.get(token, {}).get(kind, "never_subscribed")
                for kind in CONSENT_TYPES
            },
            consent_record_ids=records.get(token, {}),
            suppression=suppressions.get(token),
            zones=zones,
            quiet=compliance.quiet,
            caps=replace(caps, legal_maximum=legal_cap(zones.states)),
            slots=tuple(slots.get(contact.id, ())),
            last_stop_notice_at=notice,
            paused_for_review=paused,
            us_cart_rule=compliance.us_cart_rule,
        )
    return facts


_Standing = tuple[
    dict[str, dict[str, str]],
    dict[str, dict[str, UUID]],
    dict[str, str],
    dict[str, tuple[datetime | None, bool]],
]


def _read_standing(tokens: Sequence[str]) -> _Standing:
    """Per phone token: status and record by message type, suppression, (notice, in review).

    One query: this is read for every text, when it is decided and when it is claimed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 1, phone_token, message_type, status, record_id, since FROM consent_consent
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s) AND topic = ''
            UNION ALL
            SELECT 2, phone_token, reason, '', NULL, since FROM consent_suppression
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s)
            UNION ALL
            SELECT 3, phone_token, '', CASE WHEN review_since IS NULL THEN '' ELSE 'review' END,
                   NULL, last_stop_notice_at FROM consent_contactpoint
                WHERE tenant_id = %(tenant)s AND phone_token = ANY(%(tokens)s)
            """,
            {"tenant": current_tenant_id(), "tokens": list(tokens)},
        )
        rows = cursor.fetchall()
    statuses: dict[str, dict[str, str]] = {}
    records: dict[str, dict[str, UUID]] = {}
    oldest: dict[str, tuple[datetime, str]] = {}
    points: dict[str, tuple[datetime | None, bool]] = {}
    for kind, token, name, status, record_id, at in rows:
        if kind == 1:
            statuses.setdefault(token, {})[name] = status
            records.setdefault(token, {})[name] = record_id
        elif kind == 2:
            oldest[token] = min(oldest.get(token, (at, name)), (at, name))
        else:
            points[token] = (at, status == "review")
    return statuses, records, {token: reason for token, (_, reason) in oldest.items()}, points


def zone_input(contact: ContactFacts) -> ZoneInput:
    """What a contact's attributes say about its place."""
    return ZoneInput(
        phone=contact.phone or "",
        country=contact.country,
        region=contact.region,
        postal_code=contact.postal_code,
        timezone=contact.timezone,
        timezone_source=contact.timezone_source,
    )
