"""Copying a flow or a template from one workspace to others.

A bundle is read in the source's scope and carries words and rules only: no contact, key, number or
figure. Each target is looked at, and written, in its own scope. Nothing there is overwritten: what
has the same name and says something else gets company under a new one. All arrives as a draft.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from api.problems import FieldError, Invalid, NotFound, Problem
from delivery.models import Sender
from events.core.names import RESERVED
from events.domain.catalogue import names_seen
from segments.models import Segment
from templates_engine.core import TemplateInvalid, compile
from templates_engine.core.fields import field_for_key, path_field
from templates_engine.domain.audiences import sample_of
from templates_engine.domain.library import library_texts
from templates_engine.domain.queries import VersionFacts, templates_by_slug, versions_of
from templates_engine.domain.templates import save_draft
from templates_engine.models import Template
from tenancy.audit import record_audit
from tenancy.models import Tenant, User
from tenancy.scope import current_tenant_id
from triggers.core.copying import moved, names_in, with_templates
from triggers.domain.flows import create_flow
from triggers.domain.wording import words_of
from triggers.models import Flow

MOST_TARGETS = 100


@dataclass(frozen=True, slots=True)
class Words:
    """One text as it goes out. `fields` as the version holds them."""

    slug: str
    name: str
    message_type: str
    ttl_seconds: int | None
    body: str
    syntax: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is copied. `definition` None: a template alone."""

    kind: str
    slug: str
    name: str
    recipe: str
    definition: Mapping[str, Any] | None
    texts: tuple[Words, ...]
    source: str
    brand_names: tuple[str, ...]
    shop_url: str


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is missing there. `stops`: nothing is copied before it is there."""

    kind: str  # template | segment | field | event | sender | shop
    name: str
    detail: str
    stops: bool = False


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What copying would do in the workspace in scope. `texts`: (slug there, it, "new" or "same").
    `name`: what it is called there. `twin`: they have a flow that says the same, to the letter."""

    slug: str
    name: str
    texts: tuple[tuple[str, Words, str], ...]
    lacks: tuple[Lack, ...]
    twin: bool = False

    @property
    def stops(self) -> bool:
        return any(lack.stops for lack in self.lacks)


def copyable() -> tuple[list[Flow], list[Template]]:
    """The flows and templates of the workspace in scope that can be copied, without the texts that
    were written inside a campaign. Two queries."""
    flows = Flow.objects.exclude(status=Flow.Status.ARCHIVED).order_by("name", "slug")
    return list(flows), list(library_texts().order_by("name", "slug"))


def pack(kind: str, slug: str) -> Bundle:
    """What goes out under this name, else the newest draft. Raises `NotFound`."""
    tenant = Tenant.objects.get(id=current_tenant_id())
    names = tuple(sorted({tenant.name, tenant.sms_name}))
    if kind == "flow":
        flow = (
            Flow.objects.filter(slug=slug)
            .exclude(status=Flow.Status.ARCHIVED)
            .select_related("live_version", "draft_version")
            .first()
        )
        version = (flow.live_version or flow.draft_version) if flow is not None else None
        if flow is None or version is None:
            raise NotFound("This flow")
        words = words_of(version, live=flow.live_version)
        texts = tuple(_words(words[key]) for key in sorted(words))
        return Bundle(
            "flow", flow.slug, flow.name, flow.recipe, version.definition, texts,
            tenant.slug, names, tenant.shop_url,
        )  # fmt: skip
    held = templates_by_slug([slug]).get(slug) if kind == "template" else None
    versions = versions_of(held.id) if held is not None else []
    if held is None or not versions:
        raise NotFound("This template")
    in_use = next((one for one in versions if one.id == held.approved_version_id), versions[0])
    return Bundle(
        "template", slug, held.name, "", None, (_words(in_use),),
        tenant.slug, names, tenant.shop_url,
    )  # fmt: skip


