"""Celery edges: a wake works on one workspace's imports; the beat's sweep finds what a wake missed."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

logger = logging.getLogger(__name__)


@shared_task(name="imports.bulk_work", ignore_result=True)
def bulk_work(*, tenant_id: str) -> int:
    """Takes the imports of one workspace further. A failure loses nothing: the sweep finds the work."""
    from imports.domain.working import work
    from tenancy.retrying import is_outage

    try:
        return work(tenant_id)
    except Exception as error:
        if not is_outage(error):
            raise
        connection.close()
        logger.warning("the database is away: %s", type(error).__name__)
        return 0


@shared_task(name="imports.bulk_sweep", ignore_result=True)
def bulk_sweep() -> int:
    from imports.domain.working import sweep

    return sweep()
