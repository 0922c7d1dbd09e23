"""The file in pieces in PostgreSQL.

Any web machine may take it in and any worker may read it, without a disk they share; it stands
behind the same row security, in the same backup, and goes with one DELETE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from api.problems import FieldError, Invalid, Problem
from imports.core.columns import guess_columns, is_header, write_mapping
from imports.core.intake import Intake
from imports.core.records import Record, read_records, sniff_delimiter
from imports.models import Import, ImportPart
from people.domain.queries import workspace_defaults

PART_BYTES = 256 * 1024
MAX_BYTES = 256 * 1024 * 1024
SAMPLE_ROWS = 200
TOO_LARGE = f"A file has at most {MAX_BYTES // 1024 // 1024} MB; cut it in two."


def store_file(job: Import, pieces: Iterable[bytes]) -> None:
    """Takes the file in and finds out how it is written. Fills the job's fields, saves nothing of
    them. Raises `Problem` (413) or `Invalid` (field "file") and leaves it to the caller to roll back.
    """
    ImportPart.objects.filter(of=job).delete()
    intake = Intake()
    held, number, kept, came = bytearray(), 0, 0, 0
    for piece in pieces:
        came += len(piece)
        if came > MAX_BYTES:
            raise Problem("body_too_large", TOO_LARGE, status=413)
        held += intake.feed(piece)
        while len(held) >= PART_BYTES:
            number, kept = _keep(job, number, bytes(held[:PART_BYTES]), kept)
            del held[:PART_BYTES]
    held += intake.finish()
    while held:
        number, kept = _keep(job, number, bytes(held[:PART_BYTES]), kept)
        del held[:PART_BYTES]
    # UTF-16 may grow by half.
    if kept > MAX_BYTES * 3 // 2:
        raise Problem("body_too_large", TOO_LARGE, status=413)
    job.file_bytes, job.encoding, job.was_encoding = kept, intake.encoding, intake.was
    _look_at(job)


def read_from(job: Import, offset: int, line: int) -> Iterator[Record]:
    """The rows from a place on. Two parts a query: a set of rows nearly always lies in one."""
    return read_records(
        _pieces(job.id, offset),
        delimiter=job.delimiter,
        encoding=job.encoding,
        offset=offset,
        line=line,
    )


def read_sample(job: Import, limit: int = SAMPLE_ROWS) -> list[Record]:
    """The first rows, the header first where there is one."""
    found = []
    for record in read_from(job, 0, 1):
        found.append(record)
        if len(found) > limit:
            break
    return found


def column_titles(job: Import, sample: list[Record]) -> list[str]:
    """A name for each column: its header, else its number; of two with one header the second says so."""
    header = sample[0].cells if job.has_header and sample else ()
    titles: list[str] = []
    for index in range(job.width):
        text = header[index].lstrip("\ufeff").strip()[:60] if index < len(header) else ""
        title = text or f"Column {index + 1}"
        titles.append(f"{title} ({index + 1})" if title in titles else title)
    return titles


def _look_at(job: Import) -> None:
    parts = ImportPart.objects.filter(of=job, number=0).values_list("data", flat=True)
    head = bytes(next(iter(parts), b""))
    if not head.strip(b" \t\r\n\x00"):
        raise Invalid([FieldError("file", "empty", "This file is empty.")])
    job.delimiter = sniff_delimiter(head)
    sample = read_sample(job)
    rows = [record for record in sample if not record.code]
    if not rows:
        raise Invalid([FieldError("file", "no_rows", "No row of this file can be read as CSV.")])
    country = workspace_defaults().country
    first = tuple(cell.lstrip("\ufeff") for cell in sample[0].cells)
    job.has_header = not sample[0].code and is_header(first, kind=job.kind, country=country)
    below = [record.cells for record in (rows[1:] if job.has_header else rows)]
    if not below:
        raise Invalid([FieldError("file", "no_rows", "There is a header, and no row below it.")])
    # A header says how wide the table is; without one the usual row does, not the widest.
    widths = sorted(len(cells) for cells in below)
    job.width = len(first) if job.has_header else widths[int(len(widths) * 0.9)]
    header = first if job.has_header else ()
    guess = guess_columns(header, below, kind=job.kind, country=country)
    job.mapping = write_mapping({index: each for index, each in guess.items() if index < job.width})


def _pieces(import_id: UUID, offset: int) -> Iterator[bytes]:
    number, skip = divmod(offset, PART_BYTES)
    while True:
        parts = list(
            ImportPart.objects.filter(of_id=import_id, number__gte=number, number__lt=number + 2)
            .order_by("number")
            .values_list("data", flat=True)
        )
        for data in parts:
            yield bytes(data)[skip:]
            skip = 0
        if len(parts) < 2:
            return
        number += 2


def _keep(job: Import, number: int, data: bytes, kept: int) -> tuple[int, int]:
    ImportPart.objects.create(of=job, number=number, data=data)
    return number + 1, kept + len(data)
