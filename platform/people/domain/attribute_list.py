"""The workspace's attributes: what they are, how many have them, and what is wrong with the values."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.problems import NotFound
from people.core.kinds import STANDARD, TEXT, Rule, Rules, infer
from people.core.quality import judge
from people.domain.definitions import read_rules
from people.domain.described import COLUMNS, fits
from people.domain.facts import ContactFacts
from people.domain.listing import list_contacts
from people.models import AttributeDefinition

# How many of the newest contacts are looked at: a share, not a census.
SAMPLE = 1_000
EXAMPLES = 3
_LONGEST = 60
FIELD_RULE = Rule(TEXT)


@dataclass(slots=True)
class AttributeFacts:
    """One attribute. Counts are among the `looked_at` newest contacts.

    `filled`: have a value. `unfit`: have one that no text says, by reason. `misfits`: have a value
    that is not of its type. `refused`: something was told last that did not fit. `examples`: the most
    frequent values, (as text, count); `doors`: (by, count) of who told them.
    """

    name: str
    rule: Rule
    is_field: bool = False
    is_standard: bool = False
    first_seen_at: datetime | None = None
    first_told_by: str = ""
    looked_at: int = 0
    filled: int = 0
    misfits: int = 0
    refused: int = 0
    unfit: Counter[str] = field(default_factory=Counter)
    _values: Counter[str] = field(default_factory=Counter)
    _doors: Counter[str] = field(default_factory=Counter)

    @property
    def failing(self) -> int:
        return self.unfit.total()

    @property
    def reasons(self) -> list[tuple[str, int]]:
        return self.unfit.most_common()

    @property
    def examples(self) -> list[tuple[str, int]]:
        return self._values.most_common(EXAMPLES)

    @property
    def doors(self) -> list[tuple[str, int]]:
        return self._doors.most_common()


def list_attributes(*, now: datetime) -> list[AttributeFacts]:
    """Fields of every contact, then standard attributes, then the others by name. Three queries."""
    rules = read_rules()
    rows = {row.name: row for row in AttributeDefinition.objects.all()}
    contacts = list_contacts(limit=SAMPLE).contacts
    names = dict.fromkeys((*COLUMNS, *sorted(STANDARD), *sorted(rules.by_name)))
    names |= dict.fromkeys(sorted({name for each in contacts for name in each.attributes}))
    found = {}
    for name in names:
        row = rows.get(name)
        rule = rules.get(name) or (FIELD_RULE if name in COLUMNS else None)
        found[name] = AttributeFacts(
            name=name,
            rule=rule or Rule(TEXT, is_declared=False),
            is_field=name in COLUMNS,
            is_standard=name in STANDARD,
            first_seen_at=row.first_seen_at if row else None,
            first_told_by=row.first_told_by if row else "",
            looked_at=len(contacts),
        )
    for contact in contacts:
        _count(contact, found, rules, now)
    return list(found.values())


def find_attribute(name: str, *, now: datetime) -> AttributeFacts:
    """Raises `NotFound` for a name nobody declared and nobody told, also if another workspace has."""
    for each in list_attributes(now=now):
        if each.name == name:
            return each
    raise NotFound("This attribute")


def _count(
    contact: ContactFacts, found: dict[str, AttributeFacts], rules: Rules, now: datetime
) -> None:
    values = {name: getattr(contact, name) for name in COLUMNS} | contact.attributes
    judged = judge(values, rules, told=contact.told, since=contact.updated_at, now=now)
    for name, value in values.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        one = found[name]
        if rules.get(name) is None and not one.is_field and not one.filled:
            one.rule = Rule(infer(value), is_declared=False)
        one.filled += 1
        one._values[shorten(value)] += 1
        entry = contact.told.get(name)
        one._doors[entry[0] if entry else ""] += 1
        if name in judged.unfit:
            one.unfit[judged.unfit[name].code] += 1
        if not one.is_field and not fits(value, rules, name):
            one.misfits += 1
    for name in contact.refused:
        if name in found:
            found[name].refused += 1


def shorten(value: Any) -> str:
    """A value as a short text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
