"""Who is in a segment, for the share of them that has a field."""

from __future__ import annotations

from segments.domain.queries import member_ids
from segments.models import Segment
from templates_engine.domain.audiences import Person


def segment_people(slug: str, limit: int) -> list[Person]:
    """Some current members; nobody for a segment that does not exist."""
    segment_id = Segment.objects.filter(slug=slug).values_list("id", flat=True).first()
    ids = member_ids(segment_id, limit=limit) if segment_id is not None else []
    return [Person(contact_id) for contact_id in ids]
