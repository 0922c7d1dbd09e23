"""The door to the settings, and Ctrl K."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from api.problems import Problem
from tenancy.domain.queries import workspaces_of
from tenancy.models import User
from tenancy.web import workspace_view
from web import finding, nav


@require_GET
@workspace_view()
def open_settings(request: Any) -> HttpResponse:
    """To the first settings page this role may see."""
    groups = nav.tabs_for("settings", request)
    if not groups:
        raise Problem("forbidden", "Your role does not allow this.", status=403)
    _, links = groups[0]
    return redirect(links[0].url)


@require_GET
@never_cache
def list_workspaces(request: Any) -> HttpResponse:
    """The switcher's list, fetched when it is first opened: hundreds would weigh on every page."""
    if not isinstance(request.user, User):
        return redirect_to_login("/")
    request.workspaces = workspaces_of(request.user)
    return render(request, "web/_switcher.html", {"here": request.GET.get("here", "")})


def find_workspaces(request: Any, words: str, limit: int) -> Iterable[finding.Hit]:
    """Clients by every word of their name or their agency's. Reads nothing: they are known."""
    wanted = words.lower().split()
    found = (
        finding.Hit(link.name, link.organization, f"/w/{link.slug}/")
        for link in request.workspaces
        if link.slug != request.tenant.slug
        and all(word in f"{link.name} {link.organization}".lower() for word in wanted)
    )
    return islice(found, limit)


@require_GET
@workspace_view()
def find(request: Any) -> HttpResponse:
    """What Ctrl K shows while somebody types: a few hits of each kind."""
    words = request.GET.get("q", "").strip()[:80]
    groups = finding.find(request, words) if words else []
    return render(request, "web/_found.html", {"groups": groups})
