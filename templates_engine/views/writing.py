"""A text is written, rewritten, or an older version of it put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from api.problems import FieldError, Invalid, Problem
from templates_engine.domain.composing import editable
from templates_engine.domain.library import (
    TYPES,
    Entry,
    access_text,
    put_back,
    refuse_used_in_flow,
    rewrite_text,
    write_text,
)
from templates_engine.models import MessageType, Syntax
from tenancy.web import workspace_view
from web.leaving import read_next

# The form's own boxes; every other mistake is one of the words and stands under them.
_BOXES = frozenset({"name", "message_type"})


@require_http_methods(["GET", "POST"])
@workspace_view("edit_messages")
def new_template(request: Any) -> HttpResponse:
    """POST: name, message_type, body; `then` "use" puts it in use, anything else keeps a draft."""
    if request.method == "GET":
        return _form(request, None, body="")
    body = _typed(request)
    approve = _approves(request)
    try:
        version = write_text(
            request.POST.get("name", ""),
            body=body,
            message_type=request.POST.get("message_type", ""),
            now=request.now,
            approve=approve,
            actor=request.user,
        )
    except Invalid as problem:
        return _form(request, None, body=body, errors=problem.errors, status=422)
    slug = version.template.slug
    messages.success(request, "The text can be sent." if approve else "Saved as a draft.")
    return _onward(request, slug)


@require_http_methods(["GET", "POST"])
@workspace_view("edit_messages")
def edit_template(request: Any, template_slug: str) -> HttpResponse:
    """POST: body, base (the version on screen), `then` as for a new one."""
    entry = access_text(template_slug)
    if request.method == "GET":
        refuse_used_in_flow(entry.template)
        return _form(request, entry, body=editable(entry.newest, request.tenant.shop_url))
    body = _typed(request)
    approve = _approves(request)
    base = request.POST.get("base", "")
    try:
        version = rewrite_text(
            entry,
            body=body,
            base=int(base) if base.isascii() and base.isdigit() and len(base) < 9 else 0,
            now=request.now,
            approve=approve,
            actor=request.user,
        )
    except Invalid as problem:
        return _form(request, entry, body=body, errors=problem.errors, status=422)
    except Problem as problem:
        if problem.code != "version_conflict":
            raise
        entry = access_text(template_slug)
        return _form(request, entry, body=body, conflict=problem.detail, status=409)
    said = "is what goes out now" if approve else "is saved as a draft; it does not go out yet"
    messages.success(request, f"Version {version.number} {said}.")
    return _onward(request, entry.template.slug)


@require_POST
@workspace_view("publish")
def use_version(request: Any, template_slug: str, number: int) -> HttpResponse:
    """Puts one version in use: a draft, or an older one again."""
    entry = access_text(template_slug)
    try:
        version = put_back(entry, number, now=request.now, actor=request.user)
    except Problem as problem:
        if problem.status != 422:
            raise
        messages.error(request, f"Version {number} cannot go out. {problem.detail}")
    else:
        messages.success(request, f"Version {version.number} is what goes out now.")
    return redirect("templates_engine:template", request.tenant.slug, template_slug)


def _typed(request: Any) -> str:
    body: str = request.POST.get("body", "").replace("\r\n", "\n")
    return body


def _approves(request: Any) -> bool:
    """Raises `Problem` forbidden for a role that writes and may not let texts out."""
    wants: bool = request.POST.get("then") == "use"
    if wants and not request.can("publish"):
        raise Problem("forbidden", "Your role does not allow this.", status=403)
    return wants


def _onward(request: Any, slug: str) -> HttpResponseRedirect:
    following = read_next(request.POST)
    page = reverse("templates_engine:template", args=[request.tenant.slug, slug])
    return HttpResponseRedirect(following or page)


def _form(
    request: Any,
    entry: Entry | None,
    *,
    body: str,
    errors: Sequence[FieldError] = (),
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    kind = entry.template.message_type if entry else request.POST.get("message_type", "")
    context = {
        "text": entry,
        "is_jinja": entry is not None and entry.newest.syntax != Syntax.BRACKETS,
        "name": request.POST.get("name", ""),
        "message_type": kind if entry or kind in TYPES else str(MessageType.MARKETING),
        "types": [(one.value, one.label) for one in TYPES],
        "body": body,
        "wrong": {one.field: one.detail for one in errors if one.field in _BOXES},
        "faults": [one for one in errors if one.field not in _BOXES],
        "conflict": conflict,
        "may_publish": request.can("publish"),
    }
    return render(request, "templates_engine/edit.html", context, status=status)
