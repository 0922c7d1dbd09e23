"""Copy to clients: choose, look at what is missing where, then copy. An organization's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from api.problems import Invalid, NotFound, Problem
from tenancy.domain.queries import WorkspaceLink
from tenancy.scope import tenant_scope
from tenancy.web import organization_view
from triggers.domain.copying import (
    Bundle,
    CopyPlan,
    check_targets,
    copy_here,
    copyable,
    pack,
    plan_copy,
)

KINDS = {
    "template": "Text",
    "segment": "Segment",
    "field": "Field",
    "event": "Event",
    "sender": "Sender",
    "shop": "Shop",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One client: what would arrive, or has; `problem` where nothing was copied."""

    link: WorkspaceLink
    plan: CopyPlan
    problem: str = ""


@never_cache
@require_http_methods(["GET", "POST"])
@organization_view("manage_clients")
def copy_to_clients(request: Any) -> HttpResponse:
    """GET: the choice, and the dry run once something is chosen. POST copies."""
    given = request.POST if request.method == "POST" else request.GET
    chosen = given.getlist("to")
    source = _link(request, given.get("from") or _first(request))
    context: dict[str, Any] = {"at": "copying", "source": source, "kinds": KINDS}
    if source is None:
        return TemplateResponse(request, "triggers/copying.html", context)
    with tenant_scope(source.id):
        flows, templates = copyable()
    what = given.get("what", "")
    others = [link for link in request.clients if link.id != source.id]
    context |= {
        "flows": flows,
        "templates": templates,
        "what": what,
        "chosen": chosen,
        "others": others,
    }
    if request.method == "GET" and not (what and chosen):
        return TemplateResponse(request, "triggers/copying.html", context)
    targets = [_known(request, slug) for slug in dict.fromkeys(chosen)]
    try:
        check_targets([link.slug for link in targets], source.slug)
    except Invalid as problem:
        context["problem"] = problem
        return TemplateResponse(request, "triggers/copying.html", context, status=422)
    with tenant_scope(source.id):
        bundle = pack(*_what(what))
    is_done = request.method == "POST"
    outcomes = [
        _copy(request, bundle, link) if is_done else _look(bundle, link) for link in targets
    ]
    context |= {"bundle": bundle, "outcomes": outcomes, "done": is_done}
    return TemplateResponse(request, "triggers/copying.html", context)


def _look(bundle: Bundle, link: WorkspaceLink) -> Outcome:
    with tenant_scope(link.id):
        return Outcome(link, plan_copy(bundle))


def _copy(request: Any, bundle: Bundle, link: WorkspaceLink) -> Outcome:
    """Each client in a transaction of its own: one that cannot take it does not stop the others."""
    try:
        with tenant_scope(link.id):
            return Outcome(link, copy_here(bundle, now=request.now, actor=request.user))
    except Problem as problem:
        with tenant_scope(link.id):
            return Outcome(link, plan_copy(bundle), problem.detail)


def _what(text: str) -> tuple[str, str]:
    kind, _, slug = text.partition(":")
    return kind, slug


def _first(request: Any) -> str:
    """The client somebody comes from, else the first."""
    slugs = [link.slug for link in request.clients]
    held = request.session.get("workspace")
    return held if held in slugs else next(iter(slugs), "")


def _link(request: Any, slug: str) -> WorkspaceLink | None:
    return None if not slug else _known(request, slug)


def _known(request: Any, slug: str) -> WorkspaceLink:
    """Raises `NotFound` for what the member does not see."""
    found: WorkspaceLink | None = next(
        (link for link in request.clients if link.slug == slug), None
    )
    if found is None:
        raise NotFound("This client")
    return found
