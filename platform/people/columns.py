"""Columns of the contacts list that higher floors know about, such as SMS consent or last text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from people.domain.facts import ContactFacts


@dataclass(frozen=True, slots=True)
class Cell:
    """`tone`: a pill of that tone ("good", "wait", "stop", "plain"); "" is plain text."""

    text: str
    tone: str = ""
    at: datetime | None = None


Loader = Callable[[Sequence[ContactFacts], datetime], Mapping[object, Cell]]


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    order: int
    load: Loader


_columns: dict[str, Column] = {}


def register(label: str, load: Loader, *, order: int) -> None:
    """`load(contacts, now)` returns a cell per contact id, in a fixed number of queries."""
    _columns[label] = Column(label, order, load)


def cells_for(
    contacts: Sequence[ContactFacts], now: datetime
) -> tuple[list[str], dict[object, list[Cell]]]:
    """Labels in order, and per contact id one cell for each."""
    columns = sorted(_columns.values(), key=lambda column: column.order)
    loaded = [column.load(contacts, now) for column in columns]
    nothing = Cell("")
    rows: dict[object, list[Cell]] = {
        contact.id: [cells.get(contact.id, nothing) for cells in loaded] for contact in contacts
    }
    return [column.label for column in columns], rows
