"""Where there is work: asked with the router's eyes, which see no content.

One index probe per workspace and stage, however much they hold. The sweep and the pipeline ask
the same questions, so what one of them would find the other finds too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from delivery.domain.reconciling import NO_RECEIPT_AFTER
from tenancy.scope import router_scope

_STAGES: dict[str, str] = {
    "react": """
        EXISTS (SELECT 1 FROM events_eventbatch b
                WHERE b.tenant_id = t.id AND b.state = 'pending')""",
    "tick": """
        EXISTS (SELECT 1 FROM triggers_flowrun r
                WHERE r.tenant_id = t.id AND r.due_at <= %(business)s
                  AND r.due_at IS NOT NULL AND NOT r.on_hold)""",
    "fan_out": """
        EXISTS (SELECT 1 FROM triggers_fanout f
                WHERE f.tenant_id = t.id AND f.done_at IS NULL AND NOT f.on_hold
                  AND (f.starts_at IS NULL OR f.starts_at <= %(business)s))""",
    "segments": """
        EXISTS (SELECT 1 FROM segments_segmentdue s
                WHERE s.tenant_id = t.id AND s.due_at <= %(business)s)""",
    "dates": """
        EXISTS (SELECT 1 FROM triggers_datedue d
                WHERE d.tenant_id = t.id AND d.due_at <= %(business)s AND d.due_at IS NOT NULL)""",
    "fill_dates": """
        EXISTS (SELECT 1 FROM triggers_watcheddate w
                WHERE w.tenant_id = t.id AND w.state = 'filling')""",
    "fill": """
        EXISTS (SELECT 1 FROM segments_segment g
                WHERE g.tenant_id = t.id AND g.state = 'building')""",
    "redecide": """
        EXISTS (SELECT 1 FROM delivery_message m
                WHERE m.tenant_id = t.id AND m.status = 'scheduled' AND m.due_at <= %(business)s)""",
    "submit": """
        EXISTS (SELECT 1 FROM delivery_message m
                WHERE m.tenant_id = t.id AND m.status = 'queued')""",
    "callbacks": """
        EXISTS (SELECT 1 FROM delivery_pendingcallback c WHERE c.tenant_id = t.id)""",
    "clicks": """
        EXISTS (SELECT 1 FROM delivery_click k WHERE k.tenant_id = t.id AND k.kind = '')""",
    "reconcile": """
        (EXISTS (SELECT 1 FROM delivery_sendattempt a
                WHERE a.tenant_id = t.id AND a.next_check_at <= %(wall)s)
        OR EXISTS (SELECT 1 FROM delivery_message m
                WHERE m.tenant_id = t.id AND m.status = 'sent' AND m.fetches < 2
                  AND m.submitted_at <= %(first)s
                  AND (m.fetches = 0 OR m.submitted_at <= %(second)s)))""",
}
_ANY_STAGE = " OR ".join(_STAGES.values())
_EACH_STAGE = ", ".join(_STAGES.values())


def tenants_with_work(*, business: datetime, wall: datetime) -> list[UUID]:
    """Active workspaces where some stage would find something."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id FROM tenancy_tenant t WHERE t.is_active AND ({_ANY_STAGE})",
            _times(business, wall),
        )
        return [row[0] for row in cursor.fetchall()]


def due_stages(tenant_id: UUID, *, business: datetime, wall: datetime) -> frozenset[str]:
    """The stages that would find something in this workspace; none when it is switched off."""
    with router_scope(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_EACH_STAGE} FROM tenancy_tenant t WHERE t.id = %(tenant)s AND t.is_active",
            {**_times(business, wall), "tenant": tenant_id},
        )
        row = cursor.fetchone()
    return frozenset(name for name, found in zip(_STAGES, row or (), strict=False) if found)


def _times(business: datetime, wall: datetime) -> dict[str, Any]:
    first, second = NO_RECEIPT_AFTER
    return {
        "business": business,
        "wall": wall,
        "first": wall - first,
        "second": wall - second,
    }
