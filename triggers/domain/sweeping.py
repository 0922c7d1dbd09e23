"""A thread that sweeps each second: with it, wakes are a mere speed-up.

It needs the database only. A broker that is down or came back empty does not concern it, and a
database that was restarted is simply connected to again.
"""

from __future__ import annotations

import logging
import threading

from django.db import close_old_connections, connection

from triggers.domain.pipeline import sweep

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0

_stopping = threading.Event()
_thread: threading.Thread | None = None


def start() -> None:
    """Starts the thread of this process, once."""
    global _thread
    if _thread is not None and _thread.is_alive():
        return
    _stopping.clear()
    _thread = threading.Thread(target=_run, name="kairos-sweeper", daemon=True)
    _thread.start()


def stop(*, timeout: float = 5.0) -> None:
    """Asks the thread to end after the sweep it is in."""
    _stopping.set()
    if _thread is not None:
        _thread.join(timeout)


def _run() -> None:
    while not _stopping.is_set():
        sweep_once()
        _stopping.wait(EVERY_SECONDS)
    connection.close()


def sweep_once() -> dict[str, int]:
    """One sweep that never raises: whatever is wrong now may be right in a second."""
    try:
        close_old_connections()
        return sweep()
    except Exception as error:
        logger.warning(
            "sweep failed, next one in a second: %s", type(error).__name__, exc_info=True
        )
        try:
            connection.close()
        except Exception:
            logger.debug("the broken connection could not be closed", exc_info=True)
        return {}
