"""Moving the demo's clock: a jump walks the due instants in order, it never skips one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.scope import router_scope
from triggers.domain.finding import tenants_with_work
from triggers.domain.pipeline import work

# Due instants closer than this are walked together; a text is never that exact.
STRIDE = timedelta(minutes=1)
PATIENCE_SECONDS = 0.5
RECEIPT_WITHIN = timedelta(seconds=0.6)


def next_due_at() -> datetime | None:
    """The earliest instant at which anything of any workspace is due."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT least(
                (SELECT min(due_at) FROM triggers_flowrun
                 WHERE due_at IS NOT NULL AND NOT on_hold),
                (SELECT min(due_at) FROM delivery_message WHERE status = 'scheduled'),
                (SELECT min(due_at) FROM segments_segmentdue),
                (SELECT min(due_at) FROM triggers_datedue WHERE due_at IS NOT NULL))
            """
        )
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def walk_to(
    target: datetime, *, stride: timedelta = STRIDE, settle: Callable[[], object] | None = None
) -> int:
    """Advances business time to `target`, stopping wherever something is due.

    Returns the number of stops. Work is done here and by the workers alike; whoever claims first.
    """
    settle = settle or settle_fully
    stops = 0
    while True:
        due, now = next_due_at(), business_now()
        if due is None or due > target:
            break
        if due > now:
            advance_clock(min(due + stride, target))
        settle()
        stops += 1
        if due <= now and next_due_at() == due:
            break  # nobody can do it (paused sender, another worker's lease): do not spin
    if target > business_now():
        advance_clock(target)
        settle()
    return stops


def settle_fully(*, limit_seconds: float = 5.0) -> None:
    """Works until nothing is due now and what was just sent has its receipt."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        done = 0
        for tenant_id in tenants_with_work(business=business_now(), wall=wall_now()):
            done += sum(work(tenant_id, patience_seconds=PATIENCE_SECONDS).values())
        if not done and not _is_receipt_missing():
            return
        if not done:
            time.sleep(0.01)


def finish_history(*, limit_seconds: float = 600.0) -> None:
    """Waits until everything that was loaded has been reacted to, by whichever worker.

    What happens now is reacted to before history; living on too early would find no requests.
    """
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        if not tenants_with_work(business=business_now(), wall=wall_now()):
            return
        settle_fully()
        time.sleep(0.05)


def _is_receipt_missing() -> bool:
    """Whether a text left within the last moment and its carrier has not spoken yet."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM delivery_message"
            " WHERE status IN ('sending', 'sent') AND submitted_at > %s)",
            [wall_now() - RECEIPT_WITHIN],
        )
        return bool(cursor.fetchone()[0])
