"""Editing a flow: one step's text, one delay, the trigger's filter.

Each save appends a version; what is live stays as it is until the draft is published. `base` is the
number of the version the editor had on screen: when another was saved since, nothing changes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from api.problems import FieldError, Invalid, NotFound, Problem
from templates_engine.domain.audiences import sample_of
from templates_engine.domain.composing import editable, find_problems
from templates_engine.domain.templates import save_draft
from templates_engine.models import MessageType
from tenancy.audit import record_audit
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id
from triggers.core.definition import (
    Definition,
    EventTrigger,
    MessageStep,
    SegmentTrigger,
    encode_definition,
    walk_steps,
)
from triggers.domain.flows import (
    Actor,
    add_version,
    flow_for_update,
    newest_version,
    read_or_refuse,
    refuse_archived,
)
from triggers.domain.versions import refuse_stale
from triggers.domain.wording import words_of
from triggers.models import Flow, FlowVersion

DELAY_FIELDS = {"delay": "for", "wait_for_event": "timeout", "wait_for_reply": "timeout"}


@transaction.atomic
def change_text(
    flow: Flow,
    *,
    key: str,
    body: str,
    now: datetime,
    keyword: str = "",
    base: int | None = None,
    actor: Actor = None,
) -> FlowVersion:
    """New words for a message step, or for its answer to a keyword: a new version of the template,
    not in use before it is published, and a new version of the flow.

    Saving what is there already returns the version that is there. Raises `Invalid` with an error
    per fault of the words (a missing fallback says whom it concerns), `NotFound`, or `Problem`
    (version_conflict, flow_archived, written_in_jinja).
    """
    found, newest = _begin(flow, base)
    definition = read_or_refuse(newest.definition)
    slug = _slug_of(definition, key, keyword)
    current = words_of(newest, live=found.live_version).get(slug)
    if current is not None and current.syntax != "brackets":
        raise Problem(
            "written_in_jinja",
            "This text is written in Jinja2. Change it through the API.",
            status=409,
        )
    shop_url = Tenant.objects.values_list("shop_url", flat=True).get(id=current_tenant_id())
    if current is not None and editable(current, shop_url) == body:
        return newest
    sample = sample_of(audience_of(definition), now=now)
    problems = find_problems(body, sample=sample)
    if problems:
        raise Invalid(problems, "The text was not saved. " + problems[0].detail)
    kind = MessageType.CONVERSATIONAL if keyword and current is None else None
    words = save_draft(slug, body=body, message_type=kind, now=now, actor=actor)
    version = add_version(found, definition, now=now, actor=actor, texts={slug: words.number})
    _record(found, version, "text", key, now=now, actor=actor)
    return version


@transaction.atomic
def change_delay(
    flow: Flow,
    *,
    key: str,
    duration: str,
    now: datetime,
    base: int | None = None,
    actor: Actor = None,
) -> FlowVersion:
    """A new length for a time delay, or for how long a wait lasts; `duration` is ISO 8601.

    Raises `Invalid` with one error on `duration`, `NotFound`, or `Problem`.
    """
    found, newest = _begin(flow, base)
    raw = copy.deepcopy(newest.definition)
    step = next((one for one in _raw_steps(raw["steps"]) if one["key"] == key), None)
    if step is None or step["type"] not in DELAY_FIELDS:
        raise NotFound("A delay of this name")
    step[DELAY_FIELDS[step["type"]]] = duration
    return _save(found, newest, raw, "delay", key, field="duration", now=now, actor=actor)


@transaction.atomic
def change_filter(
    flow: Flow,
    *,
    condition: Mapping[str, Any] | None,
    now: datetime,
    base: int | None = None,
    actor: Actor = None,
) -> FlowVersion:
    """Which of its events start the flow: a filter on their properties, None for all of them.

    Raises `Invalid` with a path per flaw (`filter.all[1].value`), or `Problem`.
    """
    found, newest = _begin(flow, base)
    raw = copy.deepcopy(newest.definition)
    if raw["trigger"].get("type") != "event":
        raise Invalid([FieldError("filter", "not_here", "Only events have properties to filter.")])
    raw["trigger"]["filter"] = dict(condition) if condition else None
    return _save(found, newest, raw, "filter", "trigger", field="filter", now=now, actor=actor)


def audience_of(definition: Definition) -> str:
    """Who reads this flow's texts, as `templates_engine.domain.audiences` names them."""
    trigger = definition.trigger
    if isinstance(trigger, SegmentTrigger):
        return f"segment:{trigger.segment}"
    if isinstance(trigger, EventTrigger):
        asked = trigger.audience == "back_in_stock_requests"
        return "requests:back_in_stock" if asked else f"event:{trigger.event}"
    return ""


def _begin(flow: Flow, base: int | None) -> tuple[Flow, FlowVersion]:
    found = flow_for_update(flow)
    refuse_archived(found)
    newest = newest_version(found)
    if newest is None:
        raise NotFound("This flow")
    refuse_stale(newest, base)
    return found, newest


def _save(
    flow: Flow,
    newest: FlowVersion,
    raw: dict[str, Any],
    what: str,
    key: str,
    *,
    field: str,
    now: datetime,
    actor: Actor,
) -> FlowVersion:
    try:
        definition = read_or_refuse(raw)
    except Invalid as problem:
        raise Invalid([_renamed(error, field) for error in problem.errors]) from None
    if encode_definition(definition) == newest.definition:
        return newest
    version = add_version(flow, definition, now=now, actor=actor)
    _record(flow, version, what, key, now=now, actor=actor)
    return version


def _renamed(error: FieldError, field: str) -> FieldError:
    """`steps[0].for` and `trigger.filter.all[1].op` as the form calls them."""
    _, _, rest = error.field.partition(".filter") if field == "filter" else ("", "", "")
    return FieldError(f"{field}{rest}", error.code, error.detail)


def _record(
    flow: Flow, version: FlowVersion, what: str, key: str, *, now: datetime, actor: Actor
) -> None:
    data = {"number": version.number, "changed": what, "step": key}
    record_audit("flow.saved", target=str(flow.id), data=data, actor=actor, now=now)


def _slug_of(definition: Definition, key: str, keyword: str) -> str:
    for _, step, _ in walk_steps(definition.steps):
        if step.key == key and isinstance(step, MessageStep):
            slug = step.replies.get(keyword) if keyword else step.template
            if slug:
                return slug
    raise NotFound("A text of this step")


def _raw_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in ("then", "else"):
            yield from _raw_steps(step.get(branch) or [])
