"""Which segments ask about an attribute."""

from __future__ import annotations

from people.attribute_uses import AttributeUse
from segments.core.definition import attributes_asked, parse
from segments.models import Segment


def segment_attribute_uses() -> list[AttributeUse]:
    """Every attribute of every segment that is not archived. One query."""
    found = []
    for one in Segment.objects.exclude(state=Segment.State.ARCHIVED).order_by("name", "id"):
        node, _ = parse(one.definition)
        for name in sorted(attributes_asked(node)) if node else ():
            found.append(AttributeUse(name, "segment", one.name, "segments:segment", one.slug))
    return found
