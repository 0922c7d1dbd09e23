"""Campaigns: the list, and the page where one is written, checked and sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import FieldError, Invalid, Problem
from delivery.core.policy import STOP_NOTICE, says_stop
from delivery.core.reasons import words
from delivery.domain.test_texts import own_number, send_test_text
from segments.domain.queries import live_segments
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.web import workspace_view
from triggers.core.local_times import instant_of, read_wall_time, write_wall_time
from triggers.domain.audiences import audience_of, count_members
from triggers.domain.campaign_drafts import Wanted, create_campaign, save_campaign
from triggers.domain.campaign_numbers import numbers_of
from triggers.domain.campaigns import find_missing, launch_campaign
from triggers.domain.funnels import Funnel, measure_funnel
from triggers.models import Campaign
from triggers.views.campaign_audience import EVERYBODY, tell, tell_campaign
from triggers.views.campaign_live import access, live_page, when_words
from triggers.views.costs import show_price
from web.leaving import read_next
from web.paging import PAGE_SIZE, read_cursor, write_cursor
from web.templatetags.ui import money

TONES = {
    "draft": "off",
    "scheduled": "wait",
    "sending": "event",
    "paused": "wait",
    "stopped": "stop",
    "sent": "good",
}
_LIST_FEES = (
    "Without the carriers' fees, about 0.0025 to 0.0062 USD a part in the US: this is the list"
    " price of a US part."
)
_OWN_FEES = "At your own price a part. The carriers' fees are in it only if you put them there."
# From here on the workspace's name has to be typed before it is sent.
TYPE_NAME_ABOVE = 1000


@require_GET
@workspace_view()
def campaign_list(request: Any) -> HttpResponse:
    after = read_cursor(request.GET.get("after", ""), 1)
    rows = Campaign.objects.select_related("segment").order_by("-tenant_id", "-created_at", "-id")
    if after is not None and (before := _moment(after[0])) is not None:
        rows = rows.filter(created_at__lt=before)
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    numbers = numbers_of([one.id for one in shown])
    context = {
        "rows": [
            {
                "campaign": one,
                "ref": show_id("cmp", one.id),
                "tone": TONES[one.status],
                "who": _who(one),
                "when": when_words(one, request.tenant.timezone),
                "numbers": numbers[one.id],
            }
            for one in shown
        ],
        "next": write_cursor(shown[-1].created_at.isoformat()) if len(found) > PAGE_SIZE else "",
        "is_first": after is None,
        "may_write": request.can("edit_messages"),
    }
    return render(request, "triggers/campaigns.html", context)


@require_POST
@workspace_view("edit_messages")
def new_campaign(request: Any) -> HttpResponse:
    try:
        wanted = Wanted(name=request.POST.get("name", ""))
        campaign = create_campaign(wanted, now=request.now, actor=request.user)
    except Invalid as problem:
        messages.error(request, problem.detail)
        return redirect("triggers:campaigns", slug=request.tenant.slug)
    return _to(request, campaign)


@require_GET
@workspace_view()
def campaign_page(request: Any, campaign: str) -> HttpResponse:
    """The editor of a draft; of a launched one what became of it."""
    found = access(campaign)
    if found.status != Campaign.Status.DRAFT:
        return live_page(request, found)
    return _editor(request, found, review="review" in request.GET and request.can("publish"))


@require_GET
@workspace_view()
def campaign_funnel(request: Any, campaign: str) -> HttpResponse:
    """The checks of what is saved, fetched after the page: counting may take a moment."""
    found = access(campaign)
    context = _checks(found, measure_funnel(found, now=request.now), now=request.now)
    return render(request, "triggers/_campaign_checks.html", {"request": request, **context})


@require_POST
@workspace_view("edit_messages")
def save(request: Any, campaign: str) -> HttpResponse:
    """Saves what stands in the form; then stays, sends a test text, or shows what would be sent.
    `next`: the page somebody was on the way to when asked whether to save."""
    found = access(campaign)
    try:
        found = save_campaign(
            found, _wanted(request.POST, request.tenant.timezone), now=request.now,
            actor=request.user,
        )  # fmt: skip
    except Problem as problem:
        return _editor(request, access(campaign), problem=problem)
    then = request.POST.get("then", "")
    if then == "test":
        return _send_test(request, found)
    if then != "review":
        messages.success(request, "Saved.")
        if following := read_next(request.POST):
            return HttpResponseRedirect(following)
    return _to(request, found, "?review=1" if then == "review" else "")


@require_POST
@workspace_view("publish")
def launch(request: Any, campaign: str) -> HttpResponse:
    found = access(campaign)
    if found.status == Campaign.Status.DRAFT and not _is_confirmed(request, found):
        detail = f"Type {request.tenant.name} to send to this many people."
        problem = Invalid([FieldError("confirm", "not_confirmed", detail)])
        return _editor(request, found, problem=problem, review=True)
    try:
        found = launch_campaign(found, now=request.now, actor=request.user)
    except Problem as problem:
        return _editor(request, found, problem=problem)
    return _to(request, found)


def _is_confirmed(request: Any, campaign: Campaign) -> bool:
    said = request.POST.get("confirm", "").strip()
    if said == request.tenant.name:
        return True
    return count_members(audience_of(campaign)) <= TYPE_NAME_ABOVE


def _send_test(request: Any, campaign: Campaign) -> HttpResponse:
    """To the member's own confirmed phone, through the gate as a test text."""
    if not request.can("send"):
        raise Problem("forbidden", "Your role does not allow this.", status=403)
    if campaign.template_version_id is None:
        messages.error(request, "Write the text first.")
        return _to(request, campaign)
    try:
        decision = send_test_text(
            request.user,
            template_version_id=campaign.template_version_id,
            context={"event": {}, "campaign": campaign.name},
            now=request.now,
            wall=wall_now(),
        )
    except Problem as problem:
        messages.error(request, problem.detail)
        return _to(request, campaign)
    if decision.status == "skipped":
        said = f"Saved. The test text was held back: {words(decision.reason).lower()}."
        messages.error(request, said)
    else:
        messages.success(request, "Saved. A test text is on its way to your phone.")
    return _to(request, campaign)


