"""What the gateway and the carriers told us, written as one set whoever told it: the answer to a
POST, a callback, a look-up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from consent.domain.contact_points import record_stop_notices
from consent.domain.slots import count_slots, release_slots
from delivery.core.standing import Standing, Step, Telling, hear
from delivery.domain.events import (
    DELIVERED,
    FAILED,
    SENT,
    Happening,
    append_happenings,
)
from delivery.domain.ledger import MessageRow, read_messages
from delivery.domain.reacting import Trouble, react_to_troubles
from delivery.domain.rows import fetch_all, update_rows
from delivery.gateways.errors import ErrorClass
from people.domain.queries import lock_contacts
from tenancy.scope import current_tenant_id

logger = logging.getLogger(__name__)

_ATTEMPT_STATES = {
    "taken": "accepted",
    "refused": "rejected",
    "put_off": "rejected",
    "returned": "not_sent",
    "unsure": "ambiguous",
    "lost": "lost",
}
PUT_OFF_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class News:
    """A telling with what else is known. `attempt_state` where the kind alone does not say it
    (`throttled`), `next_check_at` when a look-up is due, `retry_after` seconds to leave the
    sender alone."""

    telling: Telling
    error: ErrorClass | None = None
    error_text: str = ""
    num_segments: int | None = None
    retry_after: float | None = None
    attempt_state: str = ""
    next_check_at: datetime | None = None


@dataclass(slots=True)
class _Open:
    """A message while news about it is read."""

    message: MessageRow
    standing: Standing
    steps: list[Step] = field(default_factory=list)
    num_segments: int | None = None


Known = Mapping[UUID, tuple[UUID, UUID | None]]


def record_news(
    news: Sequence[News], *, now: datetime, wall: datetime, known: Known | None = None
) -> int:
    """Applies news in the given order; returns how many messages it was about.

    `known`: message and contact by attempt, where the caller knows them already.
    In the caller's transaction. Locks the contacts, then reads again; everything else follows in
    the one lock order: messages, contact points, senders.
    """
    if not news:
        return 0
    ids = list({item.telling.attempt_id for item in news})
    known = known if known is not None else _find_messages(ids)
    message_of = {key: message_id for key, (message_id, _) in known.items()}
    lock_contacts(contact_id for _, contact_id in known.values() if contact_id is not None)
    messages = read_messages(
        "m.id = ANY(%s)", [list(set(message_of.values()))], tail="ORDER BY m.id FOR NO KEY UPDATE"
    )
    open_ = {message.id: _Open(message, _standing(message)) for message in messages}
    troubles: list[Trouble] = []
    for item in news:
        held = open_.get(message_of.get(item.telling.attempt_id, UUID(int=0)))
        if held is None:
            continue
        step = hear(held.standing, item.telling)
        if step.stray:
            logger.warning("a second text of one message: attempt %s", item.telling.attempt_id)
        held.steps.append(step)
        held.standing = step.standing
        if item.num_segments:
            held.num_segments = item.num_segments
        if item.error is not None and item.error.name not in {"ok", "info", "notice"}:
            troubles.append(Trouble(held.message, item.error, item.retry_after))
        elif item.telling.kind == "returned":
            troubles.append(Trouble(held.message, None, item.retry_after))
    _write_messages(list(open_.values()), now=now)
    _write_attempts(news, message_of, wall=wall)
    happenings = [h for held in open_.values() for h in _happenings(held, now)]
    append_happenings(happenings, now=now)
    _settle_slots(list(open_.values()), troubles, now=now)
    react_to_troubles(troubles, now=now, wall=wall)
    _clear_failures(open_.values())
    return len(open_)


def _find_messages(attempt_ids: Sequence[UUID]) -> Known:
    rows = fetch_all(
        "SELECT a.id, a.message_id, m.contact_id FROM delivery_sendattempt a JOIN delivery_message m"
        " ON m.tenant_id = a.tenant_id AND m.id = a.message_id"
        " WHERE a.tenant_id = %s AND a.id = ANY(%s)",
        [current_tenant_id(), list(attempt_ids)],
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _standing(message: MessageRow) -> Standing:
    return Standing(
        status=message.status,
        attempt_id=message.attempt_id,
        sid=message.sid,
        carrier_status=message.carrier_status,
        reason=message.reason,
        error_code=message.error_code,
        was_sent=message.sent_at is not None,
    )


def _write_messages(opened: Sequence[_Open], *, now: datetime) -> None:
    rows = []
    for held in opened:
        new, old = held.standing, held.message
        if new == _standing(old) and held.num_segments is None:
            continue
        final = new.status in {"delivered", "undelivered", "failed", "canceled"}
        waits = new.status == "scheduled"
        rows.append(
            {
                "id": old.id,
                "status": new.status,
                "reason": new.reason,
                "attempt_id": new.attempt_id,
                "sid": new.sid,
                "carrier_status": new.carrier_status,
                "error_code": new.error_code,
                "sent_at": old.sent_at or (now if new.was_sent else None),
                "final_at": now if final else None,
                "due_at": now + PUT_OFF_FOR if waits else None,
                "num_segments": held.num_segments or old.num_segments,
            }
        )
    update_rows(
        "delivery_message",
        {
            "id": "uuid",
            "status": "text",
            "reason": "text",
            "attempt_id": "uuid",
            "sid": "text",
            "carrier_status": "text",
            "error_code": "integer",
            "sent_at": "timestamptz",
            "final_at": "timestamptz",
            "due_at": "timestamptz",
            "num_segments": "smallint",
        },
        rows,
    )


def _write_attempts(news: Sequence[News], known: dict[UUID, UUID], *, wall: datetime) -> None:
    last: dict[UUID, dict[str, object]] = {}
    for item in news:
        told = item.telling
        if told.attempt_id not in known:
            continue
        held = last.get(told.attempt_id)
        state = item.attempt_state or _ATTEMPT_STATES[told.kind]
        last[told.attempt_id] = {
            "id": told.attempt_id,
            "state": state,
            "ended_at": wall,
            "next_check_at": item.next_check_at,
            "sid": told.sid or (str(held["sid"]) if held else ""),
            "error_code": told.error_code,
            "error_text": item.error_text[:300],
        }
    update_rows(
        "delivery_sendattempt",
        {
            "id": "uuid",
            "state": "text",
            "ended_at": "timestamptz",
            "next_check_at": "timestamptz",
            "sid": "text",
            "error_code": "integer",
            "error_text": "text",
        },
        list(last.values()),
        # A callback may have settled it before our own answer was written down; news that the
        # gateway has it always counts.
        where="AND (t.state IN ('posting', 'ambiguous') OR (v.state = 'accepted' AND t.sid = ''))",
    )


def _happenings(held: _Open, now: datetime) -> list[Happening]:
    names = {"sent": SENT, "delivered": DELIVERED, "failed": FAILED}
    found: list[Happening] = []
    parts = held.num_segments or held.message.num_segments
    for step in held.steps:
        for happened in step.happened:
            extra: dict[str, object] = {"num_segments": parts}
            if happened == "sent":
                extra["link_count"] = held.message.link_count
            if happened == "failed":
                extra["status"] = step.standing.status
                extra["reason"] = step.standing.reason
                extra["error_code"] = step.standing.error_code
            found.append(Happening(names[happened], held.message, now, extra))
    return found


def _settle_slots(opened: Sequence[_Open], troubles: Sequence[Trouble], *, now: datetime) -> None:
    never_taken = {trouble.message.id for trouble in troubles if trouble.never_taken}
    sent = [held.message for held in opened if any("sent" in step.happened for step in held.steps)]
    counted = [message.id for message in sent if message.message_type == "marketing"]
    if counted:
        count_slots(counted, at=now)
    failed = {
        held.message.id: held.standing.reason
        for held in opened
        if held.standing.status in {"failed", "undelivered", "canceled"}
        and any("failed" in step.happened for step in held.steps)
        and held.standing.reason != "lost"
    }
    for definitely in (True, False):
        ids = [key for key in failed if (key in never_taken) is definitely]
        if ids:
            release_slots(ids, reason="failed", definitely_not_taken=definitely, now=now)
    told_stop = [message.phone for message in sent if message.tells_stop and message.phone]
    if told_stop:
        record_stop_notices(told_stop, at=now)


def _clear_failures(opened: Iterable[_Open]) -> None:
    senders = {
        held.message.sender_id
        for held in opened
        if held.standing.was_sent and held.message.sender_id is not None
    }
    if senders:
        fetch_all(
            "UPDATE delivery_sender SET failures_in_a_row = 0 WHERE tenant_id = %s"
            " AND id = ANY(%s) AND failures_in_a_row > 0 RETURNING id",
            [current_tenant_id(), sorted(senders)],
        )
