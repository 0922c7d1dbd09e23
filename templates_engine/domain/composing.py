"""What an editor shows while a text is written: parts, previews, fields, and what is wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from api.problems import FieldError, Invalid
from people.domain.merged import present_contact
from templates_engine.core import MAX_SOURCE, TemplateInvalid, check
from templates_engine.core.composing import STOP_NOTICE, prefix_for, says_stop
from templates_engine.core.field import Field
from templates_engine.core.field_table import FIELDS
from templates_engine.core.fields import find_field
from templates_engine.core.inlining import inline_fallbacks, insertion
from templates_engine.core.results import Fault, FieldMention, Rendered
from templates_engine.core.segments import Measure, encode_smart
from templates_engine.domain.audiences import Sample, known_facts, person_in, sample_of
from templates_engine.domain.coverage import FieldInUse, concerns, mentions_in, uses_of
from templates_engine.domain.queries import VersionFacts
from templates_engine.domain.rendering import Preview, preview_text
from templates_engine.models import MessageType, Syntax
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id

_TOKEN = "k3F9aB7d"  # noqa: S105 (a short link's path, as long as a real one)


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A field to put into the text. `coverage`: the share of the audience that has it, 0 to 1, None
    when nobody is known. `insert`: what a chip writes. `used`: it stands in the text."""

    label: str
    key: str
    title: str
    fallback: str
    insert: str
    coverage: float | None
    used: bool


@dataclass(frozen=True, slots=True)
class Guilty:
    """A character that makes every part shorter. `plain`: what could stand there, "" if nothing."""

    character: str
    name: str
    plain: str


@dataclass(frozen=True, slots=True)
class Written:
    """A text under the editor's eye. The measures are those of `preview` where a contact was chosen
    and it renders, else of `unknown_preview`; `num_segments` 0: there is no text to measure."""

    num_segments: int
    encoding: str
    characters: int
    left: int
    guilty: tuple[Guilty, ...]
    plain_body: str
    preview: str
    preview_note: str
    unknown_preview: str
    unknown_segments: int
    audience: int
    fields: tuple[FieldFacts, ...]
    uses: tuple[FieldInUse, ...]
    problems: tuple[FieldError, ...]


def write_text(
    body: str,
    *,
    now: datetime,
    syntax: str = "brackets",
    message_type: str = "marketing",
    contact_id: UUID | None = None,
    audience: str = "",
    fields: Mapping[str, Any] | None = None,
    hides: frozenset[str] = frozenset(),
) -> Written:
    """Looks at a text without storing it. `hides`: contact facts that the reader may not see.

    Raises `NotFound` for a contact that is not here, `Invalid` for an unknown syntax or message
    type. What is wrong with the words themselves is in `problems`, one per fault.
    """
    _check(syntax, message_type)
    tenant = _tenant()
    sample = sample_of(audience, now=now)
    problems = find_problems(body, syntax=syntax, fields=fields, sample=sample)
    unknown = _preview(tenant, body, syntax, message_type, fields, None)
    known = None
    if contact_id is not None:
        present_contact(contact_id)
        [facts] = known_facts([person_in(audience, contact_id, now=now)], now=now)
        for space in ("contact", "unfit"):
            facts[space] = {k: v for k, v in facts[space].items() if k not in hides}
        known = _preview(tenant, body, syntax, message_type, fields, facts)
    shown = known if known is not None and known.text else unknown
    size = shown.measure if shown is not None and shown.text else None
    plain, changes = encode_smart(body)
    mentions = mentions_in(body, syntax, fields)
    return Written(
        num_segments=size.num_segments if size else 0,
        encoding=size.encoding if size else "",
        characters=len(shown.text) if shown is not None else 0,
        left=_left(size),
        guilty=tuple(_guilty(letter) for letter in size.guilty) if size else (),
        plain_body=plain if changes else "",
        preview=known.text if known is not None else "",
        preview_note=_note(known.rendered) if known is not None else "",
        unknown_preview=unknown.text if unknown is not None else "",
        unknown_segments=unknown.measure.num_segments if unknown and unknown.text else 0,
        audience=len(sample.facts),
        fields=_fields(mentions, sample),
        uses=uses_of(mentions, sample, besides={one.field for one in problems}),
        problems=tuple(problems),
    )


def preview_unknown(versions: Iterable[VersionFacts]) -> dict[UUID, Preview]:
    """Per version what somebody of whom nothing is known would read; versions that do not compile
    are left out. One query."""
    tenant = _tenant()
    found = {}
    for one in versions:
        shown = _preview(tenant, one.body, one.syntax, one.message_type, one.fields, None)
        if shown is not None:
            found[one.id] = shown
    return found


