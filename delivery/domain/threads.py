"""Conversations as pages show them: the list, and one thread. Fixed numbers of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.domain.history import MessageStory, list_messages
from delivery.domain.rows import fetch_all
from delivery.models import Conversation
from tenancy.scope import current_tenant_id

PAGE = 25
# A thread shows this many of each side; the contact's timeline has the rest.
THREAD = 60
STATES = ("open", "answered", "closed")
_LEFT = ("queued", "sending", "sent", "delivered", "undelivered", "failed")
_HELD = ("scheduled", "skipped", "canceled")
Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list. `words`: the contact's last text, by whatever name it goes."""

    id: UUID
    contact_id: UUID
    state: str
    waiting_since: datetime | None
    active_at: datetime
    answered_by: str
    is_unread: bool
    words: str


@dataclass(frozen=True, slots=True)
class Counts:
    open: int
    unread: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that came in. `is_handled`: a flow answered it by itself."""

    id: UUID
    at: datetime
    body: str
    kind: str
    keyword: str
    media: int
    is_handled: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A text of ours. `member`: who wrote it; "" when nobody did."""

    story: MessageStory
    member: str

    @property
    def at(self) -> datetime:
        # An answer stands where it was given, whenever it leaves.
        return self.story.created_at if self.member else self.story.happened_at


def count_open() -> Counts:
    """How many conversations wait, and how many of them nobody has looked at."""
    [row] = fetch_all(
        "SELECT count(*), count(*) FILTER (WHERE seen_at IS NULL OR seen_at < last_inbound_at)"
        " FROM delivery_conversation WHERE tenant_id = %s AND state = 'open'",
        [current_tenant_id()],
    )
    return Counts(*row)


def list_conversations(
    state: str, *, after: Cursor | None = None, limit: int = PAGE
) -> tuple[list[Listed], Cursor | None]:
    """One page by keyset. Open ones: who has waited longest first; else the newest first.

    `state` "" means all.
    """
    where = ""
    values: list[Any] = [current_tenant_id()]
    if state:
        where += " AND c.state = %s"
        values.append(state)
    # Two directions, one rule: the tenant's index gives the order, and the id breaks ties.
    waits = state == "open"
    column, way, sign = ("waiting_since", "", ">") if waits else ("active_at", " DESC", "<")
    if after is not None:
        where += f" AND (c.{column}, c.id) {sign} (%s, %s)"
        values += [after[0], after[1]]
    rows = fetch_all(
        f"""
        SELECT c.id, c.contact_id, c.state, c.waiting_since, c.active_at, c.answered_by,
               c.state = 'open' AND (c.seen_at IS NULL OR c.seen_at < c.last_inbound_at),
               coalesce(last.body, '')
        FROM delivery_conversation c
        LEFT JOIN LATERAL (
            SELECT i.body FROM delivery_inboundmessage i
            WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.contact_id
            ORDER BY i.received_at DESC LIMIT 1) AS last ON true
        WHERE c.tenant_id = %s {where}
        ORDER BY c.{column}{way}, c.id{way} LIMIT %s
        """,
        [*values, limit + 1],
    )
    listed = [Listed(*row) for row in rows[:limit]]
    if len(rows) <= limit:
        return listed, None
    last = listed[-1]
    at = last.waiting_since if waits else last.active_at
    return listed, (at, last.id) if at is not None else None


def find_conversation(contact_id: UUID) -> Conversation | None:
    return Conversation.objects.filter(contact_id=contact_id).first()


def thread_of(contact_id: UUID) -> list[Heard | Told]:
    """The last texts of both sides, oldest first. What was held back shows only where a member
    wrote it: they want to know."""
    left = list_messages(contact_id=contact_id, statuses=_LEFT, limit=THREAD).stories
    held = list_messages(contact_id=contact_id, statuses=_HELD, limit=THREAD).stories
    stories = [*left, *(story for story in held if story.source_kind == "answer")]
    members = _members([story.id for story in stories if story.source_kind == "answer"])
    lines: list[Heard | Told] = [Told(story, members.get(story.id, "")) for story in stories]
    lines += _heard(contact_id)
    lines.sort(key=lambda line: line.at)
    return lines[-2 * THREAD :]


def _members(message_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = fetch_all(
        "SELECT message_id, member_name FROM delivery_answer"
        " WHERE tenant_id = %s AND message_id = ANY(%s)",
        [current_tenant_id(), list(message_ids)],
    )
    return {row[0]: row[1] for row in rows}


def _heard(contact_id: UUID) -> list[Heard]:
    rows = fetch_all(
        """
        SELECT i.id, i.received_at, i.body, i.kind, i.keyword, jsonb_array_length(i.media),
               EXISTS (SELECT 1 FROM delivery_message m
                       WHERE m.tenant_id = i.tenant_id AND m.contact_id = i.contact_id
                         AND m.created_at >= i.received_at AND m.in_reply_to = i.id
                         AND m.source_kind = 'reply' AND m.status NOT IN ('skipped', 'canceled'))
        FROM delivery_inboundmessage i
        WHERE i.tenant_id = %s AND i.contact_id = %s
        ORDER BY i.received_at DESC LIMIT %s
        """,
        [current_tenant_id(), contact_id, THREAD],
    )
    return [Heard(*row) for row in rows]