def plan_copy(bundle: Bundle) -> CopyPlan:
    """The dry run: what would arrive in the workspace in scope, and what is missing. Only reads."""
    shop_url = Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id())
    texts = _place(tuple(_moved(text, bundle.shop_url, shop_url) for text in bundle.texts))
    lacks = [
        *_missing_texts(bundle),
        *_missing_shop(bundle, shop_url),
        *_missing_segments(bundle),
        *_missing_events(bundle),
        *_missing_fields(bundle, texts),
        *_missing_sender(),
        *_named_brand(bundle, texts),
    ]
    slug, name, twin = bundle.slug, bundle.name, False
    if bundle.definition is not None:
        held = _flows_like(bundle)
        slug = _free(slug, {flow.slug for flow in held}, 100)
        if any(flow.name == name for flow in held):
            name = f"{name} (from {bundle.brand_names[0]})"[:120]
        twin = all(what == "same" for _, _, what in texts) and any(
            version is not None and version.definition == bundle.definition
            for flow in held
            for version in (flow.live_version, flow.draft_version)
        )
    elif texts:
        slug = texts[0][0]
    return CopyPlan(slug, name, texts, tuple(lacks), twin)


def _flows_like(bundle: Bundle) -> list[Flow]:
    """Flows there whose slug begins as its does, or that have its name."""
    like = Q(slug__startswith=bundle.slug[:90]) | Q(name=bundle.name)
    return list(Flow.objects.filter(like).select_related("live_version", "draft_version"))


@transaction.atomic
def copy_here(bundle: Bundle, *, now: datetime, actor: User | None = None) -> CopyPlan:
    """Does what `plan_copy` says, in the workspace in scope; returns it.

    Raises `Problem` cannot_copy (409) where something is missing that must be there first.
    """
    plan = plan_copy(bundle)
    if plan.stops:
        detail = " ".join(lack.detail for lack in plan.lacks if lack.stops)
        raise Problem("cannot_copy", detail, status=409)
    numbers = {}
    for slug, text, what in plan.texts:
        if what == "new":
            version = save_draft(
                slug,
                body=text.body,
                now=now,
                name=text.name,
                message_type=text.message_type,
                syntax=text.syntax,
                fields={str(said.get("label", key)): said for key, said in text.fields.items()},
                ttl_seconds=text.ttl_seconds,
                actor=actor,
            )
            numbers[slug] = version.number
    if bundle.definition is not None:
        renamed = {text.slug: slug for slug, text, _ in plan.texts}
        create_flow(
            plan.name,
            definition=with_templates(bundle.definition, renamed),
            slug=plan.slug,
            recipe=bundle.recipe,
            texts=numbers,
            now=now,
            actor=actor,
        )
    data = {"from": bundle.source, "slug": bundle.slug, "texts": sorted(numbers)}
    record_audit(f"{bundle.kind}.copied", target=plan.slug, data=data, actor=actor, now=now)
    return plan


def check_targets(slugs: list[str], source: str) -> None:
    """Raises `Invalid` for none, too many, or the source itself."""
    if not slugs:
        raise Invalid([FieldError("to", "missing", "Choose at least one client to copy to.")])
    if len(slugs) > MOST_TARGETS:
        raise Invalid([FieldError("to", "too_many", f"At most {MOST_TARGETS} at once.")])
    if source in slugs:
        raise Invalid([FieldError("to", "itself", "Choose other clients than the first.")])


def _words(version: VersionFacts) -> Words:
    return Words(
        version.slug,
        version.name,
        version.message_type,
        version.ttl_seconds,
        version.body,
        version.syntax,
        version.fields,
    )


def _moved(text: Words, before: str, after: str) -> Words:
    """Links to the source's shop lead to the target's."""
    fields = {
        key: {
            name: moved(value, before, after) if name == "fallback" and value else value
            for name, value in said.items()
        }
        for key, said in text.fields.items()
    }
    return replace(text, body=moved(text.body, before, after), fields=fields)


def _place(texts: tuple[Words, ...]) -> tuple[tuple[str, Words, str], ...]:
    """Each text with the slug it gets; one that is there word for word is used as it is."""
    held = templates_by_slug()
    placed = []
    taken = set(held)
    for text in texts:
        there = held.get(text.slug)
        versions = versions_of(there.id) if there is not None else []
        in_use = next(
            (one for one in versions if there and one.id == there.approved_version_id), None
        )
        if there is not None and in_use is not None and _says_the_same(in_use, text):
            placed.append((text.slug, text, "same"))
            continue
        slug = _free(text.slug, taken, 80)
        taken.add(slug)
        placed.append((slug, text, "new"))
    return tuple(placed)


def _says_the_same(held: VersionFacts, text: Words) -> bool:
    def told(fields: Mapping[str, Any]) -> dict[str, Any]:
        return {key: (said.get("fallback"), said.get("required")) for key, said in fields.items()}

    return (held.body, held.syntax, held.message_type, told(held.fields)) == (
        text.body,
        text.syntax,
        text.message_type,
        told(text.fields),
    )


