"""Filling a workspace with invented people and events, by the verbs that imports use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from demo.core.synthetic import QUIET, Act, Somebody, invent_acts, invent_people
from events.core.names import canonical
from events.domain.appending import Draft, append
from events.models import Lane
from people.core.traits import Traits
from people.domain.attributes import EXPLICIT, TraitChange, change_contacts
from people.domain.resolving import IdentityRef, Origin, resolve_contacts
from people.models import AddedBy
from tenancy.scope import tenant_scope

CONTACTS_AT_ONCE = 1_000
EVENTS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many there are after it; `events`: those that were new."""

    contacts: int
    events: int


def load_synthetic(
    tenant_id: UUID,
    *,
    contacts: int,
    events: int,
    now: datetime,
    tell: Callable[[Loaded], None] = lambda _: None,
) -> Loaded:
    """Loads so many people with names, numbers, addresses and a city, and so many events of theirs
    as history: no flow starts, and nobody has consented to anything.

    Opens its own scopes, one transaction for each thousand people. Repeating it adds nothing, so
    after an interruption it goes on where it was. `tell` hears how far it is.
    """
    known = added = 0
    for start in range(0, contacts, CONTACTS_AT_ONCE):
        people = invent_people(start, min(start + CONTACTS_AT_ONCE, contacts))
        with tenant_scope(tenant_id):
            ids = _add_people(people, now)
            acts = list(invent_acts(people, contacts=contacts, events=events, now=now))
            # What is projected apart from what is not: only batches that are listened to wake.
            for is_quiet in (True, False):
                added += _add_acts([a for a in acts if (a.name == QUIET) == is_quiet], ids, now)
        known += len(people)
        tell(Loaded(known, added))
    return Loaded(known, added)


def _add_people(people: list[Somebody], now: datetime) -> list[UUID]:
    refs = [
        IdentityRef(external_id=one.external_id, phone=one.phone, email=one.email) for one in people
    ]
    found = resolve_contacts(refs, origin=Origin(AddedBy.IMPORT), now=now)
    ids = [contact_id for contact_id in found if contact_id is not None]
    change_contacts(
        [
            TraitChange(
                contact_id,
                Traits(
                    {"first_name": one.first_name, "last_name": one.last_name, "city": one.city}
                ),
                EXPLICIT,
                by=AddedBy.IMPORT.value,
            )
            for contact_id, one in zip(ids, people, strict=True)
        ],
        now=now,
    )
    return ids


def _add_acts(acts: list[Act], ids: list[UUID], now: datetime) -> int:
    added = 0
    for start in range(0, len(acts), EVENTS_AT_ONCE):
        drafts = [
            Draft(
                name=canonical(act.name),
                kind="track",
                occurred_at=act.occurred_at,
                properties=act.properties,
                contact_id=ids[act.who],
                message_id=act.message_id,
                known_at=act.occurred_at,
            )
            for act in acts[start : start + EVENTS_AT_ONCE]
        ]
        stored = append(drafts, source="api", lane=Lane.BACKFILL, backfill=True, now=now)
        added += sum(each is not None for each in stored)
    return added
