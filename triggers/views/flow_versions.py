"""A flow's drafts and history: what would go live, what was, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import Problem
from tenancy.web import workspace_view
from triggers.domain.versions import (
    publish_draft,
    review_draft,
    roll_back,
    version_stories,
    waiting_for_draft,
)
from triggers.models import FlowVersion
from triggers.views.flow_page import TONES, access_flow
from triggers.views.flow_state import moved_words

PAGE = 20


@require_GET
@workspace_view()
def version_list(request: Any, flow_slug: str) -> HttpResponse:
    """Newest first, 20 a page, each with what it changed."""
    flow, newest = access_flow(flow_slug)
    before = _number(request.GET.get("before", ""))
    rows = FlowVersion.objects.filter(flow=flow).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    found = list(rows[: PAGE + 1])
    context = {
        "flow": flow,
        "tone": TONES[flow.status],
        "newest": newest,
        "stories": version_stories(flow, found)[:PAGE],
        "next": found[PAGE - 1].number if len(found) > PAGE else "",
        "is_first": before is None,
        "may_edit": request.can("edit_messages") and flow.status != flow.Status.ARCHIVED,
    }
    return render(request, "triggers/versions.html", context)


@require_GET
@workspace_view("edit_messages")
def review(request: Any, flow_slug: str) -> HttpResponse:
    """What publishing would change, forbids and warns of."""
    return _review(request, flow_slug)


@require_POST
@workspace_view("publish")
def publish(request: Any, flow_slug: str) -> HttpResponse:
    """Puts the version live whose number was reviewed. `move.<step>` = move: whoever waits there
    moves to the new delay."""
    flow, _ = access_flow(flow_slug)
    number = _number(request.POST.get("number", ""))
    move = {
        name.removeprefix("move.")
        for name, chosen in request.POST.items()
        if name.startswith("move.") and chosen == "move"
    }
    try:
        published = publish_draft(
            flow, number=number or 0, move=move, now=request.now, actor=request.user
        )
    except Problem as problem:
        if problem.status not in {409, 422}:
            raise
        return _review(request, flow_slug, problem=problem, status=problem.status)
    paused = published.flow.status == published.flow.Status.PAUSED
    said = "takes effect when the flow is resumed" if paused else "is live"
    moved = f" {moved_words(published.moved)}" if move else ""
    messages.success(request, f"Version {published.version.number} {said}.{moved}")
    return redirect("triggers:flow", request.tenant.slug, flow.slug)


@require_POST
@workspace_view("edit_messages")
def rollback(request: Any, flow_slug: str, number: int) -> HttpResponse:
    """A new draft equal to an old version."""
    flow, newest = access_flow(flow_slug)
    version = roll_back(flow, number=number, now=request.now, actor=request.user)
    if version.id == newest.id:
        messages.info(request, f"Version {version.number} says the same already.")
    else:
        messages.success(
            request, f"Version {version.number} says what version {number} said. Not live yet."
        )
    return redirect("triggers:flow_review", request.tenant.slug, flow.slug)


def _review(
    request: Any, flow_slug: str, *, problem: Problem | None = None, status: int = 200
) -> HttpResponse:
    flow, _ = access_flow(flow_slug)
    context = {
        "flow": flow,
        "tone": TONES[flow.status],
        "review": review_draft(flow),
        "waits": waiting_for_draft(flow, now=request.now) if request.can("publish") else (),
        "problem": problem,
        "may_publish": request.can("publish") and flow.status != flow.Status.ARCHIVED,
    }
    return render(request, "triggers/review.html", context, status=status)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
