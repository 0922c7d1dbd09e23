"""Deliveries: made from the feed in sets, read, replayed. Times are wall time.

The feed is a table of batches that the appending statement itself fills, not a position in the
log: ids and times are given before a transaction commits, so a position would walk past whatever
commits late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from api.problems import FieldError, Invalid, NotFound
from events.domain.listening import EVERYTHING
from events.domain.webhooks import require_enabled, wake_webhooks
from events.models import WebhookDelivery, WebhookEndpoint
from tenancy.ids import new_id, new_ids
from tenancy.scope import current_tenant_id, tenant_scope

TEST_EVENT = "Webhook Test"
# Deliveries that are over are kept this long, events can be replayed this far back.
KEPT = timedelta(days=30)
MAX_REPLAY = 50_000
_BATCHES = 20
PAGE = 25

_HEARS = "(%(everything)s = ANY(e.event_names) OR v.name = ANY(e.event_names))"


def make_deliveries(tenant_id: UUID, *, now: datetime) -> int:
    """Turns fed batches into deliveries, some batches at a time; returns how many batches it took.

    Opens its own scope. Batches, their deliveries and the feed change in one transaction.
    """
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, first_id, last_id, received_at FROM events_webhookfeed"
            " WHERE tenant_id = %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            [tenant_id, _BATCHES],
        )
        batches = cursor.fetchall()
        if not batches:
            return 0
        ids, firsts, lasts, times = (list(column) for column in zip(*batches, strict=True))
        cursor.execute(
            f"""
            SELECT e.id, v.id, v.name, v.received_at
            FROM unnest(%(ids)s::uuid[], %(firsts)s::uuid[], %(lasts)s::uuid[],
                        %(times)s::timestamptz[]) AS b(id, first_id, last_id, received_at)
            JOIN events_event v ON v.tenant_id = %(tenant)s AND v.received_at = b.received_at
              AND v.received_at BETWEEN %(first)s AND %(last)s
              AND v.id BETWEEN b.first_id AND b.last_id AND v.batch_id = b.id
            JOIN events_webhookendpoint e ON e.tenant_id = %(tenant)s AND e.state = 'enabled'
              AND {_HEARS}
            ORDER BY v.id
            """,
            {
                "tenant": tenant_id,
                "ids": ids,
                "firsts": firsts,
                "lasts": lasts,
                "times": times,
                "first": min(times),  # these two spare the planner the other months
                "last": max(times),
                "everything": EVERYTHING,
            },
        )
        _insert(cursor.fetchall(), now=now)
        cursor.execute(
            "DELETE FROM events_webhookfeed WHERE tenant_id = %s AND id = ANY(%s)", [tenant_id, ids]
        )
    return len(batches)


def send_test(endpoint: WebhookEndpoint, *, now: datetime) -> WebhookDelivery:
    """Queues an event that only this endpoint hears of. Raises `Problem` when it is disabled."""
    require_enabled(endpoint)
    key = new_id()
    made: WebhookDelivery = WebhookDelivery.objects.create(
        id=key,
        endpoint=endpoint,
        event_id=key,
        event_name=TEST_EVENT,
        event_received_at=now,
        is_test=True,
        state=WebhookDelivery.State.PENDING,
        created_at=now,
        due_at=now,
    )
    _look_again(endpoint)
    return made


def replay_delivery(delivery: WebhookDelivery, *, now: datetime) -> None:
    """Sends one once more, taken or not, under the same id. Raises `Problem` when its endpoint
    is disabled."""
    require_enabled(delivery.endpoint)
    WebhookDelivery.objects.filter(id=delivery.id).update(
        state=WebhookDelivery.State.PENDING, due_at=now, attempts=0, first_attempt_at=None
    )
    _look_again(delivery.endpoint)


def replay_since(
    endpoint: WebhookEndpoint, since: datetime, *, business: datetime, now: datetime
) -> int:
    """Sends everything since then that its names cover, taken or not; returns how many.

    `since` and `business` are business time, as events have it. Events passed by while it was
    disabled come too; imported history does not. Raises `Invalid`, `Problem`.
    """
    require_enabled(endpoint)
    if since.tzinfo is None or since > business:
        raise Invalid([FieldError("since", "invalid", "Give a moment in the past, with its zone.")])
    if business - since > KEPT:
        raise Invalid([FieldError("since", "too_early", f"At most {KEPT.days} days back.")])
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT e.id, v.id, v.name, v.received_at
            FROM events_webhookendpoint e
            JOIN events_event v ON v.tenant_id = e.tenant_id AND v.received_at >= %(since)s
              AND NOT v.backfill AND {_HEARS}
            WHERE e.tenant_id = %(tenant)s AND e.id = %(endpoint)s
            ORDER BY v.id LIMIT %(most)s
            """,
            {
                "tenant": current_tenant_id(),
                "endpoint": endpoint.id,
                "since": since,
                "everything": EVERYTHING,
                "most": MAX_REPLAY + 1,
            },
        )
        pairs = cursor.fetchall()
    if len(pairs) > MAX_REPLAY:
        detail = f"More than {MAX_REPLAY:,} events. Choose a later time."
        raise Invalid([FieldError("since", "too_many", detail)])
    _insert(pairs, now=now, again=True)
    _look_again(endpoint)
    return len(pairs)


