"""What happened to one contact, newest first: events, texts, replies, entries and endings.

Five sources, one query each; every page costs the same. Used by the contact's page and by the
log of the test phone.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from delivery.core.telling import CheckLine
from delivery.domain.history import MessageStory, list_messages
from events.core.names import SMS_REPLIED
from tenancy.scope import current_tenant_id
from triggers.core.telling import TOLD_BY_MESSAGE, ending_words, entry_words, tell_event
from triggers.domain.queries import run_notes

KINDS = ("all", "messages", "events")
# A page may start amid texts that were decided long before they were sent.
_SLACK = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `lines`: what the platform made of it. `mine`: the quote is the contact's own."""

    at: datetime
    kind: str
    title: str
    sub: str = ""
    icon: str = "zap"
    tone: str = ""
    quote: str = ""
    mine: bool = False
    lines: tuple[str, ...] = ()
    checks: tuple[CheckLine, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    items: list[Item] = field(default_factory=list)
    before: datetime | None = None


def timeline_of(
    contact_id: UUID,
    *,
    zone: str,
    now: datetime,
    kind: str = "all",
    before: datetime | None = None,
    limit: int = 40,
    with_personal: bool = True,
) -> Timeline:
    """The newest `limit` items that happened before `before`. `zone`: whose clock words use.

    Without `with_personal` changes of numbers and e-mail addresses are named but not shown.
    """
    # Of things at one instant the earlier source is the later one: a run ends after its text.
    sources: list[Iterable[Item]] = []
    flows = _flow_names()
    if kind != "messages":
        sources.append(_endings(contact_id, flows, before, limit))
    if kind != "events":
        sources.append(_messages(contact_id, zone, now, before, limit))
        sources.append(_held_back(contact_id, flows, before, limit))
    only_replies = kind == "messages"
    sources.append(
        _events(
            contact_id,
            flows,
            before,
            limit,
            zone=zone,
            only_replies=only_replies,
            personal=with_personal,
        )
    )
    merged = heapq.merge(*sources, key=lambda item: item.at, reverse=True)
    items = [item for _, item in zip(range(limit + 1), merged, strict=False)]
    if len(items) <= limit:
        return Timeline(items)
    # The next page begins before an instant: what happened at one instant must not be torn apart.
    cut = limit
    while cut > 1 and items[cut].at == items[cut - 1].at:
        cut -= 1
    cut = cut if items[cut].at < items[cut - 1].at else limit
    return Timeline(items[:cut], items[cut - 1].at)


def by_day(items: Sequence[Item], zone: str, now: datetime) -> list[tuple[str, list[Item]]]:
    """(`Today`, `Yesterday` or the date, items) on the wall clock of a zone."""
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    grouped = groupby(items, key=lambda item: item.at.astimezone(place).date())
    named = {today: "Today", today - timedelta(days=1): "Yesterday"}
    days = []
    for day, members in grouped:
        year = "" if day.year == today.year else f", {day.year}"
        days.append((named.get(day) or f"{day:%A, %B} {day.day}{year}", list(members)))
    return days


def _messages(
    contact_id: UUID, zone: str, now: datetime, before: datetime | None, limit: int
) -> list[Item]:
    after = (before + _SLACK, UUID(int=2**128 - 1)) if before else None
    page = list_messages(contact_id=contact_id, after=after, limit=limit)
    items = [_message_item(story, zone, now) for story in page.stories]
    items.sort(key=lambda item: item.at, reverse=True)
    return [item for item in items if before is None or item.at < before]


def _message_item(story: MessageStory, zone: str, now: datetime) -> Item:
    return Item(
        at=story.happened_at,
        kind="message",
        title=f"{story.title(zone, now)} · {story.label}"
        if story.status not in {"scheduled", "skipped", "canceled"}
        else story.title(zone, now),
        sub=_sub(story),
        icon=story.icon,
        tone=story.tone,
        quote=story.body,
        checks=tuple(story.lines) if story.checks else (),
        key=str(story.id),
    )


def _held_back(
    contact_id: UUID, flows: dict[UUID, str], before: datetime | None, limit: int
) -> list[Item]:
    """Texts that a flow did not even ask for, or asks for only after a reply."""
    return [
        Item(
            at=note.at,
            kind="message",
            title=note.title,
            sub=f"{flows.get(note.flow_id, 'a flow')} · {note.detail}",
            icon="clock" if note.is_waiting else "ban",
            tone="wait" if note.is_waiting else "",
            key=f"{note.run_id}:{note.step_key}",
        )
        for note in run_notes(contact_id, before=before, limit=limit + 1)
    ]


def _sub(story: MessageStory) -> str:
    named = story.status in {"scheduled", "skipped", "canceled"}
    return " · ".join(part for part in (story.label if named else "", story.facts()) if part)


def _events(
    contact_id: UUID,
    flows: dict[UUID, str],
    before: datetime | None,
    limit: int,
    *,
    zone: str,
    only_replies: bool,
    personal: bool,
) -> list[Item]:
    wanted = (
        "AND name IN ('SMS Replied', 'SMS Unsubscribed')"
        if only_replies
        else "AND name <> ALL(%(told)s)"
    )
    rows = _rows(
        f"""
        SELECT id, name, properties, occurred_at FROM events_event
        WHERE tenant_id = %(tenant)s AND contact_id = %(contact)s {wanted}
          AND (%(before)s::timestamptz IS NULL OR occurred_at < %(before)s)
        ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
        """,
        contact_id,
        before,
        limit + 1,
    )
    entries = _entries([row[0] for row in rows], contact_id, flows)
    read = [(row[0], row[1], _read(row[2]), row[3]) for row in rows]
    words = _words_of([str(p["inbound_id"]) for _, _, p, _ in read if p.get("inbound_id")])
    items = []
    for event_id, name, properties, at in read:
        # An opt-out is quoted as it came in, with its second.
        quoted = words.get(str(properties.get("inbound_id")), "")
        said = {**properties, "body": quoted} if quoted else properties
        told = tell_event(name, said, personal=personal)
        if quoted and name != SMS_REPLIED:
            told = replace(told, sub=f"{told.sub} · {at.astimezone(ZoneInfo(zone)):%H:%M:%S}")
        items.append(
            Item(
                at=at,
                kind="event",
                title=told.title,
                sub=told.sub,
                icon=told.icon,
                tone=told.tone,
                quote=told.quote,
                mine=bool(told.quote),
                lines=tuple(entries.get(event_id, ())),
                key=str(event_id),
            )
        )
    return items


def _words_of(inbound_ids: list[str]) -> dict[str, str]:
    """What came in, by its id."""
    if not inbound_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, body FROM delivery_inboundmessage"
            " WHERE tenant_id = %s AND id = ANY(%s::uuid[])",
            [current_tenant_id(), inbound_ids],
        )
        return dict(cursor.fetchall())


