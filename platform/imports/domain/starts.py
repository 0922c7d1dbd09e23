"""Which flows an import would start: the floor of flows registers, this one only asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from segments.domain.queries import count_entering


@dataclass(frozen=True, slots=True)
class FlowStart:
    """A live flow, and what it begins with: an event's name, or a segment's slug."""

    slug: str
    name: str
    event: str = ""
    segment: str = ""


Source = Callable[[], Sequence[FlowStart]]
_sources: dict[str, Source] = {}


def register_starts(owner: str, source: Source) -> None:
    """`source()` names the live flows of the workspace in scope. Call it in `AppConfig.ready`."""
    _sources[owner] = source


def flow_starts() -> list[FlowStart]:
    return [each for source in _sources.values() for each in source()]


def count_starts(
    starts: Sequence[FlowStart],
    *,
    events: dict[str, int],
    contact_ids: Iterable[UUID],
    now: datetime,
) -> dict[str, int]:
    """By flow slug, how many of these contacts it would at most take in: its own filter, re-entry and
    holdout still decide. Call it where the contacts are already as they would be."""
    slugs = {each.segment for each in starts if each.segment}
    entering = count_entering(slugs, list(contact_ids), now=now) if slugs else {}
    found = {
        each.slug: events.get(each.event, 0) if each.event else entering.get(each.segment, 0)
        for each in starts
    }
    return {slug: count for slug, count in found.items() if count}
