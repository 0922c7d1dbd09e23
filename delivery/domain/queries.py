"""Reads for pages and analytics. Fixed numbers of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from delivery.domain.rows import fetch_all
from tenancy.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class ClickRow:
    """One opening of a message's link, with its verdict ("" while not judged)."""

    id: UUID
    message_id: UUID
    label: str
    url: str
    clicked_at: datetime
    kind: str
    kind_reason: str
    kind_detail: str
    method: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One short link of a message."""

    id: UUID
    message_id: UUID
    token: str
    label: str
    url: str
    first_clicked_at: datetime | None


@dataclass(frozen=True, slots=True)
class InboundRow:
    """A text that came in. `kind` is what it was taken for, `rule` why."""

    id: UUID
    contact_id: UUID | None
    from_phone: str
    to_phone: str
    body: str
    kind: str
    keyword: str
    rule: str
    answered_message_id: UUID | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One POST to the gateway and what became of it. Wall time."""

    id: UUID
    message_id: UUID
    state: str
    started_at: datetime
    ended_at: datetime | None
    sid: str
    error_code: int | None
    error_text: str


@dataclass(frozen=True, slots=True)
class SenderRow:
    """A sender with its gateway and how much is queued for it (segments)."""

    id: UUID
    label: str
    kind: str
    state: str
    paused_reason: str
    paused_until: datetime | None
    segments_per_second: float
    gateway_id: UUID
    gateway_kind: str
    gateway_stopped_reason: str
    gateway_stopped_until: datetime | None
    blocked_regions: tuple[str, ...]
    queued_segments: int


def clicks_of(message_ids: Iterable[UUID]) -> dict[UUID, list[ClickRow]]:
    """Openings by message, oldest first."""
    rows = fetch_all(
        "SELECT c.id, c.message_id, l.label, l.url, c.clicked_at, c.kind, c.kind_reason,"
        " c.kind_detail, c.method, c.user_agent FROM delivery_click c"
        " JOIN delivery_trackedlink l ON l.tenant_id = c.tenant_id AND l.id = c.link_id"
        " WHERE c.tenant_id = %s AND c.message_id = ANY(%s) ORDER BY c.received_at",
        [current_tenant_id(), list(message_ids)],
    )
    found: dict[UUID, list[ClickRow]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(ClickRow(*row))
    return found


def links_of(message_ids: Iterable[UUID]) -> dict[UUID, list[LinkRow]]:
    """Short links by message."""
    rows = fetch_all(
        "SELECT id, message_id, token, label, url, first_clicked_at FROM delivery_trackedlink"
        " WHERE tenant_id = %s AND message_id = ANY(%s) ORDER BY message_id, id",
        [current_tenant_id(), list(message_ids)],
    )
    found: dict[UUID, list[LinkRow]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(LinkRow(*row))
    return found


def attempts_of(message_ids: Iterable[UUID]) -> dict[UUID, list[AttemptRow]]:
    """POSTs by message, oldest first."""
    rows = fetch_all(
        "SELECT id, message_id, state, started_at, ended_at, sid, error_code, error_text"
        " FROM delivery_sendattempt WHERE tenant_id = %s AND message_id = ANY(%s)"
        " ORDER BY message_id, id",
        [current_tenant_id(), list(message_ids)],
    )
    found: dict[UUID, list[AttemptRow]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(AttemptRow(*row))
    return found


def inbound_of(contact_id: UUID, *, limit: int = 100) -> list[InboundRow]:
    """What a contact wrote, newest first."""
    return _inbound("AND contact_id = %s", [contact_id], limit)


def newest_inbound(*, kinds: Sequence[str] = (), limit: int = 50) -> list[InboundRow]:
    """What came in last, of all contacts; only some `kinds` when given."""
    return _inbound("AND kind = ANY(%s)" if kinds else "", [list(kinds)] if kinds else [], limit)


def list_senders() -> list[SenderRow]:
    """All senders of live gateways. What rests or is stopped wants attention."""
    rows = fetch_all(
        """
        SELECT s.id, coalesce(nullif(s.phone, ''), s.messaging_service_sid), s.kind, s.state,
               s.paused_reason, s.paused_until, s.segments_per_second, g.id, g.kind,
               g.stopped_reason, g.stopped_until, g.blocked_regions,
               (SELECT coalesce(sum(m.num_segments), 0) FROM delivery_message m
                WHERE m.tenant_id = s.tenant_id AND m.status = 'queued' AND m.sender_id = s.id)
        FROM delivery_sender s
        JOIN delivery_gateway g ON g.tenant_id = s.tenant_id AND g.id = s.gateway_id
        WHERE s.tenant_id = %s AND g.is_live ORDER BY s.id
        """,
        [current_tenant_id()],
    )
    return [SenderRow(*[*row[:11], tuple(row[11]), int(row[12])]) for row in rows]


def _inbound(condition: str, values: list[object], limit: int) -> list[InboundRow]:
    rows = fetch_all(
        "SELECT id, contact_id, from_phone, to_phone, body, kind, keyword, rule,"
        " answered_message_id, received_at FROM delivery_inboundmessage"
        f" WHERE tenant_id = %s {condition} ORDER BY received_at DESC LIMIT %s",
        [current_tenant_id(), *values, limit],
    )
    return [InboundRow(*row) for row in rows]
