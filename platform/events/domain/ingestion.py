"""Taking events in: sets of checked items become stored events, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DataError, OperationalError, transaction

from api.problems import FieldError
from events.core.incoming import Incoming, place_in_time
from events.core.names import IDENTITY_CONFLICT
from events.domain.appending import Draft, append
from events.domain.merging import stitch_visitors
from events.domain.recording import NewEvent, append_events, contact_changed
from events.models import Lane
from people.core.identifiers import EMAIL, PHONE
from people.core.traits import Traits, read_traits, time_zones
from people.domain.attributes import (
    DEVICE,
    EXPLICIT,
    AttributeChange,
    TraitChange,
    change_contacts,
)
from people.domain.definitions import attribute_rules
from people.domain.merged import ContactMerged
from people.domain.queries import workspace_defaults
from people.domain.resolving import Held, Origin, Resolution, resolve
from people.domain.seeing import note_seen
from people.models import AddedBy
from tenancy.ids import show_id
from tenancy.scope import tenant_scope

ACCEPTED = "accepted"
DUPLICATE = "duplicate"
REJECTED = "rejected"
# More than this at once is history or an import: it must not delay what happens now.
LIVE_LIMIT = 50
_TRIES = 4
_RETRIED = frozenset({"40001", "40P01"})  # serialization failure, deadlock


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item. `id` of accepted ones; `errors` of rejected ones."""

    status: str
    id: UUID | None = None
    errors: tuple[FieldError, ...] = ()


def accept_events(
    tenant_id: UUID,
    items: Sequence[Incoming],
    *,
    source: str,
    key_id: UUID | None = None,
    backfill: bool = False,
    now: datetime,
) -> list[ItemResult]:
    """`ingest_events` in a scope of its own; repeats the set after a deadlock with another call."""
    halve = False
    for attempt in range(1, _TRIES + 1):
        try:
            with tenant_scope(tenant_id):
                return ingest_events(
                    items, source=source, key_id=key_id, backfill=backfill, halve=halve, now=now
                )
        except OperationalError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in _RETRIED or attempt == _TRIES:
                raise
        except ContactMerged:
            # Its identifiers lead to the survivor by now.
            if attempt == _TRIES:
                raise
        except DataError:
            if halve:
                raise
            halve = True
    raise AssertionError("unreachable")


def ingest_events(
    items: Sequence[Incoming],
    *,
    source: str,
    key_id: UUID | None = None,
    backfill: bool = False,
    halve: bool = True,
    now: datetime,
) -> list[ItemResult]:
    """Stores checked items: resolves their contacts, appends, applies what they say of contacts.

    `source`: server, public or api; `key_id`: the key they came with. `backfill` means history:
    recorded, starts no flow. One result per item, in order; a rejected item changes nothing. The
    number of queries does not depend on the number of items. `halve`: should PostgreSQL refuse a
    value that our checks let through, find the item that has it by halving the set and reject only
    that one (costs a savepoint).
    """
    ready = [index for index, item in enumerate(items) if not item.errors]
    traits = {index: _read_traits(items[index]) for index in ready if items[index].traits}
    ready = [index for index in ready if not items[index].errors]
    times = {index: place_in_time(items[index], now=now) for index in ready}
    ready = [index for index in ready if not items[index].errors]
    results = [ItemResult(REJECTED, errors=tuple(item.errors)) for item in items]
    if not ready:
        return results
    work = _Work(items, times, traits, source, key_id, backfill, now)
    stored = _store_or_halve(work, ready) if halve else list(_store(work, ready))
    for index, event_id in zip(ready, stored, strict=True):
        if isinstance(event_id, FieldError):
            results[index] = ItemResult(REJECTED, errors=(event_id,))
        elif event_id is None:
            results[index] = ItemResult(DUPLICATE)
        else:
            results[index] = ItemResult(ACCEPTED, id=event_id)
    return results


@dataclass(frozen=True, slots=True)
class _Work:
    """One call's items with what was read of them, by index."""

    items: Sequence[Incoming]
    times: dict[int, tuple[datetime, datetime | None]]
    traits: dict[int, Traits]
    source: str
    key_id: UUID | None
    backfill: bool
    now: datetime


def _read_traits(item: Incoming) -> Traits:
    """A trait that its attribute's type does not take is no reason to lose the event: it is kept out
    of the contact and noted there."""
    traits = read_traits(
        item.traits or {}, country=workspace_defaults().country, rules=attribute_rules()
    )
    for error in traits.errors:
        item.refuse(f"{item.traits_field}.{error.field}", error.code, error.detail)
    return traits


def _store_or_halve(work: _Work, indexes: list[int]) -> list[UUID | FieldError | None]:
    try:
        with transaction.atomic():
            return list(_store(work, indexes))
    except DataError:
        if len(indexes) == 1:
            return [FieldError("", "unstorable", "This event holds a value that cannot be stored.")]
    middle = len(indexes) // 2
    return _store_or_halve(work, indexes[:middle]) + _store_or_halve(work, indexes[middle:])


