"""What becomes of a flow: started from a recipe, paused, resumed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from tenancy.domain.workspaces import set_shop_url
from tenancy.web import workspace_view
from triggers.domain.flows import pause_flow, resume_flow
from triggers.domain.recipes import install_recipe
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
