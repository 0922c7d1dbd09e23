"""The daily housekeeping of every workspace's ledger."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

from tenancy.clock import business_now, wall_now
from tenancy.scope import router_scope, tenant_scope

logger = logging.getLogger(__name__)


@shared_task(name="consent.seal_all")
def seal_all() -> dict[str, int]:
    """Seals each workspace's ledger, lets old double opt-ins lapse, forgets old attempts."""
    from consent.domain.attempts import forget_attempts
    from consent.domain.opt_ins import expire_pending
    from consent.domain.sealing import seal_ledger

    with router_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenancy_tenant WHERE is_active ORDER BY id")
        tenant_ids = [row[0] for row in cursor.fetchall()]
    counts = {"sealed": 0, "expired": 0, "failed": 0}
    for tenant_id in tenant_ids:
        try:
            with tenant_scope(tenant_id):
                now = business_now()
                counts["expired"] += expire_pending(now=now)
                forget_attempts(wall=wall_now())
                counts["sealed"] += seal_ledger(now=now) is not None
        except Exception:
            counts["failed"] += 1
            logger.exception("the ledger of one workspace was not sealed")
    return counts
