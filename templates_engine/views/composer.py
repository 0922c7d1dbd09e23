"""The composer's own edge: what the editor of a text asks while somebody writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from people.domain.queries import ContactFacts, list_contacts
from templates_engine.domain.audiences import sample_of
from templates_engine.domain.composing import write_text
from tenancy.api_base import path_id
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.templatetags.ui import masked, phone

SHOWN = 8
_PERSONAL = frozenset({"email"})


@require_POST
@workspace_view()
def compose(request: Any) -> HttpResponse:
    """Looks at a text and changes nothing.

    Fields: body, syntax, message_type, contact (optional id), audience (optional, see
    `templates_engine.domain.audiences`). 200 also for a text with problems: they are the answer.
    """
    given = request.POST
    ref = given.get("contact", "")
    written = write_text(
        given.get("body", "").replace("\r\n", "\n"),
        now=request.now,
        syntax=given.get("syntax") or "brackets",
        message_type=given.get("message_type") or "marketing",
        contact_id=path_id("con", ref, "This contact") if ref else None,
        audience=given.get("audience", "")[:200],
        hides=frozenset() if request.can("view_pii") else _PERSONAL,
    )
    return JsonResponse(asdict(written))


@require_GET
@workspace_view()
def compose_contacts(request: Any) -> HttpResponse:
    """A few contacts to preview a text as: of the audience, or those that `q` finds."""
    words = request.GET.get("q", "").strip()[:200]
    if words:
        sees = request.can("view_pii")
        found = list_contacts(search=words, with_personal=sees, limit=SHOWN).contacts
    else:
        found = list(sample_of(request.GET.get("audience", "")[:200]).contacts[:SHOWN])
    contacts = [{"id": show_id("con", one.id), "name": _name(request, one)} for one in found]
    return JsonResponse({"contacts": contacts})


def _name(request: Any, contact: ContactFacts) -> str:
    number = phone(contact.phone) if request.can("view_pii") else masked(contact.phone)
    return " · ".join(part for part in (contact.name, number) if part) or "Contact without a name"
