"""Merging a contact with another one, and undoing it. Thin: the verbs decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from api.problems import FieldError, Invalid, Problem
from events.domain.merging import (
    merge_contacts,
    open_merges,
    plan_merge,
    survivor_of,
    unmerge_contacts,
)
from people.domain.facts import read_facts
from people.domain.merged import present_contact
from people.domain.merging import UNDO_WITHIN
from people.domain.queries import list_contacts
from people.models import ContactMerge
from tenancy.api_base import path_id
from tenancy.audit import record_audit
from tenancy.ids import InvalidId, parse_id, show_id
from tenancy.web import workspace_view
from triggers.domain.merge_words import name_of, words_of

FOUND = 8


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def merge_contact(request: Any, ref: str) -> HttpResponse:
    """Search for the other one, a preview in words, and the merge itself."""
    found = present_contact(path_id("con", ref, "This contact"))
    if request.method == "POST":
        return _merge(request, found.id)
    context: dict[str, Any] = {
        "contact": found, "ref": ref, "name": name_of(found), "q": request.GET.get("q", "").strip(),
    }  # fmt: skip
    other_id = _other(request.GET.get("with", ""))
    if other_id is not None and other_id != found.id:
        present_contact(other_id)
        context |= _preview(request, found.id, other_id)
    elif context["q"]:
        page = list_contacts(
            search=context["q"], with_personal=request.can("view_pii"), limit=FOUND + 1
        )
        context["rows"] = [
            {"contact": each, "ref": show_id("con", each.id), "name": name_of(each)}
            for each in page.contacts
            if each.id != found.id
        ][:FOUND]
    return render(request, "triggers/contact_merge.html", context)


@require_POST
@workspace_view("manage_contacts")
def unmerge_contact(request: Any, ref: str) -> HttpResponse:
    """Undoes one merge of this contact."""
    found = present_contact(path_id("con", ref, "This contact"))
    merge_id = path_id("mrg", request.POST.get("merge", ""), "This merge")
    if not ContactMerge.objects.filter(id=merge_id, survivor_id=found.id).exists():
        raise Problem("not_found", "This merge does not exist in this workspace.", status=404)
    try:
        merge = unmerge_contacts(merge_id, actor=f"user:{request.user.email}", now=request.now)
    except Problem as problem:
        if problem.status != 409:
            raise
        messages.error(request, problem.detail)
    else:
        _note(request, "contact.unmerged", merge)
        messages.success(request, "The merge was undone.")
    return redirect("triggers:contact", slug=request.tenant.slug, ref=ref)


def merges_shown(contact_id: UUID, request: Any) -> list[dict[str, Any]]:
    """The merges of a contact that can be undone, for its page. Two queries."""
    merges = open_merges(contact_id, now=request.now)
    people = read_facts(each.merged_id for each in merges)
    return [
        {
            "id": show_id("mrg", each.id),
            "at": each.at,
            "undo_until": each.undo_until,
            "is_visit": each.kind == ContactMerge.Kind.STITCHED,
            "name": _shown_name(people.get(each.merged_id), request),
        }
        for each in merges
    ]


def _shown_name(contact: Any, request: Any) -> str:
    if contact is None:
        return "Contact"
    return name_of(contact) if request.can("view_pii") else contact.name or "Contact"


def _merge(request: Any, contact_id: UUID) -> HttpResponse:
    other_id = _other(request.POST.get("with", ""))
    survivor_id = _other(request.POST.get("survivor", ""))
    if other_id is None or survivor_id not in {contact_id, other_id}:
        raise Invalid([FieldError("with", "required", "Choose the other contact.")])
    merged_id = other_id if survivor_id == contact_id else contact_id
    merge = merge_contacts(
        survivor_id, merged_id, actor=f"user:{request.user.email}", now=request.now
    )
    _note(request, "contact.merged", merge)
    days = UNDO_WITHIN.days
    messages.success(request, f"Merged. It can be undone here for {days} days.")
    survivor = show_id("con", merge.survivor_id)
    return redirect("triggers:contact", slug=request.tenant.slug, ref=survivor)


def _preview(request: Any, one_id: UUID, other_id: UUID) -> dict[str, Any]:
    chosen = _other(request.GET.get("survivor", ""))
    survivor_id, merged_id = survivor_of(one_id, other_id)
    if chosen == merged_id:
        survivor_id, merged_id = merged_id, survivor_id
    planned = plan_merge(survivor_id, merged_id)
    return {
        "other": show_id("con", other_id),
        "survivor": show_id("con", survivor_id),
        "swapped": show_id("con", merged_id),
        "keeps": planned.survivor,
        "goes": planned.merged,
        "keeps_name": name_of(planned.survivor),
        "goes_name": name_of(planned.merged),
        "words": words_of(planned),
        "undo_until": request.now + UNDO_WITHIN,
        "zone": request.tenant.timezone,
    }


def _note(request: Any, action: str, merge: ContactMerge) -> None:
    record_audit(
        action,
        target=show_id("con", merge.survivor_id),
        data={"merged": show_id("con", merge.merged_id), "merge": show_id("mrg", merge.id)},
        actor=request.user,
        now=request.now,
    )


def _other(text: str) -> UUID | None:
    try:
        return parse_id("con", text) if text else None
    except InvalidId:
        return None
