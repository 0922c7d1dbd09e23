"""Settings: events. Which names came, what they carry, where they are used, what may be said."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from api.problems import FieldError, Invalid, Problem
from events.core.masking import mask_body
from events.core.standards import expected_by_default
from events.domain.catalogue import (
    EventTypeFacts,
    find_event_type,
    latest_events,
    list_event_types,
    observations_of,
    set_event_flags,
)
from events.domain.queries import EventRow
from events.domain.usage import Usage, list_usages
from events.views.exporting import PERIODS
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.paging import PAGE_SIZE, read_cursor, write_cursor

PERMISSION = "publish"
ROLES = {
    "starts": "Starts it",
    "ends": "Ends it",
    "waits": "It waits for it",
    "asks": "Asks about it",
}
SOURCES = {"server": "Server key", "public": "Public key", "api": "API key", "internal": "Kairos"}
SHOWS = (("", "Yours"), ("own", "Recorded by Kairos"))
EXPECTED = {"": None, "yes": True, "no": False}


@require_GET
@workspace_view()
def event_types(request: Any) -> HttpResponse:
    """By how many came in 30 days, 25 a page."""
    show = "own" if request.GET.get("show") == "own" else ""
    words = request.GET.get("q", "").strip()[:200]
    rows = [
        row
        for row in list_event_types(now=request.now)
        if row.is_own is (show == "own") and words.casefold() in row.name.casefold()
    ]
    rows.sort(key=_order)
    after = read_cursor(request.GET.get("after", ""), 2)
    if after is not None and after[0].isdecimal():
        rows = [row for row in rows if _order(row) > (-int(after[0]), after[1])]
    shown = rows[:PAGE_SIZE]
    usages = list_usages()
    context = {
        "rows": [
            {"event": row, "uses": usages.get(row.name, []), "wrong": _share(row)} for row in shown
        ],
        "next": write_cursor(str(shown[-1].last_30d), shown[-1].name)
        if len(rows) > PAGE_SIZE
        else "",
        "is_first": after is None,
        "show": show,
        "shows": SHOWS,
        "words": words,
        "periods": PERIODS,
    }
    return render(request, "events/event_types.html", context)


@require_http_methods(["GET", "HEAD"])
@workspace_view()
def event_type(request: Any, name: str) -> HttpResponse:
    """One event name."""
    return _page(request, find_event_type(name, now=request.now))


@require_http_methods(["POST"])
@workspace_view(PERMISSION)
def change_event_type(request: Any, name: str) -> HttpResponse:
    """What customers expect, and what is sensitive."""
    said = request.POST.get("is_expected", "")
    try:
        if said not in EXPECTED:
            raise Invalid([FieldError("is_expected", "unknown", "Choose one of the answers.")])
        set_event_flags(
            name,
            changes={
                "is_expected": EXPECTED[said],
                "is_sensitive": request.POST.get("is_sensitive") == "on",
            },
            actor=request.user,
            now=request.now,
        )
    except Invalid as problem:
        found = find_event_type(name, now=request.now)
        return _page(request, found, problem=problem, status=422)
    messages.success(request, "Saved.")
    return redirect("events:event_type", slug=request.tenant.slug, name=name)


def _page(
    request: Any, event: EventTypeFacts, *, problem: Problem | None = None, status: int = 200
) -> HttpResponse:
    seen = observations_of(event.name)
    uses = list_usages().get(event.name, [])
    context = {
        "event": event,
        "periods": PERIODS,
        "seen": seen,
        "wrong": _share(event),
        "bodies": [_body(request, row) for row in latest_events(event.name)],
        "uses": [(use, ROLES[use.role]) for use in uses],
        "breaking": _breaking(event, uses),
        "may_change": request.can(PERMISSION) and not event.is_own,
        "usually": {True: "yes", False: "no", None: "not said"}[expected_by_default(event.name)],
        "chosen": {None: "", True: "yes", False: "no"}[event.expected_as_set],
        "errors": [error.detail for error in problem.errors] if problem else [],
        "sees_numbers": request.can("view_pii"),
    }
    return render(request, "events/event_type.html", context, status=status)


def _breaking(event: EventTypeFacts, uses: list[Usage]) -> list[Usage]:
    """Live flows whose texts read an event that has become sensitive since."""
    return [use for use in uses if event.is_sensitive and use.live and use.reads]


def _body(request: Any, row: EventRow) -> dict[str, Any]:
    body = {"properties": row.properties, "context": row.context}
    body = {key: value for key, value in body.items() if value}
    shown = body if request.can("view_pii") else mask_body(body)
    return {
        "ref": show_id("evt", row.id),
        "at": row.received_at,
        "source": SOURCES.get(row.source, row.source),
        "contact": show_id("con", row.contact_id) if row.contact_id else "",
        "subject": row.subject_id or "",
        "json": json.dumps(shown, indent=2, ensure_ascii=False),
    }


def _order(row: EventTypeFacts) -> tuple[int, str]:
    return -row.last_30d, row.name


def _share(row: EventTypeFacts) -> float | None:
    """How many of the bodies read were right, in percent; None where nothing can be said."""
    return None if row.valid_share is None else 100 * row.valid_share
