"""The claim: the point of no return. What commits here is POSTed; what committed before it, a STOP
or an order, still stops it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from delivery.core.facts import GateIntent
from delivery.core.gate import RECHECKED, Verdict, gate
from delivery.core.reasons import Reason
from delivery.domain.canceling import cancel_messages, tell_canceled
from delivery.domain.decided import note_waiting, update_checks
from delivery.domain.deciding import held_items
from delivery.domain.ledger import Content, MessageRow, read_contents, read_messages
from delivery.domain.loading import load_facts
from delivery.domain.rows import fetch_all, insert_rows, update_rows
from delivery.gateways.base import hash_body
from delivery.models import Sender
from people.domain.queries import lock_contacts
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

# After this long without an answer the worker is taken for dead and the text is looked for.
ANSWER_WITHIN = timedelta(seconds=settings.KAIROS_ANSWER_SECONDS)
_AHEAD = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One text that must be POSTed now."""

    attempt_id: UUID
    message: MessageRow
    body: str
    sender: Sender
    window_ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """`moved`: messages that were held back instead (canceled or waiting again)."""

    texts: list[Claimed]
    moved: int


def claim_queued(limit: int, *, now: datetime, wall: datetime) -> Claim:
    """Claims at most `limit` texts and at most what the senders may send within a second.

    In the caller's transaction, which must commit before anything is POSTed.
    """
    candidates = _find_candidates(limit, wall)
    if not candidates:
        return Claim([], 0)
    locked = set(lock_contacts({c for _, c in candidates if c is not None}, skip_locked=True))
    messages = read_messages(
        "m.id = ANY(%s) AND m.status = 'queued'",
        [[m for m, c in candidates if c is None or c in locked]],
        tail="ORDER BY m.priority DESC, m.decided_at, m.id FOR NO KEY UPDATE SKIP LOCKED",
    )
    if not messages:
        return Claim([], 0)
    contents = read_contents(messages)
    items = held_items(messages, contents)
    loaded = load_facts(items, now=now, wall=wall, at_claim=True)
    verdicts = gate(items, loaded.facts, now=now, render=None, only=RECHECKED)
    held_back = [(i, verdicts[i.key]) for i in items if verdicts[i.key].status != "queued"]
    _hold_back(held_back, now=now)
    ready = [
        (m, verdicts[m.dedupe_key]) for m in messages if verdicts[m.dedupe_key].status == "queued"
    ]
    return Claim(_book(ready, contents, wall=wall), len(held_back))


def set_aside_first(*, now: datetime, wall: datetime) -> int:
    """Takes the first queued text out of the way, canceled with its reason. For one that cannot
    be claimed; returns how many (0 or 1)."""
    return cancel_messages(
        message_ids=[message_id for message_id, _ in _find_candidates(1, wall)],
        except_types=(),
        reason=Reason.RENDER_FAILED,
        now=now,
    )


def _find_candidates(limit: int, wall: datetime) -> list[tuple[UUID, UUID | None]]:
    """Queued texts of senders that are free, and of those that rest (they must wait elsewhere)."""
    rows = fetch_all(
        """
        SELECT m.id, m.contact_id FROM delivery_message m
        WHERE m.tenant_id = %s AND m.status = 'queued'
          AND (m.sender_id IS NULL OR m.sender_id IN (
              SELECT s.id FROM delivery_sender s WHERE s.tenant_id = %s
                AND (s.next_free_at IS NULL OR s.next_free_at < %s OR s.state = 'paused')))
        ORDER BY m.priority DESC, m.decided_at LIMIT %s
        """,
        [current_tenant_id(), current_tenant_id(), wall + _AHEAD, limit],
    )
    return [(row[0], row[1]) for row in rows]