def _editor(
    request: Any, campaign: Campaign, *, problem: Problem | None = None, review: bool = False
) -> HttpResponse:
    posted = request.POST if problem is not None and "who" in request.POST else None
    segments = list(live_segments())
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    context: dict[str, Any] = {
        "campaign": campaign,
        "ref": show_id("cmp", campaign.id),
        "tone": TONES[campaign.status],
        "segments": segments,
        "problem": problem,
        "wrong": wrong,
        "may_write": request.can("edit_messages"),
        "may_test": request.can("send") and request.can("edit_messages"),
        "may_launch": request.can("publish"),
        "own": own_number(request.user.id, wall=wall_now()),
        **_form(request, campaign, posted),
    }
    context["audience"] = context["who"] if context["who"].startswith("segment:") else ""
    context["told"] = tell(context["who"], context["excluded"], segments)
    if review:
        funnel = measure_funnel(campaign, now=request.now)
        context |= _checks(campaign, funnel, now=request.now)
        context["review"] = not context["missing"]
        context["type_name"] = funnel.selected > TYPE_NAME_ABOVE
        context["when"] = when_words(campaign, request.tenant.timezone)
        context["told"] = tell_campaign(campaign, segments)
        context["stop_words"] = _stop_words(funnel.preview)
    status = problem.status if problem else 200
    return render(request, "triggers/campaign_edit.html", context, status=status)


