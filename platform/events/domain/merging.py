"""Merging contacts that are one person, and taking a merge back.

    merge_contacts(survivor_id, merged_id, actor="user:ann@shop.example", now=now)
    unmerge_contacts(merge_id, actor=..., now=now)

Both lock the two contacts, in the order of their ids, before anything else. Whoever else keeps rows
of a contact registers with `people.domain.moving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from api.problems import FieldError, Invalid, NotFound, Problem
from events.core.names import CONTACT_CHANGED, CONTACT_MERGED, CONTACT_UNMERGED
from events.domain.recording import NewEvent, append_events, contact_changed
from events.models import Event
from people.core.merging import Combined, choose_survivor, combine
from people.domain.binding import Recognized
from people.domain.facts import ContactFacts, read_facts
from people.domain.merged import ContactMerged, survivors_of
from people.domain.merging import Wish, known, unwrite_merge, write_merges
from people.domain.moving import Move, Moves, follow_all, go_back_all
from people.models import ContactMerge
from tenancy.ids import show_id
from tenancy.scope import current_tenant_id

LOG = Event._meta.db_table
# Longer than any request lasts that may have looked an id up before the merge.
_SETTLED = timedelta(days=1)
# What is counted for people to see; the rest moves too.
_COUNTED = {
    "people_identifier": "identifiers",
    "events_event": "events",
    "commerce_cart": "carts",
    "commerce_order": "orders",
    "delivery_message": "messages",
    "delivery_inboundmessage": "replies",
    "triggers_flowrun": "flow_runs",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a merge would do: who stays, and which of their own values change."""

    survivor: ContactFacts
    merged: ContactFacts
    changes: Combined


def merge_contacts(
    survivor_id: UUID, merged_id: UUID, *, actor: str = "", now: datetime
) -> ContactMerge:
    """Makes `merged_id` a part of `survivor_id`; see `survivor_of` for who should stay.

    Raises `Invalid` for one contact twice, `NotFound`, and `ContactMerged` when one of them is a
    part of another contact already.
    """
    if survivor_id == merged_id:
        raise Invalid([FieldError("contact", "same_contact", "A contact is one already.")])
    held = _lock([survivor_id, merged_id])
    wish = Wish(held[survivor_id], held[merged_id])
    [merge] = _merge([wish], kind=ContactMerge.Kind.BY_HAND, actor=actor, now=now)
    return merge


def survivor_of(one_id: UUID, other_id: UUID) -> tuple[UUID, UUID]:
    """(who stays, who becomes a part of it): the one with an external id, then the older one."""
    held = read_facts([one_id, other_id])
    if len(held) < 2:
        raise NotFound("This contact")
    survivor, merged = choose_survivor(known(held[one_id]), known(held[other_id]))
    return survivor.id, merged.id


def plan_merge(survivor_id: UUID, merged_id: UUID) -> Planned:
    """What `merge_contacts` would make of what is known of them. Writes nothing."""
    held = read_facts([survivor_id, merged_id])
    survivor, merged = held[survivor_id], held[merged_id]
    told = _told([survivor_id, merged_id])
    changes = combine(known(survivor, told.get(survivor_id)), known(merged, told.get(merged_id)))
    return Planned(survivor, merged, changes)


def stitch_visitors(recognized: Iterable[Recognized], *, now: datetime) -> None:
    """Gives what nameless visitors did to the people they turned out to be.

    The caller has locked them all. A visitor who was recognized as two people goes to the first.
    """
    left = {each.visitor_id: each for each in reversed(list(recognized))}
    while left:
        # One visitor a person at a time: two of them may hold what one person can have only once.
        wave = {each.person_id: each for each in reversed(left.values())}
        held = read_facts({*wave, *(each.visitor_id for each in wave.values())}, lock=True)
        wishes = [
            Wish(held[each.person_id], held[each.visitor_id], each.device)
            for each in wave.values()
            if _is_here(held.get(each.person_id)) and _is_here(held.get(each.visitor_id))
        ]
        if wishes:
            _merge(wishes, kind=ContactMerge.Kind.STITCHED, actor="", now=now)
        for each in wave.values():
            del left[each.visitor_id]


