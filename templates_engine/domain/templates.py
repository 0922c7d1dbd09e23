"""Saving and approving texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from api.problems import FieldError, NotFound, Problem
from templates_engine.core import MAX_SOURCE, check, compile
from templates_engine.core.fields import find_field
from templates_engine.core.results import Compiled, Fault
from templates_engine.core.rules import read_rules
from templates_engine.domain.rendering import preview_text
from templates_engine.models import (
    MessageType,
    Syntax,
    Template,
    TemplateApproval,
    TemplateVersion,
)
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?").fullmatch
_MAX_TTL = 30 * 24 * 3600
_WORST_FIRST = (
    "template_too_long",
    "template_syntax",
    "field_unknown",
    "fallback_not_link",
    "fallback_missing",
)
_TITLES = {
    "template_too_long": "The text is too long",
    "template_syntax": "The text cannot be read",
    "field_unknown": "Unknown field",
    "fallback_not_link": "A fallback is no web address",
    "fallback_missing": "A field has no fallback",
}


@transaction.atomic
def save_draft(
    slug: str,
    *,
    body: str,
    now: datetime,
    name: str | None = None,
    message_type: str | None = None,
    syntax: str = "brackets",
    fields: Mapping[str, Any] | None = None,
    ttl_seconds: int | None = None,
    actor: User | ApiKey | None = None,
) -> TemplateVersion:
    """Save the words of a template as a new version, creating the template when it is new.

    `fields` maps labels or keys to a fallback, None, or {"fallback", "required"}. A draft may
    still lack fallbacks. Saving what the newest version already says returns that version.
    `name`, `message_type` and `ttl_seconds` are kept as they are when left out (a new template
    is marketing). Raises `Problem` (`invalid`, `template_too_long`).
    """
    _check_draft(slug, name, body, syntax, message_type, ttl_seconds)
    template = _template_for_update(
        slug, name=name, message_type=message_type, ttl_seconds=ttl_seconds, now=now
    )
    said = _stored_fields(fields)
    latest: TemplateVersion | None = (
        TemplateVersion.objects.filter(template_id=template.id).order_by("-number").first()
    )
    if latest is not None and (latest.body, latest.syntax, latest.fields) == (body, syntax, said):
        return latest
    version: TemplateVersion = TemplateVersion.objects.create(
        template=template,
        number=latest.number + 1 if latest else 1,
        body=body,
        syntax=syntax,
        fields=said,
        created_at=now,
        created_by=_actor_id(actor),
    )
    return version


@transaction.atomic
def approve_version(
    version: TemplateVersion | UUID, *, now: datetime, actor: User | ApiKey | None = None
) -> TemplateVersion:
    """Let a version out: from now on the template's text. Approving it again puts it back in use.

    Raises `NotFound`, or `Problem` with code template_too_long, template_syntax, field_unknown,
    fallback_not_link or fallback_missing (the worst one found) and one error per fault.
    """
    version_id = version if isinstance(version, UUID) else version.id
    found: TemplateVersion | None = TemplateVersion.objects.filter(id=version_id).first()
    if found is None:
        raise NotFound("This template version")
    compile_for_sending(found.body, found.syntax, found.fields)
    template = Template.objects.select_for_update(no_key=True).get(id=found.template_id)
    _, first_time = TemplateApproval.objects.get_or_create(
        version_id=found.id, defaults={"approved_at": now, "approved_by": _actor_id(actor)}
    )
    if first_time or template.approved_version_id != found.id:
        template.approved_version = found
        template.updated_at = now
        template.save(update_fields=["approved_version", "updated_at"])
        data = {"template": template.slug, "number": found.number}
        record_audit("template.approved", target=str(found.id), data=data, actor=actor, now=now)
    return found


def save_and_approve(slug: str, *, now: datetime, **draft: Any) -> TemplateVersion:
    """`save_draft` and `approve_version` in one: nothing is kept when approval is refused."""
    with transaction.atomic():
        version = save_draft(slug, now=now, **draft)
        return approve_version(version, now=now, actor=draft.get("actor"))


def compile_for_sending(
    body: str, syntax: str = "brackets", fields: Mapping[str, Any] | None = None
) -> Compiled:
    """Compile a text that may be sent to anybody, or raise the `Problem` that says why not."""
    faults = check(body, syntax, fields)
    if not faults:
        # A body without faults can still be all loops: what nobody is known by must render.
        blind = preview_text(body, syntax=syntax, fields=fields)
        if blind.rendered.problem in ("render_limit", "render_failed", "text_too_long"):
            too_long = blind.rendered.problem == "text_too_long"
            code = "template_too_long" if too_long else "template_syntax"
            faults = [Fault(code, "body", blind.rendered.detail)]
    if faults:
        raise problem_of(faults)
    return compile(body, syntax, fields)


def problem_of(faults: list[Fault]) -> Problem:
    """One `Problem` for all faults; its code is the worst one's."""
    code = min((fault.code for fault in faults), key=_WORST_FIRST.index)
    errors = [FieldError(fault.field, fault.code, fault.detail) for fault in faults]
    chosen = [fault.detail for fault in faults if fault.code == code]
    return Problem(code, " ".join(chosen[:3]), status=422, title=_TITLES[code], errors=errors)


