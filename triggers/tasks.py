"""Celery edges: a wake runs the pipeline of one workspace; live workers also sweep by themselves."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import connection

logger = logging.getLogger(__name__)


@shared_task(name="triggers.work", ignore_result=True)
def work(*, tenant_id: str) -> dict[str, int]:
    """Runs what is due for one workspace. A failure loses nothing: the sweep finds the work."""
    from tenancy.retrying import is_outage
    from triggers.domain import pipeline

    try:
        return pipeline.work(tenant_id)
    except Exception as error:
        if not is_outage(error):
            raise
        connection.close()
        logger.warning("the database is away: %s", type(error).__name__)
        return {}


@shared_task(name="triggers.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """The same sweep as the live workers' own, for installations that run none of their threads."""
    from triggers.domain import pipeline

    return pipeline.sweep()


@worker_ready.connect
def start_sweeper(sender: Any = None, **kwargs: Any) -> None:
    """Every worker that takes from the live queue sweeps once a second."""
    from triggers.domain.sweeping import start

    queues = getattr(getattr(getattr(sender, "app", None), "amqp", None), "queues", None)
    names = set(getattr(queues, "consume_from", None) or {"live"})
    if "live" in names:
        start()


@worker_shutdown.connect
def stop_sweeper(**kwargs: Any) -> None:
    from triggers.domain.sweeping import stop

    stop()
