"""Conversations: which replies wait for a person. Every verb runs under the contact's lock.

A reply opens its conversation at once, and only an answer that was accepted takes it off the list
again: a reply that nobody answered can never be lost between a flow and the people.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from delivery.domain.rows import fetch_all
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

# What the classifier took for nothing of its own: somebody has to read it.
FOR_PEOPLE = ("none", "review")
ENDS_IT = frozenset({"opt_out", "wrong_number"})

# The oldest reply after `settled_at` that no flow has answered.
_WAITING = """
    (SELECT min(i.received_at) FROM delivery_inboundmessage i
     WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.contact_id
       AND i.kind = ANY(%(for_people)s)
       AND i.received_at > coalesce({settled}, '-infinity')
       AND NOT EXISTS (
         SELECT 1 FROM delivery_message m
         WHERE m.tenant_id = i.tenant_id AND m.contact_id = i.contact_id
           AND m.created_at >= i.received_at AND m.in_reply_to = i.id
           AND m.source_kind = 'reply' AND m.status NOT IN ('skipped', 'canceled')))
"""


def hear_reply(contact_id: UUID, *, kind: str, now: datetime) -> None:
    """Notes a text that came in. `kind`: what the classifier took it for.

    What is for people opens the conversation; an opt-out closes it; other keywords do nothing.
    """
    if kind in FOR_PEOPLE:
        _open(contact_id, now=now)
    elif kind in ENDS_IT:
        close_conversation(contact_id, now=now)


def settle_handled(contact_ids: Iterable[UUID]) -> None:
    """Takes replies that a flow has answered off the list, in the transaction that answered.

    A conversation in which people never had a part is gone then: a keyword opens none.
    """
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "contacts": sorted(set(contact_ids)),
        "for_people": list(FOR_PEOPLE),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH waiting AS (
                SELECT c.id, {_WAITING.format(settled="c.settled_at")} AS since
                FROM delivery_conversation c
                WHERE c.tenant_id = %(tenant)s AND c.contact_id = ANY(%(contacts)s)
                  AND c.state = 'open'
            ), gone AS (
                DELETE FROM delivery_conversation c USING waiting w
                WHERE c.tenant_id = %(tenant)s AND c.id = w.id
                  AND w.since IS NULL AND c.settled_at IS NULL
            )
            UPDATE delivery_conversation c
            SET waiting_since = w.since,
                state = CASE WHEN w.since IS NOT NULL THEN 'open'
                             WHEN c.last_outbound_at IS NOT NULL THEN 'answered'
                             ELSE 'closed' END
            FROM waiting w
            WHERE c.tenant_id = %(tenant)s AND c.id = w.id
              AND NOT (w.since IS NULL AND c.settled_at IS NULL)
            """,
            values,
        )


def note_answer(
    contact_id: UUID, *, up_to: datetime, member_id: UUID, member_name: str, now: datetime
) -> None:
    """A member has answered what had come in by `up_to`; what came later still waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO delivery_conversation AS c (id, tenant_id, contact_id, state, settled_at,
                seen_at, last_outbound_at, active_at, answered_by_id, answered_by)
            VALUES (%(id)s, %(tenant)s, %(contact)s, 'answered', %(up_to)s, %(now)s, %(now)s,
                %(now)s, %(member)s, %(name)s)
            ON CONFLICT (tenant_id, contact_id) DO UPDATE SET
                waiting_since = {_WAITING.format(settled="%(up_to)s")},
                state = CASE WHEN {_WAITING.format(settled="%(up_to)s")} IS NULL
                        THEN 'answered' ELSE 'open' END,
                settled_at = greatest(c.settled_at, %(up_to)s),
                last_outbound_at = %(now)s, active_at = %(now)s,
                answered_by_id = %(member)s, answered_by = %(name)s
            """,
            {
                "id": new_id(),
                "tenant": current_tenant_id(),
                "contact": contact_id,
                "up_to": up_to,
                "now": now,
                "member": member_id,
                "name": member_name[:120],
                "for_people": list(FOR_PEOPLE),
            },
        )


def close_conversation(contact_id: UUID, *, now: datetime) -> bool:
    """Nothing in it needs an answer; the next reply opens it again. False: there is none."""
    return _set(
        "state = 'closed', waiting_since = NULL, settled_at = %s", [now], contact_id=contact_id
    )


def reopen_conversation(contact_id: UUID, *, now: datetime) -> bool:
    """Puts it back on the list, waiting since the contact's last text. False: there is none."""
    return _set(
        "state = 'open', waiting_since = coalesce(last_inbound_at, %s)", [now],
        contact_id=contact_id, where="AND state <> 'open'",
    )  # fmt: skip


def see_conversation(contact_id: UUID, *, now: datetime) -> None:
    """Somebody who may answer has looked at it."""
    _set(
        "seen_at = %s", [now], contact_id=contact_id,
        where="AND (seen_at IS NULL OR seen_at < last_inbound_at)",
    )  # fmt: skip


def _open(contact_id: UUID, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO delivery_conversation AS c (id, tenant_id, contact_id, state,
                waiting_since, last_inbound_at, active_at, answered_by)
            VALUES (%(id)s, %(tenant)s, %(contact)s, 'open', %(now)s, %(now)s, %(now)s, '')
            ON CONFLICT (tenant_id, contact_id) DO UPDATE SET state = 'open',
                waiting_since = coalesce(c.waiting_since, %(now)s),
                last_inbound_at = %(now)s, active_at = %(now)s
            """,
            {"id": new_id(), "tenant": current_tenant_id(), "contact": contact_id, "now": now},
        )


def _set(sets: str, values: list[object], *, contact_id: UUID, where: str = "") -> bool:
    return bool(
        fetch_all(
            f"UPDATE delivery_conversation SET {sets} WHERE tenant_id = %s AND contact_id = %s"
            f" {where} RETURNING id",
            [*values, current_tenant_id(), contact_id],
        )
    )
