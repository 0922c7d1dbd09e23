"""Submitting: claim a second's worth, POST it in threads, write the answers down as one set."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from delivery.core.reactions import reason_for, told_kind
from delivery.core.standing import Telling
from delivery.domain.claiming import (
    ANSWER_WITHIN,
    Claim,
    Claimed,
    claim_queued,
    set_aside_first,
)
from delivery.domain.outcomes import News, record_news
from delivery.domain.rows import in_halves
from delivery.gateways.base import OutboundSms, SendReceipt, SmsGateway
from delivery.gateways.errors import classify_error
from delivery.gateways.registry import GatewayMisconfigured, gateway_for
from tenancy.retrying import is_outage
from tenancy.scope import tenant_scope

logger = logging.getLogger(__name__)

# The gateway drops what it could not deliver this long before the window closes.
WINDOW_MARGIN = timedelta(seconds=60)
_VALIDITY = (6, 36_000)
_ROUND_SECONDS = 1.0


def submit_queued(tenant_id: UUID, *, now: datetime, wall: datetime) -> int:
    """Submits what may go; returns how many messages moved. Opens its own scopes.

    Works in rounds for about a second, so that one claim is never larger than the free threads.
    Returns 0 when nothing is queued or the senders' rate is used up.
    """
    started = time.monotonic()
    moved = 0
    while True:
        spent = timedelta(seconds=time.monotonic() - started)
        done = _submit_once(tenant_id, now=now + spent, wall=wall + spent)
        moved += done
        if not done or time.monotonic() - started >= _ROUND_SECONDS:
            return moved


def _submit_once(tenant_id: UUID, *, now: datetime, wall: datetime) -> int:
    claim = _claim(tenant_id, now=now, wall=wall)
    if claim.texts:
        began = time.monotonic()
        receipts = _post(claim.texts, now=now)
        spent = timedelta(seconds=time.monotonic() - began)
        known = {
            text.attempt_id: (text.message.id, text.message.contact_id) for text in claim.texts
        }
        news = [
            as_news(text.attempt_id, receipt, wall=wall + spent)
            for text, receipt in zip(claim.texts, receipts, strict=True)
        ]
        in_halves(
            tenant_id,
            news,
            lambda part: record_news(part, now=now + spent, wall=wall + spent, known=known),
            _leave_to_reconcile,
        )
    return len(claim.texts) + claim.moved


def _claim(tenant_id: UUID, *, now: datetime, wall: datetime) -> Claim:
    """A claim, committed. What makes a set fail is tried in ever smaller ones and set aside when
    it fails alone, so that one broken text never stops those behind it."""
    limit = settings.KAIROS_SUBMIT_THREADS
    while True:
        try:
            with tenant_scope(tenant_id):
                return claim_queued(limit, now=now, wall=wall)
        except Exception as error:
            if is_outage(error):
                raise
            logger.warning("a claim of %s failed: %s", limit, type(error).__name__)
            if limit == 1:
                logger.exception("a text could not be claimed")
                with tenant_scope(tenant_id):
                    return Claim([], set_aside_first(now=now, wall=wall))
            limit = max(limit // 4, 1)


def as_news(attempt_id: UUID, receipt: SendReceipt, *, wall: datetime) -> News:
    """A gateway's answer to a POST as news about its attempt."""
    if receipt.outcome == "accepted":
        return News(
            Telling("taken", attempt_id, receipt.sid or "", receipt.status or "accepted"),
            num_segments=receipt.num_segments,
        )
    if receipt.outcome in {"throttled", "not_sent"}:
        throttled = receipt.outcome == "throttled"
        return News(
            Telling("returned", attempt_id, error_code=receipt.error_code),
            error=classify_error(20429) if throttled else None,
            error_text=receipt.error_text,
            retry_after=receipt.retry_after,
            attempt_state=receipt.outcome,
        )
    if receipt.outcome == "ambiguous":
        return News(
            Telling("unsure", attempt_id, error_code=receipt.error_code),
            error_text=receipt.error_text,
            next_check_at=wall + ANSWER_WITHIN,
        )
    error = classify_error(receipt.error_code, 400)
    kind = told_kind(error.name, error.retry)
    return News(
        Telling(
            kind,
            attempt_id,
            error_code=receipt.error_code,
            reason=reason_for(error.name),
        ),
        error=error,
        error_text=receipt.error_text,
        next_check_at=wall + ANSWER_WITHIN if kind == "unsure" else None,
    )


def validity_seconds(window_ends_at: datetime | None, now: datetime) -> int | None:
    """How long the gateway may try: no delivery after the window. None: no window binds it."""
    if window_ends_at is None:
        return None
    left = int((window_ends_at - now - WINDOW_MARGIN).total_seconds())
    return max(_VALIDITY[0], min(left, _VALIDITY[1]))


def _post(texts: Sequence[Claimed], *, now: datetime) -> list[SendReceipt]:
    doors: dict[UUID, SmsGateway] = {}
    gateways = {text.sender.gateway_id: text.sender.gateway for text in texts}
    for gateway_id, gateway in gateways.items():
        try:
            doors[gateway_id] = gateway_for(gateway)
        except GatewayMisconfigured as error:
            logger.error("no way to gateway %s: %s", gateway_id, error)

    def post(text: Claimed) -> SendReceipt:
        door = doors.get(text.sender.gateway_id)
        if door is None:
            return SendReceipt("not_sent", error_text="The gateway is not configured here.")
        try:
            return door.submit(as_sms(text, now=now))
        except Exception as error:
            # Nobody knows how far it came: look before anything is tried again.
            logger.exception("a submit raised")
            return SendReceipt("ambiguous", error_text=type(error).__name__)

    if len(texts) == 1:
        return [post(texts[0])]
    return list(_pool().map(post, texts))


def as_sms(text: Claimed, *, now: datetime) -> OutboundSms:
    sender = text.sender
    service = sender.messaging_service_sid or None
    return OutboundSms(
        to=text.message.phone,
        body=text.body,
        from_number=None if service else sender.phone,
        messaging_service_sid=service,
        status_callback=callback_url(sender.gateway_id, text.attempt_id),
        validity_period=validity_seconds(text.window_ends_at, now),
        attempt_id=text.attempt_id,
    )


def callback_url(gateway_id: UUID, attempt_id: UUID) -> str:
    """Where the gateway reports this attempt. The fragment asks for retries; it is not signed."""
    base = settings.KAIROS_PUBLIC_BASE_URL
    return f"{base}/webhooks/twilio/{gateway_id}/status/{attempt_id}#rc=3&rp=all"


def _leave_to_reconcile(news: News, error: Exception) -> None:
    # The attempt stays open: it is looked up when its time to answer is over.
    logger.error("an answer could not be written down", exc_info=error)


_pools: dict[int, ThreadPoolExecutor] = {}


def _pool() -> ThreadPoolExecutor:
    """One pool per process: threads do not survive a fork."""
    process = os.getpid()
    if process not in _pools:
        _pools.clear()
        _pools[process] = ThreadPoolExecutor(
            settings.KAIROS_SUBMIT_THREADS, thread_name_prefix="submit"
        )
    return _pools[process]
