"""The numbers of Home: what went out, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from analytics.domain.attribution import credits_by_step
from delivery.core.periods import Period
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class Numbers:
    """One period, (start, end]. Money in minor units of the workspace's currency.

    `sent` are texts the gateway took, a member's test texts aside; `delivered` those of them with a
    receipt; `clicks` are people who tapped, each counted once a text; `orders` is every order,
    `attributed_*` those credited to a click.
    """

    sent: int
    delivered: int
    parts: int
    clicks: int
    replies: int
    opt_outs: int
    orders: int
    attributed_orders: int
    attributed_revenue_minor: int


@dataclass(frozen=True, slots=True)
class Home:
    current: Numbers
    previous: Numbers
    period: Period
    currency: str


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of the chart. `start` is UTC."""

    start: datetime
    sent: int
    delivered: int
    clicks: int


def home_numbers(period: Period, *, currency: str) -> Home:
    """A period beside the one before it."""
    return Home(
        current=numbers_of(start=period.start, end=period.end),
        previous=numbers_of(start=period.before_start, end=period.before_end),
        period=period,
        currency=currency,
    )


def numbers_of(*, start: datetime, end: datetime) -> Numbers:
    """The numbers of (start, end]. Two queries."""
    credits = credits_by_step(start=start, end=end).values()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
              (SELECT count(*) FROM delivery_message WHERE tenant_id = %(tenant)s
                AND sent_at > %(start)s AND sent_at <= %(end)s AND source_kind <> 'test_text'),
              (SELECT count(*) FROM delivery_message WHERE tenant_id = %(tenant)s
                AND sent_at > %(start)s AND sent_at <= %(end)s AND status = 'delivered'
                AND source_kind <> 'test_text'),
              (SELECT coalesce(sum(num_segments), 0) FROM delivery_message
                WHERE tenant_id = %(tenant)s AND sent_at > %(start)s AND sent_at <= %(end)s
                AND source_kind <> 'test_text'),
              (SELECT count(DISTINCT message_id) FROM delivery_click WHERE tenant_id = %(tenant)s
                AND clicked_at > %(start)s AND clicked_at <= %(end)s AND kind = 'human'),
              (SELECT count(*) FROM delivery_inboundmessage WHERE tenant_id = %(tenant)s
                AND received_at > %(start)s AND received_at <= %(end)s AND kind <> 'opt_out'),
              (SELECT count(DISTINCT phone_token) FROM consent_consentrecord
                WHERE tenant_id = %(tenant)s AND kind = 'opt_out'
                AND occurred_at > %(start)s AND occurred_at <= %(end)s),
              (SELECT count(*) FROM commerce_order WHERE tenant_id = %(tenant)s
                AND placed_at > %(start)s AND placed_at <= %(end)s
                AND state <> 'cancelled' AND told_at IS NOT NULL)
            """,
            {"tenant": current_tenant_id(), "start": start, "end": end},
        )
        sent, delivered, parts, clicks, replies, opt_outs, orders = cursor.fetchone()
    return Numbers(
        sent=sent,
        delivered=delivered,
        parts=int(parts),
        clicks=clicks,
        replies=replies,
        opt_outs=opt_outs,
        orders=orders,
        attributed_orders=sum(credit.orders for credit in credits),
        attributed_revenue_minor=sum(credit.minor for credit in credits),
    )


def daily(*, start: datetime, end: datetime, timezone: str) -> list[Day]:
    """Texts and clicks by the shop's calendar day, every day from `start` to `end` present."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH days AS (
                SELECT day, (day + interval '1 day') AS next FROM generate_series(
                    date_trunc('day', %(start)s::timestamptz AT TIME ZONE %(zone)s),
                    date_trunc('day', %(end)s::timestamptz AT TIME ZONE %(zone)s),
                    interval '1 day') AS day),
            texts AS (
                SELECT date_trunc('day', sent_at AT TIME ZONE %(zone)s) AS day, count(*) AS sent,
                       count(*) FILTER (WHERE status = 'delivered') AS delivered
                FROM delivery_message WHERE tenant_id = %(tenant)s
                    AND sent_at >= %(start)s AND sent_at <= %(end)s
                    AND source_kind <> 'test_text' GROUP BY 1),
            taps AS (
                SELECT date_trunc('day', clicked_at AT TIME ZONE %(zone)s) AS day,
                       count(DISTINCT message_id) AS clicks
                FROM delivery_click WHERE tenant_id = %(tenant)s AND kind = 'human'
                    AND clicked_at >= %(start)s AND clicked_at <= %(end)s GROUP BY 1)
            SELECT days.day AT TIME ZONE %(zone)s, coalesce(sent, 0), coalesce(delivered, 0),
                   coalesce(clicks, 0)
            FROM days LEFT JOIN texts USING (day) LEFT JOIN taps USING (day) ORDER BY days.day
            """,
            {"tenant": current_tenant_id(), "start": start, "end": end, "zone": timezone},
        )
        return [Day(*row) for row in cursor.fetchall()]
