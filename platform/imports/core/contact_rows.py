"""A row of a file as a contact: clean values, proof of consent, or the reason against it. Pure.

The same rows as pasting has (`consent.core.pasting`), so that both are saved by the same verb.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from consent.core.pasting import LONGEST, NO_SMS, PastedRow, Proof, flaw_of, traits_of
from imports.core.columns import ATTRIBUTE, IDENTIFIERS, TEXT, TYPED, Mapped, Target
from imports.core.records import Record
from imports.core.values import AGREED, ISO, STOPPED, read_status, read_typed, read_when
from people.core.identifiers import clean_email, clean_id, clean_phone
from people.core.kinds import Rules
from people.core.traits import read_traits

MAX_TAGS, MAX_TAG = 50, 60
MAX_TEXT = 1000
_ESCAPED = re.compile(r"'(?=[=+\-@\t\r])")
_TAGS = re.compile(r"[,;|]")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one file are read. `general` fills what a row leaves empty of its proof."""

    mapping: Mapped
    width: int
    country: str
    timezone: str
    now: datetime
    date_order: str = ISO
    general: Proof = field(default_factory=Proof)
    rules: Rules = field(default_factory=Rules)


def read_contact(record: Record, reading: Reading) -> PastedRow:
    """The row; rejected ones carry a stable `code` and a `detail` without anybody's data."""
    row = PastedRow(record.line)
    if record.code:
        row.reject(record.code, record.detail)
        return row
    if len(record.cells) > reading.width:
        detail = f"This row has {len(record.cells)} cells, not {reading.width}."
        row.reject("too_many_cells", detail)
        return row
    cells = {
        target: _plain(record.cells[index])
        for index, target in reading.mapping.items()
        if index < len(record.cells)
    }
    for target, value in cells.items():
        flaw = _flaw(target, value)
        if flaw is not None:
            row.reject(*flaw)
    if row.code:
        return row
    row.values = {
        target.field: value
        for target, value in cells.items()
        if value and target.field not in _OTHERS and target.field not in TYPED
    }
    _read_who(row, reading)
    _read_attributes(row, cells, reading)
    _read_traits(row, reading)
    _read_consent(row, cells, reading)
    return row


_OTHERS = frozenset({ATTRIBUTE, "tags", "consent_status", "consent_date"})


def keys_of(row: PastedRow) -> Iterator[tuple[str, str]]:
    """(kind, value) of everything that says who this is."""
    for kind in IDENTIFIERS:
        if value := row.values.get(kind):
            yield kind, value


def _plain(cell: str) -> str:
    """Without blanks, and without the apostrophe that an export puts before what looks like a
    formula: a file of ours can be imported again."""
    text = cell.strip(" \t\r\n")
    return text[1:] if _ESCAPED.match(text) and text[1:2] in "+-" else text


def _flaw(target: Target, value: str) -> tuple[str, str] | None:
    name = target.name or target.field
    said = name.replace("_", " ")
    if "\ufffd" in value:
        return "not_text", f"The {said} has letters that cannot be read in the file's encoding."
    longest = LONGEST.get(target.field, MAX_TEXT if target.field in (ATTRIBUTE, "tags") else 254)
    # A number may be negative, and only text is ever run as a formula.
    plain = target.field == "phone" or (target.type != TEXT and target.field == ATTRIBUTE)
    flaw = flaw_of("phone" if plain else said, value, longest=longest)
    return (flaw[0], flaw[1].replace("The phone", f"The {said}", 1)) if flaw else None


def _read_who(row: PastedRow, reading: Reading) -> None:
    values = row.values
    try:
        if "phone" in values:
            values["phone"], kind = clean_phone(values["phone"], reading.country)
            if kind in NO_SMS:
                row.reject("no_sms", NO_SMS[kind])
    except ValueError as error:
        row.reject("invalid_phone", str(error))
    try:
        if "email" in values:
            values["email"] = clean_email(values["email"])
    except ValueError as error:
        row.reject("invalid_email", str(error))
    for name in ("external_id", "anonymous_id"):
        if name in values:
            clean = clean_id(values[name])
            said = name.replace("_", " ")
            if clean is None:
                row.reject("invalid_id", f"This {said} stands for nobody.")
            else:
                values[name] = clean
    if not row.code and not any(name in values for name in IDENTIFIERS):
        row.reject("no_identifier", "Nothing in this row says who it is.")


def _read_attributes(row: PastedRow, cells: dict[Target, str], reading: Reading) -> None:
    for target, value in cells.items():
        if not value or row.code:
            continue
        kind = TYPED.get(target.field, target.type if target.field == ATTRIBUTE else "")
        name = target.name if target.field == ATTRIBUTE else target.field
        if target.field == "tags":
            tags = [tag for part in _TAGS.split(value) if (tag := part.strip())]
            if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tags):
                detail = f"At most {MAX_TAGS} tags of {MAX_TAG} characters."
                row.reject("too_many_tags", detail)
            row.attributes["tags"] = list(dict.fromkeys(tags))
        elif kind:
            try:
                row.attributes[name] = read_typed(
                    value, kind, order=reading.date_order, timezone=reading.timezone
                )
            except ValueError as error:
                row.reject("wrong_type", f"{name.replace('_', ' ').capitalize()}: {error}")


def _read_traits(row: PastedRow, reading: Reading) -> None:
    said = {**row.attributes, **traits_of(row.values)}
    for flaw in read_traits(said, country=reading.country, rules=reading.rules).wrong:
        row.reject(flaw.code, f"{flaw.field.replace('_', ' ').capitalize()}: {flaw.detail}")


def _read_consent(row: PastedRow, cells: dict[Target, str], reading: Reading) -> None:
    if row.code:
        return
    at = None
    status = cells.get(Target("consent_status"))
    said_when = cells.get(Target("consent_date"), "")
    try:
        meaning = AGREED if status is None else read_status(status)
        if said_when:
            at = read_when(said_when, order=reading.date_order, timezone=reading.timezone)
    except ValueError as error:
        row.reject(
            "invalid_date" if said_when and status is None else "invalid_consent", str(error)
        )
        return
    if at is not None and at > reading.now:
        row.reject("in_the_future", "The time of the consent lies in the future.")
        return
    if meaning == STOPPED:
        row.stopped_at = at or reading.now
        return
    if meaning != AGREED:
        return
    general = reading.general
    row.proof = Proof(
        row.values.get("consent_source", "") or general.source,
        row.values.get("consent_wording", "") or general.wording,
        at or general.at,
        claimed=status is not None,
    )
