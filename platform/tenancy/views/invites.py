"""The page behind a one-time link: a new person sets name and password, a known one logs in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid, Problem
from tenancy.clock import business_now, wall_now
from tenancy.domain.invites import accept_as_new, accept_invite, find_invite, workspaces_of_grant
from tenancy.domain.logins import check_pace, count_failure
from tenancy.forms import JoinForm, take_over
from tenancy.models import User


@require_GET
@never_cache
def show_invite(request: HttpRequest, token: str) -> HttpResponse:
    return _page(request, token)


@require_POST
@never_cache
def join_as_new(request: HttpRequest, token: str) -> HttpResponse:
    invite = find_invite(token, wall=wall_now())
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _page(request, token, form=form, status=422)
    check_pace(request, email=invite.email, wall=wall_now())
    try:
        user = accept_as_new(token, **form.cleaned_data, wall=wall_now(), now=business_now())
    except Invalid as problem:
        take_over(form, problem)
        return _page(request, token, form=form, status=422)
    except Problem as problem:
        if problem.code == "not_accepted":
            count_failure(request, email=invite.email, wall=wall_now())
            return _page(request, token, form=form, problem=problem, status=problem.status)
        raise
    login(request, user)
    return redirect("tenancy:door")


@require_POST
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        return redirect(
            f"{reverse('tenancy:log_in')}?next={reverse('tenancy:invite', args=[token])}"
        )
    accept_invite(token, user=user, wall=wall_now(), now=business_now())
    return redirect("tenancy:door")


def _page(request: HttpRequest, token: str, *, status: int = 200, **more: Any) -> HttpResponse:
    invite = find_invite(token, wall=wall_now())
    context = {
        "invite": invite,
        "token": token,
        "clients": workspaces_of_grant(invite),
        "form": JoinForm(),
        "is_theirs": isinstance(request.user, User) and request.user.email == invite.email,
        **more,
    }
    return render(request, "tenancy/invite.html", context, status=status)
