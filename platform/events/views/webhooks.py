"""Settings: webhooks. A secret is on screen once, in the answer that made it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.paging import Keyset
from api.problems import FieldError, Invalid, Problem
from events.core.names import canonical
from events.domain.webhook_deliveries import (
    KEPT,
    find_delivery,
    replay_delivery,
    replay_since,
    send_test,
    tally,
)
from events.domain.webhook_sending import ERROR_WORDS
from events.domain.webhooks import (
    OFFERED,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    find_endpoint,
    rotate_secret,
)
from events.models import WebhookDelivery, WebhookEndpoint
from tenancy.api_base import path_id
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.web import workspace_view

PERMISSION = "manage_keys"
HOUR = timedelta(hours=1)
TONES = {"delivered": "good", "pending": "wait", "failed": "stop"}
# "Delivered" is said of texts alone.
STATES = {"pending": "Waiting", "delivered": "Taken", "failed": "Given up"}
# Ids begin with the time they were made: what tells two of them apart is their end.
TAIL = 8
by_id = Keyset(UUID)


@require_GET
@never_cache
@workspace_view(PERMISSION)
def webhook_list(request: Any) -> HttpResponse:
    return _list(request)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def make_webhook(request: Any) -> HttpResponse:
    try:
        endpoint, secret = create_endpoint(
            url=request.POST.get("url", "").strip(),
            event_names=_names(request),
            description=request.POST.get("description", ""),
            created_by=request.user.id,
            now=wall_now(),
        )
    except Invalid as problem:
        return _list(request, errors=_by_field(problem), given=request.POST, status=422)
    _note(request, "created", endpoint)
    return _detail(request, endpoint, secret=secret, status=201)


@require_GET
@never_cache
@workspace_view(PERMISSION)
def webhook(request: Any, hook: str) -> HttpResponse:
    """One webhook with its deliveries, 25 a page."""
    return _detail(request, _found(hook))


@require_GET
@workspace_view(PERMISSION)
def delivery_rows(request: Any, hook: str) -> HttpResponse:
    """The deliveries alone, for polling."""
    return render(request, "events/_deliveries.html", _deliveries(request, _found(hook)))


@require_POST
@never_cache
@workspace_view(PERMISSION)
def change_webhook(request: Any, hook: str) -> HttpResponse:
    endpoint = _found(hook, lock=True)
    try:
        change_endpoint(
            endpoint,
            url=request.POST.get("url", "").strip(),
            event_names=_names(request),
            description=request.POST.get("description", ""),
        )
    except Invalid as problem:
        return _detail(
            request, _found(hook), errors=_by_field(problem), given=request.POST, status=422
        )
    _note(request, "changed", endpoint)
    messages.success(request, "Saved.")
    return _back(request, hook)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def act_on_webhook(request: Any, hook: str) -> HttpResponse:
    """`do`: enable, disable, test, rotate or delete."""
    endpoint = _found(hook, lock=True)
    act = request.POST.get("do", "")
    if act == "enable":
        enable_endpoint(endpoint)
        said = "It is on. What waited goes out now."
    elif act == "disable":
        disable_endpoint(endpoint, reason=f"By {request.user}", now=wall_now())
        said = "It is off. Events pass it by until it is on again."
    elif act == "test":
        send_test(endpoint, now=wall_now())
        messages.success(request, "A test event is on its way.")
        return _back(request, hook)
    elif act == "rotate":
        secret = rotate_secret(endpoint, now=wall_now())
        _note(request, "secret_rotated", endpoint)
        return _detail(request, endpoint, secret=secret, status=201)
    elif act == "delete":
        _note(request, "deleted", endpoint)
        delete_endpoint(endpoint)
        messages.success(request, f"{endpoint.url} hears nothing any more.")
        return redirect("events:webhooks", slug=request.tenant.slug)
    else:
        raise Invalid([FieldError("do", "unknown", "There is no such action.")])
    _note(request, f"{act}d", endpoint)
    messages.success(request, said)
    return _back(request, hook)


@require_POST
@never_cache
@workspace_view(PERMISSION)
def replay(request: Any, hook: str) -> HttpResponse:
    """Sends again: one `delivery`, or everything since a moment on the workspace's wall clock."""
    endpoint = _found(hook)
    chosen = request.POST.get("delivery", "")
    try:
        if chosen:
            key = path_id("whd", chosen, "This delivery")
            replay_delivery(find_delivery(key, endpoint_id=endpoint.id), now=wall_now())
            count = 1
        else:
            since = _moment(request.POST.get("since", ""), request.tenant.timezone)
            count = replay_since(endpoint, since, business=request.now, now=wall_now())
    except Invalid as problem:
        return _detail(request, endpoint, errors=_by_field(problem), status=422)
    _note(request, "replayed", endpoint, deliveries=count)
    messages.success(request, f"{count:,} event{'s' if count != 1 else ''} will be sent again.")
    return _back(request, hook)