def _check_draft(
    slug: str,
    name: str | None,
    body: str,
    syntax: str,
    message_type: str | None,
    ttl_seconds: int | None,
) -> None:
    errors: list[FieldError] = []
    if not _SLUG(slug):
        errors.append(FieldError("slug", "invalid", "Lower-case letters, digits and hyphens."))
    if name is not None and not 0 < len(name.strip()) <= 120:
        errors.append(FieldError("name", "invalid", "A name has 1 to 120 characters."))
    if not body.strip() or "\x00" in body:
        errors.append(FieldError("body", "invalid", "The text is empty or holds a NUL."))
    if syntax not in Syntax.values:
        errors.append(FieldError("syntax", "invalid", f"One of {', '.join(Syntax.values)}."))
    if message_type is not None and message_type not in MessageType.values:
        known = ", ".join(MessageType.values)
        errors.append(FieldError("message_type", "invalid", f"One of {known}."))
    if ttl_seconds is not None and not 60 <= ttl_seconds <= _MAX_TTL:
        errors.append(FieldError("ttl_seconds", "invalid", "From 60 seconds to 30 days."))
    if errors:
        detail = "; ".join(f"{error.field}: {error.detail}" for error in errors)
        raise Problem("invalid", detail, status=422, errors=errors)
    if len(body) > MAX_SOURCE:
        detail = f"The template has {len(body)} characters; the most is {MAX_SOURCE}."
        raise problem_of([Fault("template_too_long", "body", detail)])


def _template_for_update(
    slug: str,
    *,
    name: str | None,
    message_type: str | None,
    ttl_seconds: int | None,
    now: datetime,
) -> Template:
    created = {
        "name": name or slug.replace("-", " ").capitalize(),
        "message_type": message_type or MessageType.MARKETING,
        "ttl_seconds": ttl_seconds,
        "created_at": now,
        "updated_at": now,
    }
    # The row lock makes version numbers gapless when two people save at once.
    locked = Template.objects.select_for_update(no_key=True)
    template: Template
    template, is_new = locked.get_or_create(slug=slug, defaults=created)
    said = {"name": name, "message_type": message_type, "ttl_seconds": ttl_seconds}
    changed = [key for key, value in said.items() if value not in (None, getattr(template, key))]
    if not is_new and changed:
        for key in changed:
            setattr(template, key, said[key])
        template.updated_at = now
        template.save(update_fields=[*changed, "updated_at"])
    return template


def _stored_fields(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for label, said in (fields or {}).items():
        field = find_field(label)
        for key, rule in read_rules({label: said}).items():
            stored[key] = {"label": field.label if field else label, **rule._asdict()}
    return stored


def _actor_id(actor: User | ApiKey | None) -> UUID | None:
    return actor.id if actor is not None else None
