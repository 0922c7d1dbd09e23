"""The snippet for the shop's pages: its script, and the settings page that gives the code."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import parse_etags
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from events.domain.arrivals import list_arrivals
from tenancy.audit import record_audit
from tenancy.domain.keys import create_write_key, set_origins, site_key
from tenancy.forms import SiteForm
from tenancy.models import WriteKey
from tenancy.web import workspace_view

PERMISSION = "manage_keys"
CALLS = (
    ('kairos.viewed({product_id: "mug", name: "Ridge Mug", price: 24})', "Product Viewed"),
    ('kairos.added({product_id: "mug", quantity: 1, cart_id: "771"})', "Product Added"),
    ('kairos.search("mugs")', "Products Searched"),
    ('kairos.track("Back In Stock Requested", {product_id: "mug"})', "Other events of visitors"),
    ("kairos.id()", "The visitor's id, for your server's identify call"),
    ("kairos.optOut()", "From here on nothing; kairos.optIn() takes it back"),
)
_SCRIPT = Path(__file__).resolve().parents[1] / "site" / "v1.js"
_INDENT = re.compile(rb"^[ ]+", re.MULTILINE)


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """/site/v1.js. The number is a promise: what changes there stays compatible, or becomes v2.

    Kept by browsers for an hour, asked for again by its ETag after that.
    """
    body, etag = _read_script()
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=3600, stale-while-revalidate=86400"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_GET
@never_cache
@workspace_view(PERMISSION)
def site(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def save_site(request: Any) -> HttpResponse:
    """Where the snippet may be used; the first time makes its public write key."""
    form = SiteForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    origins = form.cleaned_data["allowed_origins"]
    key = site_key()
    if key is None:
        key, _ = create_write_key(
            name="Website",
            kind=WriteKey.Kind.PUBLIC,
            allowed_origins=origins,
            created_by=request.user.id,
            now=request.now,
        )
        action = "write_key.create"
    else:
        set_origins(key, origins)
        action = "write_key.origins"
    data = {"origins": origins}
    record_audit(action, target=key.prefix, data=data, actor=request.user, now=request.now)
    messages.success(request, "Saved. The code below works on these sites.")
    return redirect("events:site", slug=request.tenant.slug)


def _page(request: Any, *, form: SiteForm | None = None, status: int = 200) -> HttpResponse:
    key = site_key()
    address = settings.KAIROS_PUBLIC_BASE_URL + reverse("site_script")
    last = list_arrivals(key_id=key.id, limit=1) if key else []
    origins = "\n".join(key.allowed_origins) if key else ""
    context = {
        "key": key,
        "calls": CALLS,
        "code": f'<script async src="{address}" data-key="{key.public_text}"></script>'
        if key
        else "",
        "form": form,
        "origins": form["allowed_origins"].value() if form else origins,
        "last": last[0] if last else None,
    }
    return render(request, "events/site.html", context, status=status)


@lru_cache(maxsize=1)
def _read_script() -> tuple[bytes, str]:
    body = _INDENT.sub(b"", _SCRIPT.read_bytes())
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
