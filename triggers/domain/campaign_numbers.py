"""What became of campaigns, counted when asked: from the messages' own index, however many
others there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tenancy.scope import current_tenant_id
from triggers.models import Campaign, FanOut

_OUT = ("sent", "delivered", "undelivered")


@dataclass(slots=True)
class CampaignNumbers:
    """Texts by what became of them. `held_back` and `waiting`: by reason; a stopped campaign's
    canceled texts are among `held_back`."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    queued: int = 0
    clicked: int = 0
    opted_out: int = 0
    held_back: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)

    @property
    def held_back_total(self) -> int:
        return sum(self.held_back.values())

    @property
    def waiting_total(self) -> int:
        return sum(self.waiting.values())

    @property
    def decided(self) -> int:
        """Contacts with a final word: texted, failed or held back."""
        return self.sent + self.failed + self.held_back_total


def numbers_of(campaign_ids: Sequence[UUID]) -> dict[UUID, CampaignNumbers]:
    """Three queries, however many campaigns."""
    found = {campaign_id: CampaignNumbers() for campaign_id in campaign_ids}
    if not found:
        return found
    values: dict[str, Any] = {"tenant": current_tenant_id(), "ids": list(found)}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT flow_id, status, reason, count(*) FROM delivery_message
            WHERE tenant_id = %(tenant)s AND flow_id = ANY(%(ids)s) AND source_kind = 'campaign'
            GROUP BY 1, 2, 3
            """,
            values,
        )
        for campaign_id, status, reason, count in cursor.fetchall():
            _add(found[campaign_id], status, reason, count)
        cursor.execute(
            """
            SELECT m.flow_id, count(DISTINCT c.message_id)
            FROM delivery_click c
            JOIN delivery_message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
            WHERE c.tenant_id = %(tenant)s AND c.kind = 'human' AND m.flow_id = ANY(%(ids)s)
              AND m.source_kind = 'campaign' GROUP BY 1
            """,
            values,
        )
        for campaign_id, count in cursor.fetchall():
            found[campaign_id].clicked = count
        cursor.execute(
            """
            SELECT m.flow_id, count(DISTINCT m.id)
            FROM delivery_inboundmessage i
            JOIN delivery_message m ON m.tenant_id = i.tenant_id AND m.id = i.answered_message_id
            WHERE i.tenant_id = %(tenant)s AND i.kind = 'opt_out' AND m.flow_id = ANY(%(ids)s)
              AND m.source_kind = 'campaign' GROUP BY 1
            """,
            values,
        )
        for campaign_id, count in cursor.fetchall():
            found[campaign_id].opted_out = count
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a launched campaign is. `done` of `total` contacts have a final word; `planned`:
    those whose time has not come yet, or had not when it was stopped; `left`: about how long the
    rest takes at the pace so far, None while that says nothing."""

    numbers: CampaignNumbers
    done: int
    total: int
    planned: int
    left: timedelta | None
    next_at: datetime | None


def progress_of(campaign: Campaign, *, now: datetime) -> Progress:
    """For the live page. Five queries."""
    numbers = numbers_of([campaign.id])[campaign.id]
    order = FanOut.objects.filter(flow_id=campaign.id).order_by("-id").first()
    over = campaign.status in (Campaign.Status.SENT, Campaign.Status.STOPPED)
    # People who came into the audience since the launch are sent to as well.
    entered = order.entered_count if order else 0
    expected = max(campaign.selected_count, entered)
    total = entered if over else expected
    entering = order is not None and order.stage in (FanOut.Stage.ENTERING, FanOut.Stage.STOPPING)
    waits = entering and campaign.status != Campaign.Status.SENT
    planned = expected - entered if waits else 0
    left = None
    spent = now - campaign.started_at if campaign.started_at else timedelta(0)
    rest = total - numbers.decided - numbers.waiting_total
    if campaign.status == Campaign.Status.SENDING and numbers.sent >= 20 and rest > 0:
        left = spent * (rest / numbers.decided)
    next_at = None
    if order is not None and order.done_at is None and order.stage == FanOut.Stage.ENTERING:
        next_at = order.starts_at if order.starts_at and order.starts_at > now else None
    return Progress(numbers, numbers.decided, total, planned, left, next_at)


def _add(numbers: CampaignNumbers, status: str, reason: str, count: int) -> None:
    if status in _OUT:
        numbers.sent += count
    if status == "delivered":
        numbers.delivered += count
    elif status in ("failed", "undelivered"):
        numbers.failed += count if status == "failed" else 0
    elif status in ("skipped", "canceled"):
        numbers.held_back[reason] = numbers.held_back.get(reason, 0) + count
    elif status == "scheduled":
        numbers.waiting[reason] = numbers.waiting.get(reason, 0) + count
    elif status in ("queued", "sending"):
        numbers.queued += count
