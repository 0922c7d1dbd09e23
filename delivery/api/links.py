"""/t/<token>: write the opening down, lead on. Nothing else happens here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from api.addresses import client_address
from api.problems import NotFound
from delivery.domain.links import Opening, find_target, record_click
from tenancy.clock import business_now, wall_now
from tenancy.crypto import keyed_digest

# Browsers and apps that look ahead say so in one of these.
_PURPOSE_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@csrf_exempt
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """302 to the target with campaign parameters, for GET and HEAD alike; 404 otherwise.

    Who opened it is judged later: a wrong guess here could only lose a customer.
    """
    target = find_target(token)
    if target is None:
        raise NotFound("This link")
    record_click(
        target,
        Opening(
            method=str(request.method),
            user_agent=request.headers.get("User-Agent", "").replace("\x00", ""),
            purpose=_purpose(request),
            address=keyed_digest("click", client_address(request)),
            received_at=wall_now(),
            clicked_at=business_now(),
        ),
    )
    response = HttpResponse(status=302)
    response["Location"] = target.url
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _purpose(request: HttpRequest) -> str:
    said = [request.headers[name] for name in _PURPOSE_HEADERS if name in request.headers]
    return ";".join(said).replace("\x00", "")
