"""A launched campaign: its meter and numbers while it goes, and pausing, resuming, stopping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import Problem
from delivery.core.reasons import words
from tenancy.api_base import path_id
from tenancy.ids import show_id
from tenancy.web import workspace_view
from triggers.core.durations import words_for
from triggers.core.local_times import read_wall_time
from triggers.domain.audiences import excluded_names
from triggers.domain.campaign_numbers import progress_of
from triggers.domain.campaigns import (
    RUNNING,
    access_campaign,
    pause_campaign,
    resume_campaign,
    stop_campaign,
)
from triggers.models import Campaign
from web.templatetags.ui import day_at, place

TONES = {
    "scheduled": "wait",
    "sending": "event",
    "paused": "wait",
    "stopped": "stop",
    "sent": "good",
}
# Often while much happens, then seldom.
_OFTEN, _SELDOM, _AT_FIRST = "2s", "10s", timedelta(minutes=2)


def access(ref: str) -> Campaign:
    return access_campaign(path_id("cmp", ref, "This campaign"))


def live_page(request: Any, campaign: Campaign) -> HttpResponse:
    may_steer = request.can("publish") and campaign.status in RUNNING
    context = {
        **_told(request, campaign),
        "may_steer": may_steer,
        "stops": may_steer and "stop" in request.GET,
        "left_out": excluded_names(campaign),
    }
    return render(request, "triggers/campaign.html", context)


@require_GET
@workspace_view()
def campaign_progress(request: Any, campaign: str) -> HttpResponse:
    """The numbers alone, for polling. A page drawn for another state is loaded anew."""
    found = access(campaign)
    answer = render(request, "triggers/_campaign_progress.html", _told(request, found))
    if request.GET.get("status", found.status) != found.status:
        answer["HX-Refresh"] = "true"
    return answer


@require_POST
@workspace_view("publish")
def pause(request: Any, campaign: str) -> HttpResponse:
    return _steer(request, campaign, pause_campaign, "Paused. Nothing leaves until you resume it.")


@require_POST
@workspace_view("publish")
def resume(request: Any, campaign: str) -> HttpResponse:
    return _steer(request, campaign, resume_campaign, "It goes on. Every text is checked anew.")


@require_POST
@workspace_view("publish")
def stop(request: Any, campaign: str) -> HttpResponse:
    return _steer(request, campaign, stop_campaign, "Stopped. What had not left is canceled.")


def when_words(campaign: Campaign, zone: str) -> str:
    """`Nov 24, 10:00 in Los Angeles`, `Nov 24, 10:00 on each contact's clock`, `At once`."""
    if campaign.timing == Campaign.Timing.AT and campaign.send_at is not None:
        return f"{day_at(campaign.send_at, zone)} in {place(zone)}"
    if campaign.timing == Campaign.Timing.LOCAL and campaign.local_time:
        wall = read_wall_time(campaign.local_time)
        return f"{wall:%b} {wall.day}, {wall:%H:%M} on each contact's clock"
    return "At once"


def _steer(request: Any, ref: str, verb: Callable[..., Campaign], said: str) -> HttpResponse:
    found = access(ref)
    try:
        verb(found, now=request.now, actor=request.user)
        messages.success(request, said)
    except Problem as problem:
        messages.error(request, problem.detail)
    return redirect("triggers:campaign", slug=request.tenant.slug, campaign=ref)


def _told(request: Any, campaign: Campaign) -> dict[str, Any]:
    progress = progress_of(campaign, now=request.now)
    numbers = progress.numbers
    began = campaign.started_at or campaign.launched_at or request.now
    is_new = campaign.status != Campaign.Status.SCHEDULED and request.now - began < _AT_FIRST
    moves = campaign.status in RUNNING or bool(numbers.queued)
    return {
        "campaign": campaign,
        "ref": show_id("cmp", campaign.id),
        "tone": TONES.get(campaign.status, "off"),
        "when": when_words(campaign, request.tenant.timezone),
        "progress": progress,
        "numbers": numbers,
        "left": words_for(progress.left) if progress.left is not None else "",
        "held": [
            (code, words(code), count)
            for code, count in sorted(numbers.held_back.items(), key=lambda one: -one[1])
        ],
        "waiting": [
            (words(code), count)
            for code, count in sorted(numbers.waiting.items(), key=lambda one: -one[1])
        ],
        "under_way": numbers.queued + numbers.waiting_total,
        "never_began": campaign.status == Campaign.Status.STOPPED and not progress.total,
        "every": (_OFTEN if is_new else _SELDOM) if moves else "",
    }
