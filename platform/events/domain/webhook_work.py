"""Who has webhooks to send, and doing it. PostgreSQL holds the work; a wake or a sweep finds it."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import connection

from events.domain.webhook_deliveries import make_deliveries, purge_deliveries
from events.domain.webhook_sending import send_round
from tenancy.clock import wall_now
from tenancy.retrying import is_outage
from tenancy.scope import router_scope

logger = logging.getLogger(__name__)

BUDGET_SECONDS = 20.0
# Workspaces served side by side: one whose endpoints are slow holds up nobody else.
THREADS = 8

# The first row in an index's own order, where EXISTS would do: for any row at all the planner may
# walk the table until it meets one, and in a workspace that has none it walks all of it.
_FIND = """
    SELECT t.id FROM tenancy_tenant t WHERE t.is_active AND (
        (SELECT f.id FROM events_webhookfeed f WHERE f.tenant_id = t.id
         ORDER BY f.tenant_id, f.id LIMIT 1) IS NOT NULL
        OR EXISTS (SELECT 1 FROM events_webhookendpoint e
                   WHERE e.tenant_id = t.id AND e.state = 'enabled'
                     AND (e.leased_until IS NULL OR e.leased_until < %(now)s)
                     AND (e.retry_at IS NULL OR e.retry_at <= %(now)s)
                     AND (SELECT d.due_at FROM events_webhookdelivery d
                          WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id
                            AND d.state = 'pending'
                          ORDER BY d.tenant_id, d.endpoint_id, d.due_at, d.id LIMIT 1)
                         <= %(now)s))
"""


def tenants_with_webhooks() -> list[UUID]:
    """Active workspaces with events to hand out or deliveries that are due."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(_FIND, {"now": wall_now()})
        return [row[0] for row in cursor.fetchall()]


def work(tenant_id: UUID | str, *, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Makes deliveries and sends them until nothing is due or the budget ends; returns how many
    POSTs. Opens its own scopes."""
    tenant = tenant_id if isinstance(tenant_id, UUID) else UUID(str(tenant_id))
    started, sent = time.monotonic(), 0
    while True:
        made = make_deliveries(tenant, now=wall_now())
        posted = send_round(tenant)
        sent += posted
        if (not made and not posted) or time.monotonic() - started > budget_seconds:
            return sent


def sweep() -> int:
    """Works for every workspace that has something to send; returns how many POSTs. Raises only
    when the database is away."""
    tenant_ids = tenants_with_webhooks()
    if not tenant_ids:
        return 0
    with ThreadPoolExecutor(max_workers=min(THREADS, len(tenant_ids))) as pool:
        return sum(pool.map(_work_alone, tenant_ids))


def purge() -> int:
    """Removes old deliveries of every workspace; returns how many."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT e.tenant_id FROM events_webhookendpoint e"
            " JOIN tenancy_tenant t ON t.id = e.tenant_id"
        )
        tenant_ids = [row[0] for row in cursor.fetchall()]
    total = 0
    for tenant_id in tenant_ids:
        while removed := purge_deliveries(tenant_id, now=wall_now()):
            total += removed
    return total


def _work_alone(tenant_id: UUID) -> int:
    try:
        return work(tenant_id)
    except Exception as error:
        if not is_outage(error):
            logger.exception("webhooks of one workspace failed")
        return 0
    finally:
        connection.close()  # this thread's own
