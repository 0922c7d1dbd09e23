"""Settings: what arrives, live. Filters by outcome, name and key; a pause keeps what is on screen."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from events.core.masking import mask_body
from events.core.names import canonical
from events.domain.arrivals import KEPT_ITEMS, OUTCOMES, Arrival, keys_that_send, list_arrivals
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view

PERMISSION = "manage_keys"
SHOWN = 50
TONES = {"accepted": "good", "duplicate": "", "rejected": "stop"}


@require_GET
@workspace_view(PERMISSION)
def arrivals(request: Any) -> HttpResponse:
    return render(request, "events/arrivals.html", _context(request))


@require_GET
@workspace_view(PERMISSION)
def rows(request: Any) -> HttpResponse:
    """The rows alone, for polling."""
    return render(request, "events/_arrivals.html", _context(request))


def _context(request: Any) -> dict[str, Any]:
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    name = request.GET.get("name", "").strip()[:200]
    keys = keys_that_send()
    shown = {show_id("key", key_id): label for key_id, label in keys.items()}
    key = request.GET.get("key", "")
    key = key if key in shown else ""
    found = list_arrivals(
        outcome=outcome or None,
        name=canonical(name) or None,
        key_id=_id(key),
        limit=SHOWN,
    )
    return {
        "rows": [_row(request, one, keys) for one in found],
        "outcome": outcome,
        "outcomes": [("", "All"), *((each, each.capitalize()) for each in OUTCOMES)],
        "name": name,
        "key": key,
        "keys": sorted(shown.items(), key=lambda pair: pair[1]),
        "is_paused": request.GET.get("paused") == "1",
        "kept": KEPT_ITEMS,
        "sees_numbers": request.can("view_pii"),
    }


def _row(request: Any, one: Arrival, keys: dict[Any, str]) -> dict[str, Any]:
    body = one.body if request.can("view_pii") else mask_body(one.body)
    return {
        "one": one,
        "ref": one.id.hex,
        "tone": TONES[one.outcome],
        "key": keys.get(one.key_id, ""),
        "json": json.dumps(body, indent=2, ensure_ascii=False) if body is not None else "",
    }


def _id(key: str) -> Any:
    try:
        return parse_id("key", key)
    except InvalidId:
        return None
