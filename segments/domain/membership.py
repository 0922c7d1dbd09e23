"""Keeping segments current: by events, and by time passing.

The cost follows the change: only contacts that an event names are looked at, and only in segments
that ask about such events; time passing looks at exactly those whose window runs out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from events.core.names import CONTACT_MERGED, CONTACT_UNMERGED
from events.domain.queries import EventRow
from events.domain.recording import NewEvent, append_events
from events.models import Lane
from people.domain.definitions import attribute_rules
from people.domain.queries import lock_contacts
from segments.core.definition import (
    Node,
    clocks,
    event_names,
    parse,
    reads_attributes,
    reads_buying,
    windows,
)
from segments.core.sql import compile_members
from segments.domain.segments import CONTACT_CHANGED, schedule_looks
from segments.models import Segment, SegmentDue
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id, tenant_scope

SWEEP_LIMIT = 1000
MAX_DEPTH = 5


# (contact, whether inside now) of those whose membership is not as it is written.
_CHANGED = """
WITH inside (contact_id) AS MATERIALIZED ({members}),
held AS MATERIALIZED (
    SELECT contact_id FROM segments_segmentmembership WHERE tenant_id = %(tenant)s
    AND segment_id = %(segment)s AND contact_id = ANY(%(ids)s) AND left_at IS NULL)
SELECT contact_id, true FROM inside WHERE contact_id NOT IN (SELECT contact_id FROM held)
UNION ALL
SELECT contact_id, false FROM held WHERE contact_id NOT IN (SELECT contact_id FROM inside)
ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that made somebody look again. `history`: it starts no flow, nor does what follows."""

    event_id: UUID | None
    depth: int
    history: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One contact came into or went out of a segment."""

    segment_id: UUID
    segment_slug: str
    segment_name: str
    contact_id: UUID
    entered: bool


def update_memberships(events: Sequence[EventRow], *, now: datetime) -> list[Change]:
    """Looks again at everybody these events touch; writes the changes and their events.

    Call it inside the transaction that reacts to the events, with their contacts locked.
    """
    live = list(followed_segments())
    if not live:
        return []
    touched: dict[str, set[UUID]] = defaultdict(set)
    causes: dict[UUID, Cause] = {}
    for event in events:
        if event.contact_id is None or event.depth >= MAX_DEPTH:
            continue
        touched[event.name].add(event.contact_id)
        # What history alone has changed is history too: an import starts no flow by a segment.
        before = causes.get(event.contact_id)
        history = event.backfill and (before is None or before.history)
        causes[event.contact_id] = Cause(event.id, event.depth, history)
    changes: list[Change] = []
    for segment in live:
        node, _ = parse(segment.definition)
        if node is None:
            continue
        names = {*event_names(node), CONTACT_MERGED, CONTACT_UNMERGED}
        if reads_attributes(node):
            names.add(CONTACT_CHANGED)
        contact_ids = sorted({contact for name in names for contact in touched.get(name, ())})
        if contact_ids:
            changes += _look_again(segment, node, contact_ids, now)
    _announce(changes, causes, now)
    return changes


def followed_segments() -> QuerySet[Segment]:
    """Live ones, and those that are being built anew."""
    building = Q(state=Segment.State.BUILDING, built_at__isnull=False)
    found: QuerySet[Segment] = Segment.objects.filter(
        building | Q(state=Segment.State.LIVE)
    ).order_by("id")
    return found


def _is_followed(segment: Segment) -> bool:
    building = segment.state == Segment.State.BUILDING and segment.built_at is not None
    return building or segment.state == Segment.State.LIVE


def look_again_at_buyers(contact_ids: Sequence[UUID], now: datetime) -> list[Change]:
    """Looks again at contacts whose buying was worked out anew without an event."""
    changes: list[Change] = []
    for segment in followed_segments():
        node, _ = parse(segment.definition)
        if node is not None and contact_ids and reads_buying(node):
            changes += _look_again(segment, node, list(contact_ids), now)
    _announce(changes, {}, now)
    return changes