def find_delivery(delivery_id: UUID, *, endpoint_id: UUID | None = None) -> WebhookDelivery:
    """Raises `NotFound`."""
    rows = WebhookDelivery.objects.select_related("endpoint").filter(id=delivery_id)
    found = rows.filter(endpoint_id=endpoint_id).first() if endpoint_id else rows.first()
    if found is None:
        raise NotFound("This delivery")
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries of one endpoint in the last 24 hours, and all that wait."""

    delivered: int
    failed: int
    pending: int


def tally(endpoint_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, Tally]:
    """One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT endpoint_id, count(*) FILTER (WHERE state = 'delivered' AND created_at > %(day)s),
                   count(*) FILTER (WHERE state = 'failed' AND created_at > %(day)s),
                   count(*) FILTER (WHERE state = 'pending')
            FROM events_webhookdelivery
            WHERE tenant_id = %(tenant)s AND endpoint_id = ANY(%(ids)s)
              AND (state = 'pending' OR created_at > %(day)s)
            GROUP BY endpoint_id
            """,
            {
                "tenant": current_tenant_id(),
                "ids": list(endpoint_ids),
                "day": now - timedelta(days=1),
            },
        )
        found = {row[0]: Tally(*row[1:]) for row in cursor.fetchall()}
    return {key: found.get(key, Tally(0, 0, 0)) for key in endpoint_ids}


def purge_deliveries(tenant_id: UUID, *, now: datetime, most: int = 10_000) -> int:
    """Removes what is over and old, some at a time; returns how many. Opens its own scope."""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM events_webhookdelivery WHERE tenant_id = %(tenant)s AND id IN (
                SELECT id FROM events_webhookdelivery WHERE tenant_id = %(tenant)s
                  AND state <> 'pending' AND created_at < %(old)s LIMIT %(most)s)
            """,
            {"tenant": tenant_id, "old": now - KEPT, "most": most},
        )
        return int(cursor.rowcount)


def _insert(pairs: Sequence[tuple[Any, ...]], *, now: datetime, again: bool = False) -> None:
    """(endpoint, event, name, received at) as deliveries; `again` renews those that exist."""
    if not pairs:
        return
    endpoints, events, names, times = (list(column) for column in zip(*pairs, strict=True))
    renew = (
        "DO UPDATE SET state = 'pending', due_at = excluded.due_at, attempts = 0,"
        " first_attempt_at = NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO events_webhookdelivery (id, tenant_id, endpoint_id, event_id, event_name,
                event_received_at, is_test, state, attempts, created_at, due_at, response_body,
                error)
            SELECT id, %(tenant)s, endpoint_id, event_id, name, received_at, false, 'pending', 0,
                %(now)s, %(now)s, '', ''
            FROM unnest(%(ids)s::uuid[], %(endpoints)s::uuid[], %(events)s::uuid[],
                %(names)s::text[], %(times)s::timestamptz[])
              AS made(id, endpoint_id, event_id, name, received_at)
            ON CONFLICT (tenant_id, endpoint_id, event_id) {renew if again else "DO NOTHING"}
            """,
            {
                "tenant": current_tenant_id(),
                "now": now,
                "ids": new_ids(len(pairs)),
                "endpoints": endpoints,
                "events": events,
                "names": names,
                "times": times,
            },
        )


def _look_again(endpoint: WebhookEndpoint) -> None:
    """Somebody wants it now: a pause after failures ends."""
    WebhookEndpoint.objects.filter(id=endpoint.id).update(retry_at=None)
    wake_webhooks()