def _store(work: _Work, indexes: list[int]) -> list[UUID | None]:
    items, now = [work.items[index] for index in indexes], work.now
    origin = Origin(AddedBy.EVENT, is_seen=not work.backfill)
    people = resolve([item.ref for item in items], origin=origin, now=now)
    drafts = [
        _draft(item, work.times[index], contact_id, work)
        for index, item, contact_id in zip(indexes, items, people.ids, strict=True)
    ]
    lane = Lane.LIVE if len(drafts) <= LIVE_LIMIT else Lane.BULK
    lane = Lane.BACKFILL if work.backfill else lane
    ids = append(
        drafts,
        source=work.source,
        key_id=work.key_id,
        lane=lane,
        backfill=work.backfill,
        now=now,
    )
    news = _news_of_people(work, indexes, people, ids)
    if news:
        append_events(news, now=now, lane=lane, backfill=work.backfill)
    if not work.backfill:
        came = zip(people.ids, ids, strict=True)
        note_seen({key: people.held[key] for key, event_id in came if key and event_id}, now=now)
    stitch_visitors(people.recognized, now=now)
    return ids


def _draft(
    item: Incoming,
    times: tuple[datetime, datetime | None],
    contact_id: UUID | None,
    work: _Work,
) -> Draft:
    occurred_at, client_time = times
    return Draft(
        name=item.name,
        kind=item.kind,
        occurred_at=occurred_at,
        properties=item.properties,
        context=item.context,
        original_name=item.original_name,
        contact_id=contact_id,
        subject_kind="product" if item.subject_id else None,
        subject_id=item.subject_id,
        message_id=item.message_id,
        known_at=occurred_at if work.backfill else None,
        client_time=client_time,
    )


def _news_of_people(
    work: _Work, indexes: list[int], people: Resolution, ids: list[UUID | None]
) -> list[NewEvent]:
    """Applies traits and device zones of accepted events; what changed, as events."""
    changes: list[TraitChange] = []
    causes: list[int] = []
    for position, (index, contact_id) in enumerate(zip(indexes, people.ids, strict=True)):
        if ids[position] is None or contact_id is None:
            continue
        for change in _changes_of(work, index, contact_id, people.held[contact_id]):
            changes.append(change)
            causes.append(position)
    done = change_contacts(changes, now=work.now)
    by_cause: dict[int, list[AttributeChange]] = {}
    told = {(changed.contact_id, changed.name) for changed in done.changed}
    for each in people.attached:
        if (each.contact_id, each.kind) not in told:
            second = each.kind in (PHONE, EMAIL) and not each.is_primary
            name = f"additional_{each.kind}" if second else each.kind
            bound = AttributeChange(each.contact_id, name, None, each.value, 0)
            by_cause.setdefault(each.ref, []).append(bound)
    for changed in done.changed:
        by_cause.setdefault(causes[changed.position], []).append(changed)
    news: list[NewEvent] = []
    for position, those in sorted(by_cause.items()):
        occurred_at = work.times[indexes[position]][0]
        news += contact_changed(those, occurred_at=occurred_at, cause_id=ids[position], depth=1)
    refused = {(each.contact_id, each.kind, each.owner_id): each.ref for each in people.conflicts}
    refused |= {
        (each.contact_id, each.kind, each.owner_id): causes[each.position] for each in done.refused
    }
    for (contact_id, kind, owner_id), position in refused.items():
        if ids[position] is not None:
            occurred_at = work.times[indexes[position]][0]
            news.append(_conflict(contact_id, kind, owner_id, occurred_at, ids[position]))
    return news


def _changes_of(work: _Work, index: int, contact_id: UUID, held: Held) -> list[TraitChange]:
    found = []
    at = work.times[index][0]
    zone = work.items[index].timezone
    if zone and zone != held.timezone and held.timezone_source != EXPLICIT and zone in time_zones():
        held.timezone = zone
        device = Traits(fields={"timezone": zone})
        found.append(TraitChange(contact_id, device, DEVICE, work.backfill, DEVICE, at))
    if index in work.traits:
        traits = work.traits[index]
        found.append(
            TraitChange(contact_id, traits, EXPLICIT, work.backfill, AddedBy.EVENT.value, at)
        )
    return found


def _conflict(
    contact_id: UUID, kind: str, owner_id: UUID | None, at: datetime, cause_id: UUID | None
) -> NewEvent:
    owner = show_id("con", owner_id) if owner_id else None
    properties = {"identifier": kind, "belongs_to": owner}
    return NewEvent(IDENTITY_CONFLICT, contact_id, properties, at, cause_id=cause_id, depth=1)
