"""Where each value stood when a threshold trigger last looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
from django.db import connection

from commerce.models import Product
from events.core import filters
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id
from triggers.core.definition import EventTrigger
from triggers.core.entry import Trigger
from triggers.core.state import Happening
from triggers.core.thresholds import Level, judge_crossing
from triggers.domain.plans import LiveFlow

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def read_levels(flow: LiveFlow, triggers: Sequence[Trigger]) -> dict[str, Level]:
    """Levels by subject. For a subject never seen, the value before is looked up in the log, so
    that a flow published today knows the balances of yesterday. At most two queries."""
    trigger = flow.plan.definition.trigger
    if not isinstance(trigger, EventTrigger) or trigger.crosses is None:
        return {}
    subjects = sorted({one.subject for one in triggers if one.subject})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject, value, armed, seen_at FROM triggers_thresholdlevel"
            " WHERE tenant_id = %s AND flow_id = %s AND subject = ANY(%s)",
            [current_tenant_id(), flow.id, subjects],
        )
        levels = {row[0]: Level(row[1], row[2], row[3]) for row in cursor.fetchall()}
    unseen: dict[UUID, datetime] = {}
    for one in triggers:
        if one.subject not in levels and one.contact_id and one.subject == str(one.contact_id):
            at = one.event.occurred_at
            unseen[one.contact_id] = min(at, unseen.get(one.contact_id, at))
    if trigger.audience == "back_in_stock_requests":
        return _levels_from_products(trigger, set(subjects) - levels.keys()) | levels
    return levels | _levels_from_log(trigger, unseen)


def _levels_from_products(trigger: EventTrigger, keys: set[str]) -> dict[str, Level]:
    if not keys or trigger.crosses is None:
        return {}
    rows = Product.objects.filter(key__in=keys, previous_stock__isnull=False)
    edge = trigger.crosses.threshold
    return {
        key: Level(float(before), before < edge, _LONG_AGO)
        for key, before in rows.values_list("key", "previous_stock")
    }


def _levels_from_log(trigger: EventTrigger, unseen: Mapping[UUID, datetime]) -> dict[str, Level]:
    if not unseen or trigger.crosses is None:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT given.contact_id, last.id, last.occurred_at, last.properties::text
            FROM unnest(%s::uuid[], %s::timestamptz[]) AS given(contact_id, before)
            CROSS JOIN LATERAL (
                SELECT e.id, e.occurred_at, e.properties FROM events_event e
                WHERE e.tenant_id = %s AND e.contact_id = given.contact_id AND e.name = %s
                  AND e.occurred_at < given.before
                ORDER BY e.occurred_at DESC LIMIT 1) AS last
            """,
            [list(unseen), list(unseen.values()), current_tenant_id(), trigger.event],
        )
        found = {}
        for contact_id, event_id, occurred_at, properties in cursor.fetchall():
            data = orjson.loads(properties)
            if trigger.filter is not None and not filters.matches(trigger.filter, data):
                continue
            event = Happening(event_id, trigger.event, occurred_at, data)
            level = judge_crossing(trigger.crosses, event, None).after
            if level is not None:
                found[str(contact_id)] = level
        return found


def write_levels(flow_id: UUID, moved: Mapping[str, Level]) -> None:
    """Keeps the newest level per subject."""
    moved = {subject: level for subject, level in moved.items() if subject}
    if not moved:
        return
    subjects = sorted(moved)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO triggers_thresholdlevel AS held
                (id, tenant_id, flow_id, subject, value, armed, seen_at)
            SELECT id, %s, %s, subject, value, armed, seen_at
            FROM unnest(%s::uuid[], %s::text[], %s::float8[], %s::boolean[], %s::timestamptz[])
              AS given(id, subject, value, armed, seen_at)
            ON CONFLICT (tenant_id, flow_id, subject) DO UPDATE
            SET value = excluded.value, armed = excluded.armed, seen_at = excluded.seen_at
            WHERE held.seen_at <= excluded.seen_at
            """,
            [
                current_tenant_id(),
                flow_id,
                new_ids(len(subjects)),
                subjects,
                [moved[s].value for s in subjects],
                [moved[s].armed for s in subjects],
                [moved[s].seen_at for s in subjects],
            ],
        )
