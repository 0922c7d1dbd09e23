"""The texts of a workspace to read: the list, and the page of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from templates_engine.domain.composing import preview_unknown
from templates_engine.domain.coverage import list_fallbacks
from templates_engine.domain.library import TYPES, Entry, access_text, list_texts
from templates_engine.domain.queries import versions_of
from templates_engine.models import MessageType
from templates_engine.uses import FLOW, uses_of
from tenancy.web import workspace_view
from web.finding import Hit
from web.paging import PAGE_SIZE, read_cursor, write_cursor

# How many flows are named; how many versions are shown with their words.
NAMED_IN_LIST, NAMED_ON_PAGE, VERSIONS_SHOWN = 1, 20, 20


@require_GET
@workspace_view()
def template_list(request: Any) -> HttpResponse:
    """25 a page by name, narrowed by words and type."""
    words = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    chosen = request.GET.get("type", "")
    chosen = chosen if chosen in MessageType.values else ""
    after = _after(request.GET.get("after", ""))
    found = list_texts(words=words, message_type=chosen, after=after, limit=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    uses = uses_of([one.template for one in shown], most=NAMED_IN_LIST)
    previews = preview_unknown([one.shown for one in shown])
    last = shown[-1].template if len(found) > PAGE_SIZE else None
    context = {
        "rows": [
            {
                "text": one,
                "uses": uses[one.template.id],
                "preview": previews.get(one.shown.id),
            }
            for one in shown
        ],
        "words": words,
        "chosen": chosen,
        "types": MessageType.choices,
        "is_narrowed": bool(words or chosen),
        "next": write_cursor(last.name, str(last.id)) if last else "",
        "is_first": after is None,
        "may_write": request.can("edit_messages"),
    }
    return render(request, "templates_engine/templates.html", context)


@require_GET
@workspace_view()
def template_page(request: Any, template_slug: str) -> HttpResponse:
    """Its words, what an unknown person reads, its versions, what it is used in, how to send it."""
    entry = access_text(template_slug)
    uses = uses_of([entry.template], most=NAMED_ON_PAGE)[entry.template.id]
    versions = versions_of(entry.template.id)
    in_flow = next((use for use in uses.first if use.kind == FLOW), None)
    context = {
        "text": entry,
        "preview": preview_unknown([entry.shown]).get(entry.shown.id),
        "fallbacks": list_fallbacks(entry.shown),
        "uses": uses,
        "in_flow": in_flow,
        "versions": versions[:VERSIONS_SHOWN],
        "older": max(0, len(versions) - VERSIONS_SHOWN),
        "may_write": request.can("edit_messages") and in_flow is None,
        "may_publish": request.can("publish") and in_flow is None,
        "curl": _curl(request, entry),
        "late": _late(entry.template.ttl_seconds),
    }
    return render(request, "templates_engine/template.html", context)


def find_templates(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """For Ctrl K: texts whose name or slug contains what was typed."""
    for one in list_texts(words=words, limit=limit):
        url = reverse("templates_engine:template", args=[request.tenant.slug, one.template.slug])
        yield Hit(one.template.name, one.template.slug, url)


def _curl(request: Any, entry: Entry) -> str:
    """A request that sends it to one contact; "" for a text that a program may not send."""
    if entry.in_use is None or entry.template.message_type not in TYPES:
        return ""
    data = entry.in_use.event_data
    if entry.template.message_type == MessageType.TRANSACTIONAL:
        # Without the order it belongs to, a text needs a consent of its own.
        data = {"order_id": "YOUR-ORDER-ID", **data}
    body = json.dumps(
        {
            "template": entry.template.slug,
            "contact": {"external_id": "YOUR-CUSTOMER-ID"},
            "data": data,
            "dry_run": True,
        },
        ensure_ascii=False,
    ).replace("'", r"\u0027")
    address = request.build_absolute_uri("/api/v1/messages")
    return (
        f"curl -s {address} -u \"$API_KEY:\" -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )


def _late(seconds: int | None) -> str:
    """`6 hours`: the largest unit that says it without a rest."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return ""


def _after(text: str) -> tuple[str, UUID] | None:
    read = read_cursor(text, 2)
    try:
        return (read[0], UUID(read[1])) if read else None
    except ValueError:
        return None
