"""Who has imports to work on, and working on them. PostgreSQL holds the work; a wake or the sweep
finds it."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from uuid import UUID

from django.db import connection

from imports.domain.advancing import ACTIVE, ENDED, KEPT_FOR, advance
from tenancy.clock import business_now
from tenancy.retrying import is_outage
from tenancy.scope import router_scope
from tenancy.waking import wake

logger = logging.getLogger(__name__)

TASK = "imports.bulk_work"
BUDGET_SECONDS = 20.0


def open_imports(*, tenant_id: UUID | None = None, now: datetime) -> list[tuple[UUID, UUID]]:
    """(workspace, import) of what is to be checked, imported, tidied or let lapse, the oldest first."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.tenant_id, i.id FROM imports_import i
            JOIN tenancy_tenant t ON t.id = i.tenant_id AND t.is_active
            WHERE NOT i.tidied AND (i.state = ANY(%(states)s) OR i.created_at <= %(lapsed)s)
              AND (%(tenant)s::uuid IS NULL OR i.tenant_id = %(tenant)s) ORDER BY i.id
            """,
            {"states": [*ACTIVE, *ENDED], "lapsed": now - KEPT_FOR, "tenant": tenant_id},
        )
        return list(cursor.fetchall())


def work(tenant_id: UUID | str, *, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Takes one workspace's imports further, in turn, until nothing is left or the budget ends; then
    asks for another go. Returns how much was done. Opens its own scopes."""
    tenant = tenant_id if isinstance(tenant_id, UUID) else UUID(str(tenant_id))
    started, done = time.monotonic(), 0
    while True:
        taken = 0
        for _, import_id in open_imports(tenant_id=tenant, now=business_now()):
            taken += advance(tenant, import_id, now=business_now())
            if time.monotonic() - started > budget_seconds:
                wake(TASK, queue="bulk", tenant_id=str(tenant))
                return done + taken
        done += taken
        if not taken:
            return done


def sweep() -> int:
    """Works for every workspace that has something to import."""
    done = 0
    for tenant_id in dict.fromkeys(tenant for tenant, _ in open_imports(now=business_now())):
        try:
            done += work(tenant_id, budget_seconds=BUDGET_SECONDS / 4)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("imports of one workspace failed")
    return done
