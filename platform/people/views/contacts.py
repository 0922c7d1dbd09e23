"""The contacts list. A contact's own page needs flows and texts and lives with the flows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from people.columns import cells_for
from people.core.lines import LANDLINE, line_of
from people.domain.exporting import Export, write_contacts
from people.domain.listing import NEWEST, SORTS, After, Total, count_contacts, list_contacts
from people.filters import Filtered, all_filters, read_filters
from people.models import NEVER
from tenancy.audit import record_audit
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from web.finding import Hit
from web.paging import read_cursor, write_cursor
from web.templatetags.ui import masked, phone

PAGE = 25
MOST_SELECTED = 200
NOBODY = (
    "Two letters a name begins with, four digits a number begins or ends with, or the beginning of"
    " an e-mail will do."
)
NOBODY_BY_NAME = (
    "Two letters a name begins with will do. Your role does not search by number or e-mail."
)


@require_GET
@workspace_view()
def contact_list(request: Any) -> HttpResponse:
    """25 a page. `q` is the beginning of a name, number or e-mail, or an id; `sort` one of `SORTS`;
    the rest are filters. What is left empty in the form leaves the address."""
    given = {name: value for name, value in request.GET.items() if value}
    if len(given) < len(request.GET):
        return redirect(f"{request.path}?{urlencode(given)}" if given else request.path)
    words, sort, filtered = _asked(request.GET)
    sees = request.can("view_pii")
    page = list_contacts(
        search=words,
        with_personal=sees,
        filters=filtered.conditions,
        sort=sort,
        after=_cursor(given.get("after", ""), sort),
        limit=PAGE,
    )
    total = count_contacts(search=words, with_personal=sees, filters=filtered.conditions)
    labels, cells = cells_for(page.contacts, request.now)
    context = {
        "q": words,
        "rows": [
            {
                "contact": contact,
                "is_landline": line_of(contact.phone_type) == LANDLINE,
                "cells": list(zip(labels, cells[contact.id], strict=True)),
                "ref": show_id("con", contact.id),
                "seen": contact.last_seen_at if contact.last_seen_at > NEVER else None,
            }
            for contact in page.contacts
        ],
        "labels": labels,
        "next": _written(page.next_key),
        "is_first": "after" not in given,
        "sees_numbers": sees,
        "nobody": NOBODY if sees else NOBODY_BY_NAME,
        "may_add": request.can("manage_contacts"),
        "total": total,
        "total_words": _total_words(total),
        "is_narrowed": bool(words or filtered.chosen),
        **_controls(filtered, given, sort),
    }
    return render(request, "people/contacts.html", context)


@require_POST
@workspace_view()
def export_contacts(request: Any) -> Any:
    """A CSV of the contacts that are ticked (`act` selected), or of all that the list's search and
    filters find. Numbers and addresses are whole for roles that see them."""
    words, sort, filtered = _asked(request.POST)
    sees = request.can("view_pii")
    ids = None
    if request.POST.get("act") != "all":
        ids = _ids(request.POST.getlist("ids"))
        if not ids:
            messages.error(request, "Tick the contacts to export, or export all of them.")
            return redirect("people:contacts", slug=request.tenant.slug)
        words, filtered = "", Filtered()
    count = len(ids) if ids is not None else None
    record_audit(
        "contacts.exported",
        data={
            "selected": count,
            "filters": dict(filtered.chosen),
            "searched": bool(words),
            "with_numbers": sees,
        },
        actor=request.user,
        now=request.now,
    )
    export = Export(
        tenant_id=request.tenant.id,
        with_personal=sees,
        search=words,
        filters=filtered.conditions,
        sort=sort,
        ids=ids,
    )
    name = f"contacts-{request.tenant.slug}-{request.now:%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        write_contacts(export, now=request.now),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def find_contacts(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """For Ctrl K: contacts by the beginning of a name, number or e-mail, or a whole id."""
    sees = request.can("view_pii")
    for contact in list_contacts(search=words, with_personal=sees, limit=limit).contacts:
        shown = phone(contact.phone) if sees else masked(contact.phone)
        url = reverse("triggers:contact", args=[request.tenant.slug, show_id("con", contact.id)])
        yield Hit(contact.name or contact.external_id or "Contact without a name", shown, url)


def _asked(given: Any) -> tuple[str, str, Filtered]:
    sort = given.get("sort", "")
    words = given.get("q", "").strip()[:200]
    return words, sort if sort in SORTS else NEWEST, read_filters(given)


def _controls(filtered: Filtered, given: dict[str, str], sort: str) -> dict[str, Any]:
    """What the list can be narrowed by, and what it is: a chip with the address without it."""
    fields, chips = [], []
    kept = {name: value for name, value in given.items() if name != "after"}
    for one in all_filters():
        value = filtered.chosen.get(one.name, "")
        choices = list(one.choices())
        labels = {choice.value: choice.label for choice in choices}
        if value:
            without = urlencode({name: kept[name] for name in kept if name != one.name})
            chips.append((one.label, labels.get(value, value), f"?{without}"))
        fields.append({"name": one.name, "label": one.label, "value": value, "choices": choices})
    sorts = [(name, each.label, name == sort) for name, each in SORTS.items()]
    clear = "?" + urlencode({name: kept[name] for name in kept if name in {"q", "sort"}})
    return {"fields": fields, "chips": chips, "sorts": sorts, "sort": sort, "clear": clear}


def _total_words(total: Total) -> str:
    if total.is_exact:
        return f"{total.number:,} contact{'' if total.number == 1 else 's'}"
    digits = len(str(total.number)) - 2
    return f"about {round(total.number, -digits):,} contacts"


def _ids(given: list[str]) -> list[UUID]:
    found = []
    for text in given[:MOST_SELECTED]:
        try:
            found.append(parse_id("con", text))
        except InvalidId:
            continue
    return found


def _written(key: tuple[Any, ...] | None) -> str:
    if key is None:
        return ""
    *value, row_id = key
    parts = [each.isoformat() if isinstance(each, datetime) else str(each) for each in value]
    return write_cursor(*parts, show_id("con", row_id))


def _cursor(text: str, sort: str) -> After | None:
    """A key that was cut for another order, or by hand, is none: the first page."""
    kind = SORTS[sort].kind
    parts = read_cursor(text, 1 if kind is None else 2)
    if parts is None:
        return None
    try:
        row_id = parse_id("con", parts[-1])
        if kind is None:
            return row_id
        if kind is datetime:
            moment = datetime.fromisoformat(parts[0])
            return (moment, row_id) if moment.tzinfo else None
    except (InvalidId, ValueError):
        return None
    return None if "\x00" in parts[0] else (parts[0], row_id)
