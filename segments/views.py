"""Segments to read: the list, and the page of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from people.columns import cells_for
from segments.core.sentences import describe
from segments.domain.queries import live_segments, read_members
from segments.domain.segments import access_segment
from segments.models import Segment
from segments.uses import uses_of
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from web.finding import Hit
from web.paging import PAGE_SIZE, read_cursor, write_cursor

# How many flows, and how many campaigns, are named.
NAMED_IN_LIST, NAMED_ON_PAGE = 1, 20
STATES: dict[str, tuple[str, str]] = {
    Segment.State.BUILDING: ("wait", "Being filled"),
    Segment.State.FAILED: ("stop", "Not filled"),
    Segment.State.ARCHIVED: ("off", "Archived"),
}


@require_GET
@workspace_view()
def segment_list(request: Any) -> HttpResponse:
    """By name, 25 a page."""
    after = read_cursor(request.GET.get("after", ""), 2)
    found = list(_after(live_segments(), after).order_by("name", "id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    uses = uses_of(shown, most=NAMED_IN_LIST)
    context = {
        "rows": [
            {
                "segment": one,
                "sentence": describe(one.definition).sentence,
                "state": STATES.get(one.state),
                "uses": uses[one.id],
            }
            for one in shown
        ],
        "next": write_cursor(shown[-1].name, str(shown[-1].id)) if len(found) > PAGE_SIZE else "",
        "is_first": after is None,
        "may_write": request.can("edit_messages"),
    }
    return render(request, "segments/segments.html", context)


@require_GET
@workspace_view()
def segment_page(request: Any, segment_slug: str) -> HttpResponse:
    """What it asks for, who is in it, what it is used in."""
    segment = access_segment(segment_slug)
    members = read_members(
        segment.id, after=_contact_after(request.GET.get("after", "")), limit=PAGE_SIZE
    )
    labels, cells = cells_for(members.contacts, request.now)
    context = {
        "segment": segment,
        "described": describe(segment.definition),
        "state": STATES.get(segment.state),
        "uses": uses_of([segment], most=NAMED_ON_PAGE)[segment.id],
        "labels": labels,
        "rows": [
            {
                "contact": contact,
                "ref": show_id("con", contact.id),
                "cells": cells[contact.id],
                "since": members.since[contact.id],
            }
            for contact in members.contacts
        ],
        "next": show_id("con", members.next_after) if members.next_after else "",
        "is_first": not request.GET.get("after"),
        "sees_numbers": request.can("view_pii"),
        "as_json": json.dumps(segment.definition, indent=2, ensure_ascii=False),
    }
    return render(request, "segments/segment.html", context)


def find_segments(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """For Ctrl K: segments whose name contains what was typed."""
    for one in live_segments().filter(name__icontains=words)[:limit]:
        url = reverse("segments:segment", args=[request.tenant.slug, one.slug])
        yield Hit(one.name, f"{one.size:,} members", url)


def _after(rows: QuerySet[Segment], after: tuple[str, ...] | None) -> QuerySet[Segment]:
    if after is None:
        return rows
    name, last = after
    try:
        return rows.filter(Q(name__gt=name) | Q(name=name, id__gt=UUID(last)))
    except ValueError:
        return rows


def _contact_after(text: str) -> UUID | None:
    try:
        return parse_id("con", text) if text else None
    except InvalidId:
        return None
