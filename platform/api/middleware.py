"""A request id for every request; problems raised anywhere become one answer shape."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from api.problems import Moved, NotFound, Problem
from api.responses import problem_response

_API_PATHS = ("/v1/", "/api/", "/webhooks/", "/site/", "/health/", "/ready/")
_REQUEST_ID = re.compile(r"^[\w-]{8,64}$")
logger = logging.getLogger(__name__)


def is_api(request: HttpRequest) -> bool:
    """Whether a machine asks, also where no route matches."""
    return f"{request.path}/".startswith(_API_PATHS)


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        # Somebody else's id is kept when it is harmless, so that logs can be joined.
        request.request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class ProblemMiddleware:
    """Turns `Problem` into problem details for machines and a page for people."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in {404, 405} and is_api(request):
            kind = response.headers.get("Content-Type", "")
            if not kind.startswith(("application/json", "application/problem+json")):
                return problem_response(_of_status(response.status_code), request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, RequestDataTooBig):
            error = Problem("body_too_large", "The body is larger than allowed.", status=413)
        if isinstance(error, Http404) and is_api(request):
            error = NotFound()
        if isinstance(error, OperationalError | InterfaceError) and is_api(request):
            logger.error("database away: %s", type(error).__name__, exc_info=error)
            error = _unavailable()
        if isinstance(error, Moved):
            error.lead(request.method, request.get_full_path())
        if isinstance(error, Problem):
            if error.status in {307, 308}:
                return HttpResponse(status=error.status, headers=error.headers)
            if is_api(request):
                return problem_response(error, request)
            return render(request, "web/problem.html", {"problem": error}, status=error.status)
        if is_api(request):
            logger.error("unhandled error", extra={"path": request.path}, exc_info=error)
            return problem_response(
                Problem("internal_error", "This is our mistake. It is logged.", status=500), request
            )
        return None


def _unavailable() -> Problem:
    """The database is away, restarting, or two requests met in it: the same again will work."""
    return Problem(
        "unavailable",
        "We cannot answer right now. Send it again in a moment.",
        status=503,
        headers={"Retry-After": "1"},
    )


def _of_status(status: int) -> Problem:
    if status == 405:
        return Problem("method_not_allowed", "This address does not take that method.", status=405)
    return NotFound("This address")
