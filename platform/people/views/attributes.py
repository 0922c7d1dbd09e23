"""Settings: attributes. What contacts have, how well it is told, and what type it is to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from api.problems import FieldError, Invalid
from people.attribute_uses import list_attribute_uses
from people.core.kinds import CHOICE, DECLARABLE, LABELS
from people.core.quality import FLAWS
from people.domain.attribute_list import AttributeFacts, find_attribute, list_attributes
from people.domain.declaring import Trial, declare_attribute, plan_attribute, try_type
from people.domain.described import DOORS
from tenancy.web import workspace_view

PERMISSION = "manage_contacts"
MASK = "•••••"
REASONS = {flaw.code: flaw.reason for flaw in FLAWS} | {
    "stale": "it was told too long ago",
    "wrong_type": "it is not of the declared type",
    "invalid_choice": "it is none of the choices",
}
KINDS = [(kind, LABELS[kind]) for kind in DECLARABLE]


@require_GET
@workspace_view()
def attribute_list(request: Any) -> HttpResponse:
    """Every attribute on one page: there are some hundreds at most."""
    return _list(request)


@require_POST
@workspace_view(PERMISSION)
def make_attribute(request: Any) -> HttpResponse:
    """Declares an attribute that nobody has told yet."""
    name = request.POST.get("name", "").strip()
    try:
        if any(one.name == name for one in list_attributes(now=request.now)):
            raise Invalid([FieldError("name", "taken", "There is an attribute of this name.")])
        changes = _changes(request.POST, None)
        declare_attribute(name, changes, now=request.now, actor=request.user)
    except Invalid as problem:
        return _list(request, problem)
    messages.success(request, f"{name} is declared.")
    return redirect("people:attribute", slug=request.tenant.slug, attribute_name=name)


@require_http_methods(["GET", "HEAD"])
@workspace_view()
def attribute(request: Any, attribute_name: str) -> HttpResponse:
    return _page(request, find_attribute(attribute_name, now=request.now))


@require_POST
@workspace_view(PERMISSION)
def change_attribute(request: Any, attribute_name: str) -> HttpResponse:
    """`act` check says what would not fit and writes nothing; save writes."""
    name = attribute_name
    found = find_attribute(name, now=request.now)
    try:
        changes = _changes(request.POST, found)
        if request.POST.get("act") == "check":
            after = plan_attribute(name, changes)
            return _page(request, replace(found, rule=after), trial=try_type(name, after))
        declare_attribute(name, changes, now=request.now, actor=request.user)
    except Invalid as problem:
        return _page(request, found, problem=problem)
    messages.success(request, "Saved.")
    return redirect("people:attribute", slug=request.tenant.slug, attribute_name=name)


def _changes(form: Any, found: AttributeFacts | None) -> dict[str, Any]:
    """What a form says. Without a type one that was only inferred stays inferred."""
    changes: dict[str, Any] = {"is_sensitive": form.get("is_sensitive") == "on"}
    kind = form.get("kind", "")
    if kind:
        changes["kind"] = kind
    if (kind or (found.rule.kind if found else "")) == CHOICE and "choices" in form:
        said = form["choices"].replace(",", "\n").splitlines()
        changes["choices"] = [each.strip() for each in said if each.strip()]
    kept = form.get("kept_days", "").strip()
    if kept and not (kept.isascii() and kept.isdigit() and len(kept) < 9):
        raise Invalid([FieldError("kept_days", "wrong_type", "Write a number of days.")])
    changes["kept_days"] = int(kept) if kept else None
    return changes


def _list(request: Any, problem: Invalid | None = None) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:128]
    rows = [
        one for one in list_attributes(now=request.now) if words.casefold() in one.name.casefold()
    ]
    uses = list_attribute_uses()
    context = {
        "rows": [_row(request, one, uses.get(one.name, [])) for one in rows],
        "looked_at": rows[0].looked_at if rows else 0,
        "words": words,
        "kinds": KINDS,
        "may_change": request.can(PERMISSION),
        "errors": [error.detail for error in problem.errors] if problem else [],
        "given": request.POST if problem else {},
    }
    return render(
        request, "people/attributes.html", context, status=problem.status if problem else 200
    )


def _row(request: Any, one: AttributeFacts, uses: Any) -> dict[str, Any]:
    return {
        "one": one,
        "kind": LABELS[one.rule.kind],
        "examples": _examples(request, one),
        "door": DOORS.get(one.doors[0][0], "") if one.doors else "",
        "uses": uses,
    }


def _examples(request: Any, one: AttributeFacts) -> list[tuple[str, int]]:
    """The most frequent values; masked where they are sensitive or the role does not see them."""
    if one.rule.is_sensitive or not request.can("view_pii"):
        return [(MASK, many) for _, many in one.examples]
    return one.examples


def _page(
    request: Any,
    one: AttributeFacts,
    *,
    trial: Trial | None = None,
    problem: Invalid | None = None,
) -> HttpResponse:
    hidden = one.rule.is_sensitive or not request.can("view_pii")
    context = {
        "one": one,
        "kind": LABELS[one.rule.kind],
        "kinds": KINDS,
        "has_fixed_kind": one.is_field or one.is_standard,
        "is_choice": one.rule.kind == CHOICE,
        "choices": "\n".join(one.rule.choices),
        "examples": _examples(request, one),
        "reasons": [(REASONS.get(code, code), many) for code, many in one.reasons],
        "doors": [(DOORS.get(by, by) or "Not noted", many) for by, many in one.doors],
        "uses": list_attribute_uses().get(one.name, []),
        "trial": trial,
        "trial_tone": "wait" if trial and trial.unfit else "good",
        "trial_examples": [] if trial is None or hidden else trial.examples,
        "may_change": request.can(PERMISSION),
        "errors": [error.detail for error in problem.errors] if problem else [],
    }
    return render(
        request, "people/attribute.html", context, status=problem.status if problem else 200
    )
