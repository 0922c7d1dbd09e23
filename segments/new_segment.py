"""The page where a segment is made from what people did and did not do."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from api.problems import FieldError, Invalid
from events.domain.catalogue import names_seen
from segments.core.lines import DID_NOT, MAX_LINES, Line, check_line, write_definition
from segments.domain.segments import create_segment
from tenancy.web import workspace_view

# A shop that has sent nothing yet can already choose these.
ALWAYS_OFFERED = ("Product Viewed", "Checkout Started", "Order Completed")
_BLANK = (Line(), Line(who=DID_NOT), Line(), Line())


@require_http_methods(["GET", "POST"])
@workspace_view("edit_messages")
def new_segment(request: Any) -> HttpResponse:
    """Asks for a name and lines; a mistake is named at its line and nothing is made."""
    if request.method == "GET":
        return _form(request, list(_BLANK))
    lines = _read_lines(request.POST)
    wrong_lines = {i: said for i, line in enumerate(lines) if (said := _wrong(line))}
    used = [line for line in lines if line.is_used]
    if wrong_lines or not used:
        wrong = {} if used else {"lines": "Choose at least one event."}
        return _form(request, lines, wrong=wrong, wrong_lines=wrong_lines)
    match = request.POST.get("match", "all")
    try:
        segment = create_segment(
            request.POST.get("name", ""),
            definition=write_definition(lines, match=match),
            now=request.now,
        )
    except Invalid as problem:
        return _form(request, lines, wrong=_said(problem.errors))
    messages.success(request, f"{segment.name} is there, and being filled.")
    return redirect("segments:segment", request.tenant.slug, segment.slug)


def _read_lines(form: QueryDict) -> list[Line]:
    columns = [form.getlist(name)[:MAX_LINES] for name in ("who", "event", "count", "days")]
    found = [Line(*each) for each in zip_longest(*columns, fillvalue="")]
    return found + list(_BLANK[len(found) :])


def _wrong(line: Line) -> str:
    return check_line(line) if line.is_used else ""


def _said(errors: Iterable[FieldError]) -> dict[str, str]:
    """By the form's own fields: the slug is made of the name, so its mistakes are the name's."""
    said: dict[str, str] = {}
    for error in errors:
        if error.code == "taken":
            said["name"] = "Another segment has this name. Choose another one."
        elif error.field in {"name", "slug"}:
            said.setdefault("name", "Give the segment a name with letters or digits.")
        else:
            said["lines"] = error.detail
    return said


def _form(
    request: Any,
    lines: list[Line],
    *,
    wrong: dict[str, str] | None = None,
    wrong_lines: dict[int, str] | None = None,
) -> HttpResponse:
    chosen = {line.event.strip() for line in lines if line.is_used}
    context = {
        "name": request.POST.get("name", ""),
        "match": request.POST.get("match", "all"),
        "lines": [
            {"line": line, "wrong": (wrong_lines or {}).get(i, ""), "number": i + 1}
            for i, line in enumerate(lines)
        ],
        "names": sorted(names_seen() | set(ALWAYS_OFFERED) | chosen),
        "wrong": wrong or {},
    }
    refused = bool(wrong or wrong_lines)
    return render(request, "segments/new.html", context, status=422 if refused else 200)
