"""Test texts to the member's own phone: confirming it, sending one, following it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import Problem
from delivery.core.reasons import words
from delivery.core.telling import STATUS_WORDS, TONES
from delivery.domain.numbers import number_to_text
from delivery.domain.test_texts import (
    forget_number,
    newest_test_text,
    open_code,
    own_number,
    send_test_text,
)
from delivery.models import Sender
from tenancy.clock import wall_now
from tenancy.web import workspace_view

PAGES = {"sending": "delivery:sending", "test_texts": "delivery:test_texts"}
_MOVES = frozenset({"scheduled", "queued", "sending", "sent"})


@require_GET
@never_cache
@workspace_view("send")
def own_phone(request: Any) -> HttpResponse:
    """The page of whoever may send test texts but not change how the workspace sends."""
    context = test_context(request, wall=wall_now(), back="test_texts")
    return render(request, "delivery/test_texts.html", context)


@require_GET
@never_cache
@workspace_view("send")
def test_state(request: Any) -> HttpResponse:
    """The card alone: polled while a code is open or a text is on its way."""
    back = request.GET.get("back", "")
    context = test_context(request, wall=wall_now(), back=back if back in PAGES else "test_texts")
    return render(request, "delivery/_test_card.html", context)


@require_POST
@workspace_view("send")
def change_phone(request: Any) -> HttpResponse:
    """`act`: open (a code to text from the phone) or forget."""
    if request.POST.get("act") == "forget":
        forget_number(request.user, now=request.now)
        messages.success(request, "Your phone gets no more test texts.")
    else:
        open_code(request.user.id, wall=wall_now())
    return _back(request)


@require_POST
@workspace_view("send")
def send_test(request: Any) -> HttpResponse:
    try:
        made = send_test_text(request.user, now=request.now, wall=wall_now())
    except Problem as problem:
        messages.error(request, problem.detail)
        return _back(request)
    if made.status == "skipped":
        why = next((check.text for check in made.checks if check.ok is False), "")
        messages.error(request, f"Not sent: {words(made.reason).lower()}. {why}")
    return _back(request)


def test_context(request: Any, *, wall: datetime, back: str) -> dict[str, Any]:
    """What the card of test texts shows to this member."""
    if not request.can("send"):
        return {"own": None}
    own = own_number(request.user.id, wall=wall)
    last = newest_test_text(own.contact_id) if own.contact_id is not None else None
    return {
        "own": own,
        "number_to_text": number_to_text(),
        "can_hear": Sender.objects.exists(),
        "last_test": last,
        "last_status": STATUS_WORDS.get(last.status, last.status) if last else "",
        "last_reason": words(last.reason) if last and last.reason else "",
        "last_tone": TONES.get(last.status, "") if last else "",
        "follows": bool(own.say) or (last is not None and last.status in _MOVES),
        "back": back,
        "wall": wall,
    }


def _back(request: Any) -> HttpResponse:
    page = PAGES.get(request.POST.get("back", ""), PAGES["test_texts"])
    return redirect(page, slug=request.tenant.slug)
