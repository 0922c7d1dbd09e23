"""The kit's own views: a color's stylesheet, the theme cookie, and the error pages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from web.context import THEME_COOKIE, THEMES
from web.theme import accent_css, is_color


@require_GET
@cache_control(public=True, immutable=True, max_age=31_536_000)
def show_accent(request: HttpRequest, color: str) -> HttpResponse:
    """The stylesheet of one color. It depends on nothing but its address."""
    if not is_color(color):
        raise Http404
    return HttpResponse(accent_css(color), content_type="text/css")


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember system, light or dark in a cookie, and go back."""
    theme = request.POST.get("theme", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=31_536_000, samesite="Lax", secure=request.is_secure()
        )
    return response


def refuse(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: logged in, but not allowed this."""
    return show_error(request, 403)


def miss(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: no such page, or one that is not yours to know about."""
    return show_error(request, 404)


def fail(request: HttpRequest) -> HttpResponse:
    """500: our fault. Uses no database."""
    return show_error(request, 500)


def refuse_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of the form protection: the page was open for too long, or cookies are off."""
    return show_error(request, 403, "csrf")


def show_conflict(request: HttpRequest) -> HttpResponse:
    """409: the form was drawn for another workspace, or for an older state."""
    return show_error(request, 409)


def show_error(request: HttpRequest, status: int, kind: str = "") -> HttpResponse:
    """The page of a status, inside the workspace's frame where one is open."""
    title, detail = ERRORS[kind or str(status)]
    problem = {"status": status, "title": title, "detail": detail}
    return render(request, "web/problem.html", {"problem": problem}, status=status)


ERRORS = {
    "403": (
        "You may not do this",
        "Your role in this workspace does not allow it. An owner or admin can change that.",
    ),
    "csrf": (
        "This page was open for too long",
        "Go back, reload it and try again. Nothing was changed.",
    ),
    "404": (
        "There is nothing here",
        "The address is wrong, or what stood here belongs to a workspace you are not in.",
    ),
    "409": (
        "You have changed workspace",
        "This form was opened in another workspace. Nothing was changed. Reload the page first.",
    ),
    "500": (
        "That was our fault",
        "Something went wrong on our side. It has been written down; nothing was half-saved.",
    ),
}
