"""Which database errors mean "once more", and which mean "the database is away"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

T = TypeVar("T")
_TRIES = 4

# serialization_failure, deadlock_detected, lock_not_available
_COLLISIONS = frozenset({"40001", "40P01", "55P03"})
# admin_shutdown, crash_shutdown, cannot_connect_now
_OUTAGES = frozenset({"57P01", "57P02", "57P03"})


def is_collision(error: BaseException) -> bool:
    """Two transactions met: running this one again is all it takes."""
    return isinstance(error, DatabaseError) and _state_of(error) in _COLLISIONS


def repeat_collisions(work: Callable[[], T]) -> T:
    """Does `work` in a transaction (or savepoint) of its own, and all of it again after a collision.

    Around it no locks may be held: those of before a savepoint stay, and the other one still waits.
    """
    for _ in range(_TRIES - 1):
        try:
            with transaction.atomic():
                return work()
        except DatabaseError as error:
            if not is_collision(error):
                raise
    with transaction.atomic():
        return work()


def is_outage(error: BaseException) -> bool:
    """The connection is gone: no row is to blame."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    state = _state_of(error)
    return state in _OUTAGES or state is None or state.startswith("08") or not _is_usable()


def _state_of(error: BaseException) -> str | None:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else None


def _is_usable() -> bool:
    try:
        return connection.connection is not None and not connection.connection.closed
    except Exception:
        return False
