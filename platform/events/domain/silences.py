"""Events that somebody waits for and that have stopped coming."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from events.core.names import RESERVED
from events.core.silence import LOOK_BACK, Silence, find_silence
from events.models import EventType
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class SilentEvent:
    """`listeners`: how many of the owners asked about wait for it."""

    name: str
    silence: Silence
    listeners: int


def find_silent_events(owners: Collection[str], *, now: datetime, zone: str) -> list[SilentEvent]:
    """Of the events that these listeners (such as `flow:<id>`) hear, those whose silence is
    improbable, by name. History does not count as coming. One query."""
    if not owners:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH heard AS (
                SELECT name, count(*) AS listeners FROM events_eventlistener
                WHERE tenant_id = %(tenant)s AND owner = ANY(%(owners)s) GROUP BY name
            ), came AS (
                SELECT name, hour, live FROM events_eventhour
                WHERE tenant_id = %(tenant)s AND hour > %(since)s AND live > 0
                UNION ALL
                SELECT name, date_trunc('hour', received_at, 'UTC'), volume
                FROM events_eventtally
                WHERE tenant_id = %(tenant)s AND NOT backfill AND received_at > %(since)s
            )
            SELECT came.name, came.hour, sum(came.live)::bigint, heard.listeners
            FROM came JOIN heard ON heard.name = came.name
            WHERE NOT came.name = ANY(%(own)s)
            GROUP BY came.name, came.hour, heard.listeners
            """,
            {
                "tenant": current_tenant_id(),
                "owners": sorted(owners),
                "since": now - LOOK_BACK,
                "own": sorted(RESERVED),
            },
        )
        rows = cursor.fetchall()
    hours: dict[str, dict[datetime, int]] = {}
    listeners: dict[str, int] = {}
    for name, hour, count, listening in rows:
        hours.setdefault(name, {})[hour] = count
        listeners[name] = listening
    judged = {name: find_silence(came, now=now, zone=zone) for name, came in hours.items()}
    return [
        SilentEvent(name, silence, listeners[name])
        for name, silence in sorted(judged.items())
        if silence is not None
    ]


def sensitive_names() -> frozenset[str]:
    """The names marked sensitive. One query."""
    return frozenset(EventType.objects.filter(is_sensitive=True).values_list("name", flat=True))
