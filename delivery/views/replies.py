"""Replies: what contacts wrote to people, and the box that answers through the gate."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from api.problems import FieldError, Invalid, NotFound
from delivery.core.intents import Decision
from delivery.core.telling import seconds_words, title_of
from delivery.domain.conversations import (
    ENDS_IT,
    close_conversation,
    reopen_conversation,
    see_conversation,
)
from delivery.domain.talking import MAX_ANSWER, answer_contact, try_answer
from delivery.domain.threads import (
    Heard,
    count_open,
    find_conversation,
    list_conversations,
    thread_of,
)
from delivery.views.bubbles import bubbles
from people.domain.merged import present_contact
from people.domain.queries import ContactFacts, contacts_by_id, lock_contacts
from tenancy.api_base import path_id
from tenancy.ids import show_id
from tenancy.web import workspace_view
from web.paging import read_cursor, write_cursor

TABS = (("open", "Open"), ("answered", "Answered"), ("closed", "Closed"), ("all", "All"))


@require_GET
@workspace_view()
def reply_list(request: Any) -> HttpResponse:
    """The conversations alone: the whole page on a phone, the left half elsewhere."""
    return render(request, "delivery/replies.html", _list(request))


@require_GET
@workspace_view()
def reply_rows(request: Any) -> HttpResponse:
    """The list for polling; `at` is the conversation that stands open beside it."""
    return render(request, "delivery/_reply_rows.html", _list(request, request.GET.get("at", "")))


@require_GET
@never_cache
@workspace_view()
def conversation(request: Any, ref: str) -> HttpResponse:
    """One conversation, newest at the bottom. Who may answer has seen it by looking."""
    contact = _contact(ref)
    if request.can("send"):
        see_conversation(contact.id, now=request.now)
    return _page(request, contact)


@require_GET
@workspace_view()
def thread(request: Any, ref: str) -> HttpResponse:
    """The thread alone, for polling."""
    contact = _contact(ref)
    if request.can("send"):
        see_conversation(contact.id, now=request.now)
    context = _thread(request, contact)
    if context["stopped"]:
        # The box locks in front of whoever is typing: what they write could not go out.
        decision = try_answer(contact.id, now=request.now)
        locked = decision is None or decision.status == "skipped"
        context |= {**_said(request, contact, decision), "is_locked": locked, "locks": locked}
    return render(request, "delivery/_thread.html", context)


@require_POST
@workspace_view("send")
def check_answer(request: Any, ref: str) -> HttpResponse:
    """What the gate would make of these words now: parts, and when. Sends and stores nothing."""
    contact = _contact(ref)
    text = request.POST.get("body", "").strip()[: MAX_ANSWER + 1]
    decision = try_answer(contact.id, text=text, now=request.now) if text else None
    return render(request, "delivery/_answer_size.html", _said(request, contact, decision))


@require_POST
@never_cache
@workspace_view("send")
def send_answer(request: Any, ref: str) -> HttpResponse:
    """One text for one form. A refusal comes back in words, with what was written."""
    contact = _contact(ref)
    text = request.POST.get("body", "")
    try:
        decision = answer_contact(
            contact.id,
            text=text,
            token=request.POST.get("token", ""),
            member=request.user,
            seen_id=_uuid(request.POST.get("seen", "")),
            now=request.now,
        )
    except Invalid as problem:
        return _page(request, contact, text=text, errors=problem.errors, status=422)
    if decision.status == "skipped":
        said = _said(request, contact, decision)["said"]
        refused = FieldError("body", decision.reason, f"Not sent. {said}")
        return _page(request, contact, text=text, errors=[refused], status=422)
    return redirect(_url(request, ref))


@require_POST
@workspace_view("send")
def set_state(request: Any, ref: str) -> HttpResponse:
    """`state` closed takes a conversation off the list, open puts it back."""
    contact = _contact(ref)
    lock_contacts([contact.id])
    verbs = {"closed": close_conversation, "open": reopen_conversation}
    verb = verbs.get(request.POST.get("state", ""))
    if verb is None:
        raise Invalid([FieldError("state", "unknown", "A conversation is open or closed.")])
    if find_conversation(contact.id) is None:
        raise NotFound("This conversation")
    verb(contact.id, now=request.now)
    return redirect(_url(request, ref))


def _page(
    request: Any,
    contact: ContactFacts,
    *,
    text: str = "",
    errors: Any = (),
    status: int = 200,
) -> HttpResponse:
    decision = try_answer(contact.id, now=request.now)
    context = {
        **_list(request, show_id("con", contact.id)),
        **_thread(request, contact),
        **_said(request, contact, decision),
        "text": text,
        "errors": errors,
        "token": uuid4(),
        "is_locked": decision is None or decision.status == "skipped",
        "never_wrote": decision is None,
        "limit": MAX_ANSWER,
    }
    return render(request, "delivery/replies.html", context, status=status)


def _list(request: Any, at: str = "") -> dict[str, Any]:
    show = request.GET.get("show", "open")
    show = show if show in dict(TABS) else "open"
    listed, after = list_conversations(
        "" if show == "all" else show, after=_after(request.GET.get("after", ""))
    )
    contacts = contacts_by_id(line.contact_id for line in listed)
    return {
        "tabs": TABS,
        "show": show,
        "counts": count_open(),
        "rows": [
            {
                "line": line,
                "contact": contacts.get(line.contact_id),
                "ref": show_id("con", line.contact_id),
                "waits": seconds_words(request.now - line.waiting_since)
                if line.waiting_since
                else "",
            }
            for line in listed
        ],
        "at": at,
        "older": write_cursor(after[0].isoformat(), str(after[1])) if after else "",
        "is_first": not request.GET.get("after"),
        "sees_numbers": request.can("view_pii"),
    }


def _thread(request: Any, contact: ContactFacts) -> dict[str, Any]:
    zone = contact.timezone or request.tenant.timezone
    lines = thread_of(contact.id)
    heard = [line for line in lines if isinstance(line, Heard)]
    return {
        "contact": contact,
        "ref": show_id("con", contact.id),
        "held": find_conversation(contact.id),
        "days": bubbles(lines, zone=zone, now=request.now),
        "zone": zone,
        "seen": heard[-1].id if heard else "",
        "stopped": bool(heard) and heard[-1].kind in ENDS_IT,
    }


def _said(request: Any, contact: ContactFacts, decision: Decision | None) -> dict[str, Any]:
    """The decision in words: parts when it goes, until when it waits, or why it cannot go."""
    if decision is None:
        return {"decision": None, "said": ""}
    title = title_of(
        decision.status,
        decision.reason,
        due_at=decision.due_at,
        checks=[check.as_dict() for check in decision.checks],
        zone=contact.timezone or request.tenant.timezone,
        now=request.now,
    )
    refused = next((check.text for check in decision.checks if check.ok is False), "")
    why = title.partition(" · ")[2] or title
    said = f"{why[:1].upper()}{why[1:]}."
    if decision.status == "skipped" and refused.rstrip(".").lower() != why.lower():
        said = f"{said} {refused.rstrip('.')}."
    return {"decision": decision, "said": title if decision.status == "scheduled" else said}


def _contact(ref: str) -> ContactFacts:
    contact_id = path_id("con", ref, "This contact")
    found = present_contact(contact_id)
    return found


def _url(request: Any, ref: str) -> str:
    show = request.POST.get("show", "")
    query = f"?show={show}" if show in dict(TABS) and show != "open" else ""
    return reverse("delivery:conversation", args=[request.tenant.slug, ref]) + query


def _after(text: str) -> tuple[datetime, UUID] | None:
    parts = read_cursor(text, 2)
    try:
        return (datetime.fromisoformat(parts[0]), UUID(parts[1])) if parts else None
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
