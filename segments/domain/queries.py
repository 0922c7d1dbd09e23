"""Reads of segments that more than one edge needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from people.domain.queries import ContactFacts, contacts_by_id
from segments.models import Segment, SegmentMembership


def live_segments() -> QuerySet[Segment]:
    segments: QuerySet[Segment] = Segment.objects.exclude(state=Segment.State.ARCHIVED).order_by(
        "name"
    )
    return segments


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
