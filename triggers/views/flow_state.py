"""What becomes of a flow: started from a recipe, paused, resumed, its people moved."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from tenancy.domain.workspaces import set_shop_url
from tenancy.web import workspace_view
from triggers.domain.flows import pause_flow, resume_flow
from triggers.domain.recipes import install_recipe
from triggers.domain.waits import move_waiting
from triggers.views.flow_page import access_flow


@require_POST
@workspace_view("publish")
def pause(request: Any, flow_slug: str) -> HttpResponse:
    flow, _ = access_flow(flow_slug)
    pause_flow(flow, now=request.now, actor=request.user)
    messages.success(request, f"{flow.name} is paused. Nothing of it is sent, nobody enters.")
    return redirect("triggers:flow", request.tenant.slug, flow.slug)


@require_POST
@workspace_view("publish")
def resume(request: Any, flow_slug: str) -> HttpResponse:
    """`overdue`: continue, skip or exit, for whoever's time passed meanwhile."""
    flow, _ = access_flow(flow_slug)
    overdue: Any = request.POST.get("overdue", "skip")
    resume_flow(flow, overdue=overdue, now=request.now, actor=request.user)
    messages.success(request, f"{flow.name} is live again.")
    return redirect("triggers:flow", request.tenant.slug, flow.slug)


@require_POST
@workspace_view("publish")
def move(request: Any, flow_slug: str, key: str) -> HttpResponse:
    """Whoever waits at a step moves to the delay that is live."""
    flow, _ = access_flow(flow_slug)
    moved = move_waiting(flow, keys=[key], now=request.now, actor=request.user)
    if moved:
        messages.success(request, moved_words(moved))
    else:
        messages.info(request, "Nobody waits here by an earlier delay.")
    address = reverse("triggers:flow", args=[request.tenant.slug, flow.slug])
    return HttpResponseRedirect(f"{address}?step={key}#panel")


def moved_words(count: int) -> str:
    """`12 people moved to the new delay.`"""
    if not count:
        return "Nobody had to be moved."
    return f"{count:,} {'person' if count == 1 else 'people'} moved to the new delay."


@require_POST
@workspace_view("edit_messages")
def start_recipe(request: Any, recipe_slug: str) -> HttpResponse:
    """A draft of the workspace's own. `shop_url` is kept where the workspace has none yet."""
    given = request.POST.get("shop_url", "").strip()
    if given and not request.tenant.shop_url and request.can("manage_settings"):
        set_shop_url(given, now=request.now, actor=request.user)
    flow = install_recipe(recipe_slug, now=request.now, actor=request.user)
    messages.success(
        request, f"{flow.name} is a draft. Read its texts; nothing is sent before you publish it."
    )
    return redirect("triggers:flow", request.tenant.slug, flow.slug)
