"""One contact's values for somebody who looks: who said each, when, and whether it may be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from people.core.kinds import Misfit, Rules, fit, wanted
from people.core.quality import Flaw, judge, told_at
from people.domain.facts import ContactFacts
from people.models import AddedBy

# Fields that are attributes to people: identifiers are shown elsewhere.
COLUMNS = (
    "first_name", "last_name", "locale", "timezone", "city", "region", "postal_code", "country",
)  # fmt: skip
DOORS = {**dict(AddedBy.choices), "device": "Their device", "carrier": "The carrier"}


@dataclass(frozen=True, slots=True)
class ValueFacts:
    """`by`: the door, "" where nobody noted it. `flaw`: why no text says the value. `refused`: what
    was told and did not fit, with `refused_at`; `wanted`: what it should have been."""

    name: str
    value: Any
    by: str = ""
    at: datetime | None = None
    flaw: Flaw | None = None
    is_sensitive: bool = False
    refused: str = ""
    refused_at: datetime | None = None
    wanted: str = ""

    @property
    def door(self) -> str:
        return DOORS.get(self.by, self.by)


def describe_values(contact: ContactFacts, rules: Rules, *, now: datetime) -> list[ValueFacts]:
    """Every known value, fields first; and attributes of which only something unfit was told."""
    held = {name: getattr(contact, name) for name in COLUMNS if getattr(contact, name)}
    attributes = {name: contact.attributes.get(name) for name in sorted(contact.attributes)}
    for name in sorted(contact.refused):
        attributes.setdefault(name, None)
    values = {**held, **attributes}
    judged = judge(values, rules, told=contact.told, since=contact.updated_at, now=now)
    return [
        _value(contact, name, value, judged.unfit.get(name), rules)
        for name, value in values.items()
    ]


def _value(
    contact: ContactFacts, name: str, value: Any, flaw: Flaw | None, rules: Rules
) -> ValueFacts:
    rule, refused = rules.get(name), contact.refused.get(name) or {}
    entry = contact.told.get(name)
    return ValueFacts(
        name=name,
        value=value,
        by=entry[0] if entry else "",
        at=told_at(contact.told, name),
        flaw=flaw,
        is_sensitive=bool(rule and rule.is_sensitive),
        refused=str(refused.get("said", "")),
        refused_at=told_at({name: ["", refused["at"]]}, name) if "at" in refused else None,
        wanted=wanted(rule) if rule is not None and refused else "",
    )


def fits(value: Any, rules: Rules, name: str) -> bool:
    """Whether a value is what its attribute's type, declared or inferred, takes."""
    rule = rules.get(name)
    if rule is None:
        return True
    try:
        fit(value, rule, zone=rules.zone)
    except Misfit:
        return False
    return True
