"""Settings, Sign-up: the hosted page, the opt-in keywords, the confirmation, opt-out links."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid
from consent.core.sign_up import LENGTHS, missing_parts
from consent.domain.hooks import number_to_text
from consent.domain.keywords import MOST, add_keyword, own_keywords, remove_keyword
from consent.domain.opt_out_links import revoke_opt_out_links
from consent.domain.settings import read_compliance, set_consent_choices
from consent.domain.sign_up import check_parts, read_page, save_page
from tenancy.web import workspace_view

LABELS = {
    "headline": ("Headline", ""),
    "intro": ("A sentence below it", "May stay empty."),
    "sends": ("What you text about", "Reads on after “We text you about:”."),
    "frequency": ("How often", "Such as “Up to 6 msgs a month”. It is a promise: keep it."),
    "terms_url": ("Link to your terms", "Needed before the page can go live. Starts with https://"),
    "privacy_url": ("Link to your privacy policy", "Needed too. Starts with https://"),
}
_SOURCE = "web_form"


@require_GET
@workspace_view()
def sign_up_settings(request: Any) -> HttpResponse:
    return _page(request)


@require_POST
@workspace_view("manage_settings")
def save_sign_up(request: Any) -> HttpResponse:
    """The words of the page, and whether it is live."""
    try:
        page = save_page(
            _words(request.POST),
            asks_name="asks_name" in request.POST,
            live="live" in request.POST,
            actor=request.user,
            now=request.now,
        )
    except Invalid as problem:
        return _page(request, problem=problem)
    said = "The page is live." if page.is_live else "The page is off; nobody can open it."
    messages.success(request, f"Saved as version {page.version}. {said}")
    return _back(request)


@require_POST
@workspace_view("manage_settings")
def preview_sign_up(request: Any) -> HttpResponse:
    """The page as it would read with the words in the form. Stores nothing."""
    parts, errors = check_parts(_words(request.POST), asks_name="asks_name" in request.POST)
    context = {"parts": parts, "flaws": {error.field: error.detail for error in errors}}
    return render(request, "consent/_sign_up_preview.html", context)


@require_POST
@workspace_view("manage_settings")
def save_double_opt_in(request: Any) -> HttpResponse:
    """Whether who signs up on the page must confirm with a YES from the phone."""
    sources = set(read_compliance().double_opt_in_sources) - {_SOURCE}
    wanted = sources | ({_SOURCE} if "double" in request.POST else set())
    set_consent_choices(double_opt_in_sources=sorted(wanted), actor=request.user, now=request.now)
    said = "is asked for a YES by text" if _SOURCE in wanted else "is subscribed at once"
    messages.success(request, f"Whoever signs up on the page {said}.")
    return _back(request)


@require_POST
@workspace_view("manage_settings")
def save_keyword(request: Any) -> HttpResponse:
    try:
        word = add_keyword(request.POST.get("word", ""), actor=request.user, now=request.now)
    except Invalid as problem:
        return _page(request, keyword_problem=problem)
    messages.success(request, f"{word.upper()} subscribes from now on.")
    return _back(request)


@require_POST
@workspace_view("manage_settings")
def delete_keyword(request: Any, word: str) -> HttpResponse:
    remove_keyword(word, actor=request.user, now=request.now)
    messages.success(request, f"{word.upper()} means nothing any more.")
    return _back(request)


@require_POST
@workspace_view("manage_settings")
def revoke_links(request: Any) -> HttpResponse:
    revoke_opt_out_links(actor=request.user, now=request.now)
    messages.success(
        request, "Opt-out links made so far lead nowhere now. STOP by text still works."
    )
    return _back(request)


def _back(request: Any) -> HttpResponse:
    return redirect("consent:sign_up_settings", slug=request.tenant.slug)


@lru_cache(maxsize=256)
def _qr(address: str) -> str:
    """The address as a QR code: an SVG in a data URI, black on white in either scheme."""
    return str(segno.make(address, error="m").svg_data_uri(scale=4, border=4, light="#fff"))


def _words(form: QueryDict) -> dict[str, str]:
    return {name: form.get(name, "") for name in LENGTHS}


def _page(
    request: Any, *, problem: Invalid | None = None, keyword_problem: Invalid | None = None
) -> HttpResponse:
    page = read_page()
    parts, live = page.parts, page.is_live
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    if problem:
        parts, _ = check_parts(_words(request.POST), asks_name="asks_name" in request.POST)
        live = "live" in request.POST
    address = f"{settings.KAIROS_PUBLIC_BASE_URL}{reverse('delivery:sign_up', args=[page.slug])}"
    number = number_to_text()
    now_called = request.tenant.sms_name or request.tenant.name
    context = {
        "page": page,
        "parts": parts,
        "live": live,
        "address": address,
        "qr": _qr(address) if page.is_live else "",
        "snippet": f'<a href="{address}">Get our texts</a>',
        "rows": [
            {
                "name": name,
                "label": label,
                "hint": hint,
                "value": getattr(parts, name),
                "error": wrong.get(name, ""),
                "most": LENGTHS[name],
            }
            for name, (label, hint) in LABELS.items()
        ],
        # The page keeps the name that people agreed to until somebody saves it anew.
        "renamed": page.version > 0 and page.parts.brand != now_called,
        "missing": [LABELS[name][0].lower() for name in missing_parts(parts)],
        "keywords": sorted(own_keywords()),
        "most_keywords": MOST,
        "keyword_said": keyword_problem.errors[0].detail if keyword_problem else "",
        "keyword_typed": request.POST.get("word", "") if keyword_problem else "",
        "number": number,
        "call_to_action": parts.call_to_action(number) if number else "",
        "double": _SOURCE in read_compliance().double_opt_in_sources,
        "flaws": wrong,
        "may_change": request.can("manage_settings"),
    }
    status = 422 if problem or keyword_problem else 200
    return render(request, "consent/sign_up_settings.html", context, status=status)
