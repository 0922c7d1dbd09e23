"""Settings: the team of a workspace. Inviting, from here and from the agency page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid, NotFound
from tenancy.clock import wall_now
from tenancy.domain.invites import create_invite, revoke_invite
from tenancy.domain.members import change_role, invites_for, remove_member, team_of
from tenancy.domain.queries import WorkspaceLink
from tenancy.domain.reach import Reach, reach_of
from tenancy.forms import AccessForm, InviteForm, RoleForm, take_over
from tenancy.permissions import PERMISSIONS, ROLES, can, grantable_roles
from tenancy.views.access import access_words, find_access, read_access, save_access
from tenancy.web import organization_view, workspace_view


@require_GET
@never_cache
@workspace_view("manage_team", scoped=False)
def list_team(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@workspace_view("manage_team", scoped=False)
def invite(request: Any) -> HttpResponse:
    """The link is in this answer and nowhere else."""
    reach = _reach(request)
    form = InviteForm(request.POST, slugs=[link.slug for link in _clients(request, reach)])
    made = _invite(request, form, reach)
    if made is None:
        return _page(request, invite_form=form, status=422)
    return _page(request, **made, status=201)


@require_POST
@never_cache
@organization_view("manage_team")
def invite_to_organization(request: Any) -> HttpResponse:
    form = InviteForm(request.POST, slugs=[link.slug for link in request.clients])
    made = _invite(request, form, request.reach)
    context = {"form": form, "roles": grantable_roles(request.role), **_choices(request.reach)}
    if made is None:
        return TemplateResponse(request, "tenancy/invited.html", context, status=422)
    return TemplateResponse(request, "tenancy/invited.html", context | made, status=201)


@require_POST
@workspace_view("manage_team", scoped=False)
def revoke(request: Any, invite_id: UUID) -> HttpResponse:
    gone = revoke_invite(invite_id, by=_reach(request), wall=wall_now(), now=request.now)
    messages.success(request, f"The link for {gone.email} opens nothing any more.")
    return redirect("tenancy:team", slug=request.tenant.slug)


@require_POST
@workspace_view("manage_team", scoped=False)
def give_role(request: Any, member_id: UUID) -> HttpResponse:
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    member = change_role(member_id, role=role, by=_reach(request), now=request.now)
    messages.success(request, f"{member.user.name} is {member.get_role_display().lower()} now.")
    return redirect("tenancy:team", slug=request.tenant.slug)


@require_POST
@workspace_view("manage_team", scoped=False)
def give_access(request: Any, member_id: UUID) -> HttpResponse:
    reach = _reach(request)
    form = read_access(request.POST, _clients(request, reach))
    member = save_access(form, member_id, reach, now=request.now)
    if member is None:
        return _page(request, access_id=member_id, access_form=form, status=422)
    messages.success(request, access_words(member))
    if member.user == request.user:
        return redirect("tenancy:door")
    return redirect("tenancy:team", slug=request.tenant.slug)


@require_POST
@workspace_view("manage_team", scoped=False)
def remove(request: Any, member_id: UUID) -> HttpResponse:
    member = remove_member(member_id, by=_reach(request), now=request.now)
    messages.success(request, f"{member.user.name} is off the team.")
    if member.user == request.user:
        return redirect("tenancy:door")
    return redirect("tenancy:team", slug=request.tenant.slug)


def roles_table() -> dict[str, Any]:
    """What each role may, for a table of words by roles."""
    return {
        "roles": list(ROLES),
        "rows": [
            (words, [can(role, name) for role in ROLES]) for name, words in PERMISSIONS.items()
        ],
    }


def _invite(request: Any, form: InviteForm, reach: Reach) -> dict[str, Any] | None:
    """What the page with the link needs; None when the form was refused."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    chosen = form.chosen(reach.organization)
    try:
        made, address = create_invite(
            reach.organization,
            email=data["email"],
            role=data["role"],
            workspaces=chosen,
            by=reach,
            wall=wall_now(),
            now=request.now,
        )
    except Invalid as problem:
        take_over(form, problem)
        return None
    return {"made": made, "address": address, "made_count": len(chosen or ())}


def _reach(request: Any) -> Reach:
    reach = reach_of(request.user, _organization_slug(request))
    if reach is None:
        raise NotFound("This organization")
    return reach


def _organization_slug(request: Any) -> str:
    links: list[WorkspaceLink] = request.workspaces
    return next(link.organization_slug for link in links if link.slug == request.tenant.slug)


def _clients(request: Any, reach: Reach) -> list[Any]:
    slug = reach.organization.slug
    return [link for link in request.workspaces if link.organization_slug == slug]


def _choices(reach: Reach) -> dict[str, Any]:
    return {"sees_all": reach.workspaces is None}


def _page(
    request: Any,
    *,
    access_id: UUID | None = None,
    access_form: AccessForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    reach = _reach(request)
    team = team_of(reach, request.tenant)
    context = {
        "team": team,
        "access": find_access(team, access_id or request.GET.get("access", ""), access_form),
        "invites": invites_for(reach, workspace=request.tenant, wall=wall_now()),
        "invite_form": InviteForm(initial={"reach": "some", "workspaces": [request.tenant.slug]}),
        "clients": _clients(request, reach),
        "roles": grantable_roles(reach.role),
        "organization": reach.organization,
        "table": roles_table(),
        **_choices(reach),
        **more,
    }
    return TemplateResponse(request, "tenancy/team.html", context, status=status)
