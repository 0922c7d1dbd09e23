"""Editing one step in its panel: the form, and what happens when it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from api.problems import FieldError, Invalid, NotFound, Problem
from events.core import filters
from templates_engine.domain.audiences import sample_of
from templates_engine.domain.composing import editable
from tenancy.web import workspace_view
from triggers.core.definition import (
    EventTrigger,
    MessageStep,
    WaitForEvent,
    WaitForReply,
    walk_steps,
)
from triggers.core.filter_rows import FilterForm, Row, read_filter, write_filter
from triggers.core.spans import read_span, write_span
from triggers.core.words import OPERATORS, TRIGGER
from triggers.domain.editing import audience_of, change_delay, change_filter, change_text
from triggers.domain.versions import flows_sharing
from triggers.models import FlowVersion
from triggers.views.flow_frame import render_flow
from triggers.views.flow_page import FlowPage, access_flow
from web.leaving import read_next

_MANY = 20


@require_http_methods(["GET", "POST"])
@workspace_view("edit_messages")
def edit_step(request: Any, flow_slug: str, key: str) -> HttpResponse:
    """GET: the form for the panel. POST: a new draft version, or the page with what was wrong.

    POST fields: base (the version on screen), and body and keyword for a text; days, hours, minutes,
    seconds for a delay; match, property, op, value (repeated) for the trigger's filter. `next`: the
    page somebody was on the way to when asked whether to save.
    """
    flow, version = access_flow(flow_slug)
    page = FlowPage(request, flow, version)
    if key not in page.cards:
        raise NotFound("This step")
    if request.method == "GET":
        keyword = request.GET.get("keyword", "")
        context = edit_context(page, key, keyword=keyword)
        return render(request, "triggers/_edit.html", {"flow": flow, "version": version, **context})
    given = request.POST
    try:
        saved = _save(request, page, key, given)
    except Invalid as problem:
        return _again(page, key, given, errors=problem.errors, status=422)
    except Problem as problem:
        if problem.status != 409:
            raise
        flow, version = access_flow(flow_slug)
        page = FlowPage(request, flow, version)
        return _again(page, key, given, conflict=problem.detail, status=409)
    if saved.number == version.number:
        messages.info(request, "Nothing was different, so nothing was saved.")
    else:
        messages.success(request, f"Saved as version {saved.number}. It is not live yet.")
    address = reverse("triggers:flow", args=[request.tenant.slug, flow.slug])
    if following := read_next(given):
        return HttpResponseRedirect(following)
    return HttpResponseRedirect(f"{address}?step={key}#panel")


def edit_context(
    page: FlowPage,
    key: str,
    *,
    keyword: str = "",
    given: QueryDict | None = None,
    errors: Sequence[FieldError] = (),
    conflict: str = "",
) -> dict[str, Any]:
    """Context of `_edit.html`. `given`: what was typed and refused. Raises `NotFound` for a step
    that cannot be edited here."""
    if not page.panel(key)["edits"]:
        raise NotFound("Something to edit in this step")
    card = page.cards[key]
    if key == TRIGGER:
        edit = _filter_context(page, given, errors)
    elif card.kind == "message":
        edit = _text_context(page, key, keyword, given)
    else:
        edit = _delay_context(page, key, given)
    return {
        "step": page.panel(key)["step"],
        "edit": {**edit, "errors": errors, "conflict": conflict, "key": key},
    }


def _again(
    page: FlowPage,
    key: str,
    given: QueryDict,
    *,
    status: int,
    errors: Sequence[FieldError] = (),
    conflict: str = "",
) -> HttpResponse:
    keyword = given.get("keyword", "")
    more = edit_context(page, key, keyword=keyword, given=given, errors=errors, conflict=conflict)
    return render_flow(page, key, status=status, **more)


def _save(request: Any, page: FlowPage, key: str, given: QueryDict) -> FlowVersion:
    base = given.get("base", "")
    common: dict[str, Any] = {
        "now": request.now,
        "actor": request.user,
        "base": int(base) if base.isascii() and base.isdigit() and len(base) < 9 else 0,
    }
    if key == TRIGGER:
        seen = [known["event"] for known in sample_of(audience_of(page.definition)).facts]
        condition = write_filter(given.get("match", "all"), _typed_rows(given), seen)
        return change_filter(page.flow, condition=condition, **common)
    if page.cards[key].kind == "message":
        body = given.get("body", "").replace("\r\n", "\n")
        keyword = given.get("keyword", "")
        return change_text(page.flow, key=key, body=body, keyword=keyword, **common)
    return change_delay(page.flow, key=key, duration=write_span(given), **common)


def _text_context(
    page: FlowPage, key: str, keyword: str, given: QueryDict | None
) -> dict[str, Any]:
    [step] = [one for _, one, _ in walk_steps(page.definition.steps) if one.key == key]
    slug = ""
    if isinstance(step, MessageStep):
        slug = step.replies.get(keyword, "") if keyword else step.template
    if not slug:
        raise NotFound("A text of this step")
    words = page.words.get(slug)
    body = editable(words, page.request.tenant.shop_url) if words else ""
    new_type = "conversational" if keyword else "marketing"
    return {
        "kind": "text",
        "keyword": keyword,
        "body": given.get("body", "") if given is not None else body,
        "message_type": words.message_type if words else new_type,
        "audience": audience_of(page.definition),
        "is_jinja": words is not None and words.syntax != "brackets",
        "can_save": words is None or words.syntax == "brackets",
        "shared": flows_sharing({slug}, besides=page.flow).get(slug, ()),
    }


def _delay_context(page: FlowPage, key: str, given: QueryDict | None) -> dict[str, Any]:
    [step] = [one for _, one, _ in walk_steps(page.definition.steps) if one.key == key]
    is_wait = isinstance(step, WaitForEvent | WaitForReply)
    duration = getattr(step, "timeout", "") if is_wait else getattr(step, "for_", "")
    span = read_span(duration)
    typed: Mapping[str, str] = given or {}
    numbers = [
        (unit, typed.get(unit, held))
        for unit, held in (
            ("days", span.days),
            ("hours", span.hours),
            ("minutes", span.minutes),
            ("seconds", span.seconds),
        )
        if unit != "seconds" or held != "0"
    ]
    tally = page.tally.steps.get(key) if page.tally is not None else None
    return {
        "kind": "delay",
        "can_save": True,
        "is_wait": is_wait,
        "numbers": numbers,
        "waiting": tally.waiting if tally is not None else 0,
    }


def _filter_context(
    page: FlowPage, given: QueryDict | None, errors: Sequence[FieldError]
) -> dict[str, Any]:
    trigger = page.definition.trigger
    condition = trigger.filter if isinstance(trigger, EventTrigger) else None
    seen = [known["event"] for known in sample_of(audience_of(page.definition)).facts]
    if given is not None:
        form: FilterForm | None = FilterForm(given.get("match", "all"), _typed_rows(given, errors))
    else:
        form = read_filter(condition)
    names = sorted({name for one in seen for name in one})[: _MANY * 2]
    return {
        "kind": "filter",
        "can_save": form is not None,
        "event": getattr(trigger, "event", ""),
        "form": form,
        "rows": [*(form.rows if form else ()), Row()],
        "operators": OPERATORS.items(),
        "properties": names,
        "passing": sum(filters.matches(condition, one) for one in seen),
        "looked_at": len(seen),
    }


def _typed_rows(given: QueryDict, errors: Sequence[FieldError] = ()) -> tuple[Row, ...]:
    typed = zip_longest(
        given.getlist("property")[:_MANY],
        given.getlist("op")[:_MANY],
        given.getlist("value")[:_MANY],
        fillvalue="",
    )
    rows = [Row(name, op, value) for name, op, value in typed if name.strip()]
    said: dict[int, str] = {}
    for error in errors:
        _, _, behind = error.field.partition("[")
        number = behind.partition("]")[0]
        # One condition stands alone, without a place in a list.
        said.setdefault(int(number) if number.isdigit() else 0, error.detail)
    return tuple(
        Row(row.property, row.op, row.value, said.get(index, "")) for index, row in enumerate(rows)
    )