def _note(rendered: Rendered) -> str:
    """Why there is no text, or why a stored value of this contact is not read out in it."""
    if rendered.problem:
        return rendered.detail
    used = {use.label: use.why for use in rendered.fields if use.why}
    return " ".join(f"{label}: fallback used because {why}." for label, why in used.items())


def sample_link() -> str:
    """A short link as long as a real one, so that a preview counts the parts that will be sent."""
    return f"{settings.KAIROS_LINK_BASE_URL}/t/{_TOKEN}"


def editable(version: VersionFacts, shop_url: str) -> str:
    """The words as people edit them: every fallback stands in the text."""
    if version.syntax != "brackets":
        return version.body
    return inline_fallbacks(version.body, version.fields, shop_url=shop_url)


def find_problems(
    body: str,
    *,
    syntax: str = "brackets",
    fields: Mapping[str, Any] | None = None,
    sample: Sample | None = None,
) -> list[FieldError]:
    """What keeps a text from being saved, one error per fault; [] when nothing does.

    With a sample, a missing fallback says how many people it concerns.
    """
    if len(body) > MAX_SOURCE:
        detail = f"The text has {len(body)} characters; the most is {MAX_SOURCE}."
        return [FieldError("body", "template_too_long", detail)]
    faults = check(body, syntax, fields)
    if not faults:
        blind = preview_text(body, syntax=syntax, fields=fields).rendered
        if blind.problem in ("render_limit", "render_failed", "text_too_long"):
            code = "template_too_long" if blind.problem == "text_too_long" else "template_syntax"
            faults = [Fault(code, "body", blind.detail)]
    seen: set[tuple[str, str]] = set()
    errors = []
    for fault in faults:
        if (fault.code, fault.field) in seen and fault.code != "template_syntax":
            continue
        seen.add((fault.code, fault.field))
        errors.append(FieldError(fault.field, fault.code, fault.detail + concerns(fault, sample)))
    return errors


def _check(syntax: str, message_type: str) -> None:
    errors = []
    if syntax not in Syntax.values:
        errors.append(FieldError("syntax", "invalid", f"One of {', '.join(Syntax.values)}."))
    if message_type not in MessageType.values:
        known = ", ".join(MessageType.values)
        errors.append(FieldError("message_type", "invalid", f"One of {known}."))
    if errors:
        raise Invalid(errors)


def _tenant() -> Tenant:
    found: Tenant = Tenant.objects.get(id=current_tenant_id())
    return found


def _preview(
    tenant: Tenant,
    body: str,
    syntax: str,
    message_type: str,
    fields: Mapping[str, Any] | None,
    facts: dict[str, Any] | None,
) -> Preview | None:
    """As the first text this person would read; None while the body cannot be read at all."""
    suffix = STOP_NOTICE if message_type == "marketing" and not says_stop(body) else ""
    try:
        return preview_text(
            body,
            syntax=syntax,
            fields=fields,
            facts=facts,
            brand={"name": tenant.name, "shop_url": tenant.shop_url},
            prefix=prefix_for(tenant.sms_name),
            suffix=suffix,
            link=sample_link(),
        )
    except TemplateInvalid:
        return None


def _fields(mentions: Sequence[FieldMention], sample: Sample) -> tuple[FieldFacts, ...]:
    """The fields of the text first, as they stand there, then all others by how many have them."""
    used: dict[str, tuple[Field, str]] = {}
    for mention in mentions:
        field = find_field(mention.key)
        if field is not None:
            used.setdefault(field.key, (field, mention.fallback or ""))
    facts = [_field(field, fallback, sample, used=True) for field, fallback in used.values()]
    others = [
        _field(field, field.suggestion, sample, used=False)
        for field in FIELDS
        if field.key not in used
    ]
    others.sort(key=lambda one: -(one.coverage or 0.0))
    return (*facts, *others)


def _field(field: Field, fallback: str, sample: Sample, *, used: bool) -> FieldFacts:
    coverage = 1.0 if field.always else sample.share(field)
    return FieldFacts(
        field.label, field.key, field.title, fallback, insertion(field), coverage, used
    )


def _left(size: Measure | None) -> int:
    """Characters (GSM-7 or UTF-16 units) that still fit into the last part."""
    if size is None:
        return 0
    single, several = (160, 153) if size.encoding == "GSM-7" else (70, 67)
    limit = single if size.num_segments == 1 else several
    return limit - size.units_per_segment[-1]


def _guilty(letter: str) -> Guilty:
    plain, changes = encode_smart(letter)
    name = unicodedata.name(letter, f"U+{ord(letter):04X}").capitalize()
    return Guilty(letter, name, plain if changes else "")
