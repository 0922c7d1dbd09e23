"""Settings: dates that become events when they are reached."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import FieldError, Invalid, Problem
from tenancy.ids import show_id
from tenancy.web import workspace_view
from triggers.core.dates import MOST_DAYS
from triggers.domain.watching import (
    MOST,
    field_choices,
    list_watches,
    read_watch_id,
    unwatch_date,
    watch_date,
)
from triggers.models import WatchedDate

PERMISSION = "publish"
SIDES = [("on", "on the day"), ("before", "days before"), ("after", "days after")]


@require_GET
@workspace_view()
def dates(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@workspace_view(PERMISSION)
def watch(request: Any) -> HttpResponse:
    form = request.POST
    try:
        watch_date(
            form.get("field", ""),
            days=_days(form.get("side", "on"), form.get("days", "").strip()),
            at=form.get("at", "").strip(),
            is_yearly=form.get("yearly") == "on",
            now=request.now,
            actor=request.user,
        )
    except Problem as problem:
        return _page(request, problem)
    messages.success(request, "The date is watched. Flows can start from Date Reached.")
    return redirect("triggers:dates", slug=request.tenant.slug)


@require_POST
@workspace_view(PERMISSION)
def unwatch(request: Any, date: str) -> HttpResponse:
    unwatch_date(read_watch_id(date), now=request.now, actor=request.user)
    messages.success(request, "The date is no longer watched.")
    return redirect("triggers:dates", slug=request.tenant.slug)


def when_words(days: int) -> str:
    """`3 days before`, `on the day`."""
    if days == 0:
        return "on the day"
    unit = "day" if abs(days) == 1 else "days"
    return f"{abs(days)} {unit} {'before' if days < 0 else 'after'}"


def _days(side: str, text: str) -> int:
    """Raises `Invalid`: the number of days is none."""
    if side == "on":
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid([FieldError("days", "wrong_type", "Write a number of days.")])
    return -int(text) if side == "before" else int(text)


def _page(request: Any, problem: Problem | None = None) -> HttpResponse:
    choices = field_choices()
    labels = dict(choices)
    context = {
        "rows": [
            {
                "ref": show_id("dat", facts.watch.id),
                "label": labels.get(facts.watch.field, facts.watch.field),
                "watch": facts.watch,
                "when": when_words(facts.watch.days),
                "waiting": facts.waiting,
                "next_at": facts.next_at,
                "is_filling": facts.watch.state == WatchedDate.State.FILLING,
            }
            for facts in list_watches()
        ],
        "choices": choices,
        "sides": SIDES,
        "most": MOST,
        "most_days": MOST_DAYS,
        "may_change": request.can(PERMISSION),
        "given": request.POST if problem else {"at": "09:00"},
        "errors": _errors(problem) if problem else [],
    }
    status = problem.status if problem else 200
    return render(request, "triggers/dates.html", context, status=status)


def _errors(problem: Problem) -> list[str]:
    return [error.detail for error in problem.errors] or [problem.detail]
