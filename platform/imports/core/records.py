"""The rows of a CSV file, one after the other, from any row on. Pure.

A row that cannot be read is a row with its flaw; the next one begins at the next line. Memory
holds one row at a time, however long the file or a line in it is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

# A row longer than this is no row of contacts: a quotation mark was opened and never closed.
MAX_ROW_BYTES = 64 * 1024
MAX_ROW_LINES = 100
MAX_CELLS = 500
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_END = re.compile(rb"\r\n|\r|\n")
csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))


@dataclass(frozen=True, slots=True)
class Record:
    """One row. `line`: where it begins, from 1. `end`: the offset of the byte behind it.

    `code` and `detail`: why it cannot be read; `cells` are empty then.
    """

    line: int
    end: int
    next_line: int
    cells: tuple[str, ...] = ()
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    data: bytes
    size: int  # in the file, with its end


class _Lines:
    """Lines of a stream of pieces; of an endless one only the beginning is kept."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._at = 0
        self._ahead: list[_Line] = []

    def put_back(self, lines: list[_Line]) -> None:
        """What was taken last comes next again, in its order."""
        self._ahead.extend(reversed(lines))

    def next(self) -> _Line | None:
        if self._ahead:
            return self._ahead.pop()
        start, dropped, kept = self._at, 0, b""
        while True:
            found = _END.search(self._buffer, self._at)
            # A CR at the very end may be half of a CR LF.
            if found and (found.end() < len(self._buffer) or found.group() != b"\r"):
                break
            if found is None:
                self._at = len(self._buffer)
                if self._at - start > MAX_ROW_BYTES:
                    kept = kept or self._buffer[start : start + MAX_ROW_BYTES + 1]
                    dropped += self._at - start
                    self._buffer, self._at, start = b"", 0, 0
            else:
                self._at = found.start()
            piece = next(self._pieces, b"")
            if not piece:
                found = _END.search(self._buffer, self._at)
                if found:
                    break
                return self._last(start, dropped, kept)
            self._buffer = self._buffer[start:] + piece
            self._at -= start
            start = 0
        data = self._buffer[start : found.start()]
        size = dropped + found.end() - start
        self._at = found.end()
        return _Line(kept or data, size)

    def _last(self, start: int, dropped: int, kept: bytes) -> _Line | None:
        data = self._buffer[start:]
        self._buffer, self._at = b"", 0
        return _Line(kept or data, dropped + len(data)) if data or dropped else None


def read_records(
    pieces: Iterator[bytes], *, delimiter: str, encoding: str, offset: int = 0, line: int = 1
) -> Iterator[Record]:
    """Every row from `offset` on, which is where line `line` begins. Blank rows are no rows."""
    lines = _Lines(pieces)
    while (first := lines.next()) is not None:
        record, taken = _read(first, lines, delimiter, encoding, offset, line)
        offset, line = record.end, line + taken
        if record.code or any(cell.strip() for cell in record.cells):
            yield record


def sniff_delimiter(head: bytes) -> str:
    """The separator of a file that begins like this: the one its first line has most of."""
    for raw in _END.split(head):
        # What is quoted separates nothing.
        bare = re.sub(rb'"[^"]*"', b"", raw)
        if raw.strip(b" \t,;\xef\xbb\xbf"):
            return max(DELIMITERS, key=lambda mark: (bare.count(mark.encode()), mark == ","))
    return ","


def _read(
    first: _Line, lines: _Lines, delimiter: str, encoding: str, offset: int, line: int
) -> tuple[Record, int]:
    end = offset + first.size
    if len(first.data) > MAX_ROW_BYTES:
        detail = f"This line is longer than {MAX_ROW_BYTES // 1024} KB."
        return Record(line, end, line + 1, (), "too_long", detail), 1
    text = first.data.decode(encoding, "replace")
    if '"' not in text:
        return Record(line, end, line + 1, _cut(text.split(delimiter))), 1
    taken = [first]
    try:
        rows = csv.reader(_texts(text, taken, lines, encoding), delimiter=delimiter, strict=True)
        cells = next(rows)
    except (csv.Error, StopIteration):
        lines.put_back(taken[1:])
        detail = "A quotation mark is misplaced or never closed."
        return Record(line, end, line + 1, (), "malformed", detail), 1
    end = offset + sum(each.size for each in taken)
    return Record(line, end, line + len(taken), _cut(cells)), len(taken)


def _texts(text: str, taken: list[_Line], lines: _Lines, encoding: str) -> Iterator[str]:
    yield text + "\n"
    size = taken[0].size
    while len(taken) < MAX_ROW_LINES and size <= MAX_ROW_BYTES:
        following = lines.next()
        if following is None:
            return
        taken.append(following)
        size += following.size
        if size <= MAX_ROW_BYTES:
            yield following.data.decode(encoding, "replace") + "\n"


def _cut(cells: list[str]) -> tuple[str, ...]:
    """Without blank cells at the end: spreadsheets write as many as the widest row has."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return tuple(cells[: MAX_CELLS + 1])
