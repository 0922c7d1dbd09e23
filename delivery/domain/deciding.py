"""Deciding: for a set of intents, in one transaction, what goes, what waits, what never goes.

Just in time: what a sender cannot take within about a minute waits (`sender_busy`) and is decided
anew, so that a STOP, an order or the end of the day still count.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from consent.domain.slots import CapTaken, NewSlot, release_slots, reserve_slots
from delivery.core.facts import GateIntent
from delivery.core.gate import Verdict, gate
from delivery.core.intents import Decision, SendIntent
from delivery.core.policy import default_ttl
from delivery.core.reasons import Reason
from delivery.domain.decided import insert_decided, update_decided
from delivery.domain.events import SKIPPED, Happening, append_happenings
from delivery.domain.ledger import (
    Content,
    MessageRow,
    read_contents,
    read_held,
    read_messages,
    rebuild_intent,
)
from delivery.domain.linking import save_links
from delivery.domain.loading import Loaded, load_facts, load_replies, load_senders
from delivery.domain.rows import fetch_all, in_halves, update_rows
from delivery.domain.writing import Writer
from people.domain.queries import lock_contacts
from templates_engine.domain.queries import versions_by_id
from tenancy.clock import wall_now
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id, tenant_scope

__all__ = ["Decision", "SendIntent", "decide", "held_items", "redecide_due", "sender_room"]

logger = logging.getLogger(__name__)
_TRIES = 4
_SET = 500


class _TokenTaken(Exception):
    def __init__(self, message_ids: set[UUID]) -> None:
        super().__init__("a short link's token belongs to another message")
        self.message_ids = message_ids


def decide(
    intents: Sequence[SendIntent], *, now: datetime, dry_run: bool = False
) -> list[Decision]:
    """Decides a set in the caller's transaction; answers in the same order.

    Locks the contacts (ids ascending) first, so call it before locking anything else. A dedupe
    key that exists already keeps its message: the answer has that one's status and the reason
    "duplicate". `dry_run` says what would happen if we sent now, locks and writes nothing.
    """
    if not intents:
        return []
    if not dry_run:
        lock_contacts(i.contact_id for i in intents if i.contact_id is not None)
    held = read_held([intent.dedupe_key for intent in intents])
    items, again = _new_items(intents, held, now=now)
    verdicts = _judge_and_store(items, held, again=False, now=now, dry_run=dry_run)
    decisions = {key: _decision(verdict) for key, verdict in verdicts.items()}
    answers: list[Decision] = []
    for intent in intents:
        key = intent.dedupe_key
        if key in held:
            message_id, status, due_at = held[key]
            answers.append(Decision(key, message_id, status, Reason.DUPLICATE, due_at, (), "", 0))
        else:
            answers.append(decisions[key])
    for index in again:  # the same key twice in one set: the second is the duplicate
        first = answers[index]
        answers[index] = Decision(
            first.dedupe_key, first.message_id, first.status, Reason.DUPLICATE,
            first.due_at, (), "", 0,
        )  # fmt: skip
    return answers


def redecide_due(tenant_id: UUID, *, now: datetime) -> int:
    """Decides waiting messages anew whose time has come. Opens its own scope; returns how many.

    Reads candidates without locks, locks their contacts (busy ones are left for the next call),
    then reads again. Never more than the senders have room for.
    """
    with tenant_scope(tenant_id):
        due = _find_due(now)
        if not due:
            return 0
        room = sender_room(now=now)
    if room is not None:
        due = due[: max(int(room), 0)]
    return in_halves(
        tenant_id,
        due,
        lambda part: _redecide(part, now=now),
        lambda one, error: _set_aside(one[0], error, now=now),
    )


def sender_room(*, now: datetime) -> float | None:
    """Segments all working senders can still take before they are a minute ahead.

    None when no sender works: deciding then says why. For whoever claims work that ends in texts.
    """
    working = [s for s in load_senders(now=now, wall=wall_now()) if s.active and not s.stopped]
    return sum(max(sender.room, 0.0) for sender in working) if working else None


def _find_due(now: datetime) -> list[tuple[UUID, UUID | None]]:
    return [
        (row[0], row[1])
        for row in fetch_all(
            "SELECT id, contact_id FROM delivery_message WHERE tenant_id = %s"
            " AND status = 'scheduled' AND due_at <= %s ORDER BY due_at, priority DESC LIMIT %s",
            [current_tenant_id(), now, _SET],
        )
    ]


def _redecide(due: Sequence[tuple[UUID, UUID | None]], *, now: datetime) -> int:
    locked = set(
        lock_contacts({contact for _, contact in due if contact is not None}, skip_locked=True)
    )
    ids = [message for message, contact in due if contact is None or contact in locked]
    messages = read_messages(
        "m.id = ANY(%s) AND m.status = 'scheduled' AND m.due_at <= %s",
        [ids, now],
        tail="ORDER BY m.id FOR NO KEY UPDATE SKIP LOCKED",
    )
    items = held_items(messages, read_contents(messages))
    _judge_and_store(items, {}, again=True, now=now, dry_run=False)
    return len(items)


def held_items(
    messages: Sequence[MessageRow], contents: Mapping[UUID, Content]
) -> list[GateIntent]:
    """Stored messages as the gate takes them."""
    replies = load_replies([m.in_reply_to for m in messages if m.in_reply_to is not None])
    return [
        GateIntent(
            intent=rebuild_intent(message, contents.get(message.id)),
            message_id=message.id,
            created_at=message.created_at,
            expires_at=message.expires_at,
            held_phone=message.phone,
            reply_received_at=replies.get(message.in_reply_to) if message.in_reply_to else None,
        )
        for message in messages
    ]


def _new_items(
    intents: Sequence[SendIntent],
    held: dict[str, tuple[UUID, str, datetime | None]],
    *,
    now: datetime,
) -> tuple[list[GateIntent], list[int]]:
    """Intents without a message yet, and the positions of repetitions within the set."""
    versions = versions_by_id(
        {i.template_version_id for i in intents if i.template_version_id is not None}
    )
    replies = load_replies([i.in_reply_to for i in intents if i.in_reply_to is not None])
    seen: set[str] = set()
    again: list[int] = []
    items: list[GateIntent] = []
    ids = iter(new_ids(len(intents)))
    for index, intent in enumerate(intents):
        if intent.dedupe_key in seen:
            again.append(index)
            continue
        seen.add(intent.dedupe_key)
        if intent.dedupe_key in held:
            continue
        known = versions.get(intent.template_version_id) if intent.template_version_id else None
        ttl = intent.ttl
        if known is not None:
            # The type stands on the template: a step cannot turn marketing into something else.
            intent = replace(intent, message_type=known.message_type)
            if ttl is None and known.ttl_seconds is not None:
                ttl = timedelta(seconds=known.ttl_seconds)
        elif intent.template_version_id is not None:
            intent = replace(intent, template_version_id=None)
        items.append(
            GateIntent(
                intent=intent,
                message_id=next(ids),
                created_at=now,
                expires_at=now + (ttl if ttl is not None else default_ttl(intent.message_type)),
                reply_received_at=replies.get(intent.in_reply_to) if intent.in_reply_to else None,
            )
        )
    return items, again


def _judge_and_store(
    items: Sequence[GateIntent],
    held: dict[str, tuple[UUID, str, datetime | None]],
    *,
    again: bool,
    now: datetime,
    dry_run: bool,
) -> dict[str, Verdict]:
    if not items:
        return {}
    wall = wall_now()
    salts: dict[UUID, int] = {}
    for _ in range(_TRIES):
        loaded = load_facts(
            items, now=now, wall=wall, held={key: found[:2] for key, found in held.items()}
        )
        writer = Writer(loaded, now=now, salts=salts)
        verdicts = gate(items, loaded.facts, now=now, render=writer)
        if dry_run:
            return verdicts
        try:
            with transaction.atomic():
                _store([(i, verdicts[i.key]) for i in items], loaded, again=again, now=now)
        except _TokenTaken as taken:
            salts.update({key: salts.get(key, 0) + 1 for key in taken.message_ids})
        except CapTaken:
            # Another contact with this number took the slot: look again, under the lock now held.
            continue
        else:
            return verdicts
    raise RuntimeError("a set could not be stored: tokens or slots kept being taken")


def _store(
    decided: Sequence[tuple[GateIntent, Verdict]], loaded: Loaded, *, again: bool, now: datetime
) -> None:
    taking = [(item, v) for item, v in decided if v.takes_slot]
    reserve_slots([_slot(item, v, loaded, now) for item, v in taking], now=now)
    if again:
        update_decided(decided, now=now)
        written = {item.message_id for item, _ in decided}
        skipped = [item.message_id for item, v in decided if v.status == "skipped"]
        release_slots(skipped, reason="skipped", definitely_not_taken=True, now=now)
    else:
        written = insert_decided(decided, known_contacts=loaded.contacts, now=now)
    collided = save_links(
        [(item, v) for item, v in decided if item.message_id in written], replace=again, now=now
    )
    if collided:
        raise _TokenTaken(collided)
    told = {
        v.message_id: v for item, v in decided if v.status == "skipped" and v.message_id in written
    }
    rows = read_messages("m.id = ANY(%s)", [list(told)]) if told else []
    append_happenings(
        [Happening(SKIPPED, row, now, {"reason": row.reason}) for row in rows], now=now
    )


def _slot(item: GateIntent, verdict: Verdict, loaded: Loaded, now: datetime) -> NewSlot:
    contact_id = item.intent.contact_id
    if contact_id is None:
        raise ValueError("only a contact's texts take slots")
    return NewSlot(
        message_id=item.message_id,
        contact_id=contact_id,
        phone=verdict.phone,
        source_key=item.intent.source_key,
        run_id=item.intent.run_id,
        at=now,
        legal_states=loaded.facts.consent[contact_id].zones.states,
    )


def _set_aside(message_id: UUID, error: Exception, *, now: datetime) -> None:
    logger.error("a message could not be decided", exc_info=error)
    rows = [{"id": message_id, "final_at": now, "reason": Reason.RENDER_FAILED}]
    update_rows(
        "delivery_message",
        {"id": "uuid", "final_at": "timestamptz", "reason": "text"},
        rows,
        also="status = 'skipped'",
        where="AND t.status IN ('scheduled', 'queued')",
    )
    release_slots([message_id], reason="set_aside", definitely_not_taken=True, now=now)
    append_happenings(
        [
            Happening(SKIPPED, row, now, {"reason": row.reason})
            for row in read_messages("m.id = %s", [message_id])
        ],
        now=now,
    )


def _decision(verdict: Verdict) -> Decision:
    text = verdict.text
    return Decision(
        dedupe_key=verdict.key,
        message_id=verdict.message_id,
        status=verdict.status,
        reason=verdict.reason,
        due_at=verdict.due_at,
        checks=verdict.checks,
        text=text.body if text is not None else "",
        num_segments=text.num_segments if text is not None else 0,
    )