def _book(
    ready: Sequence[tuple[MessageRow, Verdict]],
    contents: Mapping[UUID, Content],
    *,
    wall: datetime,
) -> list[Claimed]:
    """Takes what the senders have time for, last in the lock order, and writes the attempts."""
    if not ready:
        return []
    wanted = {v.sender.id for _, v in ready if v.sender is not None}
    senders = {
        sender.id: sender
        for sender in Sender.objects.select_for_update(no_key=True, of=("self",))
        .select_related("gateway")
        .filter(id__in=wanted)
        .order_by("id")
    }
    free_at = {key: max(sender.next_free_at or wall, wall) for key, sender in senders.items()}
    taken: list[tuple[MessageRow, Verdict, Sender]] = []
    used: dict[UUID, int] = defaultdict(int)
    for message, verdict in ready:
        sender = senders.get(verdict.sender.id) if verdict.sender is not None else None
        if sender is None:
            continue
        parts = max(message.num_segments, 1)
        lasts = timedelta(seconds=parts / sender.segments_per_second)
        # A long text may take more than a second: then it goes alone.
        fits = free_at[sender.id] + lasts <= wall + _AHEAD
        if not fits and (used[sender.id] or free_at[sender.id] > wall):
            continue
        free_at[sender.id] += lasts
        used[sender.id] += parts
        taken.append((message, verdict, sender))
    if not taken:
        return []
    update_rows(
        "delivery_sender",
        {"id": "uuid", "next_free_at": "timestamptz"},
        [{"id": key, "next_free_at": free_at[key]} for key in used],
    )
    return _write(taken, contents, wall=wall)


def _write(
    taken: Sequence[tuple[MessageRow, Verdict, Sender]],
    contents: Mapping[UUID, Content],
    *,
    wall: datetime,
) -> list[Claimed]:
    claimed = [
        Claimed(attempt_id, message, contents[message.id].body, sender, verdict.window_ends_at)
        for attempt_id, (message, verdict, sender) in zip(new_ids(len(taken)), taken, strict=True)
    ]
    insert_rows(
        "delivery_sendattempt",
        {
            "id": "uuid",
            "message_id": "uuid",
            "gateway_id": "uuid",
            "sender_id": "uuid",
            "state": "text",
            "started_at": "timestamptz",
            "next_check_at": "timestamptz",
            "checks": "smallint",
            "sid": "text",
            "error_text": "text",
            "body_hash": "text",
        },
        [
            {
                "id": text.attempt_id,
                "message_id": text.message.id,
                "gateway_id": text.sender.gateway_id,
                "sender_id": text.sender.id,
                "state": "posting",
                "started_at": wall,
                "next_check_at": wall + ANSWER_WITHIN,
                "checks": 0,
                "sid": "",
                "error_text": "",
                "body_hash": hash_body(text.body),
            }
            for text in claimed
        ],
    )
    update_rows(
        "delivery_message",
        {
            "id": "uuid",
            "attempt_id": "uuid",
            "sender_id": "uuid",
            "submitted_at": "timestamptz",
            "window_ends_at": "timestamptz",
        },
        [
            {
                "id": text.message.id,
                "attempt_id": text.attempt_id,
                "sender_id": text.sender.id,
                "submitted_at": wall,
                "window_ends_at": text.window_ends_at,
            }
            for text in claimed
        ],
        also="status = 'sending', reason = '', due_at = NULL",
    )
    return claimed


def _hold_back(held: Sequence[tuple[GateIntent, Verdict]], *, now: datetime) -> None:
    """Canceled for good, or waiting again; a slot reserved for a text that waits stays."""
    if not held:
        return
    update_rows(
        "delivery_message",
        {
            "id": "uuid",
            "status": "text",
            "reason": "text",
            "due_at": "timestamptz",
            "final_at": "timestamptz",
        },
        [
            {
                "id": item.message_id,
                "status": "canceled" if verdict.status == "skipped" else verdict.status,
                "reason": verdict.reason,
                "due_at": verdict.due_at,
                "final_at": now if verdict.status == "skipped" else None,
            }
            for item, verdict in held
        ],
    )
    note_waiting(held)
    update_checks(held)
    tell_canceled([item.message_id for item, v in held if v.status == "skipped"], now=now)
