"""Flows: the list with its recipes, and one flow as a tree with live numbers."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from api.problems import NotFound
from tenancy.web import workspace_view
from triggers.core.words import TRIGGER
from triggers.domain.recipes import list_recipes
from triggers.models import Flow
from triggers.views.flow_edit import edit_context
from triggers.views.flow_frame import render_flow
from triggers.views.flow_page import TONES, FlowPage, access_flow, numbers_of, totals_of


@require_GET
@workspace_view()
def flow_list(request: Any) -> HttpResponse:
    flows = list(
        Flow.objects.exclude(status=Flow.Status.ARCHIVED)
        .select_related("live_version", "draft_version")
        .order_by("-priority", "name")
    )
    numbers = numbers_of(request, flows)
    context = {
        "flows": [
            {
                "flow": flow,
                "tone": TONES[flow.status],
                "starts": _starts(flow),
                "numbers": totals_of(numbers.get(flow.id)),
            }
            for flow in flows
        ],
        "recipes": list_recipes(),
        "may_edit": request.can("edit_messages"),
        "may_set_shop": request.can("manage_settings"),
        "needs_shop": not request.tenant.shop_url,
    }
    return render(request, "triggers/flows.html", context)


@require_GET
@workspace_view()
def flow_page(request: Any, flow_slug: str) -> HttpResponse:
    """The version saved last. `step` opens a panel, with `edit` its form (`keyword`: an answer's)."""
    flow, version = access_flow(flow_slug)
    page = FlowPage(request, flow, version)
    chosen = request.GET.get("step", TRIGGER)
    chosen = chosen if chosen in page.cards else TRIGGER
    more = {}
    if "edit" in request.GET and page.panel(chosen)["edits"]:
        more = edit_context(page, chosen, keyword=request.GET.get("keyword", ""))
    return render_flow(page, chosen, **more)


@require_GET
@workspace_view()
def flow_steps(request: Any, flow_slug: str) -> HttpResponse:
    """The tree alone, for polling."""
    flow, version = access_flow(flow_slug)
    page = FlowPage(request, flow, version)
    context = {"flow": flow, "steps": page.steps(), "chosen": request.GET.get("chosen", "")}
    return render(request, "triggers/_tree.html", context)


@require_GET
@workspace_view()
def flow_step(request: Any, flow_slug: str, key: str) -> HttpResponse:
    """The panel of one step."""
    flow, version = access_flow(flow_slug)
    page = FlowPage(request, flow, version)
    if key not in page.cards:
        raise NotFound("This step")
    return render(request, "triggers/_panel.html", {"flow": flow, **page.panel(key)})


def _starts(flow: Flow) -> str:
    version = flow.live_version or flow.draft_version
    if version is None:
        return ""
    trigger = version.definition.get("trigger", {})
    return str(trigger.get("event") or trigger.get("segment") or "")
