"""Which text an order is credited to: the last human click within five days before it.

One order is one credit. Refunds subtract, a cancelled order counts nothing, and money is the
reporting amount that was fixed at order time. Delivery alone earns no credit. Computed from raw
clicks and orders each time, so a recomputed verdict on a click changes the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tenancy.scope import current_tenant_id

WINDOW = timedelta(days=5)

# The click decides, then the message it belongs to: window first, then last touch.
ATTRIBUTED = """
    SELECT DISTINCT ON (o.id) o.id AS order_id, o.contact_id, o.placed_at,
           CASE o.state WHEN 'cancelled' THEN 0
                ELSE coalesce(o.reporting_minor, 0)
                     - CASE WHEN o.currency = o.reporting_currency THEN o.refunded_minor ELSE 0 END
           END AS minor,
           m.id AS message_id, m.flow_id, m.step_key
    FROM commerce_order o
    JOIN delivery_click c ON c.tenant_id = o.tenant_id AND c.contact_id = o.contact_id
        AND c.kind = 'human' AND c.clicked_at <= o.placed_at
        AND c.clicked_at > o.placed_at - %(span)s
    JOIN delivery_message m ON m.tenant_id = o.tenant_id AND m.id = c.message_id
    WHERE o.tenant_id = %(tenant)s AND o.placed_at > %(start)s AND o.placed_at <= %(end)s
        AND o.state <> 'cancelled' AND o.told_at IS NOT NULL
        AND c.tenant_id = %(tenant)s AND c.clicked_at > %(start)s - %(span)s
        AND c.clicked_at <= %(end)s
    ORDER BY o.id, c.clicked_at DESC, c.id DESC
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """Orders and money of one flow's step."""

    orders: int
    minor: int


def credits_by_step(*, start: datetime, end: datetime) -> dict[tuple[UUID | None, str], Credit]:
    """Per (flow, step): orders placed in (start, end] that its clicks earned. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT flow_id, step_key, count(*), coalesce(sum(minor), 0) FROM ({ATTRIBUTED}) AS a"
            " GROUP BY flow_id, step_key",
            _values(start, end),
        )
        return {(row[0], row[1]): Credit(row[2], int(row[3])) for row in cursor.fetchall()}


def _values(start: datetime, end: datetime) -> dict[str, Any]:
    return {"tenant": current_tenant_id(), "start": start, "end": end, "span": WINDOW}
