"""What segments are used in: higher floors (flows, campaigns) say so, this one only asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Use:
    """One flow or campaign. `how`: what the segment does there. `view` and `key`: its page."""

    kind: str
    name: str
    how: str
    view: str
    key: str


@dataclass(frozen=True, slots=True)
class Uses:
    """`total` of them; `first`: those to name."""

    total: int = 0
    first: tuple[Use, ...] = ()

    @property
    def others(self) -> int:
        return self.total - len(self.first)


Loader = Callable[[Sequence[Segment], int], Mapping[UUID, Uses]]
_loaders: dict[str, Loader] = {}


def register(kind: str, load: Loader) -> None:
    """`load(segments, most)` returns per segment id at most so many to name, in a fixed number of
    queries. Kinds are told in the order they registered in."""
    _loaders[kind] = load


def uses_of(segments: Sequence[Segment], *, most: int) -> dict[UUID, Uses]:
    """Per segment everything it is used in, at most `most` of each kind by name."""
    found = {segment.id: Uses() for segment in segments}
    for load in _loaders.values() if segments else ():
        for segment_id, more in load(segments, most).items():
            held = found[segment_id]
            found[segment_id] = Uses(held.total + more.total, (*held.first, *more.first))
    return found
