"""The report: every row of the file with what became of it, as CSV that a spreadsheet may open."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from imports.models import Import, ImportOutcome
from people.core.cells import csv_lines
from tenancy.scope import tenant_scope

HEAD = ("row", "outcome", "code", "reason")
_SETS = 20


def report_stage(job: Import) -> str:
    """What there is to report: the import once it began, before that the check; "" before both."""
    if job.started_at is not None:
        return ImportOutcome.Stage.RUN
    return ImportOutcome.Stage.CHECK if job.rows_done else ""


def write_report(tenant_id: UUID, import_id: UUID, stage: str) -> Iterator[bytes]:
    """The file in pieces; each is read in a scope of its own, so nothing stays open meanwhile.

    `row` is the line of the file the row begins in. Nobody is named.
    """
    yield ("\ufeff" + csv_lines([HEAD])).encode()
    after = -1
    while True:
        with tenant_scope(tenant_id):
            found = list(
                ImportOutcome.objects.filter(of_id=import_id, stage=stage, first_line__gt=after)
                .order_by("first_line")
                .values_list("first_line", "rows")[:_SETS]
            )
        if not found:
            return
        yield csv_lines([[str(cell) for cell in row] for _, rows in found for row in rows]).encode()
        after = found[-1][0]