def sweep_due(tenant_id: UUID, *, now: datetime) -> int:
    """Looks at contacts whose windows ran out; returns how many. Opens its own scope."""
    with tenant_scope(tenant_id):
        due = list(
            SegmentDue.objects.filter(due_at__lte=now)
            .order_by("due_at")
            .values_list("segment_id", "contact_id")[:SWEEP_LIMIT]
        )
        if not due:
            return 0
        locked = set(lock_contacts({contact for _, contact in due}, skip_locked=True))
        by_segment: dict[UUID, list[UUID]] = defaultdict(list)
        for segment_id, contact_id in due:
            if contact_id in locked:
                by_segment[segment_id].append(contact_id)
        changes: list[Change] = []
        for segment in Segment.objects.filter(id__in=by_segment):
            contact_ids = sorted(by_segment[segment.id])
            node, _ = parse(segment.definition)
            if node is None or not _is_followed(segment):
                SegmentDue.objects.filter(segment=segment, contact_id__in=contact_ids).delete()
                continue
            changes += _look_again(segment, node, contact_ids, now)
        _announce(changes, {}, now)
        return sum(len(ids) for ids in by_segment.values())


def _look_again(
    segment: Segment, node: Node, contact_ids: list[UUID], now: datetime
) -> list[Change]:
    text, params = compile_members(node, now=now, some=True, rules=attribute_rules())
    params |= {"tenant": current_tenant_id(), "ids": contact_ids, "segment": segment.id}
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED.format(members=text), params)
        found = cursor.fetchall()
        entered = [contact_id for contact_id, is_inside in found if is_inside]
        left = [contact_id for contact_id, is_inside in found if not is_inside]
        if entered:
            cursor.execute(
                """
                INSERT INTO segments_segmentmembership
                    (id, tenant_id, segment_id, contact_id, entered_at, left_at)
                SELECT row.id, %(tenant)s, %(segment)s, row.contact, %(at)s, NULL
                FROM unnest(%(new)s::uuid[], %(who)s::uuid[]) AS row (id, contact)
                ON CONFLICT (tenant_id, segment_id, contact_id) WHERE left_at IS NULL DO NOTHING
                """,
                {**params, "at": now, "new": [new_id() for _ in entered], "who": entered},
            )
        if left:
            cursor.execute(
                "UPDATE segments_segmentmembership SET left_at = %(at)s"
                " WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s"
                " AND contact_id = ANY(%(who)s) AND left_at IS NULL",
                {**params, "at": now, "who": left},
            )
        if len(entered) != len(left):
            cursor.execute(
                "UPDATE segments_segment SET size = size + %(by)s"
                " WHERE tenant_id = %(tenant)s AND id = %(segment)s",
                {**params, "by": len(entered) - len(left)},
            )
    if windows(node) or clocks(node):
        schedule_looks(segment.id, node, now=now, contact_ids=contact_ids)
    return [
        Change(segment.id, segment.slug, segment.name, contact, is_inside)
        for contact, is_inside in found
    ]


def _announce(changes: Iterable[Change], causes: dict[UUID, Cause], now: datetime) -> None:
    news: dict[bool, list[NewEvent]] = {False: [], True: []}
    for change in changes:
        cause = causes.get(change.contact_id, Cause(None, 0, False))
        news[cause.history].append(
            NewEvent(
                name="Segment Entered" if change.entered else "Segment Left",
                contact_id=change.contact_id,
                properties={
                    "segment": change.segment_slug,
                    "segment_id": str(change.segment_id),
                    "segment_name": change.segment_name,
                },
                occurred_at=now,
                message_id=None,
                cause_id=cause.event_id,
                depth=cause.depth + 1,
            )
        )
    if news[False]:
        append_events(news[False], now=now)
    if news[True]:
        append_events(news[True], now=now, lane=Lane.BACKFILL, backfill=True)
