"""/stop/<sealed token>: the public opt-out page. Looking changes nothing, whoever or whatever looks."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from api.addresses import client_address
from consent.domain.hooks import number_to_text
from consent.domain.opt_outs import OptOut
from consent.domain.queries import is_unsubscribed
from delivery.domain.opting_out import (
    ended_types,
    ends_everything,
    is_current,
    opt_out,
    read_opt_out_token,
)
from tenancy.clock import business_now
from tenancy.models import Tenant
from tenancy.scope import tenant_scope

SOURCE = "preference_center"


# The token is all the right there is: without cookies, too, somebody must be able to leave.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def opt_out_page(request: HttpRequest, sealed: str) -> HttpResponse:
    """GET says what would happen, POST does it. 404 for a link that is not ours or was revoked."""
    read = read_opt_out_token(sealed)
    if read is None:
        raise Http404
    with tenant_scope(read.tenant_id):
        tenant = Tenant.objects.filter(id=read.tenant_id, is_active=True).first()
        if tenant is None or not is_current(read):
            raise Http404
        if request.method == "POST":
            now = business_now()
            opt_out(
                OptOut(
                    phone=read.phone,
                    contact_id=None,
                    source=SOURCE,
                    evidence={
                        "ip_address": client_address(request),
                        "user_agent": request.headers.get("User-Agent", "").replace("\x00", "")[
                            :400
                        ],
                    },
                    occurred_at=now,
                    rule="opt_out_link",
                ),
                now=now,
            )
            response: HttpResponse = redirect("delivery:opt_out", sealed=sealed)
            response.status_code = 303
        else:
            context = {
                "brand": tenant.sms_name or tenant.name,
                "accent": tenant.accent,
                "phone": read.phone,
                "is_out": is_unsubscribed(read.phone, ended_types(SOURCE)),
                "everything": ends_everything(),
                "number": number_to_text(),
            }
            response = render(request, "delivery/opt_out.html", context)
    # The address is a key: it must not travel to other pages.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
