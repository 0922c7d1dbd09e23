"""The messages list: everything that was sent and everything that was held back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from delivery.core.periods import LABELS, MONTH, Period, period_of
from delivery.core.reasons import words
from delivery.domain.history import (
    NO_REASON,
    HeldBack,
    MessageStory,
    count_by_outcome,
    count_held,
    list_messages,
)
from people.domain.queries import contacts_by_id
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.paging import read_cursor, write_cursor

HELD = "held"
# The tabs of the list, in the order of a message's life.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", ()),
    "waiting": ("Waiting", ("scheduled", "queued", "sending")),
    "sent": ("Sent", ("sent", "delivered")),
    HELD: ("Held back", ()),
    "skipped": ("Skipped", ("skipped",)),
    "failed": ("Failed", ("undelivered", "failed")),
    "canceled": ("Canceled", ("canceled",)),
}
SHOWN = ("", "waiting", "sent", "skipped", "failed", "canceled")


@require_GET
@workspace_view()
def message_list(request: Any) -> HttpResponse:
    """25 a page, by `period`, `status` (a group) and `reason` (a code, or none)."""
    group = request.GET.get("status", "")
    group = group if group in GROUPS else ""
    reason = request.GET.get("reason", "")[:40]
    period = _period(request)
    counts = count_by_outcome(since=period.first, until=period.end)
    is_held = group == HELD
    held = count_held(since=period.first, until=period.end) if is_held else []
    reasons = _held_reasons(held) if is_held else _reasons(counts, GROUPS[group][1])
    page = list_messages(
        statuses=() if is_held else GROUPS[group][1],
        held=is_held,
        reason=reason,
        since=period.first,
        until=period.end,
        after=_after(request.GET.get("after", "")),
    )
    contacts = contacts_by_id({s.contact_id for s in page.stories if s.contact_id})
    context = {
        "groups": _tabs(counts, group),
        "group": group,
        "period": period,
        "periods": LABELS.items(),
        "reasons": reasons,
        "reason": reason,
        "total": _total(reasons, reason) if reason else None,
        "rows": [
            {
                "story": story,
                "title": story.title(request.tenant.timezone, request.now),
                "waited": _waited(story) if is_held else "",
                "contact": contacts.get(story.contact_id) if story.contact_id else None,
                "ref": show_id("con", story.contact_id) if story.contact_id else "",
            }
            for story in page.stories
        ],
        "next": _cursor(page.next_after),
        "is_first": not request.GET.get("after"),
        "sees_numbers": request.can("view_pii"),
    }
    return render(request, "delivery/messages.html", context)


def _period(request: Any) -> Period:
    key = request.GET.get("period", MONTH)
    return period_of(
        key if key in LABELS else MONTH, timezone=request.tenant.timezone, now=request.now
    )


def _tabs(counts: list[tuple[str, str, int]], group: str) -> list[tuple[str, str, int | None]]:
    """(key, label, texts). "Held back" cuts across the others: it shows only when it is open."""
    tabs: list[tuple[str, str, int | None]] = [
        (key, GROUPS[key][0], _count(counts, GROUPS[key][1])) for key in SHOWN
    ]
    return [*tabs, (HELD, GROUPS[HELD][0], None)] if group == HELD else tabs


def _count(counts: list[tuple[str, str, int]], statuses: tuple[str, ...]) -> int:
    return sum(number for status, _, number in counts if not statuses or status in statuses)


def _reasons(
    counts: list[tuple[str, str, int]], statuses: tuple[str, ...]
) -> list[tuple[str, str, int]]:
    """(code, words, messages) of the reasons within a group, the most frequent first. Among texts
    that failed, those without one are a line too."""
    found: dict[str, int] = {}
    for status, reason, number in counts:
        if (not statuses or status in statuses) and (reason or status in GROUPS["failed"][1]):
            code = reason or NO_REASON
            found[code] = found.get(code, 0) + number
    return [
        (code, "No reason given" if code == NO_REASON else words(code), number)
        for code, number in sorted(found.items(), key=lambda item: -item[1])
    ]


def _held_reasons(held: list[HeldBack]) -> list[tuple[str, str, int]]:
    return [(row.reason, words(row.reason), row.count) for row in held]


def _total(reasons: list[tuple[str, str, int]], reason: str) -> int:
    return next((number for code, _, number in reasons if code == reason), 0)


def _waited(story: MessageStory) -> str:
    """What a text waited for that is not held back any more; its title says so of the others."""
    if story.status in {"skipped", "scheduled"} or not story.waited_for:
        return ""
    return words(story.waited_for)


def _cursor(after: tuple[datetime, UUID] | None) -> str:
    return write_cursor(after[0].isoformat(), str(after[1])) if after else ""


def _after(text: str) -> tuple[datetime, UUID] | None:
    parts = read_cursor(text, 2)
    try:
        return (datetime.fromisoformat(parts[0]), UUID(parts[1])) if parts else None
    except ValueError:
        return None
