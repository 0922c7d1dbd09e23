"""Where shops and other systems post to. Signed, or refused; stored, then worked on."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import NotFound, Problem
from api.responses import json_response
from connectors.core.kinds import WOOCOMMERCE
from connectors.core.signatures import REASONS
from connectors.domain.processing import process_body
from connectors.domain.receiving import (
    Request,
    find_door,
    judge,
    note_failure,
    note_ping,
    read_headers,
    read_object,
    store_body,
)
from connectors.models import Connector, ReceivedBody
from events.views.bodies import read_body
from events.views.limits import RateLimit
from tenancy.clock import business_now, wall_now
from tenancy.ids import show_id
from tenancy.scope import tenant_scope

logger = logging.getLogger(__name__)

# Per web process: so many refusals and pings of one connector are written down in ten seconds.
_noted = RateLimit(20)
_MAX_PING = 200


@csrf_exempt
def receive(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST /webhooks/in/<public id>: 200 once the body is stored, whatever became of it.

    A shop that hears anything else sends again, and switches its webhook off in the end: what is
    wrong with an item stands in the answer and on the page instead.
    """
    if request.method != "POST":
        raise Problem(
            "method_not_allowed", "A webhook is a POST.", status=405, headers={"Allow": "POST"}
        )
    tenant_id = find_door(public_id)
    if tenant_id is None:
        raise NotFound("This connector")
    with tenant_scope(tenant_id):
        connector = Connector.objects.filter(public_id=public_id).first()
    if connector is None:
        raise NotFound("This connector")
    if connector.kind == WOOCOMMERCE and _is_ping(request):
        _spend(connector)
        with tenant_scope(tenant_id):
            note_ping(connector, wall=wall_now())
        return json_response({"received": "ping"})
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        # The signature is over the bytes as they came: packed ones would be signed packed.
        raise Problem("unsupported_encoding", "Send the body plain.", status=415)
    asked = read_headers(connector.kind, request.headers)
    if asked.signature:  # an unsigned body is not even read
        asked = replace(asked, body=read_body(request))
    reason = judge(connector, asked, wall=wall_now())
    if reason:
        _refuse(tenant_id, connector, asked, reason)
        raise Problem(reason, REASONS[reason], status=401)
    try:
        read_object(asked.body)
    except ValueError as error:
        _refuse(tenant_id, connector, asked, "malformed_json")
        raise Problem("malformed_json", str(error), status=400) from None
    now = business_now()
    with tenant_scope(tenant_id):
        body_id, is_new = store_body(connector, asked, now=now, wall=wall_now())
    if is_new:
        try:
            process_body(tenant_id, body_id, own=True, now=now, wall=wall_now())
        except Exception:  # stored is accepted: the sweep takes it up
            logger.exception("a received body has to wait")
    with tenant_scope(tenant_id):
        body = ReceivedBody.objects.get(id=body_id)
    return json_response(_answer(body, is_new))


def forget_noted() -> None:
    """Empties this process's counts (tests)."""
    _noted.clear()


def _answer(body: ReceivedBody, is_new: bool) -> dict[str, Any]:
    shown = ("event", "status", "code", "detail", "field", "id", "notes")
    return {
        "body": show_id("bdy", body.id),
        "duplicate": not is_new,
        "results": [
            {name: line[name] for name in shown if line.get(name) not in (None, "", [])}
            for line in body.results
        ],
    }


def _is_ping(request: HttpRequest) -> bool:
    """`webhook_id=12`, as a form and without a signature: WooCommerce asks whether anybody is there."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or "X-WC-Webhook-Signature" in request.headers:
        return False
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return False
    if not 0 < length <= _MAX_PING:
        return False
    name, _, number = request.body.partition(b"=")
    return name == b"webhook_id" and number.isdigit()


def _refuse(tenant_id: Any, connector: Connector, asked: Request, reason: str) -> None:
    _spend(connector)
    with tenant_scope(tenant_id):
        note_failure(connector, reason, topic=asked.topic, wall=wall_now())


def _spend(connector: Connector) -> None:
    if not _noted.take(connector.id, 1):
        raise Problem(
            "rate_limited",
            "Too many requests that are not genuine; try again in a few seconds.",
            status=429,
            headers={"Retry-After": "10"},
        )
