"""Pasted rows of contacts: CSV, tabs or semicolons, with or without a header. Pure.

Every row ends as a row that may be saved or as one with its reason; nothing is guessed.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from api.problems import FieldError, Invalid
from people.core.identifiers import clean_email, clean_id, clean_phone
from people.core.traits import read_traits

MAX_ROWS = 1000
MAX_CHARACTERS = 1_000_000
LONGEST = {"consent_source": 200, "consent_wording": 2000}
COLUMNS = (
    "phone", "first_name", "last_name", "email", "external_id", "city", "region", "postal_code",
    "country", "timezone", "locale", "consent_source", "consent_wording", "consent_date",
)  # fmt: skip
# What stands in which column where no header says so.
WITHOUT_HEADER = ("phone", "first_name", "consent_source", "consent_wording", "consent_date")
# Lines that no text message reaches, as far as the numbering plan tells.
NO_SMS = {
    "fixed_line": "This is a landline; it cannot receive texts.",
    "toll_free": "This is a toll-free number, not a person's phone.",
    "premium_rate": "This is a premium-rate number, not a person's phone.",
    "shared_cost": "This is a service number, not a person's phone.",
    "pager": "This is a pager.",
    "uan": "This is a company's number, not a person's phone.",
    "voicemail": "This is a voicemail access number.",
}
_WORDS = {
    "phone": ("phone", "phone number", "number", "mobile", "mobile number", "cell", "tel", "sms"),
    "first_name": ("first name", "firstname", "given name", "name"),
    "last_name": ("last name", "lastname", "surname", "family name"),
    "email": ("email", "e mail", "email address", "e mail address"),
    "external_id": ("external id", "id", "customer id", "user id"),
    "city": ("city", "town"),
    "region": ("region", "state"),
    "postal_code": ("postal code", "zip", "zip code", "postcode"),
    "country": ("country", "country code"),
    "timezone": ("time zone", "timezone"),
    "locale": ("locale", "language"),
    "consent_source": ("consent source", "source", "where", "opt in source"),
    "consent_wording": ("consent wording", "wording", "consent text", "text", "disclosure"),
    "consent_date": ("consent date", "consent time", "date", "when", "consented at"),
}
_BY_WORD = {word: column for column, words in _WORDS.items() for word in words}
_SEPARATORS = re.compile(r"[\s_\-]+")
_TRAITS = frozenset(COLUMNS) - {
    "phone", "external_id", "consent_source", "consent_wording", "consent_date",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t")
# The reader's own limit is the process's and smaller; a long cell is one row's fault, not the text's.
csv.field_size_limit(MAX_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Proof:
    """Where and when somebody agreed, and to which words. Complete, or it proves nothing.

    `claimed`: somebody says that they agreed, even where no part of the proof is given.
    """

    source: str = ""
    wording: str = ""
    at: datetime | None = None
    claimed: bool = False

    @property
    def is_there(self) -> bool:
        return bool(self.source or self.wording or self.claimed)

    @property
    def missing(self) -> list[str]:
        """What it lacks, in words."""
        said = (("source", self.source), ("wording", self.wording), ("date", self.at))
        return [name for name, value in said if not value]


@dataclass(slots=True)
class PastedRow:
    """One row. `values` by column, clean; `code` and `detail` say why it is rejected.

    `attributes`: the brand's own values, of their types. `stopped_at`: when they opted out, as the
    row says.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)
    attributes: dict[str, Any] = field(default_factory=dict)
    stopped_at: datetime | None = None
    code: str = ""
    detail: str = ""

    def reject(self, code: str, detail: str) -> None:
        if not self.code:
            self.code, self.detail = code, detail

    @property
    def shown(self) -> str:
        """The number as it was written, short enough to show."""
        return self.values.get("phone", "")[:24]


def read_rows(
    text: str, *, country: str, timezone: str, now: datetime, general: Proof | None = None
) -> list[PastedRow]:
    """The rows of a pasted text, at most 1,000.

    `country` reads national numbers, `timezone` dates without an offset. `general` fills the parts
    of the proof that a row leaves empty. Raises `Invalid` (field "rows") when the text as a whole
    cannot be read.
    """
    lines = _split(text)
    if not lines:
        raise _whole("empty", "Paste at least one row.")
    columns, lines = _columns(lines, country)
    if not lines:
        raise _whole("empty", "There is a header, and no row below it.")
    if len(lines) > MAX_ROWS:
        raise _whole(
            "too_many", f"{len(lines):,} rows. At most {MAX_ROWS:,} can be pasted at once."
        )
    rows = [_read(line, cells, columns, country) for line, cells in lines]
    for row in rows:
        _read_proof(row, general or Proof(), timezone, now)
    _refuse_twice(rows)
    return rows


