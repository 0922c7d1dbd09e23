"""Looking before trying again: attempts without an answer, and texts without a receipt.

There is no idempotency at the gateway, so a POST that may have arrived is never repeated. It is
looked for in the gateway's own list; not found twice, the text is closed as lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from delivery.core.reasons import Reason
from delivery.core.standing import Telling
from delivery.domain.callbacks import news_of
from delivery.domain.outcomes import News, record_news
from delivery.domain.rows import fetch_all, in_halves
from delivery.gateways.base import GatewayError, RemoteMessage, SmsGateway
from delivery.gateways.registry import GatewayMisconfigured, gateway_for
from delivery.models import Gateway
from tenancy.clock import business_now
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=settings.KAIROS_LOOK_AGAIN_SECONDS)
LOOKS = 2
# The gateway's clock and ours differ a little.
CLOCK_SLACK = timedelta(seconds=60)
NO_RECEIPT_AFTER = (timedelta(hours=1), timedelta(hours=24))
_SET = 50


@dataclass(frozen=True, slots=True)
class _Unsure:
    attempt_id: UUID
    gateway_id: UUID
    from_number: str
    phone: str
    body_hash: str
    started_at: datetime
    checks: int


@dataclass(frozen=True, slots=True)
class _Silent:
    attempt_id: UUID
    gateway_id: UUID
    sid: str


def reconcile(tenant_id: UUID, *, wall: datetime) -> int:
    """Settles what is due to be looked up. Opens its own scopes; returns how many were looked at.

    The network is asked outside of any transaction; what is asked for is leased first, so that
    two workers do not ask for the same.
    """
    with tenant_scope(tenant_id):
        unsure = _lease_unsure(wall)
        silent = _lease_silent(wall)
        gateways = Gateway.objects.in_bulk(
            {item.gateway_id for item in unsure} | {item.gateway_id for item in silent}
        )
    doors = _open_doors(gateways)
    listed = {item.attempt_id: _ask_list(doors.get(item.gateway_id), item) for item in unsure}
    with tenant_scope(tenant_id):
        known = _known_sids(listed)
        _count_looks([key for key, found in listed.items() if found is not None])
    news = [_judge(item, listed[item.attempt_id], known, wall) for item in unsure]
    news += [_ask_one(doors.get(item.gateway_id), item) for item in silent]
    found = [item for item in news if item is not None]
    in_halves(
        tenant_id,
        found,
        lambda part: record_news(part, now=business_now(), wall=wall),
        lambda item, error: logger.error("news could not be written", exc_info=error),
    )
    return len(unsure) + len(silent)


def _lease_unsure(wall: datetime) -> list[_Unsure]:
    rows = fetch_all(
        """
        UPDATE delivery_sendattempt a
        SET next_check_at = %(again)s, state = 'ambiguous'
        FROM delivery_message m, delivery_sender s
        WHERE a.tenant_id = %(tenant)s AND a.id IN (
                SELECT id FROM delivery_sendattempt WHERE tenant_id = %(tenant)s
                  AND next_check_at <= %(wall)s AND state IN ('posting', 'ambiguous')
                ORDER BY next_check_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED)
          AND m.tenant_id = a.tenant_id AND m.id = a.message_id
          AND s.tenant_id = a.tenant_id AND s.id = a.sender_id
        RETURNING a.id, a.gateway_id, s.phone, m.phone, a.body_hash, a.started_at, a.checks
        """,
        {"tenant": current_tenant_id(), "wall": wall, "again": wall + LOOK_AGAIN, "most": _SET},
    )
    return [_Unsure(*row) for row in rows]


def _lease_silent(wall: datetime) -> list[_Silent]:
    first, second = NO_RECEIPT_AFTER
    rows = fetch_all(
        """
        UPDATE delivery_message m SET fetches = m.fetches + 1
        FROM delivery_sendattempt a
        WHERE m.tenant_id = %(tenant)s AND m.id IN (
                SELECT id FROM delivery_message WHERE tenant_id = %(tenant)s
                  AND status = 'sent' AND fetches < 2 AND submitted_at <= %(first)s
                  AND (fetches = 0 OR submitted_at <= %(second)s)
                ORDER BY submitted_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED)
          AND a.tenant_id = m.tenant_id AND a.id = m.attempt_id AND m.sid <> ''
        RETURNING a.id, a.gateway_id, m.sid
        """,
        {
            "tenant": current_tenant_id(),
            "first": wall - first,
            "second": wall - second,
            "most": _SET,
        },
    )
    return [_Silent(*row) for row in rows]


def _open_doors(gateways: dict[UUID, Gateway]) -> dict[UUID, SmsGateway]:
    doors = {}
    for gateway_id, gateway in gateways.items():
        try:
            doors[gateway_id] = gateway_for(gateway)
        except GatewayMisconfigured as error:
            logger.error("no way to gateway %s: %s", gateway_id, error)
    return doors


def _ask_list(door: SmsGateway | None, item: _Unsure) -> Sequence[RemoteMessage] | None:
    """The newest texts to the number, or None when the gateway could not be asked."""
    if door is None:
        return None
    try:
        return door.list_recent(item.phone, item.from_number or None)
    except GatewayError as error:
        logger.warning("the gateway could not be asked: %s", error)
        return None


def _count_looks(attempt_ids: Sequence[UUID]) -> None:
    """Only a look that got an answer counts."""
    fetch_all(
        "UPDATE delivery_sendattempt SET checks = checks + 1 WHERE tenant_id = %s"
        " AND id = ANY(%s) RETURNING id",
        [current_tenant_id(), list(attempt_ids)],
    )


def _known_sids(listed: dict[UUID, Sequence[RemoteMessage] | None]) -> set[str]:
    sids = sorted({remote.sid for found in listed.values() for remote in found or ()})
    if not sids:
        return set()
    rows = fetch_all(
        "SELECT sid FROM delivery_sendattempt WHERE tenant_id = %s AND sid = ANY(%s)"
        " UNION SELECT sid FROM delivery_message WHERE tenant_id = %s AND sid = ANY(%s)",
        [current_tenant_id(), sids, current_tenant_id(), sids],
    )
    return {row[0] for row in rows}


def _judge(
    item: _Unsure, listed: Sequence[RemoteMessage] | None, known: set[str], wall: datetime
) -> News | None:
    if listed is None:
        return None
    candidates = [
        remote
        for remote in listed
        if remote.body_hash == item.body_hash
        and remote.sid not in known
        and remote.created_at >= item.started_at - CLOCK_SLACK
    ]
    if candidates:
        found = min(candidates, key=lambda remote: abs(remote.created_at - item.started_at))
        known.add(found.sid)
        return news_of(
            item.attempt_id, sid=found.sid, status=found.status, error_code=found.error_code
        )
    if item.checks + 1 < LOOKS:
        return News(Telling("unsure", item.attempt_id), next_check_at=wall + LOOK_AGAIN)
    return News(Telling("lost", item.attempt_id, reason=Reason.LOST))


def _ask_one(door: SmsGateway | None, item: _Silent) -> News | None:
    if door is None:
        return None
    try:
        remote = door.fetch(item.sid)
    except GatewayError as error:
        logger.warning("the gateway could not be asked: %s", error)
        return None
    if remote is None:
        return None
    return news_of(
        item.attempt_id, sid=item.sid, status=remote.status, error_code=remote.error_code
    )
