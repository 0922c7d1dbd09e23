"""Query parameters: an operation takes those it describes, and refuses every other.

`?statsu=failed` answered with all rows looks like an answer, so a misspelled name is a 400.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework.views import APIView

from api.problems import FieldError, Problem

_NAMED = 20
_known: dict[tuple[type, str], tuple[str, ...]] = {}


def refuse_unknown(request: HttpRequest, view: APIView, method: str) -> None:
    """Raises `Problem` unknown_parameter (400) that names each wrong parameter and all known ones."""
    if not request.GET:
        return
    known = known_parameters(view, method)
    unknown = sorted(set(request.GET) - set(known))[:_NAMED]
    if not unknown:
        return
    said = f"Known here: {', '.join(known)}." if known else "This address takes none."
    raise Problem(
        "unknown_parameter",
        f"There is no parameter {unknown[0][:128]!r}. {said}",
        errors=[FieldError(name[:128], "unknown_parameter", said) for name in unknown],
    )


def known_parameters(view: APIView, method: str) -> tuple[str, ...]:
    """Names of the query parameters that the view's description lists for the method, sorted."""
    place = type(view), method
    if place not in _known:
        _known[place] = tuple(sorted(_described(view, method)))
    return _known[place]


def _described(view: APIView, method: str) -> set[str]:
    handler: Any = getattr(view, method.lower())
    kind = getattr(handler, "kwargs", {}).get("schema")
    if kind is None:
        return set()
    told = kind()
    told.view, told.method = view, method
    names: set[str] = set()
    for parameter in told.get_override_parameters():
        if not isinstance(parameter, OpenApiParameter):  # a serializer: one parameter a field
            names |= set(parameter().fields)
        elif parameter.location == OpenApiParameter.QUERY:
            names.add(parameter.name)
    return names