def read_moment(text: str, *, timezone: str, now: datetime) -> datetime:
    """A date or a time as ISO 8601 writes it; without an offset in `timezone`. Raises ValueError."""
    said = text.strip().replace("Z", "+00:00")
    try:
        if len(said) == 10:
            moment = datetime.combine(date.fromisoformat(said), time(0), ZoneInfo(timezone))
        else:
            moment = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError("Write the date as 2026-05-31 or 2026-05-31 14:30.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    if moment > now:
        raise ValueError("This date lies in the future.")
    if moment.year < 1990:
        raise ValueError("This date is too long ago to be right.")
    return moment


def flaw_of(name: str, value: str, *, longest: int = 254) -> tuple[str, str] | None:
    """(code, detail) of a text that is not stored: control characters, formulas, too long."""
    said = name.replace("_", " ")
    if "\x00" in value:
        return "nul", f"The {said} has a NUL character."
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
        return "not_text", f"The {said} has characters that are no text."
    if len(value) > longest:
        return "too_long", f"The {said} has {len(value):,} characters; at most {longest:,}."
    if name != "phone" and value.startswith(_FORMULA):
        return "formula", f"The {said} starts like a spreadsheet formula ({value[0]})."
    return None


def _split(text: str) -> list[tuple[int, list[str]]]:
    if len(text) > MAX_CHARACTERS:
        raise _whole("too_long", "This is more than a megabyte of text.")
    text = text.lstrip("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    counts = {mark: first.count(mark) for mark in ("\t", ";", ",")}
    delimiter = max(counts, key=lambda mark: counts[mark])
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((start, [cell.strip(" \t\r\n") for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _whole(
            "malformed", f"Line {start}: a quotation mark is open or misplaced ({error})."
        ) from None
    return found


def _columns(
    lines: list[tuple[int, list[str]]], country: str
) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """The columns by their header, else by their usual places, and the rows below it."""
    head = lines[0][1]
    words = [_SEPARATORS.sub(" ", cell.casefold()).strip() for cell in head]
    known = [_BY_WORD.get(word) for word in words]
    if not any(known) or _is_phone(head[0], country):
        return WITHOUT_HEADER, lines
    for word, column in zip(words, known, strict=True):
        if column is None:
            names = ", ".join(column.replace("_", " ") for column in COLUMNS)
            raise _whole(
                "unknown_column", f'The column "{word[:40]}" is not known. There are: {names}.'
            )
    columns = tuple(column for column in known if column)
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise _whole("column_twice", f"Two columns hold the {twice.replace('_', ' ')}.")
    if "phone" not in columns:
        raise _whole("no_number", "No column holds the phone number.")
    return columns, lines[1:]


def _read(line: int, cells: list[str], columns: tuple[str, ...], country: str) -> PastedRow:
    row = PastedRow(line)
    while len(cells) > len(columns) and not cells[-1]:
        cells = cells[:-1]
    row.values = dict(zip(columns, cells, strict=False))
    if len(cells) > len(columns):
        row.reject("too_many_cells", f"This row has {len(cells)} cells, not {len(columns)}.")
    for name, value in row.values.items():
        flaw = flaw_of(name, value, longest=LONGEST.get(name, 254))
        if flaw is not None:
            row.reject(*flaw)
    row.values = {name: value for name, value in row.values.items() if value}
    if row.code:
        return row
    if "phone" not in row.values:
        row.reject("no_number", "This row has no phone number.")
        return row
    try:
        row.values["phone"], kind = clean_phone(row.values["phone"], country)
    except ValueError as error:
        row.reject("invalid_phone", str(error))
        return row
    if kind in NO_SMS:
        row.reject("no_sms", NO_SMS[kind])
    try:
        if "email" in row.values:
            row.values["email"] = clean_email(row.values["email"])
        if "external_id" in row.values:
            clean = clean_id(row.values["external_id"])
            if clean is None:
                row.reject("invalid_id", "This external id stands for nobody.")
    except ValueError as error:
        row.reject("invalid", str(error))
    for flaw_found in read_traits(traits_of(row.values), country=country).errors:
        row.reject(flaw_found.code, f"{flaw_found.field.replace('_', ' ')}: {flaw_found.detail}")
    return row


def traits_of(values: dict[str, str]) -> dict[str, str]:
    """The values that describe the contact, not who it is or what it agreed to."""
    return {name: value for name, value in values.items() if name in _TRAITS}


def _read_proof(row: PastedRow, general: Proof, timezone: str, now: datetime) -> None:
    if row.code:
        return
    at = None
    try:
        if said := row.values.get("consent_date", ""):
            at = read_moment(said, timezone=timezone, now=now)
    except ValueError as error:
        row.reject("invalid_date", str(error))
        return
    row.proof = Proof(
        row.values.get("consent_source", "") or general.source,
        row.values.get("consent_wording", "") or general.wording,
        at or general.at,
    )


def _refuse_twice(rows: list[PastedRow]) -> None:
    for name, words in (("phone", "number"), ("email", "e-mail"), ("external_id", "external id")):
        first: dict[str, int] = {}
        for row in rows:
            value = row.values.get(name)
            if row.code or not value:
                continue
            if value in first:
                row.reject("twice", f"The same {words} stands in line {first[value]}.")
            else:
                first[value] = row.line


def _is_phone(text: str, country: str) -> bool:
    try:
        clean_phone(text, country)
    except ValueError:
        return False
    return True


def _whole(code: str, detail: str) -> Invalid:
    return Invalid([FieldError("rows", code, detail)])
