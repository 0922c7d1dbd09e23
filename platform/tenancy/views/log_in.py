"""Logging in and out, and the door to the workspaces."""

from __future__ import annotations

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from api.problems import Problem
from tenancy.clock import wall_now
from tenancy.domain.logins import check_log_in
from tenancy.domain.queries import workspaces_of
from tenancy.models import User


@never_cache
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    following = request.POST.get("next") or request.GET.get("next") or ""
    if request.method == "GET":
        if request.user.is_authenticated:
            return redirect("tenancy:door")
        return render(request, "tenancy/log_in.html", {"next": following})
    email = request.POST.get("email", "")
    try:
        user = check_log_in(
            request, email=email, password=request.POST.get("password", ""), wall=wall_now()
        )
    except Problem as problem:
        context = {"next": following, "email": email, "problem": problem}
        response = render(request, "tenancy/log_in.html", context, status=problem.status)
        for name, value in problem.headers.items():
            response[name] = value
        return response
    login(request, user)
    safe = url_has_allowed_host_and_scheme(
        following, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(following if safe and following else "tenancy:door")


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("tenancy:log_in")


@never_cache
def door(request: HttpRequest) -> HttpResponse:
    """To the first workspace of whoever is logged in."""
    user = request.user
    if not isinstance(user, User):
        return redirect("tenancy:log_in")
    workspaces = workspaces_of(user)
    if not workspaces:
        return render(request, "tenancy/no_workspace.html", status=403)
    held = request.session.get("workspace")
    slug = next((w.slug for w in workspaces if w.slug == held), workspaces[0].slug)
    return redirect(f"/w/{slug}/")
