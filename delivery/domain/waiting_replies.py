"""How many replies wait for a person: for the side bar of every page, Home and the agency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id, current_tenant_id_or_none

# The side bar counts no further: what lies beyond is many, whatever the number.
BADGE_MOST = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open conversations, and since when the first of them waits (None: there is none)."""

    count: int
    oldest: datetime | None


def waiting_replies() -> Waiting:
    """One query over the open conversations alone."""
    [row] = fetch_all(
        "SELECT count(*), min(waiting_since) FROM delivery_conversation"
        " WHERE tenant_id = %s AND state = 'open'",
        [current_tenant_id()],
    )
    return Waiting(*row)


def count_for_badge() -> int:
    """At most BADGE_MOST, by one short walk along an index; 0 outside of every workspace, where
    pages that say what went wrong are drawn."""
    tenant_id = current_tenant_id_or_none()
    if tenant_id is None:
        return 0
    [row] = fetch_all(
        "SELECT count(*) FROM (SELECT 1 FROM delivery_conversation"
        " WHERE tenant_id = %s AND state = 'open' LIMIT %s) AS waiting",
        [tenant_id, BADGE_MOST],
    )
    return int(row[0])
