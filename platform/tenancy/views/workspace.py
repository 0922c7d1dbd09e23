"""Settings: the workspace itself. Thin: the verb validates."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from api.problems import Invalid
from tenancy.domain.workspace_settings import CURRENCIES, change_workspace
from tenancy.web import workspace_view
from web.theme import LEAST_CONTRAST, LIGHT_SURFACE, accent_for, contrast, is_color

FIELDS = (
    "name", "sms_name", "timezone", "country", "currency", "accent", "shop_url", "help_text",
)  # fmt: skip


@require_http_methods(["GET", "POST"])
@workspace_view("manage_settings")
def workspace_settings(request: Any) -> HttpResponse:
    """One form; what is saved is in force within seconds."""
    problem = None
    if request.method == "POST":
        given = {name: request.POST[name] for name in FIELDS if name in request.POST}
        try:
            change_workspace(given, actor=request.user, now=request.now)
        except Invalid as found:
            problem = found
        else:
            messages.success(request, "Workspace saved.")
            return redirect("tenancy:workspace", slug=request.tenant.slug)
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    values = {
        name: request.POST.get(name, "") if problem else getattr(request.tenant, name)
        for name in FIELDS
    }
    context = {
        "values": values,
        "wrong": wrong,
        "zones": sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
        "currencies": CURRENCIES,
        "shades": _shades(values["accent"]),
    }
    return render(
        request, "tenancy/workspace.html", context, status=problem.status if problem else 200
    )


def _shades(color: str) -> dict[str, Any]:
    """How the color reads, and which shades carry text instead where it cannot."""
    color = color.lower()
    if not is_color(color):
        return {}
    accent = accent_for(color)
    return {
        "ratio": f"{contrast(accent.brand, LIGHT_SURFACE):.1f}",
        "least": LEAST_CONTRAST,
        "reads": accent.light == accent.brand,
        "light": accent.light,
        "light_ink": accent.light_ink,
        "dark": accent.dark,
        "dark_ink": accent.dark_ink,
    }
