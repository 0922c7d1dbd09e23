"""The whole way of an event for one workspace, and the sweep that finds workspaces with work.

A worker that ends a stage runs the next one at once; wakes only spread work, the sweep repairs.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from delivery.domain.callbacks import apply_callbacks
from delivery.domain.clicks import classify_clicks
from delivery.domain.deciding import redecide_due
from delivery.domain.reconciling import reconcile
from delivery.domain.submitting import submit_queued
from segments.domain.membership import sweep_due
from segments.domain.segments import build_forgotten
from tenancy.clock import business_now, wall_now
from tenancy.retrying import is_outage
from triggers.domain.dates import reach_dates
from triggers.domain.fanning import fan_out
from triggers.domain.finding import due_stages, tenants_with_work
from triggers.domain.leases import return_lease, take_lease
from triggers.domain.reacting import react
from triggers.domain.ticking import tick
from triggers.domain.watching import fill_dates

logger = logging.getLogger(__name__)

Stage = Callable[[UUID], int]

# Rounds of one call: a budget in seconds ends it earlier; this ends a stage that never says 0.
MAX_ROUNDS = 10_000
_SWEEP_SECONDS = 2.0
_PAUSE = 0.01


def work(
    tenant_id: UUID | str, *, budget_seconds: float = 2.0, patience_seconds: float = 0.0
) -> dict[str, int]:
    """Runs all stages for one workspace until nothing is due or the budget ends.

    Returns how much each stage did. What another worker holds is left to it; with
    `patience_seconds` this waits that long for the other to finish first. Opens its own scopes.
    """
    tenant = tenant_id if isinstance(tenant_id, UUID) else UUID(str(tenant_id))
    done: dict[str, int] = {}
    started = time.monotonic()
    for _ in range(MAX_ROUNDS):
        due = due_stages(tenant, business=business_now(), wall=wall_now())
        progress, busy = 0, False
        for part, stages in PARTS.items():
            wanted = {name: stage for name, stage in stages.items() if name in due}
            if part == "send" and progress:
                # What was planned a moment ago goes out now: asking first would cost a round.
                wanted = {"submit": stages["submit"], **wanted}
            if wanted:
                count, taken = _run_part(tenant, part, wanted, done)
                progress, busy = progress + count, busy or taken
        spent = time.monotonic() - started
        if progress and spent < budget_seconds:
            continue
        if busy and not progress and spent < patience_seconds:
            time.sleep(_PAUSE)
            continue
        break
    return done


def sweep(*, budget_seconds: float = _SWEEP_SECONDS) -> dict[str, int]:
    """Works for every workspace with due work, each its share; returns the sums."""
    tenant_ids = tenants_with_work(business=business_now(), wall=wall_now())
    # Whoever was last in one sweep is not last in every sweep.
    random.shuffle(tenant_ids)
    share = max(budget_seconds / max(len(tenant_ids), 1), 0.2)
    total: dict[str, int] = {}
    for tenant_id in tenant_ids:
        for stage, count in work(tenant_id, budget_seconds=share).items():
            total[stage] = total.get(stage, 0) + count
    return total


def _run_part(
    tenant_id: UUID, part: str, stages: dict[str, Stage], done: dict[str, int]
) -> tuple[int, bool]:
    """(how much was done, whether somebody else is at it)."""
    if not take_lease(tenant_id, part):
        return 0, True
    progress = 0
    try:
        for name, stage in stages.items():
            try:
                count = stage(tenant_id)
            except Exception as error:
                if is_outage(error):
                    raise
                # One stage that fails must not keep the others from their work.
                logger.exception("stage %s failed", name)
                continue
            if count:
                done[name] = done.get(name, 0) + count
                progress += count
    finally:
        wanted_again = return_lease(tenant_id, part)
    return (progress or int(wanted_again)), False


def _clock_stage(stage: Callable[..., int]) -> Stage:
    def run(tenant_id: UUID) -> int:
        now: datetime = business_now()
        return stage(tenant_id, now=now)

    return run


PARTS: dict[str, dict[str, Stage]] = {
    "plan": {
        "react": _clock_stage(react),
        "tick": _clock_stage(tick),
        "fan_out": _clock_stage(fan_out),
        "segments": _clock_stage(sweep_due),
        "dates": _clock_stage(reach_dates),
        "redecide": _clock_stage(redecide_due),
    },
    # Apart from the rest: filling may take seconds, and holds nobody up.
    "fill": {
        "fill": _clock_stage(build_forgotten),
        "fill_dates": _clock_stage(fill_dates),
    },
    "send": {
        "submit": lambda tenant_id: submit_queued(tenant_id, now=business_now(), wall=wall_now()),
        "callbacks": _clock_stage(apply_callbacks),
        "clicks": _clock_stage(classify_clicks),
        "reconcile": lambda tenant_id: reconcile(tenant_id, wall=wall_now()),
    },
}
