"""A contact's own forms: what is known of it, and its consent. Thin: the verbs validate."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from api.problems import FieldError, Invalid, Problem
from consent.core.pasting import NO_SMS, flaw_of
from consent.domain.facts import facts_for
from consent.domain.queries import HistoryRow, consent_history
from delivery.domain.by_hand import read_agreement, record_consent, withdraw_consent
from delivery.domain.reassigning import give_up_number
from events.domain.changing import change_contact
from people.core.kinds import Rule, Rules
from people.core.traits import FIELDS as COLUMNS
from people.core.traits import Traits, read_traits
from people.domain.definitions import attribute_rules
from people.domain.merged import present_contact
from people.domain.queries import ContactFacts, workspace_defaults
from people.models import AddedBy
from tenancy.api_base import path_id
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.web import workspace_view
from triggers.core.telling import SOURCE_WORDS
from triggers.views.contact_adding import SAID, agreement_context
from triggers.views.contact_values import HINTS as VALUE_HINTS
from triggers.views.contact_values import (
    options_of,
    read_typed,
    read_value,
    shown_typed,
    shown_value,
    value_kind,
)

FIELDS = (
    ("phone", "Phone number"), ("first_name", "First name"), ("last_name", "Last name"),
    ("email", "E-mail"), ("timezone", "Time zone"), ("locale", "Language"), ("city", "City"),
    ("region", "State or region"), ("postal_code", "Postal code"), ("country", "Country"),
)  # fmt: skip
HINTS = {
    "phone": "Consent belongs to a number: a new one starts without.",
    "timezone": "Such as America/Chicago.",
    "locale": "Such as en-US.",
    "country": "Two letters, such as US.",
}
KIND_WORDS = {
    "opt_in": "Subscribed", "re_opt_in": "Subscribed again", "double_opt_in": "Confirmed with YES",
    "opt_in_requested": "Asked to confirm", "opt_out": "Opted out", "expired": "Never confirmed",
    "suppressed": "Suppressed", "unsuppressed": "Suppression lifted",
    "review_opened": "A reply was set aside for a person", "review_closed": "Reply read",
}  # fmt: skip
MAX_ATTRIBUTES = 200


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def edit_contact(request: Any, ref: str) -> HttpResponse:
    """Every field and attribute in a form; only what was changed in it is written."""
    found = _contact(ref)
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            traits = _read_changes(request.POST, found)
            if traits.fields or traits.attributes:
                change_contact(found.id, traits, by=AddedBy.HAND, now=request.now)
                names = sorted({*traits.fields, *traits.attributes})
                record_audit(
                    "contact.changed", target=ref, data={"changed": names},
                    actor=request.user, now=request.now,
                )  # fmt: skip
        except Problem as problem:
            wrong = {error.field: error.detail for error in problem.errors}
            status = problem.status
        else:
            messages.success(request, "Saved.")
            return redirect("triggers:contact", slug=request.tenant.slug, ref=ref)
    said = request.POST if wrong else None
    context = {
        "contact": found,
        "ref": ref,
        "fields": [
            {
                "name": name, "label": label, "hint": HINTS.get(name, ""),
                "was": getattr(found, name) or "", "error": wrong.get(name, ""),
                "value": said.get(name, "") if said else getattr(found, name) or "",
            }
            for name, label in FIELDS
        ],
        "attributes": _attribute_rows(found, said, wrong),
        "new_name": said.get("new.name", "") if said else "",
        "new_value": said.get("new.value", "") if said else "",
        "new_kind": said.get("new.kind", "text") if said else "text",
        "new_error": wrong.get("new", ""),
        "other_error": wrong.get("", ""),
    }  # fmt: skip
    return render(request, "triggers/contact_edit.html", context, status=status)


@require_http_methods(["GET", "POST"])
@workspace_view("manage_contacts")
def contact_consent(request: Any, ref: str) -> HttpResponse:
    """The ledger of the contact's number, and two forms: they agreed, they want no more."""
    found = _contact(ref)
    problem = None
    if request.method == "POST":
        try:
            return _write_consent(request, found, ref)
        except Invalid as refused:
            problem = refused
    sees = request.can("view_pii")
    history = consent_history(found.phone, with_personal=sees) if found.phone else []
    facts = facts_for([found], now=request.now, with_slots=False)[found.id]
    context = {
        "contact": found,
        "ref": ref,
        "status": facts.status,
        "statuses": facts.statuses,
        "suppression": facts.suppression,
        "has_opted_out": "unsubscribed" in facts.statuses.values(),
        "may_agree": set(facts.statuses.values()) != {"subscribed"},
        "may_stop": not all(each == "unsubscribed" for each in facts.statuses.values()),
        "history": [_history(row) for row in reversed(history)],
        "zone": request.tenant.timezone,
        "sees_numbers": sees,
        **agreement_context(request, problem),
    }
    context["way"] = request.POST.get("way", "") or "proof"
    return render(
        request, "triggers/contact_consent.html", context, status=problem.status if problem else 200
    )


