"""Segments of a person who is erased: they belong to none any more."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from people.domain.leaving import Person, Rows
from segments.models import SegmentDue, SegmentMembership
from tenancy.scope import current_tenant_id


def erase(person: Person, now: datetime) -> None:
    SegmentDue.objects.filter(contact_id__in=person.ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ended AS (
                UPDATE segments_segmentmembership SET left_at = %(now)s
                WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(ids)s) AND left_at IS NULL
                RETURNING segment_id)
            UPDATE segments_segment g SET size = g.size - gone.count
            FROM (SELECT segment_id, count(*) AS count FROM ended GROUP BY segment_id) gone
            WHERE g.tenant_id = %(tenant)s AND g.id = gone.segment_id
            """,
            {"now": now, "tenant": current_tenant_id(), "ids": list(person.ids)},
        )


def export(person: Person) -> dict[str, Rows]:
    stays = SegmentMembership.objects.filter(contact_id__in=person.ids).order_by("entered_at")
    return {"segments": list(stays.values("segment__name", "entered_at", "left_at"))}