def _missing_texts(bundle: Bundle) -> list[Lack]:
    """Texts that the source itself lacks: a draft may name what nobody has written yet."""
    if bundle.definition is None:
        return []
    named = names_in(bundle.definition, "template") | _answers(bundle.definition)
    return [
        Lack("template", slug, "The flow names it, and it is not written yet")
        for slug in sorted(named - {text.slug for text in bundle.texts})
    ]


def _answers(definition: Any) -> set[str]:
    if isinstance(definition, Mapping):
        replies = definition.get("replies")
        own = set(replies.values()) if isinstance(replies, Mapping) else set()
        return own.union(*(_answers(value) for value in definition.values()))
    if isinstance(definition, list | tuple):
        return set().union(*(_answers(value) for value in definition))
    return set()


def _missing_shop(bundle: Bundle, shop_url: str) -> list[Lack]:
    names_it = bundle.shop_url and any(
        bundle.shop_url in text.body + repr(dict(text.fields)) for text in bundle.texts
    )
    if not names_it or shop_url:
        return []
    detail = "Links lead to the shop, and this client's address is not known: set it in Settings."
    return [Lack("shop", "Shop address", detail, stops=True)]


def _missing_segments(bundle: Bundle) -> list[Lack]:
    named = names_in(bundle.definition, "segment")
    there = set(
        Segment.objects.filter(slug__in=named)
        .exclude(state=Segment.State.ARCHIVED)
        .values_list("slug", flat=True)
    )
    detail = "Make a segment of this name before the flow goes live"
    return [Lack("segment", slug, detail) for slug in sorted(named - there)]


def _missing_events(bundle: Bundle) -> list[Lack]:
    named = names_in(bundle.definition, "event") - RESERVED
    seen = names_seen()
    detail = "This shop has never sent it, so nothing would happen on it"
    return [Lack("event", name, detail) for name in sorted(named - seen)]


def _missing_fields(bundle: Bundle, texts: tuple[tuple[str, Words, str], ...]) -> list[Lack]:
    """Fields that nobody here has a value for: everybody would read the fallback."""
    trigger = (bundle.definition or {}).get("trigger", {})
    event = trigger.get("event") if isinstance(trigger, Mapping) else None
    sample = sample_of(f"event:{event}" if event else "")
    everybody = sample_of("") if event else sample
    found: dict[str, Lack] = {}
    for _, text, _ in texts:
        try:
            mentions = compile(text.body, text.syntax, text.fields).mentions
        except TemplateInvalid:
            continue
        for mention in mentions:
            field = field_for_key(mention.key) or path_field(mention.key)
            if field is None or field.always or mention.key in found:
                continue
            if not sample.share(field) and not everybody.share(field):
                read = f"everybody would read “{mention.fallback}”" if mention.fallback else ""
                detail = "Nobody here has it yet" + (f": {read}" if read else "")
                found[mention.key] = Lack("field", mention.label, detail)
    return [found[key] for key in sorted(found)] + _missing_attributes(bundle)


def _missing_attributes(bundle: Bundle) -> list[Lack]:
    named = names_in(bundle.definition, "attribute")
    if not named:
        return []
    known = {
        name for facts in sample_of("").facts for name, value in facts["contact"].items() if value
    }
    detail = "A split asks about it, and nobody here has it yet"
    return [Lack("field", name, detail) for name in sorted(named - known)]


def _missing_sender() -> list[Lack]:
    if Sender.objects.exists():
        return []
    return [Lack("sender", "Sender", "Sending is not connected: nothing can go out yet")]


def _named_brand(bundle: Bundle, texts: tuple[tuple[str, Words, str], ...]) -> list[Lack]:
    found = []
    for _, text, what in texts:
        words = text.body + " ".join(str(said.get("fallback")) for said in text.fields.values())
        names = [name for name in bundle.brand_names if name and name in words]
        if names and what == "new":
            detail = f"It names {names[0]}: change the words before it goes out"
            found.append(Lack("template", text.name, detail))
    return found


def _free(slug: str, taken: set[str], most: int) -> str:
    if slug not in taken:
        return slug
    base = slug[: most - 4].rstrip("-")
    return next(f"{base}-{n}" for n in range(2, 1000) if f"{base}-{n}" not in taken)
