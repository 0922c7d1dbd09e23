"""What follows from a gateway's error beyond its own message: the person's STOP that we missed,
a dead number, a sender or an account that must rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers

from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.suppressions import NewSuppression, suppress
from delivery.core.reactions import BOUNCES
from delivery.core.reasons import Reason
from delivery.domain.canceling import cancel_messages
from delivery.domain.ledger import MessageRow
from delivery.domain.rows import fetch_all
from delivery.gateways.errors import ErrorClass, classify_error
from people.domain.lines import note_landlines
from tenancy.scope import current_tenant_id

BACKPRESSURE_REST = timedelta(seconds=60)
FILTERED_SPAN = timedelta(hours=24)
FILTERED_LIMIT = 20
_SLOWEST = 30.0
# The carriers' day ends at midnight Pacific, whoever the brand is.
_CARRIER_DAY = ZoneInfo("America/Los_Angeles")
_LANDLINES = frozenset({21614, 30006})


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error and its message. `error` None: the gateway could not be reached."""

    message: MessageRow
    error: ErrorClass | None
    retry_after: float | None = None

    @property
    def never_taken(self) -> bool:
        return self.error is None or self.error.never_taken


def react_to_troubles(troubles: Sequence[Trouble], *, now: datetime, wall: datetime) -> None:
    """Acts on a set of errors. The caller holds the locks of their messages' contacts."""
    if not troubles:
        return
    by_class: dict[str, list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        by_class[trouble.error.name if trouble.error else "unreachable"].append(trouble)
    _opt_out(by_class["opt_out"], now=now)
    _suppress_dead(by_class["number_permanent"], now=now)
    _suppress_bounced(by_class["hard_bounce"] + by_class["soft_bounce"], now=now)
    _rest_senders(by_class, wall=wall)
    _rest_gateways(by_class, wall=wall)


def _opt_out(troubles: Sequence[Trouble], *, now: datetime) -> None:
    """The carrier knows of a STOP that we never saw: it is one, here too."""
    reached = [item for item in troubles if item.message.phone]
    if not reached:
        return
    record_opt_outs(
        [
            OptOut(
                phone=item.message.phone,
                contact_id=item.message.contact_id,
                source="provider",
                evidence={"error_code": str(item.error.code if item.error else "")},
                occurred_at=now,
                rule="gateway_error",
                properties={"message_id": str(item.message.id)},
            )
            for item in reached
        ],
        now=now,
    )
    phones = [item.message.phone for item in reached]
    cancel_messages(phones=phones, reason=Reason.UNSUBSCRIBED, now=now)


def _suppress_dead(troubles: Sequence[Trouble], *, now: datetime) -> None:
    note_landlines(
        (
            (item.message.contact_id, item.message.phone)
            for item in troubles
            if item.error and item.error.code in _LANDLINES and item.message.contact_id
        ),
        now=now,
    )
    _suppress(
        [
            (item, "landline" if item.error and item.error.code in _LANDLINES else "invalid")
            for item in troubles
        ],
        now=now,
    )


def _suppress_bounced(troubles: Sequence[Trouble], *, now: datetime) -> None:
    """After two hard or three soft bounces in a row the number is left alone."""
    contacts = {item.message.contact_id for item in troubles if item.message.contact_id}
    if not contacts:
        return
    rows = fetch_all(
        """
        SELECT want.id, last.phone, last.error_code
        FROM unnest(%s::uuid[]) AS want(id)
        CROSS JOIN LATERAL (
            SELECT m.phone, m.error_code, m.created_at FROM delivery_message m
            WHERE m.tenant_id = %s AND m.contact_id = want.id
              AND m.status IN ('delivered', 'undelivered', 'failed') AND m.sent_at IS NOT NULL
            ORDER BY m.created_at DESC LIMIT 3
        ) last ORDER BY last.created_at DESC
        """,
        [sorted(contacts), current_tenant_id()],
    )
    latest: dict[UUID, list[str]] = defaultdict(list)
    for contact_id, _, code in rows:
        latest[contact_id].append(classify_error(code).name)
    bounced = []
    for item in troubles:
        names = latest.get(item.message.contact_id) if item.message.contact_id else None
        if names and any(_in_a_row(names, name) >= most for name, most in BOUNCES.items()):
            bounced.append((item, "bounced"))
    _suppress(bounced, now=now)


def _in_a_row(names: Sequence[str], wanted: str) -> int:
    count = 0
    for name in names:
        if name != wanted:
            break
        count += 1
    return count


def _suppress(found: Sequence[tuple[Trouble, str]], *, now: datetime) -> None:
    reached = [(item, reason) for item, reason in found if item.message.phone]
    if not reached:
        return
    suppress(
        [
            NewSuppression(
                phone=item.message.phone,
                reason=reason,
                occurred_at=now,
                contact_id=item.message.contact_id,
                rule=f"error {item.error.code}" if item.error else "",
            )
            for item, reason in reached
        ],
        now=now,
    )
    phones = [item.message.phone for item, _ in reached]
    cancel_messages(phones=phones, reason=Reason.SUPPRESSED, now=now)


def _rest_senders(by_class: dict[str, list[Trouble]], *, wall: datetime) -> None:
    for name in ("sender_compliance", "sender_config"):
        _pause_senders(by_class[name], reason=name, until=None)
    rest = wall + BACKPRESSURE_REST
    _pause_senders(by_class["sender_backpressure"], reason="backpressure", until=rest)
    _pause_senders(
        _over_filtered(by_class["filtered"], wall), reason="carrier_filtered", until=None
    )
    slow = [t for t in by_class["throttle"] if t.error is None or t.error.retry == "throttle"]
    _slow_down(slow + by_class["unreachable"], wall=wall)


def _pause_senders(troubles: Sequence[Trouble], *, reason: str, until: datetime | None) -> None:
    senders = sorted({t.message.sender_id for t in troubles if t.message.sender_id is not None})
    if senders:
        fetch_all(
            "UPDATE delivery_sender SET state = 'paused', paused_reason = %s, paused_until = %s"
            " WHERE tenant_id = %s AND id = ANY(%s) AND (state = 'active' OR paused_until < %s)"
            " RETURNING id",
            [reason, until, current_tenant_id(), senders, until],
        )


def _over_filtered(troubles: Sequence[Trouble], wall: datetime) -> list[Trouble]:
    """Troubles of senders that the carriers filtered too often within a day."""
    senders = {t.message.sender_id for t in troubles if t.message.sender_id is not None}
    if not senders:
        return []
    codes = sorted({t.error.code for t in troubles if t.error and t.error.code is not None})
    rows = fetch_all(
        "SELECT sender_id FROM delivery_message WHERE tenant_id = %s AND sender_id = ANY(%s)"
        " AND error_code = ANY(%s) AND submitted_at > %s GROUP BY sender_id HAVING count(*) >= %s",
        [current_tenant_id(), sorted(senders), codes, wall - FILTERED_SPAN, FILTERED_LIMIT],
    )
    over = {row[0] for row in rows}
    return [t for t in troubles if t.message.sender_id in over]


def _slow_down(troubles: Sequence[Trouble], *, wall: datetime) -> None:
    """Leaves a sender alone for what the gateway asked, else ever longer up to half a minute."""
    asked: dict[UUID, float] = {}
    for item in troubles:
        sender = item.message.sender_id
        if sender is not None:
            asked[sender] = max(asked.get(sender, 0.0), item.retry_after or 0.0)
    if asked:
        fetch_all(
            """
            UPDATE delivery_sender s
            SET failures_in_a_row = least(s.failures_in_a_row + 1, 20),
                next_free_at = greatest(coalesce(s.next_free_at, %(wall)s), %(wall)s
                    + make_interval(secs => CASE WHEN v.asked > 0 THEN v.asked ELSE
                        least(0.1 * power(2, least(s.failures_in_a_row, 12)), %(most)s) END))
            FROM unnest(%(ids)s::uuid[], %(asked)s::float8[]) AS v(id, asked)
            WHERE s.tenant_id = %(tenant)s AND s.id = v.id RETURNING s.id
            """,
            {
                "wall": wall,
                "most": _SLOWEST,
                "tenant": current_tenant_id(),
                "ids": list(asked),
                "asked": list(asked.values()),
            },
        )


def _rest_gateways(by_class: dict[str, list[Trouble]], *, wall: datetime) -> None:
    midnight = (wall.astimezone(_CARRIER_DAY) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    _stop_gateways(by_class["credential"], reason="credential", until=None)
    _stop_gateways(by_class["daily_cap"], reason="daily_cap", until=midnight)
    refused = [t for t in by_class["tenant_config"] if t.error and t.error.code == 21408]
    regions = {region for t in refused if (region := _region(t.message.phone))}
    senders = sorted({t.message.sender_id for t in refused if t.message.sender_id is not None})
    if regions and senders:
        fetch_all(
            "UPDATE delivery_gateway g SET blocked_regions ="
            " ARRAY(SELECT DISTINCT unnest(g.blocked_regions || %s::varchar[]) ORDER BY 1)"
            " WHERE g.tenant_id = %s AND g.id IN (SELECT s.gateway_id FROM delivery_sender s"
            " WHERE s.tenant_id = %s AND s.id = ANY(%s)) RETURNING g.id",
            [sorted(regions), current_tenant_id(), current_tenant_id(), senders],
        )


def _stop_gateways(troubles: Sequence[Trouble], *, reason: str, until: datetime | None) -> None:
    senders = sorted({t.message.sender_id for t in troubles if t.message.sender_id is not None})
    if senders:
        fetch_all(
            "UPDATE delivery_gateway g SET stopped_reason = %s, stopped_until = %s"
            " WHERE g.tenant_id = %s AND g.id IN (SELECT s.gateway_id FROM delivery_sender s"
            " WHERE s.tenant_id = %s AND s.id = ANY(%s)) RETURNING g.id",
            [reason, until, current_tenant_id(), current_tenant_id(), senders],
        )


def _region(phone: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or ""
    except phonenumbers.NumberParseException:
        return ""
