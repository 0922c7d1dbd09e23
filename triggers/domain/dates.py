"""Dates that are reached become events: Date Reached, once per contact, date and watch.

The next moment of each is kept as a row. What is known of a contact changes: its rows move, in the
transaction that reacts to it. A moment comes: the date is read again, told if it is still true, and
the row moves to the next. So the cost follows what changes and what is due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.objects import MEANINGS
from events.core import names
from events.domain.contacts import LIVE_LIMIT
from events.domain.queries import EventRow
from events.domain.recording import NewEvent, append_events
from events.models import Lane
from people.domain.queries import lock_contacts
from tenancy.scope import tenant_scope
from triggers.core.dates import BUYING, OBJECTS, Reached, keep_or_move, next_reached, reached_at
from triggers.domain.date_rows import (
    DueRow,
    Known,
    Place,
    Told,
    read_known,
    read_rows,
    watch_of,
    write_rows,
)
from triggers.models import DateDue, WatchedDate

AT_ONCE = 500
_PLACES = frozenset({"timezone", "phone", "country", "region", "postal_code"})
_ORDERS = frozenset(
    {
        names.ORDER_COMPLETED,
        names.ORDER_UPDATED,
        names.ORDER_REFUNDED,
        names.ORDER_CANCELLED,
    }
)
_MERGES = frozenset({names.CONTACT_MERGED, names.CONTACT_UNMERGED})


def names_heard(field: str) -> frozenset[str]:
    """The events after which the date of a contact may be another."""
    if field in BUYING:
        return _ORDERS | {names.CONTACT_CHANGED}
    if field in OBJECTS:
        kind = OBJECTS[field]
        told = {name for name, meaning in MEANINGS.items() if meaning.kind == kind}
        return frozenset({names.CONTACT_CHANGED, *told})
    return frozenset({names.CONTACT_CHANGED})


def follow_dates(events: Sequence[EventRow], *, now: datetime) -> None:
    """Moves the dates of contacts whom these events changed. Their projections are written and the
    contacts locked."""
    watches = list(WatchedDate.objects.order_by("id"))
    if not watches:
        return
    touched = {
        event.contact_id
        for event in events
        if event.contact_id is not None and any(_touches(event, watch) for watch in watches)
    }
    if touched:
        arm_contacts(touched, now=now, watches=watches)


def arm_contacts(
    contact_ids: Iterable[UUID], *, now: datetime, watches: Sequence[WatchedDate] | None = None
) -> int:
    """Works out when their dates are reached next; returns how many will be. Call it with the
    contacts locked."""
    watches = list(WatchedDate.objects.order_by("id")) if watches is None else watches
    contact_ids = set(contact_ids)
    if not watches or not contact_ids:
        return 0
    known = read_known(watches, contact_ids, now=now)
    rows = read_rows(watches, contact_ids)
    by_id = {watch.id: watch for watch in watches}
    moved: dict[Place, DueRow] = {}
    for place in {*rows, *known.told}:
        watch, held = by_id[place[0]], rows.get(place, DueRow())
        told = known.told.get(place)
        due_at = keep_or_move(
            told.value if told else None,
            watch_of(watch),
            known.zones.get(place[1], ()),
            fallback=known.fallback,
            now=now,
            due_at=held.due_at,
            told=held.reached,
        )
        # Of an object that is closed there is nothing to remember: its day does not come back.
        reached = held.reached if told or not place[2] else ""
        if (due_at, reached) != (held.due_at, held.reached):
            moved[place] = DueRow(due_at, reached)
    write_rows(moved)
    return sum(row.due_at is not None for row in moved.values())


def arm_buyers(contact_ids: Sequence[UUID], now: datetime) -> int:
    """The same for contacts whose buying was worked out anew without an event."""
    watches = list(WatchedDate.objects.filter(field__in=BUYING).order_by("id"))
    return arm_contacts(contact_ids, now=now, watches=watches)


def reach_dates(tenant_id: UUID, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Tells the dates that are reached; returns how many rows it took. Opens its own scope."""
    with tenant_scope(tenant_id):
        held = lock_contacts(due_dates(now, limit=limit), skip_locked=True)
        if not held:
            return 0
        watches = list(WatchedDate.objects.order_by("id"))
        by_id = {watch.id: watch for watch in watches}
        known = read_known(watches, held, now=now)
        moved: dict[Place, DueRow] = {}
        new: list[NewEvent] = []
        for place, row in sorted(read_rows(watches, held).items()):
            if row.due_at is None or row.due_at > now:
                continue
            moved[place] = after = DueRow()
            told = known.told.get(place)
            if told is None:
                continue
            watch = by_id[place[0]]
            found = _still(told, watch, known, place, row)
            if found is not None:
                new.append(_event(watch, place, told, found))
            after.reached = found.key if found else row.reached
            after.due_at = _next(told, watch, known, place, after.reached, now)
        write_rows(moved)
        append_events(new, now=now, lane=Lane.LIVE if len(new) <= LIVE_LIMIT else Lane.BULK)
        return len(moved)


def due_dates(now: datetime, *, limit: int) -> list[UUID]:
    """Contacts of the rows that are due longest; one may come twice."""
    due = DateDue.objects.filter(due_at__lte=now).order_by("due_at")
    return list(due.values_list("contact_id", flat=True)[:limit])


def _touches(event: EventRow, watch: WatchedDate) -> bool:
    if event.name in _MERGES:
        return True
    if event.name != names.CONTACT_CHANGED:
        return event.name in names_heard(watch.field)
    changed = event.properties.get("changed")
    return (
        not isinstance(changed, list) or not _PLACES.isdisjoint(changed) or watch.field in changed
    )


def _still(
    told: Told, watch: WatchedDate, known: Known, place: Place, row: DueRow
) -> Reached | None:
    assert row.due_at is not None  # noqa: S101 (the caller looks at due rows only)
    return reached_at(
        told.value,
        watch_of(watch),
        known.zones.get(place[1], ()),
        fallback=known.fallback,
        due_at=row.due_at,
        told=row.reached,
    )


def _next(
    told: Told, watch: WatchedDate, known: Known, place: Place, reached: str, now: datetime
) -> datetime | None:
    found = next_reached(
        told.value,
        watch_of(watch),
        known.zones.get(place[1], ()),
        fallback=known.fallback,
        after=now,
        told=reached,
    )
    return found.due_at if found else None


def _event(watch: WatchedDate, place: Place, told: Told, found: Reached) -> NewEvent:
    data: dict[str, Any] = {"field": watch.field, "days": watch.days, **told.about}
    if not told.is_sensitive:
        data["date"] = found.day.isoformat()
    identity = f"{watch.id}\n{place[1]}\n{place[2]}\n{found.key}"
    return NewEvent(
        names.DATE_REACHED,
        place[1],
        data,
        found.due_at,
        message_id=f"date-reached:{hashlib.sha256(identity.encode()).hexdigest()[:40]}",
    )
