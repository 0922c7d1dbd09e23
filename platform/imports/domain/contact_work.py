"""A set of rows into contacts, for the check and for the import: the same verb as pasting has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.core.message_types import covered_types
from consent.core.pasting import PastedRow
from consent.domain.adding import RowResult, Saving, save_rows
from events.models import Lane
from imports.core.contact_rows import Reading, keys_of, read_contact
from imports.core.records import Record
from imports.domain.options import Options
from imports.domain.rows import CREATED, DUPLICATE, REJECTED, UPDATED, Outcome
from imports.domain.starts import FlowStart, count_starts
from imports.domain.twice import FORGOTTEN, find_twice
from imports.models import Import
from people.models import AddedBy

SOURCE = "import"
_WORDS = {
    "phone": "number",
    "email": "e-mail",
    "external_id": "external id",
    "anonymous_id": "anonymous id",
}
FORGOTTEN_DETAIL = "This person was erased after the file came in."


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row, and whether it stands in the file before."""

    row: PastedRow
    is_repeated: bool


def read_contact_rows(job: Import, records: Sequence[Record], reading: Reading) -> list[ReadRow]:
    """The rows with their flaws; who stands in the file is kept. Two queries."""
    rows = [read_contact(record, reading) for record in records]
    repeated = _reject_repeated(job, rows)
    return [ReadRow(row, row.line in repeated) for row in rows]


def save_contact_rows(
    job: Import,
    rows: Sequence[ReadRow],
    options: Options,
    *,
    starts: Sequence[FlowStart] = (),
    now: datetime,
) -> tuple[list[Outcome], dict[str, int]]:
    """Saves the rows; one outcome each, in order, and how many the flows of `starts` would take in.
    The number of queries does not depend on the number of rows."""
    how = Saving(
        source=SOURCE,
        message_types=covered_types(orders=options.covers_orders),
        added_by=AddedBy.IMPORT,
        entered_by=job.actor,
        lane=Lane.BULK if job.starts_flows else Lane.BACKFILL,
        history=not job.starts_flows,
    )
    results = save_rows([each.row for each in rows], how, now=now)
    outcomes = [
        _outcome(result, each.is_repeated) for each, result in zip(rows, results, strict=True)
    ]
    return outcomes, _count(results, starts, now) if starts else {}


def _reject_repeated(job: Import, rows: Sequence[PastedRow]) -> set[int]:
    """Rejects what stands in the file before, or was erased since; the lines of the former."""
    named = [(row.line, list(keys_of(row))) for row in rows if not row.code]
    by_line = {row.line: row for row in rows}
    repeated: set[int] = set()
    for line, (kind, first) in find_twice(job, named).items():
        if first == FORGOTTEN:
            by_line[line].reject("erased", FORGOTTEN_DETAIL)
            continue
        by_line[line].reject("twice", f"The same {_WORDS[kind]} stands in line {first}.")
        repeated.add(line)
    return repeated


def _outcome(result: RowResult, is_repeated: bool) -> Outcome:
    outcome = DUPLICATE if is_repeated else result.outcome
    tally = "" if outcome in (DUPLICATE, REJECTED) else result.consent
    return Outcome(result.line, outcome, result.code, result.detail[:300], tally)


def _count(
    results: Sequence[RowResult], starts: Sequence[FlowStart], now: datetime
) -> dict[str, int]:
    told = Counter(result.consent for result in results)
    events = {
        "Contact Changed": sum(result.outcome in (CREATED, UPDATED) for result in results),
        "SMS Subscribed": told["subscribed"],
        "SMS Unsubscribed": told["unsubscribed"],
    }
    ids = [result.contact_id for result in results if result.contact_id is not None]
    return count_starts(starts, events=events, contact_ids=ids, now=now)