def unmerge_contacts(merge_id: UUID, *, actor: str = "", now: datetime) -> ContactMerge:
    """Takes a merge back: every row that it moved and that is still there returns.

    Raises `NotFound`, `undo_too_late` (409) after 30 days, `already_undone` (409), and
    `newer_merge` (409) when a later one has to be taken back first.
    """
    merge: ContactMerge | None = ContactMerge.objects.filter(id=merge_id).first()
    if merge is None:
        raise NotFound("This merge")
    held = read_facts([merge.survivor_id, merge.merged_id], lock=True)
    merge.refresh_from_db()
    survivor = held[merge.survivor_id]
    _refuse_undo(merge, survivor, now)
    moves = Moves([Move(merge.id, merge.survivor_id, merge.merged_id)], now)
    changes = unwrite_merge(merge, survivor, actor=actor, now=now)
    go_back_all(moves)
    _return_events(merge)
    about = {"merge_id": show_id("mrg", merge.id)}
    news = [
        NewEvent(CONTACT_UNMERGED, owner, {**about, "contact": show_id("con", other)}, now, depth=1)
        for owner, other in (
            (merge.survivor_id, merge.merged_id),
            (merge.merged_id, merge.survivor_id),
        )
    ]
    append_events([*news, *contact_changed(changes, occurred_at=now, depth=1)], now=now)
    return merge


def open_merges(contact_id: UUID, *, now: datetime, limit: int = 5) -> list[ContactMerge]:
    """What this contact took in and can give back, the newest first."""
    found = ContactMerge.objects.filter(
        survivor_id=contact_id, undone_at=None, undo_until__gt=now
    ).order_by("-at", "-id")
    return list(found[:limit])


def last_merge(contact_id: UUID, *, merge_id: UUID | None = None) -> ContactMerge | None:
    """The merge named, if this contact is one of the two; else its newest that was not undone."""
    found = ContactMerge.objects.filter(Q(survivor_id=contact_id) | Q(merged_id=contact_id))
    if merge_id is not None:
        return found.filter(id=merge_id).first()
    return found.filter(undone_at=None).order_by("-id").first()


def rows_moved(merge_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Per merge how many rows of each kind changed hands. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT merge_id, table_name, sum(cardinality(row_ids)) FROM people_movedrows"
            " WHERE tenant_id = %s AND merge_id = ANY(%s) AND table_name = ANY(%s)"
            " AND (before IS NULL OR table_name = 'people_identifier')"
            " GROUP BY merge_id, table_name",
            [current_tenant_id(), list(merge_ids), list(_COUNTED)],
        )
        found: dict[UUID, dict[str, int]] = {}
        for merge_id, table, count in cursor.fetchall():
            found.setdefault(merge_id, {})[_COUNTED[table]] = int(count)
        return found


def follow_stragglers(contact_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Events that were written for a contact while it was being merged go to the survivor.

    Returns the survivors of those of `contact_ids` that were merged.
    """
    ways = survivors_of(contact_ids)
    if ways:
        _move_events(list(ways.items()))
    return ways


def follow_recent(*, now: datetime) -> int:
    """The same for everybody merged within a day: for events that nothing reacted to."""
    recent = ContactMerge.objects.filter(undone_at=None, at__gt=now - _SETTLED)
    return len(follow_stragglers(recent.values_list("merged_id", flat=True)))


def _is_here(contact: ContactFacts | None) -> bool:
    return contact is not None and contact.erased_at is None


def _lock(ids: Sequence[UUID]) -> dict[UUID, ContactFacts]:
    held = read_facts(ids, lock=True)
    for contact_id in ids:
        contact = held.get(contact_id)
        if contact is not None and contact.merged_into_id is not None:
            raise ContactMerged(contact_id, survivors_of([contact_id])[contact_id])
        if not _is_here(contact):
            raise NotFound("This contact")
    return held


def _merge(wishes: Sequence[Wish], *, kind: str, actor: str, now: datetime) -> list[ContactMerge]:
    told = _told([each.id for wish in wishes for each in (wish.survivor, wish.merged)])
    merges, moves, changes = write_merges(wishes, told=told, kind=kind, actor=actor, now=now)
    _move_events([(each.merged_id, each.survivor_id) for each in merges], merges)
    follow_all(moves)
    news = [
        NewEvent(
            CONTACT_MERGED,
            each.survivor_id,
            {
                "merge_id": show_id("mrg", each.id),
                "contact": show_id("con", each.merged_id),
                "kind": each.kind,
            },
            now,
            depth=1,
        )
        for each in merges
    ]
    append_events([*news, *contact_changed(changes, occurred_at=now, depth=1)], now=now)
    return merges


def _told(contact_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, datetime]]:
    """When each value of these contacts was last told of, as the log has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.contact_id, named.key, max(e.occurred_at) FROM events_event e,"
            " jsonb_object_keys(CASE WHEN jsonb_typeof(e.properties -> 'new') = 'object'"
            "   THEN e.properties -> 'new' ELSE '{}'::jsonb END) AS named(key)"
            " WHERE e.tenant_id = %s AND e.contact_id = ANY(%s) AND e.name = %s"
            " GROUP BY e.contact_id, named.key",
            [current_tenant_id(), list(contact_ids), CONTACT_CHANGED],
        )
        told: dict[UUID, dict[str, datetime]] = {}
        for contact_id, name, at in cursor.fetchall():
            told.setdefault(contact_id, {})[name] = at
        return told


