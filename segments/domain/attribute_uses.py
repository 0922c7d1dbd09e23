"""Which segments ask about an attribute."""

from __future__ import annotations

from people.attribute_uses import AttributeUse
from segments.core.definition import AttributeCondition, conditions, parse
from segments.models import Segment


def segment_attribute_uses() -> list[AttributeUse]:
    """Every attribute of every segment that is not archived. One query."""
    found = []
    for one in Segment.objects.exclude(state=Segment.State.ARCHIVED).order_by("name", "id"):
        node, _ = parse(one.definition)
        asked = (
            (each for each in conditions(node) if isinstance(each, AttributeCondition))
            if node
            else ()
        )
        for name in sorted({each.attribute for each in asked}):
            found.append(AttributeUse(name, "segment", one.name, "segments:segment", one.slug))
    return found
