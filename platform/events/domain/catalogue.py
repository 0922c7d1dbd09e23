"""The catalogue of event names: what is known of each, and what people decide about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from api.problems import FieldError, Invalid, NotFound
from events.core.names import RESERVED, aliases_of
from events.core.observing import MAX_LATEST
from events.core.standards import STANDARDS, WORDS, expected_by_default
from events.domain.queries import EventRow, events_at, newest_named
from events.models import EventType
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventTypeFacts:
    """One catalogue entry; times are when events of that name occurred.

    `last_24h`, `last_7d`, `last_30d` count what became known in the running hour and those before.
    """

    name: str
    volume: int
    first_seen_at: datetime
    last_seen_at: datetime
    last_24h: int = 0
    last_7d: int = 0
    last_30d: int = 0
    looked_at: int = 0
    invalid: int = 0
    expected_as_set: bool | None = None
    is_sensitive: bool = False

    @property
    def is_own(self) -> bool:
        """Recorded by Kairos itself."""
        return self.name in RESERVED

    @property
    def is_standard(self) -> bool:
        return self.name in STANDARDS

    @property
    def is_expected(self) -> bool | None:
        """Whether customers expect the shop to know; None: nobody has said."""
        if self.expected_as_set is not None:
            return self.expected_as_set
        return expected_by_default(self.name)

    @property
    def valid_share(self) -> float | None:
        """Of the bodies that were read; None where nothing is expected or nothing was read."""
        if not self.is_standard or not self.looked_at:
            return None
        return 1 - self.invalid / self.looked_at


@dataclass(frozen=True, slots=True)
class PropertyFacts:
    """One property: JSON types with their share of the bodies read, most frequent first.

    `expected`: what it should be, in words, "" where nothing is; `wrong`: bodies in which it was
    not that, or was missing though needed.
    """

    name: str
    types: list[tuple[str, int]]
    seen: int
    expected: str
    wrong: int


@dataclass(frozen=True, slots=True)
class Observations:
    """What bodies of one name said."""

    properties: list[PropertyFacts] = field(default_factory=list)
    spellings: list[tuple[str, int]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)


_LIST = """
    WITH counted AS (
        SELECT name, sum(volume)::bigint AS volume, min(first_seen_at) AS first,
            max(last_seen_at) AS last
        FROM (
            SELECT name, volume, first_seen_at, last_seen_at FROM events_eventtype
            WHERE tenant_id = %(tenant)s
            UNION ALL
            SELECT name, volume, first_seen_at, last_seen_at FROM events_eventtally
            WHERE tenant_id = %(tenant)s
        ) AS one GROUP BY name
    ), recent AS (
        SELECT name, sum(volume) FILTER (WHERE at > %(day)s)::bigint AS last_24h,
            sum(volume) FILTER (WHERE at > %(week)s)::bigint AS last_7d,
            sum(volume)::bigint AS last_30d
        FROM (
            SELECT name, volume, hour AS at FROM events_eventhour
            WHERE tenant_id = %(tenant)s AND hour > %(month)s
            UNION ALL
            SELECT name, volume, date_trunc('hour', received_at, 'UTC') FROM events_eventtally
            WHERE tenant_id = %(tenant)s AND NOT backfill
                AND date_trunc('hour', received_at, 'UTC') > %(month)s
        ) AS one GROUP BY name
    )
    SELECT c.name, c.volume, c.first, c.last, coalesce(r.last_24h, 0), coalesce(r.last_7d, 0),
        coalesce(r.last_30d, 0), coalesce(t.looked_at, 0), coalesce(t.invalid, 0), t.is_expected,
        coalesce(t.is_sensitive, false)
    FROM counted c
    LEFT JOIN recent r ON r.name = c.name
    LEFT JOIN events_eventtype t ON t.tenant_id = %(tenant)s AND t.name = c.name
    WHERE %(only)s::text IS NULL OR c.name = %(only)s
    ORDER BY c.volume DESC, c.name
"""


def list_event_types(*, now: datetime, name: str | None = None) -> list[EventTypeFacts]:
    """Every name this workspace has seen, the busiest first; volumes are exact at any time, but
    those of history's hours, which wait for the next fold. One query."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "day": hour - DAY,
        "week": hour - 7 * DAY,
        "month": hour - 30 * DAY,
        "only": name,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LIST, values)
        return [EventTypeFacts(*row) for row in cursor.fetchall()]


