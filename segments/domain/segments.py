"""Creating segments and filling them for the first time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.text import slugify

from api.problems import FieldError, Invalid, NotFound
from events.models import EventListener
from people.domain.definitions import read_rules
from segments.core.definition import (
    Node,
    attributes_asked,
    event_names,
    parse,
    reads_attributes,
)
from segments.core.sql import compile_expiries, compile_members
from segments.models import Segment
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id, tenant_scope
from tenancy.waking import wake

CONTACT_CHANGED = "Contact Changed"
# A segment unfilled for longer was forgotten: its wake was lost, or its worker died.
FORGOTTEN_AFTER = timedelta(seconds=5)


_PLAN_ALL = """
INSERT INTO segments_segmentdue (id, tenant_id, segment_id, contact_id, due_at)
SELECT gen_random_uuid(), %(tenant)s, %(segment)s, looks.contact_id, looks.due_at
FROM ({looks}) AS looks (contact_id, due_at)
ON CONFLICT (tenant_id, segment_id, contact_id) DO UPDATE SET due_at = excluded.due_at
"""
# The oldest event of a window mostly stays the oldest: what stands already is not written again.
_PLAN_SOME = """
WITH looks (contact_id, due_at) AS MATERIALIZED ({looks}),
held AS MATERIALIZED (
    SELECT contact_id, due_at FROM segments_segmentdue
    WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND contact_id = ANY(%(ids)s)
), gone AS (
    DELETE FROM segments_segmentdue
    WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND contact_id = ANY(ARRAY(
        SELECT contact_id FROM held EXCEPT SELECT contact_id FROM looks))
)
INSERT INTO segments_segmentdue (id, tenant_id, segment_id, contact_id, due_at)
SELECT gen_random_uuid(), %(tenant)s, %(segment)s, news.contact_id, news.due_at
FROM (SELECT contact_id, due_at FROM looks EXCEPT SELECT contact_id, due_at FROM held)
    AS news (contact_id, due_at)
ON CONFLICT (tenant_id, segment_id, contact_id) DO UPDATE SET due_at = excluded.due_at
"""


def check_definition(definition: Any, *, field: str = "definition") -> Node:
    """The parsed tree. Raises `Invalid` with the path of every mistake."""
    node, errors = parse(definition)
    if node is None:
        raise Invalid(
            [FieldError(_place(field, error.path), error.code, error.detail) for error in errors]
        )
    return node


def create_segment(name: str, *, definition: Any, slug: str = "", now: datetime) -> Segment:
    """Stores the segment as `building` and wakes a worker to fill it.

    Raises `Invalid`: a bad definition, an empty name, a slug that is taken.
    """
    node = check_definition(definition)
    if not name.strip() or len(name) > 120:
        raise Invalid([FieldError("name", "invalid", "Give the segment a name.")])
    slug = slug or slugify(name)[:80]
    if not slug or slug != slugify(slug):
        raise Invalid([FieldError("slug", "invalid", "Use lower-case letters, digits and -.")])
    if Segment.objects.filter(slug=slug).exists():
        raise Invalid([FieldError("slug", "taken", "Another segment has this slug.")])
    segment: Segment = Segment.objects.create(
        name=name.strip(), slug=slug, definition=definition, created_at=now
    )
    _listen(segment, node)
    wake(
        "segments.bulk_build",
        queue="bulk",
        tenant_id=str(current_tenant_id()),
        segment_id=str(segment.id),
    )
    return segment


def access_segment(slug: str) -> Segment:
    """Raises `NotFound`, also for another workspace's segment."""
    segment: Segment | None = Segment.objects.filter(slug=slug).first()
    if segment is None:
        raise NotFound("This segment")
    return segment


def build_segment(segment_id: UUID, *, now: datetime) -> int:
    """Fills a segment in one statement, or says anew who belongs; returns its size. Repeating it
    changes nothing.

    It is no news: nobody "entered" or "left" because a marketer pressed a button, so no events
    are written.
    """
    segment = Segment.objects.select_for_update().get(id=segment_id)
    node = check_definition(segment.definition)
    text, params = compile_members(node, now=now, some=False, rules=read_rules())
    params |= {"tenant": current_tenant_id(), "segment": segment.id, "at": now}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH found AS MATERIALIZED ({text}), ended AS (
                UPDATE segments_segmentmembership m SET left_at = %(at)s
                WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s
                  AND m.left_at IS NULL AND m.contact_id NOT IN (SELECT id FROM found))
            INSERT INTO segments_segmentmembership
                (id, tenant_id, segment_id, contact_id, entered_at, left_at)
            SELECT gen_random_uuid(), %(tenant)s, %(segment)s, found.id, %(at)s, NULL
            FROM found
            ON CONFLICT (tenant_id, segment_id, contact_id) WHERE left_at IS NULL DO NOTHING
            """,
            params,
        )
    schedule_looks(segment.id, node, now=now, contact_ids=None)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE segments_segment SET state = 'live', built_at = %(at)s, size = (
                SELECT count(*) FROM segments_segmentmembership
                WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s AND left_at IS NULL)
            WHERE tenant_id = %(tenant)s AND id = %(segment)s RETURNING size
            """,
            {"tenant": current_tenant_id(), "segment": segment.id, "at": now},
        )
        return int(cursor.fetchone()[0])


def rebuild_segments(attribute: str) -> None:
    """Those that ask about the attribute say anew who belongs, in the background: its values are
    read in another way from now on. Until then they stay as they are and follow events."""
    for segment in Segment.objects.filter(state=Segment.State.LIVE).order_by("id"):
        node, _ = parse(segment.definition)
        if node is None or attribute not in attributes_asked(node):
            continue
        Segment.objects.filter(id=segment.id).update(state=Segment.State.BUILDING)
        wake(
            "segments.bulk_build",
            queue="bulk",
            tenant_id=str(current_tenant_id()),
            segment_id=str(segment.id),
        )


def build_forgotten(tenant_id: UUID, *, now: datetime) -> int:
    """Fills one segment that nobody is filling; returns how many. Opens its own scope."""
    with tenant_scope(tenant_id):
        found = (
            Segment.objects.select_for_update(skip_locked=True)
            .filter(state=Segment.State.BUILDING, created_at__lte=now - FORGOTTEN_AFTER)
            .order_by("id")
            .first()
        )
        if found is None:
            return 0
        build_segment(found.id, now=now)
        return 1


def schedule_looks(
    segment_id: UUID, node: Node, *, now: datetime, contact_ids: list[UUID] | None
) -> None:
    """Stores when each contact's windows run out; `contact_ids` None means everybody."""
    compiled = compile_expiries(node, now=now, some=contact_ids is not None)
    if compiled is None:
        return
    text, params = compiled
    params |= {"tenant": current_tenant_id(), "segment": segment_id, "ids": contact_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            (_PLAN_ALL if contact_ids is None else _PLAN_SOME).format(looks=text), params
        )


def _listen(segment: Segment, node: Node) -> None:
    """An event that nothing listens to is stored and wakes nobody."""
    names = set(event_names(node))
    if reads_attributes(node):
        names.add(CONTACT_CHANGED)
    EventListener.objects.bulk_create(
        [EventListener(id=new_id(), name=name, owner=f"segment:{segment.id}") for name in names],
        ignore_conflicts=True,
    )


def _place(field: str, path: str) -> str:
    return field if path in {"", "definition"} else f"{field}.{path}"
