"""The flow's page around a panel."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from delivery.models import Message
from triggers.domain.flows import count_overdue
from triggers.models import Flow, FlowRun
from triggers.views.flow_page import FlowPage


def render_flow(page: FlowPage, chosen: str, *, status: int = 200, **more: Any) -> HttpResponse:
    """The whole page with the panel of the step `chosen`. `more` comes last."""
    context = {
        **page.frame(),
        **_dialogs(page),
        "chosen": chosen,
        **page.panel(chosen),
        **more,
    }
    return render(page.request, "triggers/flow.html", context, status=status)


def _dialogs(page: FlowPage) -> dict[str, Any]:
    """What the dialogs say before somebody pauses or resumes."""
    flow = page.flow
    if not page.request.can("publish") or flow.status not in {Flow.Status.LIVE, Flow.Status.PAUSED}:
        return {}
    open_ones = (Message.Status.SCHEDULED, Message.Status.QUEUED)
    texts = Message.objects.filter(flow_id=flow.id, status__in=open_ones, source_kind="flow")
    return {
        "may_pause": True,
        "running": FlowRun.objects.filter(flow=flow, ended_at=None).count(),
        "waiting_texts": texts.count(),
        "overdue": count_overdue(flow, now=page.request.now)
        if flow.status == Flow.Status.PAUSED
        else 0,
    }
