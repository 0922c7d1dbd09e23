"""Cap slots: reserved in the transaction that decides, counted at submit, refunded if never sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from consent.core.caps import DAY, CapRules, Slot, check
from consent.core.hours import legal_cap
from consent.domain.contact_points import find_tokens, lock_points
from consent.domain.settings import read_cap_rules
from consent.models import CapSlot
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

# A failure reported later than this no longer gives the brand's slot back.
REFUND_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A marketing text about to be sent. `legal_states` are the candidates of `ZoneSet.states`."""

    message_id: UUID
    contact_id: UUID
    phone: str
    source_key: str
    run_id: UUID | None
    at: datetime
    legal_states: tuple[str, ...] = ()


class CapTaken(Exception):
    """Somebody else took the last slot since the caller looked: decide these again.

    Cannot happen to a caller who holds the contacts' locks and read its facts under them.
    """

    def __init__(self, refused: dict[UUID, str]) -> None:
        super().__init__(f"no slot left for {len(refused)} messages")
        self.refused = refused


def reserve_slots(new: Sequence[NewSlot], *, now: datetime) -> None:
    """Reserves one slot per message, all or none; reserving a message again changes nothing,
    unless its slot was released meanwhile: then it takes room anew.

    Locks the contact points and checks the caps once more under that lock, so whatever the
    caller saw, a cap is never exceeded. Raises `CapTaken` with {message id: rule}.
    """
    if not new:
        return
    tokens = find_tokens(slot.phone for slot in new)
    lock_points(tokens.values())
    known = set(
        CapSlot.objects.filter(message_id__in=[slot.message_id for slot in new])
        .exclude(state=CapSlot.State.RELEASED)
        .values_list("message_id", flat=True)
    )
    wanted = [slot for slot in new if slot.message_id not in known]
    rules = read_cap_rules()
    held = read_slots(
        {slot.contact_id: tokens[slot.phone] for slot in wanted},
        since=min((slot.at for slot in wanted), default=now) - longest_span(rules),
        now=now,
    )
    sharers: defaultdict[str, set[UUID]] = defaultdict(set)
    for slot in wanted:
        sharers[tokens[slot.phone]].add(slot.contact_id)
    refused: dict[UUID, str] = {}
    for slot in sorted(wanted, key=lambda each: each.at):
        binding = replace(rules, legal_maximum=legal_cap(slot.legal_states))
        verdict = check(
            binding,
            held[slot.contact_id],
            at=slot.at,
            source_key=slot.source_key,
            run_id=slot.run_id,
        )
        if not verdict.ok:
            refused[slot.message_id] = verdict.rule
            continue
        reserved = Slot(slot.message_id, slot.source_key, slot.run_id, slot.at)
        for contact_id in sharers[tokens[slot.phone]] | {slot.contact_id}:
            held[contact_id].append(reserved)
    if refused:
        raise CapTaken(refused)
    _insert(wanted, tokens, now=now)


def count_slots(message_ids: Iterable[UUID], *, at: datetime) -> int:
    """Turns reservations into texts submitted at `at`; they count from then on."""
    return int(
        CapSlot.objects.filter(
            message_id__in=list(message_ids), state=CapSlot.State.RESERVED
        ).update(state=CapSlot.State.COUNTED, at=at, counted_at=at)
    )


def release_slots(
    message_ids: Iterable[UUID],
    *,
    reason: str,
    definitely_not_taken: bool,
    now: datetime | None = None,
) -> int:
    """Gives slots back. Returns how many changed.

    The brand's slot comes back; the legal one only if the provider definitely never took the
    text. With `now`, a text that was taken and failed more than an hour after it was submitted
    keeps both.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE consent_capslot
            SET state = 'released', released_at = coalesce(%(now)s, counted_at, reserved_at),
                release_reason = left(%(reason)s, 60), counts_brand = false,
                counts_legal = counts_legal AND NOT %(never)s
            WHERE tenant_id = %(tenant)s AND message_id = ANY(%(ids)s)
              AND (counts_brand OR (counts_legal AND %(never)s))
              AND (%(never)s OR %(now)s::timestamptz IS NULL OR counted_at IS NULL
                   OR counted_at > %(refund_after)s)
            """,
            {
                "now": now,
                "reason": reason,
                "never": definitely_not_taken,
                "tenant": current_tenant_id(),
                "ids": list(message_ids),
                "refund_after": now - REFUND_WITHIN if now else None,
            },
        )
        return int(cursor.rowcount)


def read_slots(
    numbers: dict[UUID, str], *, since: datetime, now: datetime
) -> defaultdict[UUID, list[Slot]]:
    """The slots after `since` of each contact, or of its present number whoever had it.

    `numbers` maps contact ids to phone tokens. A text reserved but not submitted counts as one
    of this moment: it may go any time.
    """
    slots: defaultdict[UUID, list[Slot]] = defaultdict(list)
    if not numbers:
        return slots
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT owner, message_id, source_key, run_id,
                   CASE state WHEN 'reserved' THEN greatest(at, %(now)s) ELSE at END,
                   counts_brand, counts_legal
            FROM (
                SELECT want.contact_id AS owner, slot.*
                FROM unnest(%(ids)s::uuid[], %(tokens)s::text[]) AS want(contact_id, token)
                JOIN consent_capslot slot ON slot.tenant_id = %(tenant)s
                    AND slot.phone_token = want.token AND slot.at > %(since)s
                UNION
                SELECT want.contact_id, slot.*
                FROM unnest(%(ids)s::uuid[]) AS want(contact_id)
                JOIN consent_capslot slot ON slot.tenant_id = %(tenant)s
                    AND slot.contact_id = want.contact_id AND slot.at > %(since)s
            ) found
            WHERE counts_brand OR counts_legal
            ORDER BY at
            """,
            {
                "ids": list(numbers),
                "tokens": list(numbers.values()),
                "tenant": current_tenant_id(),
                "since": since,
                "now": now,
            },
        )
        for owner, *values in cursor.fetchall():
            slots[owner].append(Slot(*values))
    return slots


def _insert(slots: Sequence[NewSlot], tokens: dict[str, str], *, now: datetime) -> None:
    # One statement with arrays: a third of the CPU of bulk_create, and each text pays it.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO consent_capslot (id, tenant_id, contact_id, phone_token, message_id,
                source_key, run_id, at, state, reserved_at, release_reason, counts_brand,
                counts_legal)
            SELECT new.*, 'reserved', %s, '', true, true
            FROM unnest(%s::uuid[], array_fill(%s::uuid, ARRAY[%s]), %s::uuid[], %s::text[],
                %s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[]) AS new
            ON CONFLICT (tenant_id, message_id) DO UPDATE
            SET contact_id = excluded.contact_id, phone_token = excluded.phone_token,
                at = excluded.at, state = 'reserved', reserved_at = excluded.reserved_at,
                counted_at = NULL, released_at = NULL, release_reason = '',
                counts_brand = true, counts_legal = true
            """,
            [
                now,
                [new_id() for _ in slots],
                current_tenant_id(),
                len(slots),
                [slot.contact_id for slot in slots],
                [tokens[slot.phone] for slot in slots],
                [slot.message_id for slot in slots],
                [slot.source_key for slot in slots],
                [slot.run_id for slot in slots],
                [slot.at for slot in slots],
            ],
        )


def longest_span(rules: CapRules) -> timedelta:
    """How far back slots matter."""
    spans = [limit.seconds for limit in rules.limits]
    return timedelta(seconds=max([*spans, rules.min_gap_seconds, DAY]))
