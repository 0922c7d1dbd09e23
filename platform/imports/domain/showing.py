"""An import in numbers, as every edge shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imports.core.columns import Target, read_mapping
from imports.core.records import Record
from imports.domain.advancing import ACTIVE
from imports.domain.files import column_titles, read_sample
from imports.domain.starts import flow_starts
from imports.models import Import

_SHOWN = 3
_SURE_AFTER = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Column:
    """`number` from 1; `target` None: left out. `examples`: the first values, personal ones too."""

    number: int
    title: str
    target: Target | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Starting:
    """A live flow and how many of the file it would at most take in."""

    slug: str
    name: str
    at_most: int


def list_columns(job: Import) -> list[Column]:
    """The columns with what they become; titles are gone once the file is. One query or two."""
    sample: Sequence[Record] = [] if job.tidied or not job.width else read_sample(job, 20)
    titles = column_titles(job, list(sample))
    mapping = read_mapping(job.mapping, kind=job.kind, width=job.width)
    below = [one.cells for one in (sample[1:] if job.has_header else sample) if not one.code]
    return [
        Column(
            index + 1,
            title,
            mapping.get(index),
            tuple(
                cells[index].strip()[:40]
                for cells in below
                if index < len(cells) and cells[index].strip()
            )[:_SHOWN],
        )
        for index, title in enumerate(titles)
    ]


def list_starting(job: Import) -> list[Starting]:
    """The flows that the last check counted people for, the most first."""
    names = {each.slug: each.name for each in flow_starts()} if job.effects else {}
    found = [Starting(slug, names.get(slug, slug), count) for slug, count in job.effects.items()]
    return sorted(found, key=lambda each: (-each.at_most, each.name))


def share_done(job: Import) -> float:
    """0 to 1, by bytes: the rows of a file that nobody has read are not counted yet."""
    if job.state in (Import.State.CHECKED, Import.State.DONE):
        return 1.0
    return min(1.0, job.position / job.file_bytes) if job.file_bytes else 0.0


def time_left(job: Import, *, wall: datetime) -> timedelta | None:
    """How long the stage takes yet, going on as before; None while nobody can say."""
    if job.state not in ACTIVE or job.stage_began_at is None:
        return None
    took, came = wall - job.stage_began_at, job.position - job.stage_began_from
    if took < _SURE_AFTER or came <= 0:
        return None
    return took * ((job.file_bytes - job.position) / came)
