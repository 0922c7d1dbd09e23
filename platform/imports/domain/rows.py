"""What becomes of a row: one outcome each, in one shape for every kind of file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from imports.models import Import, ImportOutcome

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
DUPLICATE, REJECTED = "duplicate", "rejected"
OUTCOMES = (CREATED, UPDATED, UNCHANGED, DUPLICATE, REJECTED)
EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code` and `detail` of what was not done, or a word on what was; `tally` is counted besides,
    such as "subscribed". None of them names anybody.
    """

    line: int
    outcome: str
    code: str = ""
    detail: str = ""
    tally: str = ""


def no_counts() -> dict[str, Any]:
    return {name: 0 for name in OUTCOMES} | {"reasons": {}, "tallies": {}, "examples": []}


def save_outcomes(job: Import, stage: str, outcomes: Sequence[Outcome]) -> None:
    """Keeps the outcomes of one set and counts them into the job, which the caller saves."""
    rows = [[each.line, each.outcome, each.code, each.detail] for each in outcomes]
    ImportOutcome.objects.create(of=job, stage=stage, first_line=outcomes[0].line, rows=rows)
    counts = job.counts or no_counts()
    for name, number in Counter(each.outcome for each in outcomes).items():
        counts[name] += number
    _add(counts["reasons"], (each.code for each in outcomes if each.code))
    _add(counts["tallies"], (each.tally for each in outcomes if each.tally))
    room = EXAMPLES - len(counts["examples"])
    if room > 0:
        wrong = [row for row in rows if row[1] in (DUPLICATE, REJECTED)]
        counts["examples"] += wrong[:room]
    job.counts = counts
    job.rows_done += len(outcomes)


def _add(held: dict[str, int], names: Iterable[str]) -> None:
    for name, number in Counter(names).items():
        held[name] = held.get(name, 0) + number
