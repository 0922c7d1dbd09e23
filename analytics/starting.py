"""The checklist on the Home of a new workspace."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from analytics.domain.first_steps import OPEN, first_steps, mark_step
from api.problems import FieldError, Invalid, Problem
from delivery.domain.simulating import connect_simulator
from delivery.domain.simulating import is_running as simulator_is_running
from delivery.models import Gateway
from tenancy.web import workspace_view
from triggers.domain.recipes import list_recipes

SAID = {
    "done": "Marked as done.",
    "skipped": "Skipped. It comes back when you open it again.",
    "open": "Open again.",
}


def checklist_context(request: Any) -> dict[str, Any]:
    """What Home needs of the checklist; empty once every line is done or skipped."""
    found = first_steps(request.tenant)
    if found.is_finished:
        return {}
    may_manage = request.can("manage_settings")
    return {
        "first_steps": found,
        "next_step": next(step.key for step in found.steps if step.state == OPEN),
        "may_mark": may_manage,
        "may_add": request.can("manage_contacts"),
        "may_edit": request.can("edit_messages"),
        "may_publish": request.can("publish"),
        "offers_simulator": may_manage and simulator_is_running(),
        "recipes": list_recipes(),
        "needs_shop": not request.tenant.shop_url,
        "may_set_shop": may_manage,
    }


@require_POST
@workspace_view("manage_settings")
def change_step(request: Any) -> HttpResponse:
    """`act`: skipped, done or open for `step`, or simulator: stay on it for now."""
    act = request.POST.get("act", "")
    if act == "simulator":
        if Gateway.objects.filter(is_live=True).exists():
            raise Problem("in_use", "A gateway is in use already.", status=409)
        connect_simulator(now=request.now)
        messages.success(request, "The carrier simulator is in use. Nothing leaves this machine.")
    elif act in SAID:
        mark_step(request.POST.get("step", ""), act, actor=request.user, now=request.now)
        messages.success(request, SAID[act])
    else:
        raise Invalid([FieldError("act", "invalid_choice", "done, open, skipped or simulator.")])
    return redirect("analytics:home", slug=request.tenant.slug)