def _write_consent(request: Any, found: ContactFacts, ref: str) -> HttpResponse:
    zone, form = request.tenant.timezone, request.POST.dict()
    if form.get("act") == "withdraw":
        done = withdraw_consent(found, form, actor=request.user, timezone=zone, now=request.now)
        canceled = f" {done.canceled} waiting texts were canceled." if done.canceled else ""
        said = f"Opted out. Only they can take that back.{canceled}"
        messages.success(request, said if done.is_new else "They had opted out already.")
    elif form.get("act") == "record":
        agreement = read_agreement(form, timezone=zone, now=request.now)
        result = record_consent(
            found, agreement, actor=request.user, now=request.now, wall=wall_now()
        )
        tell = (
            messages.success if result.record_id or result.code == "unchanged" else messages.error
        )
        tell(request, SAID.get(result.code, "The consent was not recorded."))
    elif form.get("act") == "reassigned":
        give_up_number(found.id, actor=f"user:{request.user.email}", now=request.now)
        record_audit("contact.number_reassigned", target=ref, actor=request.user, now=request.now)
        messages.success(request, "The number is suppressed, and not this contact's any more.")
    else:
        known = "One of: record, withdraw, reassigned."
        raise Invalid([FieldError("act", "invalid_choice", known)])
    return redirect("triggers:contact_consent", slug=request.tenant.slug, ref=ref)


def _contact(ref: str) -> ContactFacts:
    contact_id = path_id("con", ref, "This contact")
    found = present_contact(contact_id)
    return found


def _read_changes(form: QueryDict, found: ContactFacts) -> Traits:
    """What differs from what the form was drawn with: another's change meanwhile stays."""
    country = workspace_defaults().country
    given: dict[str, Any] = {
        name: form.get(name, "").strip() or None
        for name, _ in FIELDS
        if name in form and form.get(name, "").strip() != form.get(f"was.{name}", "").strip()
    }
    traits = read_traits(given, country=country)
    errors = [FieldError(each.field, each.code, each.detail) for each in traits.errors]
    for name, text in given.items():
        if text and (flaw := flaw_of(name, text)):
            errors.append(FieldError(name, *flaw))
    if traits.phone_type in NO_SMS:
        errors.append(FieldError("phone", "no_sms", NO_SMS[traits.phone_type]))
    rules = attribute_rules()
    for name, rule in _rows_of(found, rules):
        key = f"attribute.{name}"
        said = form.get(key)
        if said is None or said.strip() == form.get(f"was.{key}", "").strip():
            continue
        try:
            traits.attributes[name] = (
                read_typed(said, rule, rules.zone)
                if rule is not None
                else read_value(said, value_kind(found.attributes[name]))
            )
        except ValueError as error:
            errors.append(FieldError(key, "invalid_value", str(error)))
    errors += _read_new(form, found, traits, country)
    if errors:
        raise Invalid(errors)
    return traits


def _read_new(
    form: QueryDict, found: ContactFacts, traits: Traits, country: str
) -> list[FieldError]:
    name, text = form.get("new.name", "").strip(), form.get("new.value", "").strip()
    if not name and not text:
        return []
    if not name or not text:
        return [FieldError("new", "missing", "An attribute has a name and a value.")]
    if name in found.attributes:
        return [FieldError("new", "taken", "There is an attribute of that name above.")]
    if len(found.attributes) >= MAX_ATTRIBUTES:
        return [FieldError("new", "too_many", f"A contact has at most {MAX_ATTRIBUTES}.")]
    try:
        value = read_value(text, form.get("new.kind", "text"))
    except ValueError as error:
        return [FieldError("new", "invalid_value", str(error))]
    alone = read_traits({name: value}, country=country, rules=attribute_rules())
    if alone.unfit:
        return [FieldError("new", each.code, each.detail) for each in alone.unfit]
    if alone.errors or not alone.attributes:
        return [FieldError("new", "reserved_name", "This name is used for a field of its own.")]
    traits.attributes |= alone.attributes
    return []


def _rows_of(found: ContactFacts, rules: Rules) -> list[tuple[str, Rule | None]]:
    """The contact's attributes and those that are declared, with the rule of the declared ones."""
    declared = {
        name: rule
        for name, rule in rules.by_name.items()
        if rule.is_declared and name not in COLUMNS
    }
    names = {*found.attributes, *sorted(declared)[:MAX_ATTRIBUTES]}
    return [(name, declared.get(name)) for name in sorted(names)]


def _attribute_rows(
    found: ContactFacts, said: QueryDict | None, wrong: dict[str, str]
) -> list[dict[str, Any]]:
    rows = []
    for name, rule in _rows_of(found, attribute_rules()):
        value = found.attributes.get(name)
        was = shown_typed(value, rule) if rule is not None else shown_value(value)
        key = f"attribute.{name}"
        refused = found.refused.get(name)
        rows.append(
            {
                "name": name, "key": key, "was": was,
                "kind": value_kind(value) if rule is None else rule.kind,
                "options": options_of(rule) if rule is not None else [],
                "hint": VALUE_HINTS.get(rule.kind, "") if rule is not None else "",
                "refused": refused["said"] if refused else "",
                "value": said.get(key, was) if said else was, "error": wrong.get(key, ""),
            }
        )  # fmt: skip
    return rows


def _history(row: HistoryRow) -> dict[str, Any]:
    shown = {"agreed_at": "Where", "told": "How", "words": "Their words", "body": "Their words"}
    return {
        "row": row,
        "what": KIND_WORDS.get(row.kind, row.kind),
        "how": SOURCE_WORDS.get(row.source, row.source),
        "types": ", ".join(row.message_types),
        "by": row.actor.removeprefix("user:"),
        "facts": [
            (label, row.personal[name]) for name, label in shown.items() if row.personal.get(name)
        ],
    }
