"""Problem details as Django responses, for edges that are plain views."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse

from api.problems import Problem


def request_id(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")


def problem_response(problem: Problem, request: HttpRequest) -> HttpResponse:
    response = HttpResponse(
        orjson.dumps(problem.as_dict(request_id(request))),
        status=problem.status,
        content_type="application/problem+json",
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def json_response(data: object, *, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")
