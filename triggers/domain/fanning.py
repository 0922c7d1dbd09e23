"""Fan-out: an audience enters a flow, a set at a time.

A segment's current members when a flow goes live; a campaign's audience when its time has come,
those of later zones in later passes. Never more at once than the senders can text within about a
minute, so that what is decided is still true when it leaves.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from delivery.domain.deciding import sender_room
from events.core.names import SEGMENT_ENTERED
from people.domain.queries import lock_contacts
from segments.domain.queries import member_ids
from tenancy.retrying import is_collision, is_outage
from tenancy.scope import tenant_scope
from triggers.core.entry import Candidate, Trigger
from triggers.core.state import Happening
from triggers.domain.audiences import audience_of, read_page
from triggers.domain.campaign_sending import drain, enter_some, stop_some
from triggers.domain.entering import Entries, open_runs
from triggers.domain.plans import LiveFlow, live_flows
from triggers.domain.reacting import start_runs
from triggers.models import Campaign, EntryDecision, FanOut

logger = logging.getLogger(__name__)

MEMBERS_AT_ONCE = 1000
_LATER = timedelta(minutes=1)


def fan_out(tenant_id: UUID, *, now: datetime, limit: int = MEMBERS_AT_ONCE) -> int:
    """Lets the next members of one open fan-out in; returns how many contacts were looked at.

    Opens its own scopes. A set that fails is halved; one contact that fails is passed by.
    """
    with tenant_scope(tenant_id):
        orders = list(_due(now).values_list("id", flat=True))
    for order_id in orders:
        size = limit
        while size:
            try:
                with tenant_scope(tenant_id):
                    count = _work_on(order_id, now, size)
            except Exception as error:
                if is_outage(error):
                    raise
                logger.warning("a set of %d could not enter: %r", size, error)
                if size == 1 and not is_collision(error):
                    _pass_by(tenant_id, order_id, error, now=now)
                size //= 2
                continue
            if count:
                return count
            break
    return 0


def _due(now: datetime) -> QuerySet[FanOut]:
    found: Any = (
        FanOut.objects.annotate(due_at=Coalesce(F("starts_at"), F("started_at")))
        .filter(on_hold=False, done_at=None, due_at__lte=now)
        .order_by("id")
    )
    return found  # type: ignore[no-any-return]


def _work_on(order_id: UUID, now: datetime, limit: int) -> int:
    order: FanOut | None = (
        _due(now).filter(id=order_id).select_for_update(skip_locked=True, no_key=True).first()
    )
    if order is None:
        return 0
    campaign = Campaign.objects.filter(id=order.flow_id).first()
    if campaign is None:
        return _enter_flow(order, now, limit)
    if order.stage == FanOut.Stage.STOPPING:
        return stop_some(order, campaign, now=now, limit=limit)
    if order.stage == FanOut.Stage.DRAINING:
        return drain(order, campaign, now=now)
    return enter_some(order, campaign, now=now, limit=limit)


def _enter_flow(order: FanOut, now: datetime, limit: int) -> int:
    """A segment's current members enter a flow that has just gone live."""
    flow = next((flow for flow in live_flows() if flow.id == order.flow_id), None)
    if flow is None or flow.is_paused:
        return 0
    room = sender_room(now=now)
    size = limit if room is None else min(limit, int(room))
    if size <= 0:
        return 0
    return _let_in(order, flow, size, now)


def _let_in(order: FanOut, flow: LiveFlow, size: int, now: datetime) -> int:
    members = _members(order, size)
    if not members:
        order.done_at = now
        order.save(update_fields=["done_at"])
        return 0
    held = lock_contacts(members)
    entering = Happening(order.id, SEGMENT_ENTERED, order.started_at, {})
    candidates = [
        Candidate(Trigger(entering, order.started_at, contact_id), contact_id)
        for contact_id in held
    ]
    records, _ = open_runs([flow], Entries(candidates={flow.id: candidates}), now=now)
    start_runs(records, {}, now=now, depths={}, flows=[flow])
    order.after_contact = members[-1]
    order.entered_count += len(records)
    order.save(update_fields=["after_contact", "entered_count"])
    return len(members)


def _members(order: FanOut, limit: int) -> list[UUID]:
    campaign = Campaign.objects.filter(id=order.flow_id).first()
    if campaign is not None:
        page = read_page(audience_of(campaign), after=order.after_contact, limit=limit)
        return [contact_id for contact_id, _ in page]
    if order.segment_id is None:
        return []
    return member_ids(order.segment_id, after=order.after_contact, limit=limit)


def _pass_by(tenant_id: UUID, order_id: UUID, error: Exception, *, now: datetime) -> None:
    """One contact cannot enter: it is left out, with the reason, and the others go on."""
    logger.error("a contact could not enter and is left out", exc_info=error)
    with tenant_scope(tenant_id):
        order = FanOut.objects.select_for_update(no_key=True).get(id=order_id)
        if order.stage != FanOut.Stage.ENTERING:
            # Ending fails for other reasons than one contact: it is tried again later.
            order.starts_at = now + _LATER
            order.save(update_fields=["starts_at"])
            return
        members = _members(order, 1)
        if not members:
            return
        order.after_contact = members[0]
        order.save(update_fields=["after_contact"])
        EntryDecision.objects.create(
            event_id=order.id,
            event_name=SEGMENT_ENTERED,
            flow_id=order.flow_id,
            contact_id=members[0],
            entered=False,
            reason="set_aside",
            detail={
                "text": "something about this contact could not be read",
                "error": repr(error)[:300],
            },
            at=now,
        )
