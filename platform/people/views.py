"""The contacts list. A contact's own page needs flows and texts and lives with the flows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from people.columns import cells_for
from people.domain.queries import list_contacts
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from web.finding import Hit
from web.templatetags.ui import masked, phone

PAGE = 25
NOBODY = "Two letters of a name, three digits of a number, or the beginning of an e-mail will do."
NOBODY_BY_NAME = "Two letters of a name will do. Your role does not search by number or e-mail."


@require_GET
@workspace_view()
def contact_list(request: Any) -> HttpResponse:
    """Newest first, 25 a page; `q` is a part of a name or number, the start of an e-mail, an id."""
    words = request.GET.get("q", "").strip()
    page = list_contacts(
        search=words,
        with_personal=request.can("view_pii"),
        after=_cursor(request.GET.get("after", "")),
        limit=PAGE,
    )
    labels, cells = cells_for(page.contacts, request.now)
    context = {
        "q": words,
        "rows": [
            {"contact": contact, "cells": cells[contact.id], "ref": show_id("con", contact.id)}
            for contact in page.contacts
        ],
        "labels": labels,
        "next": show_id("con", page.next_after) if page.next_after else "",
        "is_first": not request.GET.get("after"),
        "sees_numbers": request.can("view_pii"),
        "nobody": NOBODY if request.can("view_pii") else NOBODY_BY_NAME,
        "may_add": request.can("manage_contacts"),
    }
    return render(request, "people/contacts.html", context)


def find_contacts(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """For Ctrl K: contacts by a part of name or number, the start of an e-mail, a whole id."""
    sees = request.can("view_pii")
    for contact in list_contacts(search=words, with_personal=sees, limit=limit).contacts:
        shown = phone(contact.phone) if sees else masked(contact.phone)
        url = reverse("triggers:contact", args=[request.tenant.slug, show_id("con", contact.id)])
        yield Hit(contact.name or contact.external_id or "Contact without a name", shown, url)


def _cursor(text: str) -> UUID | None:
    try:
        return parse_id("con", text) if text else None
    except InvalidId:
        return None
