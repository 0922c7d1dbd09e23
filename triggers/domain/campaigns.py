"""Campaigns: written, launched, paused, resumed, stopped.

What is sent and whether it may go is decided where every text is: a launched campaign is a flow
with a schedule and one message.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from api.problems import FieldError, NotFound, Problem
from consent.domain.settings import read_compliance
from delivery.core.reasons import Reason
from delivery.domain.loading import load_senders
from delivery.domain.waiting import hasten_messages
from events.domain.listening import set_listener
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id
from tenancy.waking import wake
from triggers.core.definition import (
    Definition,
    MessageStep,
    Reentry,
    ScheduleTrigger,
    encode_definition,
)
from triggers.core.local_times import first_instant, last_instant, read_wall_time
from triggers.core.plan import build_plan
from triggers.domain.audiences import audience_of, count_members
from triggers.domain.publishing import longest_night
from triggers.models import Campaign, FanOut, Flow, FlowVersion

Actor = User | ApiKey | None
Status = Campaign.Status
PRIORITY = 30
STEP = "text"
# A text that waits for a window must outlast the longest night.
_LIFE, _MORNING = timedelta(hours=24), timedelta(hours=2)
RUNNING = (Status.SCHEDULED, Status.SENDING, Status.PAUSED)


@transaction.atomic
def launch_campaign(campaign: Campaign | UUID, *, now: datetime, actor: Actor = None) -> Campaign:
    """Sends it, now or when its time comes. Launching a launched one again changes nothing.

    Raises `Problem` "not_ready" (422) with one error per thing that is missing, "campaign_stopped"
    (409) for a stopped one.
    """
    found = access_for_update(campaign)
    if found.status == Status.STOPPED:
        raise Problem("campaign_stopped", "A stopped campaign cannot be sent again.", status=409)
    if found.status != Status.DRAFT:
        return found
    _check_ready(found, now)
    flow, version = _make_flow(found, now=now, actor=actor)
    starts_at = _starts_at(found, now)
    FanOut.objects.create(
        flow=flow,
        version=version,
        segment_id=found.segment_id,
        started_at=now,
        starts_at=starts_at,
    )
    found.flow, found.status, found.launched_at = flow, Status.SCHEDULED, now
    found.selected_count, found.updated_at = count_members(audience_of(found)), now
    found.save()
    data = {"selected": found.selected_count, "timing": found.timing, "at": starts_at.isoformat()}
    record_audit("campaign.launched", target=str(found.id), data=data, actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return found


@transaction.atomic
def pause_campaign(campaign: Campaign | UUID, *, now: datetime, actor: Actor = None) -> Campaign:
    """From this commit on nothing of it leaves and nobody enters. What is queued waits; texts
    that stay fresh go when it is resumed. Pausing a paused one changes nothing."""
    order = _lock_order(campaign)
    found = access_for_update(campaign)
    if found.status == Status.PAUSED:
        return found
    if order is None or found.status not in (Status.SCHEDULED, Status.SENDING):
        raise Problem("not_sending", "Only a campaign on its way can be paused.", status=409)
    order.on_hold = True
    order.save(update_fields=["on_hold"])
    _set(found, Status.PAUSED, now)
    record_audit("campaign.paused", target=str(found.id), actor=actor, now=now)
    return found


@transaction.atomic
def resume_campaign(campaign: Campaign | UUID, *, now: datetime, actor: Actor = None) -> Campaign:
    """Goes on where it was; texts that waited for it are decided anew at once, from the first
    check on. Resuming a running one changes nothing."""
    order = _lock_order(campaign)
    found = access_for_update(campaign)
    if found.status in (Status.SCHEDULED, Status.SENDING):
        return found
    if order is None or found.status != Status.PAUSED:
        raise Problem("not_paused", "Only a paused campaign can be resumed.", status=409)
    order.on_hold = False
    order.save(update_fields=["on_hold"])
    _set(found, Status.SENDING if found.started_at else Status.SCHEDULED, now)
    hasten_messages(found.id, reason=Reason.CAMPAIGN_PAUSED, now=now)
    record_audit("campaign.resumed", target=str(found.id), actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return found


@transaction.atomic
def stop_campaign(campaign: Campaign | UUID, *, now: datetime, actor: Actor = None) -> Campaign:
    """For good: from this commit on nothing of it is submitted. Workers cancel what is queued or
    waits, set by set. Stopping a stopped one changes nothing."""
    order = _lock_order(campaign)
    found = access_for_update(campaign)
    if found.status == Status.STOPPED:
        return found
    if order is None or found.status not in RUNNING:
        raise Problem("not_sending", "Only a campaign on its way can be stopped.", status=409)
    order.stage, order.starts_at, order.on_hold = FanOut.Stage.STOPPING, now, False
    order.save(update_fields=["stage", "starts_at", "on_hold"])
    _set(found, Status.STOPPED, now)
    record_audit("campaign.stopped", target=str(found.id), actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return found


def text_life() -> timedelta:
    """How long a campaign's text stays fresh: it outlasts the workspace's longest night."""
    night, _ = longest_night(read_compliance().quiet.brand)
    return max(_LIFE, night + _MORNING)


def access_campaign(campaign_id: UUID) -> Campaign:
    """Raises `NotFound`, also for another workspace's campaign."""
    found: Campaign | None = (
        Campaign.objects.filter(id=campaign_id)
        .select_related("segment", "template_version")
        .first()
    )
    if found is None:
        raise NotFound("This campaign")
    return found