def names_seen() -> frozenset[str]:
    """Every name that ever came here. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM events_eventtype WHERE tenant_id = %(tenant)s"
            " UNION SELECT name FROM events_eventtally WHERE tenant_id = %(tenant)s",
            {"tenant": current_tenant_id()},
        )
        return frozenset(row[0] for row in cursor.fetchall())


def find_event_type(name: str, *, now: datetime) -> EventTypeFacts:
    """Raises `NotFound` for a name that never came, also if it came to another workspace."""
    found = list_event_types(now=now, name=name)
    if not found:
        raise NotFound("This event")
    return found[0]


def observations_of(name: str) -> Observations:
    """Properties by how often they are there, then what is needed and missing; spellings."""
    row = EventType.objects.filter(name=name).first()
    kinds = STANDARDS[name].kinds if name in STANDARDS else {}
    properties = [
        PropertyFacts(
            name=key,
            types=sorted(said["types"].items(), key=lambda pair: (-pair[1], pair[0])),
            seen=sum(said["types"].values()),
            expected=WORDS[kinds[key]] if key in kinds else "",
            wrong=said["wrong"],
        )
        for key, said in (row.properties if row else {}).items()
    ]
    spellings = row.spellings.items() if row else ()
    return Observations(
        properties=sorted(properties, key=lambda one: (-one.seen, one.name)),
        spellings=sorted(spellings, key=lambda pair: (-pair[1], pair[0])),
        aliases=aliases_of(name),
    )


def latest_events(name: str, *, limit: int = MAX_LATEST) -> list[EventRow]:
    """The newest events of a name: of the workspace's last ones, and those the catalogue noted."""
    row = EventType.objects.filter(name=name).first()
    noted = [(UUID(key), datetime.fromisoformat(at)) for key, at in (row.latest if row else [])]
    found = {event.id: event for event in events_at(noted)}
    found |= {event.id: event for event in newest_named(name, limit=limit, look_at=2_000)}
    return [found[key] for key in sorted(found, reverse=True)[:limit]]


def set_event_flags(
    name: str,
    *,
    changes: dict[str, Any],
    now: datetime,
    actor: User | ApiKey | None = None,
) -> EventTypeFacts:
    """`is_expected` (None: as the standard says) and `is_sensitive`; what is left out stays.

    Raises `NotFound` for a name that never came, `Invalid` for one that Kairos itself records.
    """
    held = find_event_type(name, now=now)
    if held.is_own:
        detail = f"Kairos itself records {name}: there is nothing to decide about it."
        raise Invalid([FieldError("name", "reserved_name", detail)])
    # It may have come a moment ago and not be folded yet; its counts come with the fold.
    EventType.objects.bulk_create(
        [EventType(name=name, first_seen_at=held.first_seen_at, last_seen_at=held.last_seen_at)],
        ignore_conflicts=True,
    )
    row: EventType = EventType.objects.select_for_update().get(name=name)
    before = {"is_expected": row.is_expected, "is_sensitive": row.is_sensitive}
    after = {**before, **changes}
    if after != before:
        row.is_expected, row.is_sensitive = after["is_expected"], after["is_sensitive"]
        row.save(update_fields=["is_expected", "is_sensitive"])
        record_audit(
            "event_definition.changed",
            target=name[:120],
            data={"before": before, "after": after},
            actor=actor,
            now=now,
        )
    return find_event_type(name, now=now)


@dataclass(frozen=True, slots=True)
class TextRules:
    """What may be said of one event in texts."""

    is_sensitive: bool = False
    is_expected: bool | None = None


def text_rules(names: Iterable[str]) -> dict[str, TextRules]:
    """Per name what a person, or the standard, says; also for names that never came. One query."""
    wanted = sorted(set(names))
    held = {
        name: (is_sensitive, is_expected)
        for name, is_sensitive, is_expected in EventType.objects.filter(
            name__in=wanted
        ).values_list("name", "is_sensitive", "is_expected")
    }
    rules = {}
    for name in wanted:
        is_sensitive, is_expected = held.get(name, (False, None))
        rules[name] = TextRules(
            is_sensitive, expected_by_default(name) if is_expected is None else is_expected
        )
    return rules
