"""Tick: runs whose time has come, advanced as sets."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from delivery.domain.deciding import sender_room
from people.domain.queries import lock_contacts
from tenancy.retrying import is_collision
from tenancy.scope import tenant_scope
from triggers.domain.applying import apply_effects
from triggers.domain.reacting import move_runs
from triggers.domain.records import due_among, find_due

RUNS_AT_ONCE = 1000
FEW = 50
_SMALLEST = 1


def tick(tenant_id: UUID, *, now: datetime, limit: int = RUNS_AT_ONCE) -> int:
    """Advances up to `limit` due runs, the longest due first; returns how many.

    Opens its own scope. Candidates are read without locks, their contacts are locked (those held
    elsewhere are left for the next tick), then the runs are read again. Exit criteria and waits
    are looked up in the event log itself: an order nobody has reacted to yet already counts.
    """
    size = limit
    while True:
        try:
            with tenant_scope(tenant_id):
                return _tick_set(now, size)
        except Exception as error:
            if not is_collision(error) or size <= _SMALLEST:
                raise
            size //= 2


def _tick_set(now: datetime, limit: int) -> int:
    candidates = find_due(now, limit=limit)
    if not candidates:
        return 0
    if len(candidates) > FEW:
        # Decided just in time: what no sender can take within a minute stays a run that is due.
        room = sender_room(now=now)
        if room is not None:
            candidates = candidates[: max(int(room), FEW)]
    locked = lock_contacts({contact_id for _, contact_id in candidates}, skip_locked=True)
    records = due_among([run_id for run_id, _ in candidates], locked, now)
    effects, plans = move_runs(records, {}, {}, now=now, read_log=True)
    apply_effects(records, list(effects.values()), plans, now=now)
    return len(records)
