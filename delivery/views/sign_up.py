"""/join/<page>: the hosted sign-up page. No log-in, no script, no trust in what comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from api.addresses import client_address, network_of
from consent.core.sign_up import Parts, read_name
from consent.domain.attempts import FORMS_PER_ADDRESS, take_attempt
from consent.domain.hooks import number_to_text
from consent.domain.settings import read_compliance
from consent.domain.sign_up import Page, find_tenant, read_page, read_version
from delivery.domain.opting_in import FormOptIn, opt_in_by_form
from people.core.identifiers import clean_phone
from people.domain.queries import workspace_defaults
from tenancy.clock import business_now, wall_now
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id, tenant_scope

SALT = "sign-up page"
OPEN_SECONDS = 24 * 3600
FASTEST_SECONDS = 1.5  # nobody reads the conditions and types a number in less


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest, page: str) -> HttpResponse:
    """The form, and what becomes of it. Every number gets the same answer, known or not."""
    with tenant_scope(_tenant_of(page)):
        shown = read_page()
        if not shown.is_live:
            raise Http404
        if request.method != "POST":
            return _form(request, shown, _Reading())
        network = network_of(client_address(request))
        if not take_attempt(FORMS_PER_ADDRESS, network, wall=wall_now()):
            said = "Too many sign-ups from your network. Try again in a quarter of an hour."
            return _form(request, shown, _Reading(said=said, status=429))
        read = _read(request, shown)
        if read.status != 200:
            return _form(request, shown, read)
        if not request.POST.get("website"):  # people never see that field
            opt_in_by_form(
                FormOptIn(
                    phone=read.phone,
                    first_name=read.first_name,
                    version=read.version,
                    rendered=read.parts.rendered if read.parts else "",
                    url=request.build_absolute_uri(request.path),
                    address=client_address(request),
                    user_agent=_clean(request.headers.get("User-Agent", ""))[:400],
                ),
                now=business_now(),
                wall=wall_now(),
            )
    return redirect("delivery:signed_up", page=page)


@never_cache
@require_safe
def signed_up(request: HttpRequest, page: str) -> HttpResponse:
    """What to do next. Says nothing about any number, so anybody may open it."""
    with tenant_scope(_tenant_of(page)):
        shown = read_page()
        if not shown.is_live:
            raise Http404
        context = {
            "slug": page,
            "brand": shown.parts.brand,
            "double": "web_form" in read_compliance().double_opt_in_sources,
            "number": number_to_text(),
            "accent": _accent(),
        }
    return render(request, "consent/signed_up.html", context)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A form as it was sent: clean values, or what is wrong with them."""

    phone: str = ""
    first_name: str = ""
    version: int = 0
    parts: Parts | None = None
    wrong: dict[str, str] = field(default_factory=dict)
    said: str = ""
    status: int = 200


def _read(request: HttpRequest, page: Page) -> _Reading:
    said = ""
    version, seconds = _read_seen(request.POST.get("seen", ""), page)
    parts = read_version(version) if version else None
    if parts is None:
        said = "This page was open for a long time. Please read it again and sign up."
    elif seconds < FASTEST_SECONDS:
        said = "That was very quick. Please press Sign up once more."
    wrong = {}
    phone, name = "", ""
    try:
        typed = _clean(request.POST.get("phone", "")).strip()
        phone, _ = clean_phone(typed, workspace_defaults().country)
    except ValueError:
        wrong["phone"] = "Enter a mobile number, such as +1 310 555 0142."
    if page.parts.asks_name:
        found = read_name(_clean(request.POST.get("first_name", "")))
        if found is None:
            wrong["first_name"] = "A first name, in letters only."
        name = found or ""
    if request.POST.get("agree") != "yes":
        wrong["agree"] = "Tick the box to agree. Without it we may not text you."
    status = 422 if wrong or said else 200
    return _Reading(phone, name, version, parts, wrong, said, status)


def _form(request: HttpRequest, page: Page, read: _Reading) -> HttpResponse:
    seen = {"page": page.slug, "version": page.version, "at": wall_now().timestamp()}
    given = {name: _clean(request.POST.get(name, ""))[:60] for name in ("phone", "first_name")}
    context = {
        "parts": page.parts,
        "brand": page.parts.brand,
        "seen": signing.dumps(seen, salt=SALT),
        "given": given,
        "wrong": read.wrong,
        "said": read.said,
        "accent": _accent(),
    }
    response = render(request, "consent/sign_up.html", context, status=read.status)
    if read.status == 429:
        response["Retry-After"] = "900"
    return response


def _read_seen(text: str, page: Page) -> tuple[int, float]:
    """Which version was on the screen and for how many seconds; version 0 when it is not ours."""
    try:
        seen: dict[str, Any] = signing.loads(text, salt=SALT, max_age=OPEN_SECONDS)
    except signing.BadSignature:
        return 0, 0.0
    if seen["page"] != page.slug:
        return 0, 0.0
    return int(seen["version"]), wall_now().timestamp() - float(seen["at"])


def _tenant_of(page: str) -> UUID:
    tenant_id = find_tenant(page)
    if tenant_id is None:
        raise Http404
    return tenant_id


def _accent() -> str:
    return str(Tenant.objects.get(id=current_tenant_id()).accent)


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode()
