"""The team of an organization: who may enter which of its clients as what. Its web edge."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenancy.clock import wall_now
from tenancy.domain.invites import revoke_invite
from tenancy.domain.members import change_role, invites_for, remove_member, team_of
from tenancy.forms import AccessForm, InviteForm, RoleForm
from tenancy.permissions import grantable_roles
from tenancy.views.access import access_words, find_access, read_access, save_access
from tenancy.views.team import roles_table
from tenancy.web import organization_view


@require_GET
@never_cache
@organization_view("manage_team")
def show_team(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@organization_view("manage_team")
def give_role(request: Any, member_id: UUID) -> HttpResponse:
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    member = change_role(member_id, role=role, by=request.reach, now=request.now)
    messages.success(request, f"{member.user.name} is {member.get_role_display().lower()} now.")
    return _back(request)


@require_POST
@organization_view("manage_team")
def give_access(request: Any, member_id: UUID) -> HttpResponse:
    form = read_access(request.POST, request.clients)
    member = save_access(form, member_id, request.reach, now=request.now)
    if member is None:
        return _page(request, access_id=member_id, access_form=form, status=422)
    messages.success(request, access_words(member))
    return redirect("tenancy:door") if member.user == request.user else _back(request)


@require_POST
@organization_view("manage_team")
def remove(request: Any, member_id: UUID) -> HttpResponse:
    member = remove_member(member_id, by=request.reach, now=request.now)
    messages.success(request, f"{member.user.name} is off the team.")
    return redirect("tenancy:door") if member.user == request.user else _back(request)


@require_POST
@organization_view("manage_team")
def revoke(request: Any, invite_id: UUID) -> HttpResponse:
    gone = revoke_invite(invite_id, by=request.reach, wall=wall_now(), now=request.now)
    messages.success(request, f"The link for {gone.email} opens nothing any more.")
    return _back(request)


def _page(
    request: Any,
    *,
    access_id: UUID | None = None,
    access_form: AccessForm | None = None,
    status: int = 200,
) -> HttpResponse:
    team = team_of(request.reach)
    context = {
        "at": "team",
        "team": team,
        "access": find_access(team, access_id or request.GET.get("access", ""), access_form),
        "clients": request.clients,
        "invites": invites_for(request.reach, wall=wall_now()),
        "invite_form": InviteForm(initial={"reach": "some"}),
        "roles": grantable_roles(request.role),
        "sees_all": request.reach.workspaces is None,
        "table": roles_table(),
    }
    return TemplateResponse(request, "tenancy/agency_team.html", context, status=status)


def _back(request: Any) -> HttpResponse:
    return redirect("tenancy:agency_team", organization=request.organization.slug)
