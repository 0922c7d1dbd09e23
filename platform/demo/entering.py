"""The door of the demo: the printed link logs in whoever sits at this machine, once."""

from __future__ import annotations

import hmac
import ipaddress
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from api.problems import NotFound, Problem
from demo.core.cast import BRANDS, PERSON
from tenancy.models import User


@never_cache
@require_safe
def enter(request: HttpRequest) -> HttpResponse:
    """GET /demo?token=...: only in the demo, only from the loopback address, each token once.

    Raises `Problem` 404 elsewhere, 403 for a used or wrong link.
    """
    if settings.KAIROS_MODE != "demo" or not _is_here(request):
        raise NotFound("This page")
    home = f"/w/{BRANDS[0].slug}/"
    if request.user.is_authenticated:
        return redirect(home)
    user = User.objects.filter(email=PERSON[0]).first()
    if user is None:
        # The first seconds of the first start: the agency is being set up.
        response = render(request, "demo/soon.html", status=200)
        response["Refresh"] = "1"
        return response
    if request.method == "HEAD" or not _take(request.GET.get("token", "")):
        raise Problem(
            "link_used",
            "This link was used already. Stop the demo with Ctrl-C and start it again for a new one.",
            status=403,
        )
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(home)


def _is_here(request: HttpRequest) -> bool:
    # A forwarded request comes from somewhere else, whatever its last hop is.
    if "HTTP_X_FORWARDED_FOR" in request.META:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _take(token: str) -> bool:
    """True once: the file that holds the token is removed by whoever takes it."""
    named = os.environ.get("KAIROS_DEMO_TOKEN_FILE", "")
    path = Path(named) if named else None
    try:
        held = path.read_text().strip() if path else ""
    except OSError:
        return False
    if not held or path is None or not hmac.compare_digest(held.encode(), token.encode()):
        return False
    taken = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.rename(taken)  # of two at once, one finds nothing to rename
    except OSError:
        return False
    taken.unlink(missing_ok=True)
    return True
