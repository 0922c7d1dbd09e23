"""The API edge of a workspace: an API key opens exactly one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from api.parameters import refuse_unknown
from api.problems import FieldError, Invalid, NotFound, Problem
from api.rate import take_request
from api.responses import problem_response
from api.schema import IDEMPOTENCY_HEADER
from tenancy.clock import business_now, wall_now
from tenancy.domain.answers import claim_answer, keep_answer
from tenancy.domain.keys import FoundKey, find_key, note_use
from tenancy.ids import InvalidId, parse_id
from tenancy.scope import tenant_scope


def secret_of(request: HttpRequest) -> str | None:
    """The key a request carries: `Authorization: Bearer <key>`, or Basic with the key as user."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError, UnicodeDecodeError):
            return None
        return text.partition(":")[0] or None
    return None


def access_api_key(request: HttpRequest, scope: str) -> FoundKey:
    """The API key of a request. Raises `Problem` unauthenticated (401) or forbidden (403)."""
    secret = secret_of(request)
    key = find_key(secret) if secret else None
    if key is None:
        raise Problem(
            "unauthenticated",
            "Send an API key: as user name of Basic authorization, or as Bearer token.",
            status=401,
            headers={"WWW-Authenticate": 'Basic realm="Kairos"'},
        )
    if key.kind != "api":
        raise Problem("forbidden", "A write key may only send events.", status=403)
    if scope not in key.scopes:
        raise Problem("forbidden", f"This API key lacks the scope {scope}.", status=403)
    note_use(key, now=business_now)
    return key


_METHODS = ("get", "post", "put", "patch", "delete")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


class TenantAPIView(APIView):
    """A DRF view inside the scope of its API key, counted against the key's rate.

    Subclasses set `required_scope`, or `required_scopes` by method. Handlers find
    `request.tenant_id`, `request.key` and `request.now`. Query parameters that the operation does
    not describe are refused. A POST with an `Idempotency-Key` is done
    once: its answer is kept a day, unless it said no, and given again.
    """

    required_scope: ClassVar[str] = ""
    required_scopes: ClassVar[dict[str, str]] = {}
    # What the description says besides: see `KairosSchema`.
    refusals: ClassVar[dict[str, dict[str, str]]] = {}
    takes_key: ClassVar[bool] = True
    leads_on: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self._taken():
            raise Problem(
                "method_not_allowed",
                "This address does not take that method.",
                status=405,
                headers={"Allow": ", ".join(self._taken())},
            )
        key = access_api_key(request, self.required_scopes.get(method, self.required_scope))
        taken = take_request(key.id.hex)
        context: Any = request
        context.key = key
        context.tenant_id = key.tenant_id
        context.now = business_now()
        try:
            refuse_unknown(request, self, method)
            with tenant_scope(key.tenant_id):
                response = self._answer_once(request, *args, **kwargs)
                if response.status_code >= 400:
                    # An answer that says no must not leave half of the work behind.
                    transaction.set_rollback(True)
        except Problem as problem:
            response = problem_response(problem, request)
        for name, value in taken.headers.items():
            response[name] = value
        return response

    def _answer_once(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get(IDEMPOTENCY_HEADER) if request.method == "POST" else None
        if key is None:
            return self._answer(request, *args, **kwargs)
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            detail = "Use 1 to 200 visible ASCII characters."
            raise Invalid([FieldError(IDEMPOTENCY_HEADER, "invalid_key", detail)])
        route = f"POST {request.path}"[:300]
        asked = b"\0".join((request.get_full_path().encode(), request.body))
        given = claim_answer(
            route, key, fingerprint=hashlib.sha256(asked).hexdigest(), wall=wall_now()
        )
        if given is not None:
            again = HttpResponse(given.body, status=given.status, content_type="application/json")
            again["Idempotent-Replayed"] = "true"
            return again
        response = self._answer(request, *args, **kwargs)
        if response.status_code < 400 and isinstance(response, HttpResponse):
            keep_answer(route, key, status=response.status_code, body=response.content.decode())
        return response

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if hasattr(response, "render") and callable(response.render):
            response.render()
        return response

    def _taken(self) -> list[str]:
        return [name.upper() for name in _METHODS if hasattr(self, name)]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        wrapped = super().initialize_request(request, *args, **kwargs)
        wrapped.request_id = getattr(request, "request_id", "")  # type: ignore[attr-defined]
        return wrapped


def path_id(prefix: str, text: str, what: str = "This") -> UUID:
    """An id from a path. A malformed one is simply not there."""
    try:
        return parse_id(prefix, text)
    except InvalidId:
        raise NotFound(what) from None
