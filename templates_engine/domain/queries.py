"""Reads: versions and templates as frozen values, and the compiled versions of this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from templates_engine.core import Compiled, TemplateInvalid, compile
from templates_engine.core.event_fields import event_data, event_labels
from templates_engine.core.replies import asked_replies
from templates_engine.models import Template, TemplateApproval, TemplateVersion
from tenancy.scope import current_tenant_id

_KEPT = 2000
_compiled: OrderedDict[tuple[UUID, UUID], Compiled] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version with what its template says about it. `state` is draft or approved."""

    id: UUID
    template_id: UUID
    slug: str
    name: str
    message_type: str
    ttl_seconds: int | None
    number: int
    body: str
    syntax: str
    fields: dict[str, Any]
    state: str
    created_at: datetime

    @property
    def asks(self) -> frozenset[str]:
        """The replies the text asks for, such as {"SIZE", "SHIPPING"}."""
        return frozenset(asked_replies(self.body))

    @property
    def event_fields(self) -> tuple[str, ...]:
        """Labels of fields that may show what an event said; () of words that do not compile."""
        try:
            return event_labels(compile(self.body, self.syntax, self.fields).mentions)
        except TemplateInvalid:
            return ()

    @property
    def event_data(self) -> dict[str, str]:
        """What a program sends along to fill the text, with samples."""
        try:
            return event_data(compile(self.body, self.syntax, self.fields).mentions)
        except TemplateInvalid:
            return {}


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """One template; `approved_version_id` is None while it has only drafts."""

    id: UUID
    slug: str
    name: str
    message_type: str
    ttl_seconds: int | None
    approved_version_id: UUID | None


def versions_by_id(ids: Iterable[UUID]) -> dict[UUID, VersionFacts]:
    """The versions found, by id; ids of other workspaces are simply absent. One query."""
    return _facts_by_id(TemplateVersion.objects.filter(id__in=set(ids)))


def versions_by_number(numbers: Mapping[str, int]) -> dict[str, VersionFacts]:
    """Versions by the slug of their template, for {slug: number}; absent ones are left out."""
    if not numbers:
        return {}
    wanted = Q()
    for slug, number in numbers.items():
        wanted |= Q(template__slug=slug, number=number)
    found = _facts_by_id(TemplateVersion.objects.filter(wanted)).values()
    return {version.slug: version for version in found}


def versions_of(template_id: UUID) -> list[VersionFacts]:
    """All versions of a template, newest first."""
    found = _facts_by_id(TemplateVersion.objects.filter(template_id=template_id))
    return sorted(found.values(), key=lambda version: -version.number)


def newest_versions(template_ids: Iterable[UUID]) -> dict[UUID, VersionFacts]:
    """Per template its newest version, approved or not. One query."""
    wanted = set(template_ids)
    if not wanted:
        return {}
    newest = (
        TemplateVersion.objects.filter(template_id__in=wanted)
        .order_by("template_id", "-number")
        .distinct("template_id")
    )
    return {version.template_id: version for version in _facts_by_id(newest).values()}


def templates_by_slug(slugs: Iterable[str] | None = None) -> dict[str, TemplateFacts]:
    """Templates by slug, all of them without `slugs`. One query."""
    rows = Template.objects.order_by("slug")
    if slugs is not None:
        rows = rows.filter(slug__in=set(slugs))
    return {
        row.slug: TemplateFacts(
            row.id, row.slug, row.name, row.message_type, row.ttl_seconds, row.approved_version_id
        )
        for row in rows
    }


def compiled_versions(ids: Iterable[UUID], *, drafts: bool = False) -> dict[UUID, Compiled]:
    """Approved versions ready to render; drafts too when asked for. At most one query.

    Kept per process. A version never changes, and an approval is never taken back, so nothing
    kept can grow stale. The workspace is part of the key: an id alone opens nothing.
    """
    tenant_id = current_tenant_id()
    wanted = set(ids)
    ready: dict[UUID, Compiled] = {}
    with _lock:
        for version_id in wanted:
            kept = _compiled.get((tenant_id, version_id))
            if kept is not None:
                _compiled.move_to_end((tenant_id, version_id))
                ready[version_id] = kept
    if len(ready) == len(wanted):
        return ready
    for version in versions_by_id(wanted - ready.keys()).values():
        approved = version.state == "approved"
        if not approved and not drafts:
            continue
        try:
            compiled = compile(version.body, version.syntax, version.fields)
        except TemplateInvalid:
            continue
        ready[version.id] = compiled
        if approved:
            _keep((tenant_id, version.id), compiled)
    return ready


def forget_compiled() -> None:
    """Empty this process's store of compiled versions (tests, memory pressure)."""
    with _lock:
        _compiled.clear()


def _keep(key: tuple[UUID, UUID], compiled: Compiled) -> None:
    with _lock:
        _compiled[key] = compiled
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)


def _facts_by_id(rows: QuerySet[TemplateVersion]) -> dict[UUID, VersionFacts]:
    approvals = TemplateApproval.objects.filter(version_id=OuterRef("id"))
    rows = rows.select_related("template").annotate(is_approved=Exists(approvals))
    return {
        row.id: VersionFacts(
            id=row.id,
            template_id=row.template_id,
            slug=row.template.slug,
            name=row.template.name,
            message_type=row.template.message_type,
            ttl_seconds=row.template.ttl_seconds,
            number=row.number,
            body=row.body,
            syntax=row.syntax,
            fields=row.fields,
            state="approved" if row.is_approved else "draft",
            created_at=row.created_at,
        )
        for row in rows
    }
