"""DRF's exceptions in our error shape."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.problems import FieldError, Moved, NotFound, Problem

_CODES = {
    "not_authenticated": "unauthenticated",
    "authentication_failed": "unauthenticated",
    "permission_denied": "forbidden",
    "parse_error": "malformed_json",
    "throttled": "rate_limited",
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    problem = as_problem(error)
    if problem is None:
        return None
    set_rollback()
    request = context["request"]
    if isinstance(problem, Moved):
        problem.lead(request.method, request.get_full_path())
    body = problem.as_dict(getattr(request, "request_id", ""))
    return Response(
        body,
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def as_problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.ValidationError):
        errors = list(_field_errors(error.detail, ""))
        return Problem("invalid", "Some fields cannot be accepted.", status=422, errors=errors)
    if isinstance(error, exceptions.APIException):
        code = error.get_codes()
        name = code if isinstance(code, str) else error.default_code
        headers = {}
        wait = getattr(error, "wait", None)
        if wait:
            headers["Retry-After"] = str(int(wait))
        if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            headers["WWW-Authenticate"] = 'Basic realm="Kairos"'
        return Problem(
            _CODES.get(name, name), str(error.detail), status=error.status_code, headers=headers
        )
    return None


def _field_errors(detail: Any, path: str) -> list[FieldError]:
    if isinstance(detail, dict):
        found: list[FieldError] = []
        for key, value in detail.items():
            # What is wrong with the whole is wrong at its own path.
            own = key == "non_field_errors"
            place = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
            found += _field_errors(value, path if own else place)
        return found
    if isinstance(detail, list):
        found = []
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            found += _field_errors(value, f"{path}[{index}]" if nested else path)
        return found
    return [FieldError(path, getattr(detail, "code", "invalid"), str(detail))]
