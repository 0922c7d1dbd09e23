"""Waking: a task that says "there is work". PostgreSQL holds the work itself.

A wake is a mere speed-up: live workers sweep the database each second anyway. So it is sent after
commit, has 200 ms, and never raises: with the broker down an accepted event stays accepted.

The first wake goes at once; those that follow within `MERGE_SECONDS` become one at its end. A run
takes all that is due, so a burst of single events costs a few runs and not one each.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 0.2
MERGE_SECONDS = 0.05
_PAUSE_SECONDS = 5.0
_SLOW_SECONDS = 1.0
_MANY = 10_000
_silent_until = 0.0
_held = threading.local()
_Work = tuple[str, str, tuple[tuple[str, Any], ...]]
# When the last wake for this work went or will go, on the monotonic clock.
_latest: dict[_Work, float] = {}
_latest_lock = threading.Lock()


def wake(task: str, *, queue: str = "live", **kwargs: Any) -> None:
    """After commit, asks a worker to run `task` with `kwargs`. Never raises."""
    if settings.CELERY_BROKER_URL.startswith("memory://"):
        return
    transaction.on_commit(lambda: _send_or_merge(task, queue, kwargs), robust=True)


def _send_or_merge(task: str, queue: str, kwargs: dict[str, Any]) -> None:
    work = (task, queue, tuple(sorted(kwargs.items())))
    now = time.monotonic()
    with _latest_lock:
        latest = _latest.get(work, 0.0)
        if latest > now:
            return
        wait = max(0.0, latest + MERGE_SECONDS - now)
        if len(_latest) > _MANY:
            _latest.clear()
        _latest[work] = now + wait
    if not wait:
        _send(task, queue, kwargs)
        return
    timer = threading.Timer(wait, _send, (task, queue, kwargs))
    timer.daemon = True
    timer.start()


def _send(task: str, queue: str, kwargs: dict[str, Any]) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    started = time.monotonic()
    try:
        current_app.send_task(
            task,
            kwargs=kwargs,
            queue=queue,
            connection=_connection(),
            retry=False,
            ignore_result=True,
            expires=60,
        )
    except Exception as error:
        _held.connection = None
        # A broker that is down would cost every request its time limit: leave it alone a while.
        _silent_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("wake not sent, the sweep will find the work: %s", type(error).__name__)
    finally:
        # A busy machine is late as well, and then nothing is gained by leaving work to the sweep.
        if time.monotonic() - started > _SLOW_SECONDS:
            _silent_until = time.monotonic() + _PAUSE_SECONDS


def _connection() -> Connection:
    held = getattr(_held, "connection", None)
    if held is None:
        held = Connection(
            settings.CELERY_BROKER_URL,
            connect_timeout=LIMIT_SECONDS,
            transport_options=_options(),
        )
        _held.connection = held
    return held


@lru_cache(maxsize=1)
def _options() -> dict[str, Any]:
    if settings.CELERY_BROKER_URL.startswith(("redis", "valkey", "unix")):
        return {
            "socket_timeout": LIMIT_SECONDS,
            "socket_connect_timeout": LIMIT_SECONDS,
            "max_retries": 0,
            "retry_on_timeout": False,
        }
    return {"max_retries": 0}
