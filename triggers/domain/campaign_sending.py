"""A campaign on its way: its audience enters in sets, then its runs end, or are ended.

The caller holds the fan-out's row. Lock order: fan-out, contacts, campaign; pausing and stopping
lock the fan-out first too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from delivery.domain.loading import load_senders
from events.domain.listening import set_listener
from people.domain.queries import lock_contacts
from tenancy.clock import wall_now
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id
from triggers.core.local_times import read_wall_time
from triggers.core.state import ACTIVE, RunState
from triggers.domain.audiences import (
    Audience,
    Member,
    audience_of,
    due_times,
    is_filled,
    only_subscribed,
    read_page,
)
from triggers.domain.ending import end_some_runs
from triggers.domain.plans import LiveFlow, plans_for
from triggers.domain.reacting import start_runs
from triggers.domain.records import RunRecord
from triggers.models import Campaign, FanOut, Flow, FlowRun

# A campaign fills at most this part of the minute that senders work ahead: what an event asks for
# meanwhile finds room.
SHARE_OF_ROOM = 0.5
STOP_AT_ONCE = 1000
_SOONEST, _LATEST = timedelta(seconds=1), timedelta(seconds=60)


def enter_some(order: FanOut, campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Lets the next members in whose time has come; returns how many were looked at.

    None while no sender works, or while a segment is being filled: the campaign waits for it.
    """
    size = min(limit, campaign_room(now=now))
    audience = audience_of(campaign)
    if size <= 0 or not is_filled(audience):
        return 0
    page = read_page(audience, after=order.after_contact, limit=size)
    chosen, later = _choose(campaign, audience, order, page, now)
    if later is not None:
        order.next_at = min(order.next_at or later, later)
    if chosen:
        if campaign.status == Campaign.Status.SCHEDULED:
            campaign.status, campaign.started_at = Campaign.Status.SENDING, now
            campaign.save(update_fields=["status", "started_at"])
        order.entered_count += _start(order, campaign, chosen, now)
    if page:
        order.after_contact = page[-1][0]
    if len(page) < size:
        _end_pass(order, now)
    order.save()
    return max(len(page), 1)


def drain(order: FanOut, campaign: Campaign, *, now: datetime) -> int:
    """The campaign is sent when its last run has ended; until then looks again, less and less
    often. Returns 1 when it is."""
    if FlowRun.objects.filter(flow_id=order.flow_id, ended_at=None).exists():
        waited = now - (order.next_at or now)
        order.starts_at = now + min(max(waited / 4, _SOONEST), _LATEST)
        order.save(update_fields=["starts_at"])
        return 0
    _finish(order, campaign, Campaign.Status.SENT, now)
    return 1


def stop_some(order: FanOut, campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Ends the next runs of a stopped campaign and cancels their texts; returns how many."""
    ended = end_some_runs(order.flow_id, reason="stopped", now=now, limit=min(limit, STOP_AT_ONCE))
    if not ended:
        _finish(order, campaign, Campaign.Status.STOPPED, now)
    return max(ended, 1)


def campaign_room(*, now: datetime) -> int:
    """Parts that campaigns may still queue at the working senders; 0 when none works."""
    working = [s for s in load_senders(now=now, wall=wall_now()) if s.active and not s.stopped]
    ahead = 60 * (1 - SHARE_OF_ROOM)
    return int(sum(max(s.room - s.segments_per_second * ahead, 0.0) for s in working))


def _choose(
    campaign: Campaign, audience: Audience, order: FanOut, page: Sequence[Member], now: datetime
) -> tuple[list[UUID], datetime | None]:
    """Who of a page enters now, and when the first of the others may."""
    members = only_subscribed(page) if audience.segment_id is None else list(page)
    entered = _entered(order.flow_id, [contact_id for contact_id, _ in members])
    ids = [contact_id for contact_id, _ in members if contact_id not in entered]
    if campaign.timing != Campaign.Timing.LOCAL:
        return ids, None
    times = due_times(read_wall_time(campaign.local_time), ids)
    later = [at for at in times.values() if at > now]
    return [one for one in ids if one in times and times[one] <= now], min(later, default=None)


def _entered(flow_id: UUID, contact_ids: Sequence[UUID]) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id FROM triggers_flowrun"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) AND flow_id = %s",
            [current_tenant_id(), list(contact_ids), flow_id],
        )
        return {row[0] for row in cursor.fetchall()}


def _start(order: FanOut, campaign: Campaign, chosen: Sequence[UUID], now: datetime) -> int:
    flow = Flow.every.get(id=order.flow_id)
    plan = plans_for([order.version_id])[order.version_id]
    live = LiveFlow(flow.id, flow.name, flow.status, flow.priority, order.version_id, now, plan)
    records = [
        RunRecord(
            state=RunState(
                run_id=new_id(),
                contact_id=contact_id,
                state=ACTIVE,
                step_key=plan.first,
                triggered_at=now,
                anchor_at=now,
                due_at=now,
                waiting={"door": True},
            ),
            flow_id=flow.id,
            version_id=order.version_id,
            entry_key="",
            entered_at=now,
            context={"event": {}, "campaign": campaign.name},
            is_new=True,
        )
        for contact_id in lock_contacts(chosen)
    ]
    return start_runs(records, {}, now=now, depths={}, flows=[live])


def _end_pass(order: FanOut, now: datetime) -> None:
    """Everybody was looked at: the next pass begins when the next of them is due."""
    if order.next_at is not None:
        order.starts_at, order.after_contact, order.next_at = order.next_at, None, None
        return
    order.stage, order.starts_at, order.next_at = FanOut.Stage.DRAINING, now, now


def _finish(order: FanOut, campaign: Campaign, status: str, now: datetime) -> None:
    order.done_at = now
    order.save(update_fields=["done_at"])
    campaign.status, campaign.finished_at = status, now
    campaign.save(update_fields=["status", "finished_at"])
    Flow.every.filter(id=order.flow_id).update(status=Flow.Status.ARCHIVED, updated_at=now)
    set_listener(f"flow:{order.flow_id}", [])
