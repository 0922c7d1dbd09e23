"""The contact's page: timeline with decisions and their checks, consent, frequency, dry run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from api.problems import NotFound
from consent.core.caps import DAY, HOUR, Limit, Slot
from consent.domain.facts import ConsentFacts, facts_for
from delivery.core.intents import SendIntent
from delivery.core.telling import TONES, check_lines, title_of
from delivery.domain.deciding import decide
from delivery.domain.opting_out import opt_out_url
from people.core.lines import LABELS as LINES
from people.core.lines import LANDLINE, line_of, line_source
from people.core.lines import SOURCES as LINE_SOURCES
from people.domain.definitions import attribute_rules
from people.domain.described import describe_values
from people.domain.merged import present_contact
from people.domain.queries import ContactFacts
from templates_engine.domain.queries import templates_by_slug
from tenancy.api_base import path_id
from tenancy.ids import new_id
from tenancy.web import workspace_view
from triggers.domain.timeline import KINDS, by_day, timeline_of
from triggers.views.contact_buying import buying_shown
from triggers.views.contact_merging import merges_shown

STATUS_WORDS = {
    "subscribed": ("Subscribed", "good", "circle-check"),
    "pending": ("Opt-in not confirmed", "wait", "clock"),
    "unsubscribed": ("Unsubscribed", "stop", "octagon-x"),
    "suppressed": ("Suppressed", "stop", "ban"),
    "never_subscribed": ("Never subscribed", "", "circle-dashed"),
}
# What goes to whom no opt-in is known of.
WITHOUT_OPT_IN = {
    "transactional": ("About their own orders and appointments only", "", "circle-dashed"),
    "conversational": ("Answers to what they write only", "", "circle-dashed"),
}
TABS = (("all", "All"), ("messages", "Messages"), ("events", "Events"))


@require_GET
@workspace_view()
def contact(request: Any, ref: str) -> HttpResponse:
    found, consent, zone = _contact(request, ref)
    status = STATUS_WORDS[consent.status]
    context = {
        "contact": found,
        "ref": ref,
        "zone": zone,
        "status": status,
        "consents": [
            (kind.capitalize(), *_consent_words(kind, state))
            for kind, state in consent.statuses.items()
        ],
        "consent": consent,
        "caps": _usage(consent, request.now),
        "values": describe_values(found, attribute_rules(), now=request.now),
        "line": LINES.get(line_of(found.phone_type), ""),
        "is_landline": line_of(found.phone_type) == LANDLINE,
        "line_source": LINE_SOURCES[line_source(found.told)],
        "templates": _templates(),
        "sees_numbers": request.can("view_pii"),
        "opt_out_url": opt_out_url(found.phone) if found.phone and request.can("view_pii") else "",
        "local_time": f"{request.now.astimezone(ZoneInfo(zone)):%H:%M}",
        "merges": merges_shown(found.id, request),
        "buying": buying_shown(found.id, zone=zone, now=request.now),
        **_timeline(request, found.id, zone),
    }
    return render(request, "triggers/contact.html", context)


@require_GET
@workspace_view()
def contact_timeline(request: Any, ref: str) -> HttpResponse:
    """The list alone: for polling and for older pages."""
    found, _, zone = _contact(request, ref)
    context = {"ref": ref, "zone": zone, **_timeline(request, found.id, zone)}
    return render(request, "triggers/_timeline.html", context)


@require_GET
@workspace_view()
def would_send(request: Any, ref: str) -> HttpResponse:
    """What would happen if we sent this text now: the gate itself, writing nothing."""
    found, _, zone = _contact(request, ref)
    chosen = _templates().get(request.GET.get("template", ""))
    if chosen is None or chosen.approved_version_id is None:
        raise NotFound("This template")
    intent = SendIntent(
        dedupe_key=f"dry-run:{new_id()}",
        contact_id=found.id,
        template_version_id=chosen.approved_version_id,
        message_type=chosen.message_type,
        source_kind="test",
    )
    [decision] = decide([intent], now=request.now, dry_run=True)
    checks = [check.as_dict() for check in decision.checks]
    title = title_of(
        decision.status,
        decision.reason,
        due_at=decision.due_at,
        checks=checks,
        zone=zone,
        now=request.now,
    )
    context = {
        "title": "It would go out now" if decision.status == "queued" else title,
        "tone": "good" if decision.status == "queued" else TONES.get(decision.status, ""),
        "decision": decision,
        "lines": check_lines(checks),
    }
    return render(request, "triggers/_would_send.html", context)


def _consent_words(kind: str, state: str) -> tuple[str, str, str]:
    words = STATUS_WORDS[state]
    return WITHOUT_OPT_IN.get(kind, words) if state == "never_subscribed" else words


def _contact(request: Any, ref: str) -> tuple[ContactFacts, ConsentFacts, str]:
    contact_id = path_id("con", ref, "This contact")
    found = present_contact(contact_id)
    consent = facts_for([found], now=request.now)[found.id]
    zone = found.timezone or next(iter(consent.zones.zones), "") or request.tenant.timezone
    return found, consent, zone


def _timeline(request: Any, contact_id: UUID, zone: str) -> dict[str, Any]:
    kind = request.GET.get("show", "all")
    kind = kind if kind in KINDS else "all"
    before = _moment(request.GET.get("before", ""))
    page = timeline_of(
        contact_id,
        zone=zone,
        now=request.now,
        kind=kind,
        before=before,
        with_personal=request.can("view_pii"),
    )
    return {
        "days": by_day(page.items, zone, request.now),
        "tabs": TABS,
        "show": kind,
        "older": page.before.isoformat() if page.before else "",
        "is_first": before is None,
        "place": zone.rsplit("/", 1)[-1].replace("_", " "),
    }


def _usage(consent: ConsentFacts, now: datetime) -> list[tuple[str, int, int]]:
    """(window in words, used, most) of each cap in force."""
    slots: tuple[Slot, ...] = consent.slots

    def used(limit: Limit) -> int:
        since = now - timedelta(seconds=limit.seconds)
        return sum(slot.counts_brand and slot.at > since for slot in slots)

    return [(_span(limit), used(limit), limit.maximum) for limit in consent.caps.limits]


def _span(limit: Limit) -> str:
    if limit.seconds % DAY == 0 and limit.seconds > DAY:
        return f"Last {limit.seconds // DAY} days"
    return f"Last {limit.seconds // HOUR} hours"


def _templates() -> dict[str, Any]:
    return {
        slug: template
        for slug, template in templates_by_slug().items()
        if template.approved_version_id and template.message_type in {"marketing", "transactional"}
    }


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
