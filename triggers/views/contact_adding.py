"""Contacts by hand: one in a form, or up to a thousand pasted. Thin: the verbs validate."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from api.problems import FieldError, Invalid
from consent.core.pasting import LONGEST, MAX_ROWS, Proof, flaw_of, read_moment, read_rows
from consent.domain.adding import Added, add_contacts
from consent.domain.opt_ins import OptInResult
from delivery.domain.by_hand import add_contact
from events.domain.contacts import Saved
from people.domain.queries import workspace_defaults
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.retrying import repeat_collisions
from tenancy.web import workspace_view

FIELDS = (
    ("phone", "Phone number", "tel"),
    ("first_name", "First name", "text"),
    ("last_name", "Last name", "text"),
    ("email", "E-mail", "email"),
)
SAID = {
    "subscribed": "Subscribed, with the proof you gave.",
    "pending": "They get one text that asks for a YES.",
    "unchanged": "They were subscribed already.",
    "stop_stands": "They opted out, and only they can take that back: the consent was not recorded.",
    "older_than_opt_out": "They opted out after that date: the consent was not recorded.",
}
SHOWN = 300


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def new_contact(request: Any) -> HttpResponse:
    """A form for one contact; saving leads to the contact's page."""
    problem = None
    if request.method == "POST":
        try:
            saved, consent = repeat_collisions(lambda: _add(request))
        except Invalid as found:
            problem = found
        else:
            assert saved.contact_id is not None  # noqa: S101 (refusals raise)
            what = {"created": "Contact added.", "updated": "This contact was known; updated."}
            said = what.get(saved.outcome, "This contact was known, and nothing is new.")
            messages.success(request, f"{said} {SAID.get(consent.code, '') if consent else ''}")
            ref = show_id("con", saved.contact_id)
            return redirect("triggers:contact", slug=request.tenant.slug, ref=ref)
    context = {"fields": _fields(request, problem), **agreement_context(request, problem)}
    return render(
        request, "triggers/contact_new.html", context, status=problem.status if problem else 200
    )


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def paste_contacts(request: Any) -> HttpResponse:
    """A box for rows: "Check" shows what would happen, "Save" does it, both row by row."""
    problem, added = None, None
    if request.method == "POST":
        try:
            added = _paste(request)
        except Invalid as found:
            problem = found
    wrong = {each.field: each.detail for each in problem.errors} if problem else {}
    context = {
        "said": request.POST,
        "wrong": wrong,
        "most": MAX_ROWS,
        **({"result": _shown(added)} if added else {}),
    }
    return render(
        request, "triggers/contact_paste.html", context, status=problem.status if problem else 200
    )


def _add(request: Any) -> tuple[Saved, OptInResult | None]:
    return add_contact(
        request.POST.dict(),
        actor=request.user,
        timezone=request.tenant.timezone,
        now=request.now,
        wall=wall_now(),
    )


def _paste(request: Any) -> Added:
    form, zone = request.POST, request.tenant.timezone
    errors, at = [], None
    try:
        if said := form.get("consent_date", "").strip():
            at = read_moment(said, timezone=zone, now=request.now)
    except ValueError as error:
        errors.append(FieldError("consent_date", "invalid_date", str(error)))
    given = {name: form.get(name, "").strip() for name in LONGEST}
    for name, value in given.items():
        if flaw := flaw_of(name, value, longest=LONGEST[name]):
            errors.append(FieldError(name, *flaw))
    if errors:
        raise Invalid(errors)
    rows = read_rows(
        form.get("rows", ""),
        country=workspace_defaults().country,
        timezone=zone,
        now=request.now,
        general=Proof(given["consent_source"], given["consent_wording"], at),
    )
    return add_contacts(
        rows,
        dry_run=form.get("act") != "save",
        orders=bool(form.get("covers_orders")),
        actor=request.user,
        now=request.now,
    )


def _shown(added: Added) -> dict[str, Any]:
    """Rejected rows first: they are what somebody has to look at."""
    rows = sorted(added.rows, key=lambda row: (row.outcome != "rejected", row.line))
    return {
        "dry_run": added.dry_run,
        "counts": added.counts,
        "total": len(rows),
        "rows": [
            {**asdict(row), "ref": show_id("con", row.contact_id) if row.contact_id else ""}
            for row in rows[:SHOWN]
        ],
        "hidden": max(0, len(rows) - SHOWN),
    }


def _fields(request: Any, problem: Invalid | None) -> list[dict[str, str]]:
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    return [
        {
            "name": name, "label": label, "type": kind,
            "value": request.POST.get(name, ""), "error": wrong.get(name, ""),
        }
        for name, label, kind in FIELDS
    ]  # fmt: skip


def agreement_context(request: Any, problem: Invalid | None) -> dict[str, Any]:
    """What the consent part of a form shows; also for a contact's consent page."""
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    local = request.now.astimezone(ZoneInfo(request.tenant.timezone))
    known = {name for name, _, _ in FIELDS}
    return {
        "way": request.POST.get("way", "") or "none",
        "said": request.POST,
        "wrong": wrong,
        "latest": f"{local:%Y-%m-%dT%H:%M}",
        "place": request.tenant.timezone.rsplit("/", 1)[-1].replace("_", " "),
        "other_error": " ".join(
            detail for name, detail in wrong.items() if name not in known and name not in _ASKED
        ),
    }


_ASKED = frozenset(
    {"consent_source", "consent_wording", "consent_date"}
    | {"stop_source", "stop_words", "stop_date"}
)
