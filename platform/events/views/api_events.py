"""Our own dialect: POST /api/v1/events answers 202 with one result per event."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import Problem
from api.responses import json_response
from events.core.api_spec import decode_body, read_event
from events.domain.ingestion import accept_events
from events.views.answers import summarize
from events.views.bodies import read_body
from events.views.noting import Noting, note_unread
from people.domain.queries import defaults_of
from tenancy.api_base import access_api_key
from tenancy.clock import business_now


@csrf_exempt
def receive_events(request: HttpRequest) -> HttpResponse:
    """{"events": [...], "backfill": false, "sent_at": null} by an API key with events:write."""
    if request.method != "POST":
        raise Problem(
            "method_not_allowed", "Send events by POST.", status=405, headers={"Allow": "POST"}
        )
    key = access_api_key(request, "events:write")
    body = read_body(request)
    try:
        items, backfill, sent_at = decode_body(body)
    except Problem as problem:
        note_unread(key, problem)
        raise
    country = defaults_of(key.tenant_id).country
    read = [read_event(item, country=country, sent_at=sent_at) for item in items]
    note = Noting(key, read, items, now=business_now())
    results = accept_events(
        key.tenant_id, read, source="api", key_id=key.id, backfill=backfill, now=note.now
    )
    note(results)
    return json_response(summarize(results), status=202)
