"""What all forms of the Sending page share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from api.problems import Problem
from delivery.views.sending_page import render_page
from tenancy.web import workspace_view

_Act = Callable[..., str | None]


def posted(name: str) -> Callable[[_Act], Callable[..., HttpResponse]]:
    """A POST of this page: what the act says is shown, what it refuses stands beside its field.

    `name`: which form of the page is drawn again with the problem.
    """

    def decorate(act: _Act) -> Callable[..., HttpResponse]:
        @require_POST
        @never_cache
        @workspace_view("manage_settings")
        @wraps(act)
        def view(request: Any, **kwargs: UUID) -> HttpResponse:
            about = str(next(iter(kwargs.values()), ""))
            try:
                said = act(request, **kwargs)
            except Problem as problem:
                if problem.status == 404:
                    raise
                return render_page(request, form=name, about=about, problem=problem)
            if said:
                messages.success(request, said)
            return redirect("delivery:sending", slug=request.tenant.slug)

        return view

    return decorate


def word_of(request: Any, name: str) -> str:
    """A pasted value: spaces around it are the clipboard's."""
    return str(request.POST.get(name, "")).strip()[:400]