def _move_events(ways: Sequence[tuple[UUID, UUID]], merges: Sequence[ContactMerge] = ()) -> None:
    """`contact_id` moves, `source_contact_id` stays for ever."""
    move_log(LOG, ways, merges)


def move_log(table: str, ways: Sequence[tuple[UUID, UUID]], merges: Sequence[Any] = ()) -> None:
    """Moves an append-only table's rows along `ways` (from, to), and notes them for `merges`.

    `merges`: what has `merge_id` or `id`, and `merged_id`.
    """
    ids = {each.merged_id: getattr(each, "merge_id", None) or each.id for each in merges}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH moved AS MATERIALIZED ("
            "  SELECT * FROM move_log_rows(%(table)s, %(sources)s::uuid[], %(targets)s::uuid[], NULL))"
            " INSERT INTO people_movedrows (id, tenant_id, merge_id, table_name, row_ids)"
            " SELECT gen_random_uuid(), %(tenant)s, note.merge_id, %(table)s, moved.row_ids"
            " FROM moved JOIN unnest(%(noted)s::uuid[], %(merges)s::uuid[]) AS note(source, merge_id)"
            " ON note.source = moved.source",
            {
                "table": table,
                "sources": [source for source, _ in ways],
                "targets": [target for _, target in ways],
                "tenant": current_tenant_id(),
                "noted": list(ids),
                "merges": list(ids.values()),
            },
        )


def return_log(table: str, merge_id: UUID, survivor_id: UUID, merged_id: UUID) -> None:
    """Moves noted rows of an append-only table back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM people_movedrows m CROSS JOIN LATERAL"
            " move_log_rows(%s, ARRAY[%s]::uuid[], ARRAY[%s]::uuid[], m.row_ids)"
            " WHERE m.tenant_id = %s AND m.merge_id = %s AND m.table_name = %s",
            [table, survivor_id, merged_id, current_tenant_id(), merge_id, table],
        )


def _return_events(merge: ContactMerge) -> None:
    """What came from the merged contact, stragglers too, whoever has noted them."""
    return_log(LOG, merge.id, merge.survivor_id, merge.merged_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM move_log_rows(%s, ARRAY[%s]::uuid[], ARRAY[%s]::uuid[], ARRAY("
            "  SELECT e.id FROM events_event e WHERE e.tenant_id = %s AND e.contact_id = %s"
            "  AND e.source_contact_id = %s))",
            [
                LOG,
                merge.survivor_id,
                merge.merged_id,
                current_tenant_id(),
                merge.survivor_id,
                merge.merged_id,
            ],
        )


def _refuse_undo(merge: ContactMerge, survivor: ContactFacts, now: datetime) -> None:
    if merge.undone_at is not None:
        raise Problem("already_undone", "This merge was undone before.", status=409)
    if survivor.erased_at is not None and survivor.merged_into_id is None:
        raise NotFound("This contact")
    if now >= merge.undo_until:
        raise Problem("undo_too_late", "A merge can be undone for 30 days.", status=409)
    newer = ContactMerge.objects.filter(
        survivor_id=merge.survivor_id, undone_at=None, id__gt=merge.id
    ).exclude(after={})
    if survivor.merged_into_id is not None or (merge.after and newer.exists()):
        raise Problem("newer_merge", "Undo the newer merge first.", status=409)