def _form(request: Any, campaign: Campaign, posted: Any) -> dict[str, Any]:
    """What stands in the fields: what was just posted, else what is saved."""
    if posted is not None:
        return {
            "name": posted.get("name", ""),
            "who": posted.get("who", ""),
            "excluded": posted.getlist("exclude"),
            "body": posted.get("body", ""),
            "timing": posted.get("timing", "now"),
            "wall": posted.get("when", ""),
        }
    who = campaign.audience
    if who == Campaign.Audience.SEGMENT and campaign.segment is not None:
        who = f"segment:{campaign.segment.slug}"
    slugs = {one.id: one.slug for one in live_segments()}
    wall = campaign.local_time
    if campaign.timing == Campaign.Timing.AT and campaign.send_at is not None:
        local = campaign.send_at.astimezone(ZoneInfo(request.tenant.timezone))
        wall = write_wall_time(local)
    return {
        "name": campaign.name,
        "who": who,
        "excluded": [slugs[one] for one in campaign.excluded if one in slugs],
        "body": campaign.template_version.body if campaign.template_version else "",
        "timing": campaign.timing,
        "wall": wall,
    }


def _wanted(form: Any, zone: str) -> Wanted:
    """Raises `Invalid` for a time that cannot be read."""
    audience, _, segment = form.get("who", "").partition(":")
    timing = form.get("timing", "now")
    send_at, local_time = None, None
    if timing in ("at", "local"):
        try:
            wall = read_wall_time(form.get("when", "")[:16])
        except ValueError:
            raise Invalid([FieldError("when", "invalid", "Choose a day and a time.")]) from None
        local_time = write_wall_time(wall) if timing == "local" else None
        send_at = instant_of(wall, zone) if timing == "at" else None
    return Wanted(
        name=form.get("name", ""),
        audience=audience,
        segment=segment or None,
        exclude=form.getlist("exclude"),
        body=form.get("body", ""),
        timing=timing,
        send_at=send_at,
        local_time=local_time,
    )


def _checks(campaign: Campaign, funnel: Funnel, *, now: datetime) -> dict[str, Any]:
    steps = (
        ("Selected", funnel.selected, "with a phone number"),
        ("Subscribed", funnel.subscribed, "to marketing texts, not suppressed"),
        ("Not capped", funnel.not_capped, "by the frequency caps"),
        ("In window", funnel.in_window, _window_words(funnel)),
        ("Will send", funnel.will_send, "with words for everybody"),
    )
    return {
        "campaign": campaign,
        "funnel": funnel,
        "steps": steps,
        "held": [(words(reason), count) for reason, count in funnel.held_back if count],
        "missing": find_missing(campaign, now=now),
        "cost": money(funnel.cost_minor, funnel.price.currency),
        "price": show_price(funnel.price.micros),
        "fee_words": _LIST_FEES if funnel.price.is_list else _OWN_FEES,
    }


def _stop_words(text: str) -> str:
    """Whether the way out stands in this very text, and in whose."""
    line = f"“{STOP_NOTICE}”"
    if text.endswith(STOP_NOTICE):
        return f"{line} is put behind a contact's first text, and again every 30 days."
    if says_stop(text):
        return "The text itself says how to opt out, so nothing is put behind it."
    return f"This contact read {line} less than 30 days ago. Whose first text it is reads it here."


def _window_words(funnel: Funnel) -> str:
    if not funnel.waits:
        return "when it starts"
    return f"{funnel.waits:,} of them wait until theirs opens"


def _who(campaign: Campaign) -> str:
    if campaign.audience == Campaign.Audience.EVERYBODY:
        return EVERYBODY
    return campaign.segment.name if campaign.segment is not None else ""


def _to(request: Any, campaign: Campaign | UUID, query: str = "") -> HttpResponse:
    campaign_id = campaign if isinstance(campaign, UUID) else campaign.id
    found = redirect(
        "triggers:campaign", slug=request.tenant.slug, campaign=show_id("cmp", campaign_id)
    )
    found["Location"] += query
    return found


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
