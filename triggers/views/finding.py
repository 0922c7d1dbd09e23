"""Ctrl K: flows and campaigns by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from tenancy.ids import show_id
from triggers.models import Campaign, Flow
from web.finding import Hit


def find_flows(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """Flows whose name contains what was typed."""
    for flow in Flow.objects.filter(name__icontains=words).order_by("name")[:limit]:
        url = reverse("triggers:flow", args=[request.tenant.slug, flow.slug])
        yield Hit(flow.name, flow.get_status_display(), url)


def find_campaigns(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """Campaigns whose name contains what was typed, newest first."""
    rows = Campaign.objects.filter(name__icontains=words).order_by("-tenant_id", "-created_at")
    for one in rows[:limit]:
        ref = show_id("cmp", one.id)
        url = reverse("triggers:campaign", args=[request.tenant.slug, ref])
        yield Hit(one.name, one.get_status_display(), url)