def _entries(
    event_ids: list[UUID], contact_id: UUID, flows: dict[UUID, str]
) -> dict[UUID, list[str]]:
    if not event_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id, entered, reason, detail, flow_id FROM triggers_entrydecision"
            " WHERE tenant_id = %s AND event_id = ANY(%s)"
            " AND (contact_id = %s OR contact_id IS NULL) ORDER BY at, id",
            [current_tenant_id(), event_ids, contact_id],
        )
        found: dict[UUID, list[str]] = defaultdict(list)
        for event_id, entered, reason, detail, flow_id in cursor.fetchall():
            flow = flows.get(flow_id, "a flow")
            said = entry_words(entered, reason, _read(detail), flow)
            found[event_id].append(said if entered else f"{said} · {flow}")
    return found


def _endings(
    contact_id: UUID, flows: dict[UUID, str], before: datetime | None, limit: int
) -> list[Item]:
    rows = _rows(
        """
        SELECT r.id, r.flow_id, r.exit_reason, r.ended_at,
               EXISTS (SELECT 1 FROM delivery_message m WHERE m.tenant_id = r.tenant_id
                       AND m.contact_id = r.contact_id AND m.run_id = r.id
                       AND m.status = 'canceled')
        FROM triggers_flowrun r
        WHERE r.tenant_id = %(tenant)s AND r.contact_id = %(contact)s AND r.ended_at IS NOT NULL
          AND (%(before)s::timestamptz IS NULL OR r.ended_at < %(before)s)
        ORDER BY r.ended_at DESC LIMIT %(limit)s
        """,
        contact_id,
        before,
        limit + 1,
    )
    items = []
    for run_id, flow_id, reason, at, canceled in rows:
        title = ending_words(reason, flows.get(flow_id, "a flow"))
        if canceled:
            title += " · waiting text canceled"
        items.append(Item(at=at, kind="flow", title=title, icon="log-out", key=str(run_id)))
    return items


def _flow_names() -> dict[UUID, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name FROM triggers_flow WHERE tenant_id = %s", [current_tenant_id()]
        )
        return dict(cursor.fetchall())


def _rows(
    statement: str, contact_id: UUID, before: datetime | None, limit: int
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "tenant": current_tenant_id(),
                "contact": contact_id,
                "before": before,
                "limit": limit,
                "told": list(TOLD_BY_MESSAGE),
            },
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _read(value: Any) -> dict[str, Any]:
    read = orjson.loads(value) if isinstance(value, str | bytes) else value
    return read if isinstance(read, dict) else {}
