"""What segments add to the filters of the contacts list."""

from __future__ import annotations

from people.filters import Choice, Condition, Filter
from segments.domain.queries import live_segments
from tenancy.scope import current_tenant_id


def by_segment(slug: str) -> Condition | None:
    """Who is in it now. An archived segment is none."""
    segment = live_segments().filter(slug=slug).first()
    if segment is None:
        return None
    return Condition(
        "c.id IN (SELECT m.contact_id FROM segments_segmentmembership m"
        " WHERE m.tenant_id = %s AND m.segment_id = %s AND m.left_at IS NULL)",
        [current_tenant_id(), segment.id],
    )


def segment_choices() -> list[Choice]:
    return [Choice(one.slug, one.name) for one in live_segments().only("slug", "name")]


SEGMENT_FILTER = Filter(
    "segment", "Segment", segment_choices, by_segment, 50, "Who is in the segment of this slug now."
)
