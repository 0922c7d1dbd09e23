"""The agency page: an organization's clients, the worst first, and adding one. Its web edge."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analytics.domain.adding import add_client, beginning_for
from analytics.domain.clients import read_clients
from analytics.forms import ClientForm
from api.problems import Invalid, Problem
from delivery.domain.simulating import is_running as simulator_is_running
from tenancy.countries import COUNTRIES
from tenancy.domain.workspace_settings import CURRENCIES
from tenancy.forms import InviteForm, take_over
from tenancy.models import Membership, User
from tenancy.permissions import grantable_roles
from tenancy.waking import wake
from tenancy.web import organization_view


@require_GET
@never_cache
def find_agency(request: HttpRequest) -> HttpResponse:
    """To the first organization of whoever is logged in."""
    user = request.user
    if not isinstance(user, User):
        return redirect("/login/?next=/agency/")
    slug = (
        Membership.objects.filter(user=user)
        .order_by("organization__name", "organization__slug")
        .values_list("organization__slug", flat=True)
        .first()
    )
    if slug is None:
        return render(request, "tenancy/no_workspace.html", status=403)
    return redirect("analytics:agency", organization=slug)


@require_GET
@never_cache
@organization_view()
def show_agency(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@organization_view("manage_clients")
def make_client(request: Any) -> HttpResponse:
    form = ClientForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            workspace = add_client(request.reach, **form.cleaned_data, now=request.now)
        except Invalid as problem:
            take_over(form, problem)
        except Problem as problem:
            form.add_error(None, problem.detail)
            status = problem.status
        else:
            messages.success(request, f"{workspace.name} is ready: its flows wait as drafts.")
            return redirect("analytics:agency", organization=request.organization.slug)
    return _page(request, client_form=form, status=status)


def _page(request: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    clients = read_clients(request.organization.id, request.clients, now=request.now)
    if clients.is_stale and request.clients:
        wake("analytics.bulk_roll_up", queue="bulk", organization_id=str(request.organization.id))
    context = {
        "at": "clients",
        "clients": clients,
        "needs_now": clients.count("stop"),
        "to_look_at": clients.count("wait"),
        "client_form": _client_form(request),
        "zones": time_zones(),
        "countries": COUNTRIES.values(),
        "currencies": CURRENCIES,
        "simulator": simulator_is_running(),
        "invite_form": InviteForm(initial={"reach": "some"}),
        "roles": grantable_roles(request.role),
        "sees_all": request.reach.workspaces is None,
        **more,
    }
    return TemplateResponse(request, "analytics/agency.html", context, status=status)


def _client_form(request: Any) -> ClientForm | None:
    if not request.can("manage_clients"):
        return None
    return ClientForm(initial=asdict(beginning_for(request.reach)))


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """IANA zones by place, without the technical ones."""
    return sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc", "SystemV", "posix", "right"))
    )
