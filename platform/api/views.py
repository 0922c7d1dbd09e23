"""The API's description, for programs and for people. The same for everybody, so it is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from api.reading import Reader


@require_GET
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3 as JSON."""
    return HttpResponse(_schema_bytes(), content_type="application/json")


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The same as a page, without scripts."""
    groups = Reader(openapi(), settings.KAIROS_PUBLIC_BASE_URL).groups()
    return render(request, "api/docs.html", {"groups": groups})


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The description as a dictionary. Made once per process: it takes half a second."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return made


@lru_cache(maxsize=1)
def _schema_bytes() -> bytes:
    return orjson.dumps(openapi(), option=orjson.OPT_NON_STR_KEYS)
