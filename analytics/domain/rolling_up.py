"""Counting a workspace's days for its organization, in its own scope, set by set."""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from analytics.core.health import ClientFacts, Problem, failing_tone, judge, waiting_tone
from analytics.domain.attention import REPLIES, TEXTS, Concern, find_concerns
from delivery.core.periods import DAYS as PERIOD_DAYS
from delivery.core.periods import WEEK, Period, period_of
from delivery.models import Sender
from events.domain.catalogue import list_event_types
from tenancy.ids import new_ids
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id, router_scope, tenant_scope
from triggers.models import Flow

DAYS = PERIOD_DAYS[WEEK]
STALE_AFTER = timedelta(minutes=5)
logger = logging.getLogger(__name__)


def roll_up(*, now: datetime) -> None:
    """Counts the last seven days anew, today included, and judges how the workspace is."""
    tenant = Tenant.objects.get(id=current_tenant_id())
    week = period_of(WEEK, timezone=tenant.timezone, now=now)
    today = now.astimezone(ZoneInfo(tenant.timezone)).date()
    sent, delivered, opt_outs = _count_days(tenant, today, week)
    last_event_at = _last_event_at(now)
    flows = list(Flow.objects.filter(status__in=["live", "paused"]).values_list("status", "name"))
    facts = ClientFacts(
        delivered=delivered,
        opt_outs=opt_outs,
        last_event_at=last_event_at,
        senders=Sender.objects.count(),
        flows_live=sum(status == "live" for status, _ in flows),
        paused_flows=sorted(name for status, name in flows if status == "paused"),
    )
    others = [
        problem
        for concern in find_concerns(since=week.first, now=now)
        if (problem := _as_problem(concern, sent, now)) is not None
    ]
    problems = judge(facts, others, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE analytics_clientday SET last_event_at = %s, problems = %s"
            " WHERE tenant_id = %s AND organization_id = %s AND day = %s",
            [
                last_event_at,
                json.dumps([problem.as_dict() for problem in problems]),
                tenant.id,
                tenant.organization_id,
                today,
            ],
        )


def roll_up_all(
    *, now: datetime, organization_id: UUID | None = None, fresh: timedelta = timedelta(0)
) -> dict[str, int]:
    """`roll_up` for every active workspace, or those of one organization, each in its own scope;
    what was counted less than `fresh` ago is left alone. One that fails does not stop the others."""
    where = "" if organization_id is None else " AND organization_id = %s"
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM tenancy_tenant WHERE is_active{where} ORDER BY id",
            [] if organization_id is None else [organization_id],
        )
        tenant_ids = [row[0] for row in cursor.fetchall()]
    done = {"counted": 0, "fresh": 0, "failed": 0}
    for tenant_id in tenant_ids:
        try:
            with tenant_scope(tenant_id):
                if fresh and _counted_since(now - fresh, now):
                    done["fresh"] += 1
                    continue
                roll_up(now=now)
                done["counted"] += 1
        except Exception:
            done["failed"] += 1
            logger.exception("one workspace was not counted for its organization")
    return done


def _counted_since(since: datetime, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM analytics_clientday WHERE tenant_id = %s AND counted_at > %s"
            " AND counted_at <= %s LIMIT 1",
            [current_tenant_id(), since, now],
        )
        return cursor.fetchone() is not None


def _count_days(tenant: Tenant, today: date, week: Period) -> tuple[int, int, int]:
    """Writes one row a day and returns the sums (sent, delivered, opt-outs), which are Home's of
    these seven days. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH days AS (
                SELECT id, day::date FROM unnest(%(ids)s::uuid[], %(days)s::date[])
                    AS made(id, day)),
            texts AS (
                SELECT (sent_at AT TIME ZONE %(zone)s)::date AS day, count(*) AS sent,
                       count(*) FILTER (WHERE status = 'delivered') AS delivered
                FROM delivery_message WHERE tenant_id = %(tenant)s
                    AND sent_at > %(start)s AND sent_at <= %(now)s
                    AND source_kind <> 'test_text' GROUP BY 1),
            -- Who leaves, comes back and leaves again is one opt-out of the week, on the last day.
            leavers AS (
                SELECT (max(occurred_at) AT TIME ZONE %(zone)s)::date AS day
                FROM consent_consentrecord WHERE tenant_id = %(tenant)s AND kind = 'opt_out'
                    AND occurred_at > %(start)s AND occurred_at <= %(now)s GROUP BY phone_token),
            stops AS (SELECT day, count(*) AS opt_outs FROM leavers GROUP BY day),
            written AS (
                INSERT INTO analytics_clientday AS held (id, tenant_id, organization_id, day, sent,
                    delivered, opt_outs, problems, counted_at)
                SELECT days.id, %(tenant)s, %(organization)s, days.day, coalesce(sent, 0),
                       coalesce(delivered, 0), coalesce(opt_outs, 0), '[]', %(now)s
                FROM days LEFT JOIN texts USING (day) LEFT JOIN stops USING (day)
                ORDER BY days.day
                ON CONFLICT (organization_id, tenant_id, day) DO UPDATE SET
                    sent = excluded.sent, delivered = excluded.delivered,
                    opt_outs = excluded.opt_outs, counted_at = excluded.counted_at
                RETURNING sent, delivered, opt_outs)
            SELECT sum(sent)::int, sum(delivered)::int, sum(opt_outs)::int FROM written
            """,
            {
                "ids": new_ids(DAYS),
                "days": [today - timedelta(days=n) for n in range(DAYS)],
                "zone": tenant.timezone,
                "tenant": tenant.id,
                "organization": tenant.organization_id,
                "start": week.start,
                "now": week.end,
            },
        )
        sent, delivered, opt_outs = cursor.fetchone()
    return sent, delivered, opt_outs


def _last_event_at(now: datetime) -> datetime | None:
    """When the shop last sent something; what our own floors record does not count."""
    return max(
        (one.last_seen_at for one in list_event_types(now=now) if not one.is_own), default=None
    )


def _as_problem(concern: Concern, sent: int, now: datetime) -> Problem | None:
    """Home's concerns, with a tone for somebody who watches forty clients; None: not yet theirs."""
    tone = concern.tone
    if concern.code == TEXTS:
        tone = failing_tone(concern.count, sent)
    elif concern.code == REPLIES and concern.since is not None:
        tone = waiting_tone(now - concern.since)
        if not tone:
            return None
    return Problem(concern.code, concern.title, concern.detail, tone, concern.path, concern.needs)
