"""All addresses. Each app keeps its own list; this page mounts them."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from config.health import health, ready

# Order matters only for readers: machines first, then people.
_APPS = (
    "api",
    "events",
    "commerce",
    "people",
    "consent",
    "segments",
    "templates_engine",
    "imports",
    "delivery",
    "connectors",
    "triggers",
    "analytics",
    "web",
    "tenancy",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health),
    path("ready", ready),
]
urlpatterns += [path("", include(f"{app}.urls")) for app in _APPS if find_spec(f"{app}.urls")]
if settings.KAIROS_TEST_PHONE and find_spec("demo.urls"):
    urlpatterns += [path("", include("demo.urls"))]

handler404 = "web.views.miss"
handler403 = "web.views.refuse"
handler500 = "web.views.fail"
