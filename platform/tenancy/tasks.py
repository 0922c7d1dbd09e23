"""Task bases. A task carries its tenant; the base opens the scope, never the task itself."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from django.db import connection

from tenancy.clock import business_now, wall_now
from tenancy.domain.answers import forget_answers
from tenancy.partitions import AHEAD, BEHIND, ensure_partitions
from tenancy.scope import router_scope, tenant_scope


class TenantTask(Task):  # type: ignore[type-arg]
    """Runs inside the scope of the `tenant_id` it is called with."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with tenant_scope(kwargs["tenant_id"]):
            return super().__call__(*args, **kwargs)


@shared_task(name="tenancy.ensure_partitions")
def ensure_partitions_task() -> int:
    now = business_now()
    return ensure_partitions(now - BEHIND, now + AHEAD)


@shared_task(name="tenancy.forget_answers")
def forget_answers_task() -> int:
    """Removes every workspace's kept answers that are older than a day; returns how many."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenancy_tenant ORDER BY id")
        tenant_ids = [row[0] for row in cursor.fetchall()]
    count = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            count += forget_answers(wall=wall_now())
    return count
