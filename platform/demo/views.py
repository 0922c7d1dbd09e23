"""The test phone. Only in demo and test, and it never leaves the machine.

Whatever touches the product from outside (events, taps, replies, the clock) happens after the
workspace's scope has closed: those are other people's requests, not part of this one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import FieldError, Invalid, NotFound, Problem
from consent.domain.facts import facts_for
from demo.domain.client import ShopError
from demo.domain.clock import settle_fully, walk_to
from demo.domain.phone import (
    buttons_for,
    choices,
    line_of,
    press,
    send_reply,
    tap_link,
    thread_of,
)
from people.domain.queries import ContactFacts, contacts_by_id
from tenancy.api_base import path_id
from tenancy.clock import MOVABLE_MODES, business_now
from tenancy.ids import show_id
from tenancy.web import workspace_view
from triggers.domain.timeline import by_day, timeline_of
from web.context import clock_at, clock_words

MOVES = {"60m": timedelta(minutes=60), "6h": timedelta(hours=6)}
MORNING = 9
LOG_LENGTH = 30
Act = Callable[[], object]


@require_GET
@never_cache
@workspace_view()
def test_phone(request: Any) -> HttpResponse:
    people = choices(now=request.now)
    chosen = _chosen(request, people)
    context: dict[str, Any] = {
        "people": [(show_id("con", each.id), each.name or each.external_id) for each in people],
        "may_act": request.can("send"),
        "may_add": request.can("manage_contacts"),
    }
    if chosen is not None:
        context |= _phone(request, chosen)
    return render(request, "demo/test_phone.html", context)


@require_GET
@never_cache
@workspace_view()
def phone_state(request: Any, ref: str) -> HttpResponse:
    """Thread, log, buttons and clock, for polling."""
    return render(request, "demo/_state.html", _phone(request, _contact(ref)))


def _acting(plan: Callable[..., Act]) -> Callable[..., HttpResponse]:
    """A POST that plans inside the workspace's scope, acts outside of it, and shows the phone."""

    @workspace_view("send")
    def planned(request: Any, ref: str) -> HttpResponse:
        request.act = plan(request, _contact(ref))
        return HttpResponse(status=204)

    @workspace_view()
    def shown(request: Any, ref: str) -> HttpResponse:
        said = getattr(request, "opened", "")
        context = {**_phone(request, _contact(ref)), "opened": said}
        return render(request, "demo/_state.html", context)

    @require_POST
    @wraps(plan)
    def view(request: Any, slug: str, ref: str) -> HttpResponse:
        answer = planned(request, slug, ref=ref)
        if answer.status_code != 204:
            return answer
        try:
            request.opened = request.act()
        except ShopError as error:
            raise Problem("demo_refused", str(error)[:200], status=502) from error
        return shown(request, slug, ref=ref)

    return view


@_acting
def fire(request: Any, contact: ContactFacts) -> Act:
    """One of the buttons: the shop sends the event."""
    key = request.POST.get("button", "")
    buttons = {b.key: b for b in buttons_for(request.tenant, contact, now=request.now)}
    if key not in buttons:
        raise NotFound("This button")
    tenant, button = request.tenant, buttons[key]
    return lambda: press(tenant, button, contact)


@_acting
def tap(request: Any, contact: ContactFacts) -> Act:
    """The contact taps a link of a text on the phone."""
    token = request.POST.get("token", "")
    if not any(token == held for b in thread_of(contact) for _, held in b.pieces if held):
        raise NotFound("This link")
    tenant = request.tenant
    return lambda: tap_link(tenant, token)


@_acting
def reply(request: Any, contact: ContactFacts) -> Act:
    """The contact answers."""
    body = request.POST.get("body", "").strip()
    if not body or len(body) > 320:
        raise Invalid([FieldError("body", "length", "Write 1 to 320 characters.")])
    line = line_of()
    return lambda: send_reply(line, contact, body)


@_acting
def move_clock(request: Any, contact: ContactFacts) -> Act:
    """Business time goes forward; everything due on the way happens in its order."""
    move = request.POST.get("move", "")
    if settings.KAIROS_MODE not in MOVABLE_MODES:
        raise NotFound("The clock")
    if move == "morning":
        target = _morning(request.now, _zone(request, contact))
    elif move in MOVES:
        target = request.now + MOVES[move]
    else:
        raise Invalid([FieldError("move", "invalid_choice", "60m, 6h or morning.")])

    def act() -> None:
        walk_to(target, settle=settle_fully)

    return act


def _morning(now: datetime, zone: str) -> datetime:
    """The next 09:00 on the contact's wall clock."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() + timedelta(days=1 if local.hour >= MORNING else 0)
    return datetime(day.year, day.month, day.day, MORNING, tzinfo=ZoneInfo(zone))


def _contact(ref: str) -> ContactFacts:
    contact_id = path_id("con", ref, "This contact")
    found = contacts_by_id([contact_id]).get(contact_id)
    if found is None:
        raise NotFound("This contact")
    return found


def _chosen(request: Any, people: list[ContactFacts]) -> ContactFacts | None:
    ref = request.GET.get("contact", "")
    return _contact(ref) if ref else next(iter(people), None)


def _zone(request: Any, contact: ContactFacts) -> str:
    consent = facts_for([contact], now=request.now)[contact.id]
    known = contact.timezone or next(iter(consent.zones.zones), "")
    return str(known or request.tenant.timezone)


def _phone(request: Any, contact: ContactFacts) -> dict[str, Any]:
    now = business_now()
    zone = _zone(request, contact)
    shop_zone = request.tenant.timezone
    bubbles = thread_of(contact)
    log = timeline_of(
        contact.id,
        zone=shop_zone,
        now=now,
        limit=LOG_LENGTH,
        with_personal=request.can("view_pii"),
    )
    return {
        "contact": contact,
        "ref": show_id("con", contact.id),
        "zone": shop_zone,
        "clock": f"{now.astimezone(ZoneInfo(zone)):%H:%M}",
        "contact_clock": clock_words(now, zone),
        "shop_clock": clock_words(now, shop_zone),
        "demo_clock": clock_at(now, shop_zone),
        "bubbles": [
            (bubble, _day(bubbles[i - 1].at if i else None, bubble.at, zone, now))
            for i, bubble in enumerate(bubbles)
        ],
        "may_move": settings.KAIROS_MODE in MOVABLE_MODES,
        "buttons": buttons_for(request.tenant, contact, now=now),
        "log": by_day(log.items, shop_zone, now),
        "sees_numbers": request.can("view_pii"),
    }


def _day(before: datetime | None, at: datetime, zone: str, now: datetime) -> str:
    """The line above a text when an hour has passed since the one before."""
    if before is not None and at - before < timedelta(hours=1):
        return ""
    place = ZoneInfo(zone)
    local, today = at.astimezone(place), now.astimezone(place).date()
    day = "Today" if local.date() == today else f"{local:%a, %b} {local.day}"
    return f"{day} {local:%H:%M}"
