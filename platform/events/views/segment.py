"""The Segment HTTP spec on /v1: answers 200 with one result per item, as its clients expect."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import FieldError, Problem
from api.responses import json_response
from events.core.incoming import Incoming
from events.core.segment_spec import CALLS, SegmentItem, decode_batch, decode_single, read_item
from events.domain.ingestion import REJECTED, ItemResult, accept_events
from events.views.answers import summarize
from events.views.bodies import read_body
from events.views.limits import check_origin, check_rate
from events.views.noting import Noting, note_unread
from people.domain.queries import defaults_of
from tenancy.api_base import secret_of
from tenancy.clock import business_now
from tenancy.domain.keys import FoundKey, find_key

BATCHES = ("batch", "import")
_FORBIDDEN = "forbidden"


@csrf_exempt
def receive(request: HttpRequest, call: str) -> HttpResponse:
    """POST /v1/<call>: one call of the spec, or a batch of them."""
    if call not in CALLS and call not in BATCHES:
        raise Problem("not_found", f"There is no /v1/{call[:40]}.", status=404)
    if request.method == "OPTIONS":
        return _preflight(request)
    if request.method != "POST":
        raise Problem(
            "method_not_allowed", "Send events by POST.", status=405, headers={"Allow": "POST"}
        )
    # A wrong key in the header is said before the body is looked at.
    secret = secret_of(request)
    key = _access(secret) if secret else None
    body = read_body(request)
    try:
        items, in_body = decode_batch(body) if call in BATCHES else decode_single(body, call)
    except Problem as problem:
        note_unread(key, problem)
        raise
    if key is None:
        key = _access(in_body or _first_key(items))
    public = key.kind == "public"
    origin = ""
    if public:
        origin = check_origin(request, key)
        check_rate(request, key.id, max(len(items), 1))
    country = defaults_of(key.tenant_id).country
    read = [read_item(item, country=country, public=public) for item in items]
    note = Noting(key, read, items, now=business_now())
    if call not in BATCHES and read[0].errors:
        note([ItemResult(REJECTED, errors=tuple(read[0].errors))])
        raise _single_problem(read[0])
    results = accept_events(
        key.tenant_id,
        read,
        source=key.kind,
        key_id=key.id,
        backfill=call == "import" and not public,
        now=note.now,
    )
    note(results)
    if call not in BATCHES and results[0].status == REJECTED:
        raise _invalid(results[0].errors)
    answer = summarize(results)
    answer["success"] = answer["rejected"] == 0
    response = json_response(answer)
    return _allow(response, origin) if origin else response


def _access(secret: str | None) -> FoundKey:
    key = find_key(secret) if secret else None
    if key is None:
        raise Problem(
            "unauthenticated",
            "Send a write key: as user name of Basic authorization, or as writeKey in the body.",
            status=401,
            headers={"WWW-Authenticate": 'Basic realm="Kairos"'},
        )
    if key.kind == "api":
        raise Problem("forbidden", "This is an API key; /v1 takes a write key.", status=403)
    return key


def _first_key(items: list[SegmentItem | list[FieldError]]) -> str | None:
    for item in items:
        if isinstance(item, SegmentItem) and item.writeKey:
            return item.writeKey
    return None


def _single_problem(item: Incoming) -> Problem:
    if any(error.code == _FORBIDDEN for error in item.errors):
        return Problem(
            _FORBIDDEN,
            "A public write key may not do this.",
            status=403,
            errors=[error for error in item.errors if error.code == _FORBIDDEN],
        )
    return _invalid(item.errors)


def _invalid(errors: Any) -> Problem:
    return Problem("invalid", "This event cannot be accepted.", status=422, errors=errors)


def _preflight(request: HttpRequest) -> HttpResponse:
    """Browsers ask before they send JSON; which key will be used is not known yet, so any origin
    may ask. The POST itself is checked against the key's allow-list."""
    response = _allow(HttpResponse(status=204), request.headers.get("Origin", "*"))
    response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding"
    response["Access-Control-Max-Age"] = "7200"
    return response


def _allow(response: HttpResponse, origin: str) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = origin
    response["Vary"] = "Origin"
    return response
