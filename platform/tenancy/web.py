"""The web edges: of a workspace, /w/<slug>/..., one scope per request; of an organization,
/agency/<slug>/..., outside of every scope. No stale tab writes to another one's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from api.problems import Problem
from tenancy.clock import business_now
from tenancy.domain.queries import workspaces_of
from tenancy.domain.reach import reach_of
from tenancy.models import Tenant, User
from tenancy.permissions import can
from tenancy.scope import tenant_scope

View = Callable[..., HttpResponse]


def workspace_view(permission: str = "view", *, scoped: bool = True) -> Callable[[View], View]:
    """Opens the workspace named in the URL for a member whose role has `permission`.

    Sets `request.tenant`, `request.role`, `request.workspaces`, `request.now` and
    `request.can(permission)`. Somebody who is no member gets 404, a role that may not 403. A POST
    says for which workspace its page was rendered, in the field `workspace` or the header
    X-Kairos-Workspace; a mismatch is refused with 409, because agencies keep many tabs open.

    `scoped` False: the view runs outside of the scope, for who may see what (members, invitations)
    is no tenant's table; what it returns is still rendered inside (return a `TemplateResponse`).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not isinstance(user, User) or not user.is_active:
                return redirect_to_login(request.get_full_path())
            links = workspaces_of(user)
            link = next((link for link in links if link.slug == slug), None)
            if link is None:
                raise Http404
            if request.method not in {"GET", "HEAD"}:
                said = request.headers.get("X-Kairos-Workspace") or request.POST.get("workspace")
                if said != slug:
                    raise Problem(
                        "workspace_mismatch",
                        "This page was opened for another workspace. Nothing was changed.",
                        status=409,
                    )
            if not can(link.role, permission):
                raise Problem("forbidden", "Your role does not allow this.", status=403)
            context: Any = request
            context.workspaces = links
            context.role = link.role
            context.can = lambda name: can(link.role, name)
            context.now = business_now()
            if not scoped:
                context.tenant = Tenant.objects.select_related(None).get(id=link.id)
                response = view(request, *args, **kwargs)
                with tenant_scope(link.id):
                    return _rendered(response)
            with tenant_scope(link.id):
                context.tenant = Tenant.objects.select_related(None).get(id=link.id)
                # Templates query lazily: they must be done before the scope closes.
                return _rendered(view(request, *args, **kwargs))

        return wrapped

    return decorate


def organization_view(permission: str = "view") -> Callable[[View], View]:
    """Opens the organization named in the URL for a member whose role has `permission`.

    Sets `request.organization`, `request.reach`, `request.role`, `request.workspaces` (for the
    switcher), `request.clients` (those of this organization that the membership names),
    `request.now` and `request.can(permission)`. Nobody else's organization exists: 404. A POST
    names the organization its page was rendered for, in the field `organization`; else 409.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(
            request: HttpRequest, organization: str, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            user = request.user
            if not isinstance(user, User) or not user.is_active:
                return redirect_to_login(request.get_full_path())
            reach = reach_of(user, organization)
            if reach is None:
                raise Http404
            if request.method not in {"GET", "HEAD"}:
                said = request.POST.get("organization")
                if said != organization:
                    raise Problem(
                        "organization_mismatch",
                        "This page was opened for another organization. Nothing was changed.",
                        status=409,
                    )
            if not reach.can(permission):
                raise Problem("forbidden", "Your role does not allow this.", status=403)
            links = workspaces_of(user)
            context: Any = request
            context.organization = reach.organization
            context.reach = reach
            context.role = reach.role
            context.can = reach.can
            context.workspaces = links
            context.clients = [link for link in links if link.organization_slug == organization]
            context.now = business_now()
            return _rendered(view(request, *args, **kwargs))

        return wrapped

    return decorate


def _rendered(response: HttpResponse) -> HttpResponse:
    if hasattr(response, "render") and callable(response.render):
        rendered: HttpResponse = response.render()
        return rendered
    return response
