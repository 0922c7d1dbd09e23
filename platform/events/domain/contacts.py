"""Contacts written by hand or by a program that names them: saved as a set, told as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from events.domain.recording import append_events, contact_changed
from events.models import Lane
from people.core.identifiers import EMAIL, PHONE, IdentityRef
from people.core.traits import Traits
from people.domain.attributes import AttributeChange, TraitChange, change_contacts
from people.domain.queries import lock_contacts
from people.domain.resolving import Origin, Resolution, resolve
from people.models import AddedBy

# More than this at once must not delay what happens now.
LIVE_LIMIT = 50
CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class NewContact:
    """Who it is (values already clean) and what is to be known of them (read and checked)."""

    ref: IdentityRef
    traits: Traits = field(default_factory=Traits)


@dataclass(frozen=True, slots=True)
class Saved:
    """`outcome`: created, updated, unchanged or refused. `taken` names the identifier of a refused
    one that belongs to `owner_id` (None: the contact holds as many as it may)."""

    outcome: str
    contact_id: UUID | None = None
    taken: str = ""
    owner_id: UUID | None = None


class _Refused(Exception):
    def __init__(self, found: Mapping[int, Saved]) -> None:
        self.found = found


def save_contacts(
    people: Sequence[NewContact],
    *,
    added_by: str = AddedBy.API,
    lane: str = "",
    history: bool = False,
    now: datetime,
) -> list[Saved]:
    """Finds or makes each contact and writes what is given; one result per item, in order.

    An item that would take somebody else's identifier, or give a contact found by its e-mail a second
    number, is refused whole and changes nothing. The
    number of queries does not depend on the number of items. Locks the contacts, ids ascending, and
    appends "Contact Changed" for what really changed, in `lane` ("": by the number of items); with
    `history` that starts no flow.
    """
    lane = lane or (Lane.LIVE if len(people) <= LIVE_LIMIT else Lane.BULK)
    results: dict[int, Saved] = {}
    # Without the refused ones the rest is done again from the start: nothing half-written stays.
    # Each round refuses at least one item; two are enough unless others write at the same time.
    for _ in range(4):
        left = [index for index in range(len(people)) if index not in results]
        try:
            with transaction.atomic():
                some = [people[index] for index in left]
                results |= _save(some, left, Origin(added_by), lane, history, now=now)
            break
        except _Refused as refused:
            results |= refused.found
    else:
        raise RuntimeError("Identifiers kept changing hands; nothing was written.")
    return [results[index] for index in range(len(people))]


def _save(
    people: list[NewContact],
    indexes: list[int],
    origin: Origin,
    lane: str,
    history: bool,
    *,
    now: datetime,
) -> dict[int, Saved]:
    resolved = resolve([person.ref for person in people], origin=origin, now=now)
    lock_contacts(each for each in resolved.ids if each is not None)
    refused: dict[int, Saved] = {}
    for conflict in resolved.conflicts:
        refused[indexes[conflict.ref]] = Saved(REFUSED, None, conflict.kind, conflict.owner_id)
    for bound in resolved.attached:
        # Found by the address, with another number than the contact has: two people, or one who
        # must be asked which number is theirs.
        if bound.kind == PHONE and not bound.is_primary:
            refused[indexes[bound.ref]] = Saved(REFUSED, None, EMAIL, bound.contact_id)
    places = [place for place, found in enumerate(resolved.ids) if found is not None]
    done = change_contacts(
        [
            TraitChange(_sure(resolved.ids[place]), people[place].traits, by=origin.added_by)
            for place in places
        ],
        now=now,
    )
    for each in done.refused:
        refused[indexes[places[each.position]]] = Saved(REFUSED, None, each.kind, each.owner_id)
    if refused:
        raise _Refused(refused)
    changes = _changes(resolved, done.changed)
    append_events(contact_changed(changes, occurred_at=now), now=now, lane=lane, backfill=history)
    changed = {each.contact_id for each in changes}
    return {index: _saved(resolved, place, changed) for place, index in enumerate(indexes)}


def _saved(resolved: Resolution, place: int, changed: set[UUID]) -> Saved:
    contact_id = resolved.ids[place]
    if contact_id is None:
        return Saved(REFUSED, None, "nobody")
    if resolved.held[contact_id].is_new:
        return Saved(CREATED, contact_id)
    return Saved(UPDATED if contact_id in changed else UNCHANGED, contact_id)


def _changes(resolved: Resolution, changed: list[AttributeChange]) -> list[AttributeChange]:
    """What traits changed, and the numbers and addresses that were bound."""
    told = {(each.contact_id, each.name) for each in changed}
    bound = []
    for each in resolved.attached:
        if (each.contact_id, each.kind) in told:
            continue
        second = each.kind in (PHONE, EMAIL) and not each.is_primary
        name = f"additional_{each.kind}" if second else each.kind
        bound.append(AttributeChange(each.contact_id, name, None, each.value, each.ref))
    return [*bound, *changed]


def _sure(contact_id: Any) -> UUID:
    assert isinstance(contact_id, UUID)  # noqa: S101 (the caller has left the others out)
    return contact_id
