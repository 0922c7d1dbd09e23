"""Reads of segments that more than one edge needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from people.domain.definitions import attribute_rules
from people.domain.queries import ContactFacts, contacts_by_id
from segments.core.definition import parse
from segments.core.sql import compile_members
from segments.models import Segment, SegmentMembership
from tenancy.scope import current_tenant_id


def live_segments() -> QuerySet[Segment]:
    segments: QuerySet[Segment] = Segment.objects.exclude(state=Segment.State.ARCHIVED).order_by(
        "name"
    )
    return segments


def count_entering(
    slugs: Iterable[str], contact_ids: Sequence[UUID], *, now: datetime
) -> dict[str, int]:
    """By slug, how many of these contacts would come in if the segment looked at them now. Two
    queries a segment, and one for all."""
    found: dict[str, int] = {}
    live = Segment.objects.filter(slug__in=list(slugs), state=Segment.State.LIVE)
    for segment in live.order_by("id"):
        node, _ = parse(segment.definition)
        if node is None:
            continue
        text, params = compile_members(node, now=now, some=True, rules=attribute_rules())
        ids = sorted(contact_ids)
        with connection.cursor() as cursor:
            cursor.execute(text, params | {"tenant": current_tenant_id(), "ids": ids})
            inside = {row[0] for row in cursor.fetchall()}
        held = SegmentMembership.objects.filter(segment=segment, contact_id__in=ids, left_at=None)
        found[segment.slug] = len(inside - set(held.values_list("contact_id", flat=True)))
    return found


def member_ids(segment_id: UUID, *, after: UUID | None = None, limit: int = 1000) -> list[UUID]:
    """A page of current members in id order."""
    rows = SegmentMembership.objects.filter(segment_id=segment_id, left_at=None)
    if after is not None:
        rows = rows.filter(contact_id__gt=after)
    return list(rows.order_by("contact_id").values_list("contact_id", flat=True)[:limit])


def segments_of(contact_ids: Iterable[UUID]) -> dict[UUID, list[tuple[str, datetime]]]:
    """Per contact: names of the segments it belongs to, and since when."""
    found: dict[UUID, list[tuple[str, datetime]]] = {}
    rows = (
        SegmentMembership.objects.filter(contact_id__in=list(contact_ids), left_at=None)
        .order_by("entered_at")
        .values_list("contact_id", "segment__name", "entered_at")
    )
    for contact_id, name, entered_at in rows:
        found.setdefault(contact_id, []).append((name, entered_at))
    return found


@dataclass(frozen=True, slots=True)
class Members:
    """One page of who is in a segment now, newest contacts first; `since` by contact."""

    contacts: list[ContactFacts]
    since: dict[UUID, datetime]
    next_after: UUID | None


def read_members(segment_id: UUID, *, after: UUID | None = None, limit: int) -> Members:
    """Two queries, however deep the page. `after`: the last id of the page before."""
    rows = SegmentMembership.objects.filter(segment_id=segment_id, left_at=None)
    if after is not None:
        rows = rows.filter(contact_id__lt=after)
    found = list(rows.order_by("-contact_id").values_list("contact_id", "entered_at")[: limit + 1])
    shown = found[:limit]
    facts = contacts_by_id(contact_id for contact_id, _ in shown)
    return Members(
        contacts=[facts[contact_id] for contact_id, _ in shown if contact_id in facts],
        since=dict(shown),
        next_after=shown[-1][0] if len(found) > limit else None,
    )
