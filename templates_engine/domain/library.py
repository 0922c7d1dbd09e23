"""The texts of a workspace as people look after them: found, written, rewritten, put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.text import slugify

from api.problems import FieldError, Invalid, NotFound, Problem
from templates_engine.domain.audiences import sample_of
from templates_engine.domain.composing import editable, find_problems
from templates_engine.domain.queries import VersionFacts, newest_versions, versions_by_id
from templates_engine.domain.templates import approve_version, save_draft
from templates_engine.models import MessageType, Syntax, Template, TemplateVersion
from templates_engine.uses import FLOW, uses_of
from tenancy.models import ApiKey, Tenant, User
from tenancy.scope import current_tenant_id

# What is written in the library. The other two types answer a contact's own message, in a flow.
TYPES = (MessageType.MARKETING, MessageType.TRANSACTIONAL)
# A text written inside a campaign is used once and stands on the campaign's page.
_ONE_OFF = r"^campaign-[0-9a-f]{32}$"


@dataclass(frozen=True, slots=True)
class Entry:
    """One text. `in_use` is what goes out now, None before the first approval; `newest` may be a
    draft that came after it."""

    template: Template
    in_use: VersionFacts | None
    newest: VersionFacts

    @property
    def shown(self) -> VersionFacts:
        return self.in_use or self.newest

    @property
    def draft(self) -> VersionFacts | None:
        """The newest version if it was never let out, else None."""
        return self.newest if self.newest.state == "draft" else None


def slug_for_campaign(campaign_id: UUID) -> str:
    """The name of the text that is written inside a campaign; the library leaves it out."""
    return f"campaign-{campaign_id.hex}"


def library_texts() -> QuerySet[Template]:
    """Every text but those written inside a campaign."""
    return Template.objects.exclude(slug__regex=_ONE_OFF)


def list_texts(
    *, words: str = "", message_type: str = "", after: tuple[str, UUID] | None = None, limit: int
) -> list[Entry]:
    """By name. `words` are looked for in name and slug; `after`: (name, id) of the last one seen.
    Three queries."""
    rows = library_texts()
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    if message_type:
        rows = rows.filter(message_type=message_type)
    if after is not None:
        name, last = after
        rows = rows.filter(Q(name__gt=name) | Q(name=name, id__gt=last))
    return _entries(list(rows.order_by("name", "id")[:limit]))


def access_text(slug: str) -> Entry:
    """Raises `NotFound`, also for another workspace's text."""
    found = _entries(list(Template.objects.filter(slug=slug)))
    if not found:
        raise NotFound("This text")
    return found[0]


def refuse_used_in_flow(template: Template) -> None:
    """Raises `Problem` text_in_flow for a text that a flow sends: there it is drafted, reviewed and
    published together with the flow's other steps, and texts that wait get the new words."""
    flows = [use for use in uses_of([template], most=1)[template.id].first if use.kind == FLOW]
    if flows:
        raise Problem(
            "text_in_flow",
            f"The flow {flows[0].name} sends this text. Change it there.",
            status=409,
        )


@transaction.atomic
def write_text(
    name: str,
    *,
    body: str,
    message_type: str,
    now: datetime,
    approve: bool,
    actor: User | ApiKey | None = None,
) -> TemplateVersion:
    """A new text under a new name; its slug is made of the name. With `approve` it can go out at
    once. Raises `Invalid` (name, message_type, body, or a field of it)."""
    slug = slugify(name)[:80].strip("-_").replace("_", "-")
    errors = []
    if not slug or not 0 < len(name.strip()) <= 120:
        errors.append(FieldError("name", "invalid", "Give it a name with letters or digits."))
    elif Template.objects.filter(slug=slug).exists():
        errors.append(
            FieldError("name", "taken", "Another text has this name. Choose another one.")
        )
    if message_type not in TYPES:
        errors.append(FieldError("message_type", "invalid", f"One of {', '.join(TYPES)}."))
    errors += _problems(body)
    if errors:
        raise Invalid(errors)
    version = save_draft(
        slug, name=name.strip(), body=body, message_type=message_type, now=now, actor=actor
    )
    return approve_version(version, now=now, actor=actor) if approve else version


@transaction.atomic
def rewrite_text(
    entry: Entry,
    *,
    body: str,
    base: int,
    now: datetime,
    approve: bool,
    actor: User | ApiKey | None = None,
) -> TemplateVersion:
    """New words as a new version; with `approve` they go out from now on.

    `base` is the number of the version on screen. Raises `Invalid`, or `Problem` version_conflict,
    text_in_flow or written_in_jinja (409).
    """
    Template.objects.select_for_update(no_key=True).get(id=entry.template.id)
    refuse_used_in_flow(entry.template)
    newest = newest_versions([entry.template.id])[entry.template.id]
    if newest.number != base:
        raise Problem(
            "version_conflict",
            f"Version {newest.number} was saved meanwhile. Nothing was changed.",
            status=409,
        )
    if newest.syntax != Syntax.BRACKETS:
        detail = "This text is written in Jinja2. Change it through the API."
        raise Problem("written_in_jinja", detail, status=409)
    if problems := _problems(body):
        raise Invalid(problems)
    shop_url = Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id())
    if editable(newest, shop_url) != body:
        save_draft(entry.template.slug, body=body, now=now, actor=actor)
    saved: TemplateVersion = (
        TemplateVersion.objects.filter(template_id=entry.template.id).order_by("-number")[:1].get()
    )
    return approve_version(saved, now=now, actor=actor) if approve else saved


@transaction.atomic
def put_back(
    entry: Entry, number: int, *, now: datetime, actor: User | ApiKey | None = None
) -> TemplateVersion:
    """Lets a version out, an older one again or a draft. Raises `NotFound`, `Problem` text_in_flow
    or what `approve_version` raises."""
    Template.objects.select_for_update(no_key=True).get(id=entry.template.id)
    refuse_used_in_flow(entry.template)
    found: TemplateVersion | None = TemplateVersion.objects.filter(
        template_id=entry.template.id, number=number
    ).first()
    if found is None:
        raise NotFound("This version")
    return approve_version(found, now=now, actor=actor)


def _problems(body: str) -> list[FieldError]:
    if not body.strip() or "\x00" in body:
        return [FieldError("body", "invalid", "Write the text.")]
    return find_problems(body, sample=sample_of(""))


def _entries(templates: Sequence[Template]) -> list[Entry]:
    newest = newest_versions([one.id for one in templates])
    approved = [one.approved_version_id for one in templates if one.approved_version_id]
    in_use = {version.template_id: version for version in versions_by_id(approved).values()}
    return [Entry(one, in_use.get(one.id), newest[one.id]) for one in templates]
