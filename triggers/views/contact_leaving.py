"""A person's data as a file, and erasing it. Thin: the verbs decide."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from events.core.exporting import as_csv, as_json
from events.domain.leaving import erase_contact, export_contact
from people.domain.merged import present_contact
from tenancy.api_base import path_id
from tenancy.audit import record_audit
from tenancy.web import workspace_view
from triggers.domain.merge_words import name_of

CONFIRM = "ERASE"


@require_GET
@workspace_view("view_pii")
def export(request: Any, ref: str) -> HttpResponse:
    """Everything kept of one person; `as=csv` for a spreadsheet."""
    kept = export_contact(path_id("con", ref, "This contact"))
    record_audit("contact.exported", target=ref, actor=request.user, now=request.now)
    if request.GET.get("as") == "csv":
        return _file(as_csv(kept), f"{ref}.csv", "text/csv; charset=utf-8")
    return _file(as_json(kept), f"{ref}.json", "application/json")


@require_http_methods(["GET", "POST"])
@workspace_view("erase_contacts")
def erase(request: Any, ref: str) -> HttpResponse:
    """Says what will be gone and what stays; a word has to be typed."""
    found = present_contact(path_id("con", ref, "This contact"))
    wrong = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip().upper() == CONFIRM:
            erase_contact(found.id, now=request.now)
            record_audit("contact.erased", target=ref, actor=request.user, now=request.now)
            messages.success(request, "Erased. Nothing says any more who this was.")
            return redirect("people:contacts", slug=request.tenant.slug)
        wrong = f"Type {CONFIRM} to erase this contact."
    context = {"ref": ref, "name": name_of(found), "wrong": wrong, "word": CONFIRM}
    return render(request, "triggers/contact_erase.html", context, status=422 if wrong else 200)


def _file(body: bytes, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
