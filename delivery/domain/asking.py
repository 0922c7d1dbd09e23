"""Texts that a program asks for: one contact, one template, its own data, the same gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from api.data import check_data
from api.problems import FieldError, Invalid, Problem
from delivery.core.facts import GateIntent, TextView
from delivery.core.intents import Check, SendIntent
from delivery.domain.deciding import decide
from delivery.domain.ledger import MessageRow, read_contents, read_messages
from delivery.domain.loading import load_facts
from delivery.domain.writing import Writer
from templates_engine.core.segments import measure
from templates_engine.domain.queries import TemplateFacts, templates_by_slug, versions_by_id
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id
from tenancy.waking import wake

# What a program may send. The other two answer a contact's own message.
TYPES = ("marketing", "transactional")
SOURCE = "api"


@dataclass(frozen=True, slots=True)
class TextRequest:
    """`data`: what dynamic fields may name as the event's, such as `order_id`. `key`: asking again
    with it makes no second message. `message_type`: said to be sure; it stands on the template."""

    template: str
    contact_id: UUID
    data: dict[str, Any] = field(default_factory=dict)
    message_type: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of it. `message_id` is None for a dry run; `repeated`: the key had made it."""

    message_id: UUID | None
    contact_id: UUID
    status: str
    reason: str
    due_at: datetime | None
    checks: Sequence[Check] = ()
    text: str = ""
    encoding: str = ""
    num_segments: int = 0
    repeated: bool = False


def ask_text(request: TextRequest, *, now: datetime) -> Asked:
    """Decides one text in the caller's transaction and stores it, sent or skipped.

    Raises `Invalid` (template, message_type, data) and `Problem` idempotency_conflict (409) when
    the key made another text.
    """
    template = _template_for(request)
    intent = _intent_for(request, template)
    if request.key is not None:
        held = _held(intent.dedupe_key)
        if held is not None:
            return _again(held, request, template)
    [decision] = decide([intent], now=now)
    if decision.status == "queued":
        wake("triggers.work", tenant_id=str(current_tenant_id()))
    return Asked(
        message_id=decision.message_id,
        contact_id=request.contact_id,
        status=decision.status,
        reason=decision.reason,
        due_at=decision.due_at,
        checks=decision.checks,
        text=decision.text,
        encoding=measure(decision.text).encoding if decision.text else "",
        num_segments=decision.num_segments,
    )


def try_text(request: TextRequest, *, now: datetime) -> Asked:
    """What would happen now: the same gate, and the words even when a check stops them. Writes
    nothing. Raises `Invalid`."""
    template = _template_for(request)
    intent = replace(_intent_for(request, template), dedupe_key=f"dry-run:{new_id().hex}")
    [decision] = decide([intent], now=now, dry_run=True)
    text, parts = decision.text, decision.num_segments
    if not text:
        view = _words(intent, now)
        text, parts = view.body, view.num_segments
    return Asked(
        message_id=None,
        contact_id=request.contact_id,
        status=decision.status,
        reason=decision.reason,
        due_at=decision.due_at,
        checks=decision.checks,
        text=text,
        encoding=measure(text).encoding if text else "",
        num_segments=parts,
    )


def _template_for(request: TextRequest) -> TemplateFacts:
    errors = check_data(request.data, "data")
    template = templates_by_slug([request.template]).get(request.template)
    if template is None:
        errors.append(FieldError("template", "unknown_template", "There is no such template."))
    elif template.approved_version_id is None:
        errors.append(FieldError("template", "not_approved", "This template has only drafts."))
    elif template.message_type not in TYPES:
        detail = f"A {template.message_type} text only answers a contact."
        errors.append(FieldError("template", "wrong_message_type", detail))
    elif request.message_type not in (None, template.message_type):
        detail = f"This template is {template.message_type}; the type stands on the template."
        errors.append(FieldError("message_type", "wrong_message_type", detail))
    if errors or template is None:
        raise Invalid(errors)
    return template


def _intent_for(request: TextRequest, template: TemplateFacts) -> SendIntent:
    return SendIntent(
        dedupe_key=f"{SOURCE}:{request.key if request.key is not None else new_id().hex}",
        contact_id=request.contact_id,
        template_version_id=template.approved_version_id,
        message_type=template.message_type,
        source_kind=SOURCE,
        source_key=f"{SOURCE}:{template.id.hex}",
        context={"event": request.data, "campaign": template.slug},
    )


def _held(dedupe_key: str) -> MessageRow | None:
    """The message this key made. Twins with the same key pass here one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{current_tenant_id()}:{dedupe_key}"],
        )
    rows = read_messages("m.dedupe_key = %s", [dedupe_key])
    return rows[0] if rows else None


def _again(held: MessageRow, request: TextRequest, template: TemplateFacts) -> Asked:
    content = read_contents([held]).get(held.id)
    asked = (content.intent.get("context") or {}).get("event") if content else None
    versions = [held.template_version_id] if held.template_version_id else []
    templates = {version.template_id for version in versions_by_id(versions).values()}
    same = held.contact_id == request.contact_id and templates == {template.id}
    if not same or (content is not None and asked != request.data):
        raise Problem("idempotency_conflict", "This key made another text.", status=409)
    body = content.body if content is not None else ""
    return Asked(
        message_id=held.id,
        contact_id=request.contact_id,
        status=held.status,
        reason=held.reason,
        due_at=held.due_at,
        text=body,
        encoding=measure(body).encoding if body else "",
        num_segments=held.num_segments,
        repeated=True,
    )


def _words(intent: SendIntent, now: datetime) -> TextView:
    """The text alone, for a request that the checks stop before it is written."""
    item = GateIntent(intent=intent, message_id=new_id(), created_at=now, expires_at=now)
    loaded = load_facts([item], now=now, wall=wall_now())
    return Writer(loaded, now=now)([item])[item.key]
