"""Flows: drafted, published, paused, resumed, archived."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from api.problems import FieldError, Invalid, NotFound, Problem
from delivery.core.reasons import Reason
from delivery.domain.canceling import cancel_messages
from delivery.domain.waiting import hasten_messages, held_texts
from events.domain.listening import set_listener
from segments.models import Segment
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake
from triggers.core.definition import (
    BadDefinition,
    Definition,
    EventTrigger,
    SegmentTrigger,
    encode_definition,
)
from triggers.core.plan import build_plan
from triggers.core.publishing import Finding
from triggers.core.validation import read_definition
from triggers.domain.ending import end_runs_of
from triggers.domain.publishing import review_definition
from triggers.domain.wording import put_in_use, texts_for, words_of
from triggers.models import FanOut, Flow, FlowRun, FlowVersion

Actor = User | ApiKey | None
Overdue = Literal["continue", "skip", "exit"]


@dataclass(frozen=True, slots=True)
class Published:
    """A flow that went live, and the notices that do not stop it. `moved`: people who wait and were
    moved to a new delay."""

    flow: Flow
    version: FlowVersion
    notices: tuple[Finding, ...]
    moved: int = 0


@transaction.atomic
def create_flow(
    name: str,
    *,
    definition: Mapping[str, Any],
    now: datetime,
    slug: str | None = None,
    recipe: str = "",
    texts: Mapping[str, int] | None = None,
    actor: Actor = None,
) -> Flow:
    """A draft with its first version; `texts`: numbers of words that are not in use yet. Raises `Invalid` with a path and code per flaw."""
    read = read_or_refuse(definition)
    if not 0 < len(name.strip()) <= 200:
        raise Invalid([FieldError("name", "invalid", "A name has 1 to 200 characters.")])
    wanted = slug or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100]
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?", wanted):
        raise Invalid([FieldError("slug", "invalid", "Lower-case letters, digits and hyphens.")])
    if Flow.objects.filter(slug=wanted).exists():
        raise Problem("slug_taken", f"A flow is called {wanted} already.", status=409)
    flow: Flow = Flow.objects.create(
        name=name.strip(),
        slug=wanted,
        priority=read.priority,
        recipe=recipe,
        created_at=now,
        updated_at=now,
    )
    add_version(flow, read, now=now, actor=actor, texts=texts)
    record_audit("flow.created", target=str(flow.id), data={"slug": wanted}, actor=actor, now=now)
    return flow


@transaction.atomic
def save_version(
    flow: Flow | UUID, *, definition: Mapping[str, Any], now: datetime, actor: Actor = None
) -> FlowVersion:
    """A new draft version; saving what the newest says already returns that one.

    What is live stays live until the new version is published. Raises `Invalid`.
    """
    read = read_or_refuse(definition)
    found = flow_for_update(flow)
    refuse_archived(found)
    newest = newest_version(found)
    if newest is not None and newest.definition == encode_definition(read):
        return newest
    version = add_version(found, read, now=now, actor=actor)
    data = {"number": version.number}
    record_audit("flow.saved", target=str(found.id), data=data, actor=actor, now=now)
    return version


@transaction.atomic
def publish_version(
    version: FlowVersion | UUID, *, now: datetime, actor: Actor = None
) -> Published:
    """Makes a version live. New runs take it; running ones finish on theirs, but read its texts.

    Raises `Problem` "not_publishable" (422) with an error per finding that forbids it.
    """
    version_id = version if isinstance(version, UUID) else version.id
    found = FlowVersion.objects.filter(id=version_id).first()
    if found is None:
        raise NotFound("This version")
    flow = flow_for_update(found.flow_id)
    if flow.status == Flow.Status.ARCHIVED:
        raise Problem("flow_archived", "An archived flow cannot go live again.", status=409)
    definition = read_or_refuse(found.definition)
    wording = words_of(found, live=flow.live_version)
    findings = review_definition(definition, wording)
    errors = [f for f in findings if f.is_error]
    if errors:
        raise Problem(
            "not_publishable",
            " ".join(finding.detail for finding in errors[:3]),
            status=422,
            title="The flow cannot go live yet",
            errors=[FieldError(f.path, f.code, f.detail) for f in errors],
        )
    put_in_use(wording, now=now, actor=actor)
    flow.live_version = found
    flow.priority = definition.priority
    flow.published_at = flow.published_at or now
    if flow.status != Flow.Status.PAUSED:
        flow.status = Flow.Status.LIVE
    flow.updated_at = now
    flow.save()
    _listen(flow)
    _include_current(flow, found, definition, now=now)
    data = {"number": found.number, "notices": [f.code for f in findings]}
    record_audit("flow.published", target=str(flow.id), data=data, actor=actor, now=now)
    return Published(flow, found, tuple(findings))


def publish_flow(flow: Flow | UUID, *, now: datetime, actor: Actor = None) -> Published:
    """Publishes the newest version of a flow. See `publish_version`."""
    flow_id = flow if isinstance(flow, UUID) else flow.id
    newest = newest_version(flow_id)
    if newest is None:
        raise NotFound("This flow")
    return publish_version(newest, now=now, actor=actor)


@transaction.atomic
def pause_flow(flow: Flow | UUID, *, now: datetime, actor: Actor = None) -> Flow:
    """Nothing of it is sent and nobody enters; runs stay where they are, and so do their texts.
    Exits still work."""
    found = flow_for_update(flow)
    if found.status != Flow.Status.LIVE:
        raise Problem("not_live", "Only a live flow can be paused.", status=409)
    _set_status(found, Flow.Status.PAUSED, now)
    FlowRun.objects.filter(flow=found, ended_at=None).update(on_hold=True)
    record_audit("flow.paused", target=str(found.id), actor=actor, now=now)
    return found


@transaction.atomic
def resume_flow(
    flow: Flow | UUID, *, now: datetime, overdue: Overdue = "skip", actor: Actor = None
) -> Flow:
    """Live again. Runs whose time passed meanwhile, or whose text had to wait: `skip` their next
    message and go on, `continue` with it now, or `exit`."""
    if overdue not in ("continue", "skip", "exit"):
        raise Invalid([FieldError("overdue", "invalid_choice", "Say continue, skip or exit.")])
    found = flow_for_update(flow)
    if found.status != Flow.Status.PAUSED:
        raise Problem("not_paused", "Only a paused flow can be resumed.", status=409)
    held = held_texts(found.id, reason=Reason.FLOW_PAUSED, now=now)
    count = count_overdue(found, now=now)
    if overdue == "exit":
        end_runs_of(found.id, reason="paused_too_long", now=now, overdue=set(held))
    elif overdue == "continue":
        hasten_messages(found.id, reason=Reason.FLOW_PAUSED, now=now)
    else:
        cancel_messages(message_ids=held, reason=Reason.FLOW_PAUSED, now=now)
        with connection.cursor() as cursor:
            cursor.execute(
                'UPDATE triggers_flowrun SET waiting = waiting || \'{"pass_message": "flow_paused"}\''
                " WHERE tenant_id = %s AND flow_id = %s AND ended_at IS NULL AND due_at <= %s",
                [current_tenant_id(), found.id, now],
            )
    _set_status(found, Flow.Status.LIVE, now)
    FlowRun.objects.filter(flow=found, ended_at=None).update(on_hold=False)
    data = {"overdue": overdue, "count": count}
    record_audit("flow.resumed", target=str(found.id), data=data, actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return found


@transaction.atomic
def archive_flow(flow: Flow | UUID, *, now: datetime, actor: Actor = None) -> Flow:
    """Ends every run and every waiting text of the flow, for good. Its numbers stay."""
    found = flow_for_update(flow)
    if found.status == Flow.Status.ARCHIVED:
        return found
    _set_status(found, Flow.Status.ARCHIVED, now)
    FanOut.objects.filter(flow=found, done_at=None).update(done_at=now)
    set_listener(f"flow:{found.id}", [])
    ended = end_runs_of(found.id, reason="archived", now=now)
    record_audit("flow.archived", target=str(found.id), data={"runs": ended}, actor=actor, now=now)
    return found


def count_overdue(flow: Flow, *, now: datetime) -> int:
    """Runs of a paused flow whose time passed, or whose text waits only for the pause to end: the
    resume dialog asks about them."""
    held = held_texts(flow.id, reason=Reason.FLOW_PAUSED, now=now)
    passed = Q(due_at__lte=now) | Q(state=FlowRun.State.WAITING_MESSAGE, message_id__in=held)
    return int(FlowRun.objects.filter(passed, flow=flow, ended_at=None).count())


def review_version(version: FlowVersion | UUID) -> list[Finding]:
    """What publishing this version would say, without doing it."""
    version_id = version if isinstance(version, UUID) else version.id
    found = FlowVersion.objects.filter(id=version_id).first()
    if found is None:
        raise NotFound("This version")
    live = FlowVersion.objects.filter(id=found.flow.live_version_id).first()
    return review_definition(read_or_refuse(found.definition), words_of(found, live=live))


def newest_version(flow: Flow | UUID) -> FlowVersion | None:
    """The version saved last: the draft, unless it is live."""
    flow_id = flow if isinstance(flow, UUID) else flow.id
    found: FlowVersion | None = (
        FlowVersion.objects.filter(flow_id=flow_id).order_by("-number").first()
    )
    return found


def refuse_archived(flow: Flow) -> None:
    """Raises `Problem` for a flow that is over for good."""
    if flow.status == Flow.Status.ARCHIVED:
        raise Problem("flow_archived", "An archived flow cannot be changed.", status=409)


def read_or_refuse(definition: Mapping[str, Any]) -> Definition:
    try:
        return read_definition(definition)
    except BadDefinition as error:
        raise Invalid([FieldError(f.path, f.code, f.detail) for f in error.flaws]) from None


def flow_for_update(flow: Flow | UUID) -> Flow:
    flow_id = flow if isinstance(flow, UUID) else flow.id
    found: Flow | None = Flow.objects.select_for_update(no_key=True).filter(id=flow_id).first()
    if found is None:
        raise NotFound("This flow")
    return found


def add_version(
    flow: Flow,
    read: Definition,
    *,
    now: datetime,
    actor: Actor = None,
    texts: Mapping[str, int] | None = None,
) -> FlowVersion:
    """Appends a version to a flow the caller has locked. `texts`: numbers that differ from those of
    the version before."""
    newest = newest_version(flow)
    version: FlowVersion = FlowVersion.objects.create(
        flow=flow,
        number=newest.number + 1 if newest else 1,
        definition=encode_definition(read),
        texts={**texts_for(read, newest, live_id=flow.live_version_id), **(texts or {})},
        created_at=now,
        created_by=getattr(actor, "email", "") or getattr(actor, "prefix", "") or "",
    )
    flow.draft_version = version
    flow.updated_at = now
    flow.save(update_fields=["draft_version", "updated_at"])
    return version


def _set_status(flow: Flow, status: str, now: datetime) -> None:
    flow.status = status
    flow.updated_at = now
    flow.save(update_fields=["status", "updated_at"])


def _listen(flow: Flow) -> None:
    """Events that no version in use can hear wake nobody."""
    in_use = FlowRun.objects.filter(flow=flow, ended_at=None).values("version_id").distinct()
    names: set[str] = set()
    for one in FlowVersion.objects.filter(id__in=in_use) | FlowVersion.objects.filter(
        id=flow.live_version_id
    ):
        plan = build_plan(one.definition)
        trigger = plan.definition.trigger
        names |= plan.listened_names
        if isinstance(trigger, SegmentTrigger):
            names.add("Segment Entered")
        elif isinstance(trigger, EventTrigger):
            names.add(trigger.event)
    set_listener(f"flow:{flow.id}", names)


def _include_current(
    flow: Flow, version: FlowVersion, definition: Definition, *, now: datetime
) -> None:
    trigger = definition.trigger
    if not isinstance(trigger, SegmentTrigger) or not trigger.include_current:
        return
    segment_id = Segment.objects.values_list("id", flat=True).get(slug=trigger.segment)
    FanOut.objects.create(flow=flow, version=version, segment_id=segment_id, started_at=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
