"""Celery edges: webhooks (a wake sends for one workspace; bulk workers also sweep by themselves) and
the catalogue."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import close_old_connections, connection

logger = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
_stopping = threading.Event()
_thread: threading.Thread | None = None


@shared_task(name="events.webhooks", ignore_result=True)
def send_webhooks(*, tenant_id: str) -> int:
    """Sends what is due for one workspace. A failure loses nothing: the sweep finds the work."""
    from events.domain.webhook_work import work
    from tenancy.retrying import is_outage

    try:
        return work(tenant_id)
    except Exception as error:
        if not is_outage(error):
            raise
        connection.close()
        logger.warning("the database is away: %s", type(error).__name__)
        return 0


@shared_task(name="events.sweep_webhooks", ignore_result=True)
def sweep_webhooks() -> int:
    """The same sweep as the bulk workers' own, for installations that run none of their threads."""
    from events.domain.webhook_work import sweep

    return sweep()


@shared_task(name="events.purge_webhooks", ignore_result=True)
def purge_webhooks() -> int:
    from events.domain.webhook_work import purge

    return purge()


@shared_task(name="events.fold_catalogue", ignore_result=True)
def fold_catalogue() -> int:
    """Counts what arrived into the catalogue. What a missed beat leaves waits for the next one."""
    from events.domain.folding import sweep_catalogue
    from tenancy.clock import business_now

    return sweep_catalogue(now=business_now())


@shared_task(name="events.forget_old", ignore_result=True)
def forget_old() -> int:
    """Removes hours of the catalogue that are past counting, and old notes of what was refused."""
    from events.domain.arrivals import forget_unstored
    from events.domain.folding import sweep_old
    from tenancy.clock import business_now

    now = business_now()
    return sweep_old(now=now) + forget_unstored(now=now)


@shared_task(name="events.follow_merges", ignore_result=True)
def follow_merges() -> int:
    """Events that came in while their contact was merged, and that nobody has reacted to."""
    from events.domain.merging import follow_recent
    from tenancy.clock import business_now
    from tenancy.scope import router_scope, tenant_scope

    with router_scope(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenancy_tenant WHERE is_active ORDER BY id")
        tenant_ids = [row[0] for row in cursor.fetchall()]
    followed = 0
    for tenant_id in tenant_ids:
        with tenant_scope(tenant_id):
            followed += follow_recent(now=business_now())
    return followed


@worker_ready.connect
def start_sweeper(sender: Any = None, **kwargs: Any) -> None:
    """Every worker that takes from the bulk queue looks for webhooks by itself."""
    global _thread
    queues = getattr(getattr(getattr(sender, "app", None), "amqp", None), "queues", None)
    names = set(getattr(queues, "consume_from", None) or {"bulk"})
    if "bulk" not in names or (_thread is not None and _thread.is_alive()):
        return
    _stopping.clear()
    _thread = threading.Thread(target=_run, name="kairos-webhooks", daemon=True)
    _thread.start()


@worker_shutdown.connect
def stop_sweeper(**kwargs: Any) -> None:
    _stopping.set()
    if _thread is not None:
        _thread.join(5.0)


def _run() -> None:
    from events.domain.webhook_work import sweep

    while not _stopping.is_set():
        try:
            close_old_connections()
            sweep()
        except Exception as error:
            logger.warning("webhook sweep failed, next one soon: %s", type(error).__name__)
            connection.close()
        _stopping.wait(EVERY_SECONDS)
    connection.close()
