"""Canceling what has not left yet. What is claimed is out of reach: that is the point of no
return, and it commits before the POST."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from consent.domain.slots import release_slots
from delivery.core.reasons import Reason
from delivery.domain.events import FAILED, Happening, append_happenings
from delivery.domain.ledger import read_messages
from delivery.domain.rows import fetch_all
from people.domain.numbers import NumberChange
from people.domain.queries import lock_contacts
from tenancy.scope import current_tenant_id


def cancel_messages(
    *,
    run_ids: Iterable[UUID] | None = None,
    contact_ids: Iterable[UUID] | None = None,
    phones: Iterable[str] | None = None,
    message_ids: Iterable[UUID] | None = None,
    except_types: Iterable[str] = ("compliance",),
    cause_id: UUID | None = None,
    reason: str,
    now: datetime,
) -> int:
    """Cancels the waiting and queued messages of runs, contacts or numbers; returns how many.

    In the caller's transaction. Locks the contacts it needs; a caller that locks contacts itself
    locks these among them. Compliance texts answer the contact's own message and stay, unless
    `except_types` says otherwise. `cause_id` names the event that led to it.
    """
    chosen, values = [], []
    for column, members in (
        ("run_id", run_ids),
        ("contact_id", contact_ids),
        ("phone", phones),
        ("id", message_ids),
    ):
        if members is not None and (listed := list(members)):
            chosen.append(f"m.{column} = ANY(%s)")
            values.append(listed)
    if not chosen:
        return 0
    found = fetch_all(
        "SELECT m.id, m.contact_id FROM delivery_message m WHERE m.tenant_id = %s"
        f" AND m.status IN ('scheduled', 'queued') AND ({' OR '.join(chosen)})"
        " AND NOT m.message_type = ANY(%s)",
        [current_tenant_id(), *values, list(except_types)],
    )
    if not found:
        return 0
    lock_contacts(row[1] for row in found if row[1] is not None)
    canceled = [
        row[0]
        for row in fetch_all(
            "UPDATE delivery_message SET status = 'canceled', reason = %s, final_at = %s,"
            " due_at = NULL WHERE tenant_id = %s AND id = ANY(%s)"
            " AND status IN ('scheduled', 'queued') RETURNING id",
            [reason, now, current_tenant_id(), [row[0] for row in found]],
        )
    ]
    tell_canceled(canceled, cause_id=cause_id, now=now)
    return len(canceled)


def cancel_for_old_numbers(changes: Mapping[UUID, NumberChange], *, now: datetime) -> None:
    """What waits for a number that is not the contact's any more does not go, neither to the old
    number nor to the new one: nobody has asked that one yet."""
    cancel_messages(
        phones=[change.old for change in changes.values()], reason=Reason.NUMBER_CHANGED, now=now
    )


def tell_canceled(message_ids: list[UUID], *, cause_id: UUID | None = None, now: datetime) -> None:
    """Gives the slots of canceled messages back and appends one event each."""
    if not message_ids:
        return
    release_slots(message_ids, reason="canceled", definitely_not_taken=True, now=now)
    rows = read_messages("m.id = ANY(%s)", [message_ids])
    append_happenings(
        [Happening(FAILED, row, now, {"status": "canceled", "reason": row.reason}) for row in rows],
        cause_id=cause_id,
        now=now,
    )
