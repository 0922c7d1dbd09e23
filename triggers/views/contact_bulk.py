"""What is ticked in the contacts list, or all that it finds: changed at once, after a look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from api.problems import FieldError, Invalid
from people.domain.definitions import attribute_rules, read_rules
from people.domain.listing import list_contacts
from people.filters import read_filters
from people.models import AddedBy
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from triggers.domain.bulk import MOST, BulkDone, change_attribute_of, opt_out_many
from triggers.views.contact_values import HINTS, read_typed, read_value

PERMISSION = "manage_contacts"


@require_POST
@workspace_view(PERMISSION)
def choose(request: Any) -> HttpResponse:
    """From the list: whom, and what can be done with them. Writes nothing."""
    ids, more = _found(request)
    if more:
        said = f"At most {MOST:,} contacts are changed at once. Narrow the list, or import a file."
        messages.error(request, said)
    elif not ids:
        messages.error(request, "Tick the contacts to change, or take all that the list finds.")
    if more or not ids:
        return redirect(_list_of(request))
    return _page(request, ids)


@require_POST
@workspace_view(PERMISSION)
def change(request: Any) -> HttpResponse:
    """Does it: `act` set, clear or opt_out."""
    form, ids = request.POST, _ids(request.POST.get("ids", "").split(","))
    try:
        done, said = _do(request, ids)
    except Invalid as problem:
        return _page(request, ids, problem)
    parts = [f"{said}: {done.changed:,}", f"as it was: {done.unchanged:,}"]
    if done.skipped:
        parts.append(
            f"without a number or gone: {done.skipped:,}"
            if form.get("act") == "opt_out"
            else f"gone: {done.skipped:,}"
        )
    if done.canceled:
        parts.append(f"waiting texts canceled: {done.canceled:,}")
    messages.success(request, f"{'. '.join(parts)}.")
    return redirect("people:contacts", slug=request.tenant.slug)


def _do(request: Any, ids: list[UUID]) -> tuple[BulkDone, str]:
    form, act = request.POST, request.POST.get("act")
    given: dict[str, Any] = {"actor": request.user, "now": request.now}
    if act == "opt_out":
        return opt_out_many(ids, form.get("reason", ""), **given), "Opted out"
    name = form.get("name", "").strip()
    if not name:
        raise Invalid([FieldError("name", "missing", "Name an attribute.")])
    if act == "clear":
        return change_attribute_of(ids, name, None, by=AddedBy.HAND, **given), "Cleared"
    if act != "set":
        raise Invalid([FieldError("act", "invalid_choice", "One of: set, clear, opt_out.")])
    value = _value(name, form.get("value", ""))
    return change_attribute_of(ids, name, value, by=AddedBy.HAND, **given), "Changed"


def _value(name: str, text: str) -> Any:
    """In the declared type, else as a text."""
    rules = attribute_rules()
    rule = rules.get(name)
    try:
        if rule is not None and rule.is_declared:
            value = read_typed(text, rule, rules.zone)
        else:
            value = read_value(text, "text")
    except ValueError as error:
        raise Invalid([FieldError("value", "invalid_value", str(error))]) from None
    if value is None:
        raise Invalid([FieldError("value", "missing", "Write a value, or clear the attribute.")])
    return value


def _found(request: Any) -> tuple[list[UUID], bool]:
    """Whom the list says, and whether there are more than can be changed at once."""
    form = request.POST
    if form.get("act") != "all":
        return _ids(form.getlist("ids")), False
    page = list_contacts(
        search=form.get("q", "").strip()[:200],
        with_personal=request.can("view_pii"),
        filters=read_filters(form).conditions,
        limit=MOST,
    )
    return [one.id for one in page.contacts], page.next_key is not None


def _ids(given: list[str]) -> list[UUID]:
    found = []
    for text in given[:MOST]:
        try:
            found.append(parse_id("con", text.strip()))
        except InvalidId:
            continue
    return found


def _page(request: Any, ids: list[UUID], problem: Invalid | None = None) -> HttpResponse:
    rules = read_rules()
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    context = {
        "ids": ",".join(show_id("con", each) for each in ids),
        "count": len(ids),
        "some": list_contacts(ids=ids, limit=5).contacts if ids else [],
        "names": sorted(rules.by_name),
        "hints": sorted({hint for hint in HINTS.values()}),
        "given": request.POST if problem else {},
        "wrong": wrong,
        "other": [text for name, text in wrong.items() if name not in {"name", "value", "reason"}],
    }
    status = problem.status if problem else 200
    return render(request, "triggers/contact_bulk.html", context, status=status)


def _list_of(request: Any) -> str:
    kept = {name: value for name, value in request.POST.items() if value}
    for name in ("csrfmiddlewaretoken", "workspace", "act", "ids"):
        kept.pop(name, None)
    query = urlencode(kept)
    path = reverse("people:contacts", args=[request.tenant.slug])
    return f"{path}?{query}" if query else path
