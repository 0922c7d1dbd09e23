"""The messages list: everything that was sent and everything that was held back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from delivery.core.reasons import words
from delivery.domain.history import count_by_outcome, list_messages
from people.domain.queries import contacts_by_id
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.paging import read_cursor, write_cursor

SPAN = timedelta(days=30)
# The tabs of the list, in the order of a message's life.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", ()),
    "waiting": ("Waiting", ("scheduled", "queued", "sending")),
    "sent": ("Sent", ("sent", "delivered")),
    "held": ("Held back", ("skipped", "scheduled")),
    "skipped": ("Skipped", ("skipped",)),
    "failed": ("Failed", ("undelivered", "failed")),
    "canceled": ("Canceled", ("canceled",)),
}
SHOWN = ("", "waiting", "sent", "skipped", "failed", "canceled")


@require_GET
@workspace_view()
def message_list(request: Any) -> HttpResponse:
    """The last 30 days, 25 a page, by `status` (a group) and `reason` (a code)."""
    group = request.GET.get("status", "")
    group = group if group in GROUPS else ""
    reason = request.GET.get("reason", "")[:40]
    since = request.now - SPAN
    counts = count_by_outcome(since=since)
    page = list_messages(
        statuses=() if group == "held" else GROUPS[group][1],
        held=group == "held",
        reason=reason,
        since=since,
        after=_after(request.GET.get("after", "")),
    )
    contacts = contacts_by_id({s.contact_id for s in page.stories if s.contact_id})
    context = {
        "groups": _tabs(counts, group),
        "group": group,
        "reasons": _reasons(counts, GROUPS[group][1]),
        "reason": reason,
        "rows": [
            {
                "story": story,
                "title": story.title(request.tenant.timezone, request.now),
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


def _tabs(counts: list[tuple[str, str, int]], group: str) -> list[tuple[str, str, int | None]]:
    """(key, label, texts). "Held back" cuts across the others: it shows only when it is open."""
    tabs: list[tuple[str, str, int | None]] = [
        (key, GROUPS[key][0], _count(counts, GROUPS[key][1])) for key in SHOWN
    ]
    return [*tabs, ("held", GROUPS["held"][0], None)] if group == "held" else tabs


def _count(counts: list[tuple[str, str, int]], statuses: tuple[str, ...]) -> int:
    return sum(number for status, _, number in counts if not statuses or status in statuses)


def _reasons(
    counts: list[tuple[str, str, int]], statuses: tuple[str, ...]
) -> list[tuple[str, str, int]]:
    """(code, words, messages) of the reasons within a group, the most frequent first."""
    found: dict[str, int] = {}
    for status, reason, number in counts:
        if reason and (not statuses or status in statuses):
            found[reason] = found.get(reason, 0) + number
    return [
        (code, words(code), number)
        for code, number in sorted(found.items(), key=lambda item: -item[1])
    ]


def _cursor(after: tuple[datetime, UUID] | None) -> str:
    return write_cursor(after[0].isoformat(), str(after[1])) if after else ""


def _after(text: str) -> tuple[datetime, UUID] | None:
    parts = read_cursor(text, 2)
    try:
        return (datetime.fromisoformat(parts[0]), UUID(parts[1])) if parts else None
    except ValueError:
        return None
