"""Bodies whose own request did not finish them, in every workspace. A missed beat loses nothing."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import connection

from connectors.domain.processing import MOST_ATTEMPTS, process_body
from connectors.domain.receiving import forget_old_bodies
from connectors.models import ReceivedBody
from tenancy.clock import business_now, wall_now
from tenancy.retrying import is_outage
from tenancy.scope import router_scope, tenant_scope

logger = logging.getLogger(__name__)

AT_ONCE = 200
_STUCK = [
    {
        "event": "",
        "status": "rejected",
        "code": "failed",
        "detail": "This body could not be worked on. Replay it; if that fails too, tell your operator.",
    }
]


def sweep_bodies() -> int:
    """Works on what is due; returns how many bodies. Raises only when the database is away."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT b.tenant_id, b.id FROM connectors_receivedbody b
            JOIN tenancy_tenant t ON t.id = b.tenant_id AND t.is_active
            WHERE b.state = 'pending' AND b.retry_at <= %s ORDER BY b.retry_at LIMIT %s
            """,
            [wall_now(), AT_ONCE],
        )
        due = cursor.fetchall()
    return sum(_work(tenant_id, body_id) for tenant_id, body_id in due)


def forget_old() -> int:
    """Removes bodies older than 30 days, everywhere; returns how many."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.tenant_id FROM connectors_connector c"
            " JOIN tenancy_tenant t ON t.id = c.tenant_id"
        )
        tenant_ids = [row[0] for row in cursor.fetchall()]
    total = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            total += forget_old_bodies(tenant_id, now=business_now())
    return total


def _work(tenant_id: UUID, body_id: UUID) -> bool:
    try:
        return process_body(tenant_id, body_id, now=business_now(), wall=wall_now())
    except Exception as error:
        if is_outage(error):
            raise
        logger.exception("a received body could not be worked on")
        _give_up(tenant_id, body_id)
        return False


def _give_up(tenant_id: UUID, body_id: UUID) -> None:
    """After so many attempts it is left for a person to look at."""
    with tenant_scope(tenant_id):
        ReceivedBody.objects.filter(
            id=body_id, state=ReceivedBody.State.PENDING, attempts__gte=MOST_ATTEMPTS
        ).update(state=ReceivedBody.State.FAILED, retry_at=None, results=_STUCK)