def _list(request: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    endpoints = list(WebhookEndpoint.objects.order_by("-id"))
    tallies = tally([each.id for each in endpoints], now=wall_now())
    context = {
        "rows": [(each, show_id("whk", each.id), tallies[each.id]) for each in endpoints],
        "wall": wall_now(),
        **_form(more.pop("given", None), None),
        **more,
    }
    return render(request, "events/webhooks.html", context, status=status)


def _detail(
    request: Any, endpoint: WebhookEndpoint, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        **_deliveries(request, endpoint),
        **_form(more.pop("given", None), endpoint),
        "tally": tally([endpoint.id], now=wall_now())[endpoint.id],
        "since": _since(endpoint, request),
        "both_until": endpoint.old_secret_until
        if endpoint.old_secret_until and endpoint.old_secret_until > wall_now()
        else None,
        **more,
    }
    return render(request, "events/webhook.html", context, status=status)


def _deliveries(request: Any, endpoint: WebhookEndpoint) -> dict[str, Any]:
    state = request.GET.get("state", "")
    state = state if state in WebhookDelivery.State.values else ""
    held = WebhookDelivery.objects.filter(endpoint_id=endpoint.id)
    held = held.filter(state=state) if state else held
    try:
        page = by_id.read({"limit": "25", "cursor": request.GET.get("after", "")})
    except Invalid:
        page = by_id.read({"limit": "25"})
    rows = list(by_id.cut(held, page, "id"))
    more = len(rows) > page.limit
    return {
        "endpoint": endpoint,
        "hook": show_id("whk", endpoint.id),
        "wall": wall_now(),
        "has_other_clock": abs(request.now - wall_now()) > timedelta(minutes=1),
        "state": state,
        "states": [("", "All"), *STATES.items()],
        "deliveries": [
            _delivery(row, endpoint, request.tenant.timezone) for row in rows[: page.limit]
        ],
        "next": by_id.write((rows[page.limit - 1].id,)) if more else "",
        "is_first": not request.GET.get("after"),
    }


def _delivery(row: WebhookDelivery, endpoint: WebhookEndpoint, zone: str) -> dict[str, Any]:
    """One line. `became`: when it was taken or given up, or when it is tried next."""
    ref, now = show_id("whd", row.id), wall_now()
    if row.state != WebhookDelivery.State.PENDING:
        became = _second(row.last_attempt_at, zone)
    elif endpoint.state == WebhookEndpoint.State.DISABLED:
        became = "until the webhook is on again"
    else:
        due = max(moment for moment in (row.due_at, endpoint.retry_at, now) if moment is not None)
        became = f"next try {_second(due, zone)}" if due > now else "next in line"
    return {
        "row": row,
        "ref": ref,
        "tail": ref[-TAIL:],
        "state": STATES[row.state],
        "tone": TONES[row.state],
        "made": _second(row.created_at, zone),
        "became": became,
        "why": ERROR_WORDS.get(row.error, row.error),
    }


def _second(moment: datetime | None, zone: str) -> str:
    """`Nov 21, 10:04:05` on the workspace's wall clock."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%b} {local.day}, {local:%H:%M:%S}"


def _form(given: Any, endpoint: WebhookEndpoint | None) -> dict[str, Any]:
    offered = {name for _, names in OFFERED for name in names}
    if given is not None:
        chosen, url = list(given.getlist("events")), given.get("url", "")
        other, description = given.get("other", ""), given.get("description", "")
    else:
        chosen = endpoint.event_names if endpoint else [name for name in OFFERED[0][1][:3]]
        url, description = (endpoint.url, endpoint.description) if endpoint else ("", "")
        other = "\n".join(name for name in chosen if name not in offered) if endpoint else ""
    return {
        "offered": OFFERED,
        "chosen": chosen,
        "other": other,
        "url": url,
        "description": description,
        "loopback": settings.KAIROS_WEBHOOK_LOOPBACK,
    }


def _names(request: Any) -> list[str]:
    written = request.POST.get("other", "").splitlines()
    return [*request.POST.getlist("events"), *(canonical(line) for line in written if line.strip())]


def _since(endpoint: WebhookEndpoint, request: Any) -> str:
    """What the field starts with: when it went off, else an hour ago, on the workspace's clock."""
    ago = wall_now() - endpoint.disabled_at if endpoint.disabled_at else None
    at = request.now - (min(ago, KEPT - HOUR) if ago else HOUR)
    local = at.astimezone(ZoneInfo(request.tenant.timezone))
    return f"{local:%Y-%m-%dT%H:%M}"


def _moment(text: str, zone: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise Invalid([FieldError("since", "invalid", "Choose a day and a time.")]) from None


def _by_field(problem: Problem) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in problem.errors:
        found.setdefault(error.field, []).append(error.detail)
    return found


def _found(hook: str, *, lock: bool = False) -> WebhookEndpoint:
    return find_endpoint(path_id("whk", hook, "This webhook"), lock=lock)


def _note(request: Any, verb: str, endpoint: WebhookEndpoint, **data: Any) -> None:
    record_audit(
        f"webhook.{verb}",
        target=show_id("whk", endpoint.id),
        data={"url": endpoint.url, **data},
        actor=request.user,
        now=request.now,
    )


def _back(request: Any, hook: str) -> HttpResponse:
    return redirect("events:webhook", slug=request.tenant.slug, hook=hook)
