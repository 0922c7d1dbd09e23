"""Which segments ask about an event."""

from __future__ import annotations

from events.domain.usage import Usage
from segments.core.definition import event_names, parse
from segments.models import Segment


def segment_event_uses() -> list[Usage]:
    """Every event of every segment that is not archived. One query."""
    found = []
    for one in Segment.objects.exclude(state=Segment.State.ARCHIVED).order_by("name", "id"):
        node, _ = parse(one.definition)
        for name in sorted(event_names(node)) if node else ():
            found.append(Usage(name, "segment", one.name, "asks", "segments:segment", one.slug))
    return found
