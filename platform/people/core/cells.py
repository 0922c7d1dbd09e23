"""Cells of a file that a spreadsheet will open. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

# What a spreadsheet takes for the start of a formula.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """The same text, with an apostrophe in front where it would be run as a formula."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """The rows as CSV, every cell safe."""
    file = StringIO()
    csv.writer(file).writerows([safe_cell(cell) for cell in row] for row in rows)
    return file.getvalue()
