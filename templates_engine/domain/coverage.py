"""Whom a field's missing value concerns: said while a text is written, and of a text that stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from templates_engine.core import TemplateInvalid, compile
from templates_engine.core.field import Field
from templates_engine.core.fields import find_field
from templates_engine.core.results import Fault, FieldMention
from templates_engine.domain.audiences import Sample
from templates_engine.domain.queries import VersionFacts

NOTHING = "Nothing: the text is not sent"
SHOP = "The shop's address"


@dataclass(frozen=True, slots=True)
class FieldInUse:
    """A field of the text and, in a sentence, how many of the audience lack it and what they read."""

    label: str
    title: str
    detail: str


def mentions_in(
    body: str, syntax: str, fields: Mapping[str, Any] | None
) -> tuple[FieldMention, ...]:
    """The fields a text names, also of a text that cannot be used as it is."""
    try:
        return compile(body, syntax, fields).mentions
    except TemplateInvalid as invalid:
        return invalid.mentions


def uses_of(
    mentions: Sequence[FieldMention], sample: Sample, *, besides: Collection[str] = ()
) -> tuple[FieldInUse, ...]:
    """One line a field, in the order of the text; () while nobody is known. `besides`: labels whose
    problems say it already."""
    if not sample.facts:
        return ()
    found: dict[str, FieldInUse] = {}
    for one in mentions:
        field = find_field(one.key)
        if field is None or field.always or one.label in besides or one.label in found:
            continue
        detail = f"{lacking_words(field, sample)}{_read_instead(one, field, sample)}."
        found[one.label] = FieldInUse(one.label, field.title, detail)
    return tuple(found.values())


def concerns(fault: Fault, sample: Sample | None) -> str:
    """` 75 of the newest 300 people (25%) have none.`, for a field without a fallback."""
    field = find_field(fault.field) if fault.code == "fallback_missing" else None
    if sample is None or field is None or not sample.facts:
        return ""
    if _lacking(field, sample):
        return f" {lacking_words(field, sample)}."
    return f" So far {_lower(lacking_words(field, sample))}."


def lacking_words(field: Field, sample: Sample) -> str:
    """`75 of the newest 300 people (25%) have none`, without a full stop."""
    count, lacking = len(sample.facts), _lacking(field, sample)
    if lacking == 0:
        return f"All of the newest {count:,} people have it" if count > 1 else "Everybody has it"
    people = "the one person" if count == 1 else f"the newest {count:,} people"
    percent = max(1, round(100 * lacking / count))
    said = f"{lacking:,} of {people} ({percent}%) {'has' if lacking == 1 else 'have'} none"
    unfit = sample.unfit(field)
    if unfit:
        said += f" fit to be read: {unfit:,} {'has a value that fails' if unfit == 1 else 'have values that fail'} a quality rule"
    return said


def list_fallbacks(version: VersionFacts) -> tuple[tuple[str, str], ...]:
    """(field, what is read when it is missing) of a text, wherever that was said: in the text or
    beside it. Fields that nobody lacks are left out."""
    found: dict[str, str] = {}
    for one in mentions_in(version.body, version.syntax, version.fields):
        field = find_field(one.key)
        if field is not None and not field.always:
            found.setdefault(field.title, _said_instead(one, field))
    return tuple(found.items())


def _said_instead(one: FieldMention, field: Field) -> str:
    if one.required:
        return NOTHING
    if one.fallback is not None:
        return one.fallback
    return SHOP if field.is_link else NOTHING


def _read_instead(one: FieldMention, field: Field, sample: Sample) -> str:
    if not _lacking(field, sample):
        return ""
    if one.required or (one.fallback is None and not field.is_link):
        return ": no text for them"
    if one.fallback is None:
        return ": their link leads to the shop"
    return f" and read \N{LEFT DOUBLE QUOTATION MARK}{one.fallback}\N{RIGHT DOUBLE QUOTATION MARK}"


def _lacking(field: Field, sample: Sample) -> int:
    count = len(sample.facts)
    return count - round((sample.share(field) or 0.0) * count)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