def access_for_update(campaign: Campaign | UUID) -> Campaign:
    """The row, locked until the transaction ends. Raises `NotFound`."""
    campaign_id = campaign if isinstance(campaign, UUID) else campaign.id
    found: Campaign | None = (
        Campaign.objects.select_for_update(no_key=True).filter(id=campaign_id).first()
    )
    if found is None:
        raise NotFound("This campaign")
    return found


def find_missing(campaign: Campaign, *, now: datetime) -> list[FieldError]:
    """What a draft still needs before it can be launched, one error per field."""
    return [*_missing_audience(campaign), *_missing_words(campaign), *_missing_time(campaign, now)]


def _check_ready(campaign: Campaign, now: datetime) -> None:
    errors = find_missing(campaign, now=now)
    if not load_senders(now=now, wall=wall_now(), with_room=False):
        errors.append(FieldError("sender", "no_sender", "No sender is set up in this workspace."))
    if errors:
        raise Problem(
            "not_ready",
            " ".join(error.detail for error in errors),
            status=422,
            title="The campaign cannot be sent yet",
            errors=errors,
        )


def _missing_audience(campaign: Campaign) -> Iterable[FieldError]:
    if not campaign.audience:
        yield FieldError("audience", "missing", "Choose who gets it.")


def _missing_words(campaign: Campaign) -> Iterable[FieldError]:
    if campaign.template_version_id is None:
        yield FieldError("body", "missing", "Write the text.")


def _missing_time(campaign: Campaign, now: datetime) -> Iterable[FieldError]:
    if campaign.timing == Campaign.Timing.AT and (not campaign.send_at or campaign.send_at < now):
        yield FieldError("send_at", "past", "Choose a time that is still to come.")
    if campaign.timing == Campaign.Timing.LOCAL:
        wall = campaign.local_time
        if not wall or last_instant(read_wall_time(wall)) < now:
            yield FieldError("local_time", "past", "Choose a time that is still to come.")


def _starts_at(campaign: Campaign, now: datetime) -> datetime:
    if campaign.timing == Campaign.Timing.AT and campaign.send_at is not None:
        return max(campaign.send_at, now)
    if campaign.timing == Campaign.Timing.LOCAL:
        return max(first_instant(read_wall_time(campaign.local_time)), now)
    return now


def _make_flow(campaign: Campaign, *, now: datetime, actor: Actor) -> tuple[Flow, FlowVersion]:
    version = campaign.template_version
    if version is None:  # found missing before
        raise NotFound("This text")
    life = text_life()
    definition = Definition(
        trigger=ScheduleTrigger(),
        reentry=Reentry(mode="once"),
        steps=[
            MessageStep(
                key=STEP, template=version.template.slug, ttl=f"PT{int(life.total_seconds())}S"
            )
        ],
        priority=PRIORITY,
    )
    flow = Flow.every.create(
        id=campaign.id,
        name=campaign.name,
        slug=f"campaign-{campaign.id.hex}",
        status=Flow.Status.LIVE,
        priority=PRIORITY,
        is_campaign=True,
        published_at=now,
        created_at=now,
        updated_at=now,
    )
    made = FlowVersion.objects.create(
        flow=flow,
        number=1,
        definition=encode_definition(definition),
        created_at=now,
        created_by=getattr(actor, "email", "") or getattr(actor, "prefix", "") or "",
    )
    Flow.every.filter(id=flow.id).update(live_version_id=made.id)
    set_listener(f"flow:{flow.id}", build_plan(definition).listened_names)
    return flow, made


def _lock_order(campaign: Campaign | UUID) -> FanOut | None:
    """The fan-out first: whoever lets people in holds it while it locks contacts."""
    campaign_id: Any = campaign if isinstance(campaign, UUID) else campaign.id
    found: FanOut | None = (
        FanOut.objects.select_for_update(no_key=True)
        .filter(flow_id=campaign_id, done_at=None)
        .first()
    )
    return found


def _set(campaign: Campaign, status: str, now: datetime) -> None:
    campaign.status, campaign.updated_at = status, now
    campaign.save(update_fields=["status", "updated_at"])
