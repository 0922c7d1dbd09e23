"""Settings: quiet hours, frequency caps, and the US cart rule. Thin: the verbs validate."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from api.problems import Invalid, Problem
from consent.core.caps import DAY, HOUR, CapRules, Limit
from consent.core.hours import clock_text, country_row
from consent.domain.settings import (
    DAYS,
    read_cap_rules,
    read_compliance,
    set_frequency_cap,
    set_sending_window,
    set_us_cart_rule,
    use_cap_preset,
    use_window_preset,
)
from people.domain.queries import workspace_defaults
from tenancy.web import workspace_view

PRESETS = (
    ("us_common", "Inside nearly every US state", "Monday to Saturday 9 to 20, Sunday 12 to 20"),
    ("federal", "The US federal limit", "Every day 8 to 21"),
    ("strictest", "The strictest state", "Monday to Friday 10 to 18, Saturday 10 to 17"),
)
CART_RULES = (
    (
        "strict",
        "One text per cart",
        "What US carriers ask for. A second text about the same cart goes only after a reply.",
    ),
    (
        "acknowledged",
        "More than one text per cart",
        "You have your own counsel's word, and say so below. It is kept in the audit log.",
    ),
)
_BLANK_LIMITS = 1


@require_GET
@workspace_view()
def quiet_hours(request: Any) -> HttpResponse:
    return _quiet_hours(request)


@require_POST
@workspace_view("manage_settings")
def save_quiet_hours(request: Any) -> HttpResponse:
    """The seven days of the form, or one of the presets."""
    actor = {"actor": request.user, "now": request.now}
    try:
        if request.POST.get("preset"):
            use_window_preset(request.POST["preset"], **actor)
        else:
            set_sending_window(
                _week(request.POST),
                transactional_obeys="transactional_obeys" in request.POST,
                **actor,
            )
    except Invalid as problem:
        return _quiet_hours(request, problem=problem)
    messages.success(request, "Quiet hours saved. Texts that wait are checked again.")
    return redirect("consent:quiet_hours", slug=request.tenant.slug)


@require_GET
@workspace_view()
def frequency_caps(request: Any) -> HttpResponse:
    return _caps(request)


@require_POST
@workspace_view("manage_settings")
def save_frequency_caps(request: Any) -> HttpResponse:
    actor = {"actor": request.user, "now": request.now}
    try:
        if request.POST.get("preset"):
            use_cap_preset(**actor)
        else:
            limits, gap = _limits(request.POST)
            set_frequency_cap(limits=limits, min_gap_seconds=gap, **actor)
    except Invalid as problem:
        return _caps(request, problem=problem)
    messages.success(request, "Frequency caps saved. They hold from the next text on.")
    return redirect("consent:frequency_caps", slug=request.tenant.slug)


@require_POST
@workspace_view("manage_settings")
def save_cart_rule(request: Any) -> HttpResponse:
    try:
        set_us_cart_rule(
            request.POST.get("rule", ""),
            acknowledgment=request.POST.get("acknowledgment", ""),
            actor=request.user,
            now=request.now,
        )
    except Problem as problem:
        return _caps(request, cart_problem=problem)
    messages.success(request, "Cart rule saved.")
    return redirect("consent:frequency_caps", slug=request.tenant.slug)


def _quiet_hours(request: Any, *, problem: Invalid | None = None) -> HttpResponse:
    compliance = read_compliance()
    said = request.POST if problem else None
    wrong = {error.field: error.detail for error in problem.errors} if problem else {}
    legal = country_row(workspace_defaults().country or "US")
    rows = [
        {
            "day": day,
            "name": day.capitalize(),
            "open": f"{day}.open" in said if said else window is not None,
            "start": said.get(f"{day}.start", "") if said else clock_text((window or (540,))[0]),
            "end": _end(
                said.get(f"{day}.end", "") if said else clock_text((window or (0, 1200))[1])
            ),
            "error": wrong.get(f"week.{day}", ""),
            "bar": (window, legal.week[index]),
        }
        for index, (day, window) in enumerate(zip(DAYS, compliance.quiet.brand, strict=True))
    ]
    context = {
        "rows": rows,
        "legal": legal,
        "transactional_obeys": compliance.quiet.transactional_obeys,
        "updated_at": compliance.updated_at,
        "presets": PRESETS,
        "other_error": wrong.get("week", "") or wrong.get("preset", ""),
        "may_change": request.can("manage_settings"),
    }
    return render(
        request, "consent/quiet_hours.html", context, status=problem.status if problem else 200
    )


def _caps(
    request: Any, *, problem: Invalid | None = None, cart_problem: Problem | None = None
) -> HttpResponse:
    rules = read_cap_rules()
    rows = [
        {"number": i, "hours": limit.seconds // HOUR, "most": limit.maximum, "words": _span(limit)}
        for i, limit in enumerate(rules.limits)
    ]
    blank = {"number": len(rows), "hours": "", "most": "", "words": ""}
    status = (problem or cart_problem or Problem("", "", status=200)).status
    context = {
        "rows": [*rows, *[blank] * _BLANK_LIMITS],
        "gap_hours": rules.min_gap_seconds // HOUR,
        "is_factory": _is_factory(rules),
        "problem": problem,
        "cart_rule": request.POST.get("rule") if cart_problem else read_compliance().us_cart_rule,
        "cart_rules": CART_RULES,
        "cart_problem": cart_problem,
        "may_change": request.can("manage_settings"),
    }
    return render(request, "consent/frequency_caps.html", context, status=status)


def _week(form: QueryDict) -> dict[str, dict[str, str] | None]:
    week: dict[str, dict[str, str] | None] = {}
    for day in DAYS:
        if f"{day}.open" in form:
            end = form.get(f"{day}.end", "")
            # A clock field cannot say 24:00.
            end = "24:00" if end == "00:00" else end
            week[day] = {"start": form.get(f"{day}.start", ""), "end": end}
        else:
            week[day] = None
    return week


def _limits(form: QueryDict) -> tuple[list[dict[str, int]], int]:
    """Rows with both fields empty are left out; what is no number becomes -1 and is refused."""
    limits = [
        {"seconds": _number(hours) * HOUR, "max": _number(most)}
        for hours, most in zip(form.getlist("hours"), form.getlist("most"), strict=False)
        if hours.strip() or most.strip()
    ]
    return limits, _number(form.get("gap_hours", "")) * HOUR


def _number(text: str) -> int:
    return int(text) if text.strip().isdigit() and len(text) < 7 else -1


def _end(text: str) -> str:
    return "00:00" if text == "24:00" else text


def _span(limit: Limit) -> str:
    if limit.seconds % DAY == 0 and limit.seconds > DAY:
        return f"{limit.seconds // DAY} days"
    return f"{limit.seconds // HOUR} hours"


def _is_factory(rules: CapRules) -> bool:
    return rules.preset == "normal"
