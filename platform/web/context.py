"""What every page's frame needs: the workspace, the side bar, the theme, the demo's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest

from web import nav, notices

THEMES = ("system", "light", "dark")
THEME_COOKIE = "kairos_theme"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame. Reads nothing from the database."""
    tenant = getattr(request, "tenant", None)
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    return {
        "workspace": tenant,
        "nav": nav.links_for(tenant.slug, request.path) if tenant else [],
        "themes": (("system", "System"), ("light", "Light"), ("dark", "Dark")),
        "theme": theme if theme in THEMES else "system",
        "notices": notices.current_notices() if tenant else [],
        "is_demo": settings.KAIROS_MODE == "demo",
        "demo_clock": clock_at(request.now, tenant.timezone)
        if tenant and settings.KAIROS_MODE == "demo" and hasattr(request, "now")
        else "",
    }


class Clock(NamedTuple):
    """`Tue 10:04` and `Los Angeles`."""

    at: str
    place: str


def clock_at(now: datetime, timezone: str) -> Clock:
    """A moment on the wall clock of an IANA zone."""
    place = timezone.rsplit("/", 1)[-1].replace("_", " ")
    return Clock(f"{now.astimezone(ZoneInfo(timezone)):%a %H:%M}", place)


def clock_words(now: datetime, timezone: str) -> str:
    """`Tue 10:04 in Los Angeles` for a moment and an IANA zone."""
    clock = clock_at(now, timezone)
    return f"{clock.at} in {clock.place}"
