"""POST /site/visit: the snippet tells which text brought a visitor."""

from __future__ import annotations

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import FieldError, Invalid, Problem
from api.responses import json_response
from delivery.domain.visits import tie_visitor
from events.views.bodies import read_body
from events.views.limits import check_origin, check_rate
from people.core.identifiers import clean_id
from tenancy.clock import business_now
from tenancy.domain.keys import find_key


class _Visit(msgspec.Struct, forbid_unknown_fields=True):
    writeKey: str
    anonymousId: str
    token: str


_decoder = msgspec.json.Decoder(_Visit)


@csrf_exempt
def visit(request: HttpRequest) -> HttpResponse:
    """202 whether or not the token is worth anything: the answer is no way to try tokens out."""
    if request.method != "POST":
        raise Problem(
            "method_not_allowed", "Send a visit by POST.", status=405, headers={"Allow": "POST"}
        )
    given = _read(read_body(request))
    key = find_key(given.writeKey)
    if key is None or key.kind != "public":
        raise Problem("unauthenticated", "A visit takes a public write key.", status=401)
    origin = check_origin(request, key)
    check_rate(request, key.id, 1)
    try:
        anonymous_id = clean_id(given.anonymousId)
    except ValueError as error:
        raise Invalid([FieldError("anonymousId", "invalid_anonymous_id", str(error))]) from None
    if anonymous_id is None:
        raise Invalid(
            [FieldError("anonymousId", "blocked_identifier", "This value stands for nobody.")]
        )
    tie_visitor(
        key.tenant_id,
        token=given.token,
        anonymous_id=anonymous_id,
        key_id=key.id,
        now=business_now(),
    )
    response = json_response({"success": True}, status=202)
    response["Access-Control-Allow-Origin"] = origin
    response["Vary"] = "Origin"
    return response


def _read(body: bytes) -> _Visit:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Invalid([FieldError("", "invalid_body", str(error))]) from None
    except (ValueError, RecursionError):
        raise Problem("malformed_json", "The body is no valid JSON.", status=400) from None
