"""Sending webhooks: one sender per endpoint at a time, in rounds. Wall time.

A round claims an endpoint by a lease and reads what is due, posts outside of any transaction, and
writes all outcomes at once. A worker killed in between leaves deliveries pending: they are sent
again under the same id when the lease has run out. At least once, then; never lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from events.core.backoff import ROUND_FAILURES, is_hopeless, next_attempt, pause
from events.core.payloads import body_of
from events.core.signing import ID_HEADER, SIGNATURE_HEADER, sign
from events.domain.posting import Posted, Poster
from events.domain.rows import SELECTED, EventRow, event_from_row
from events.domain.webhooks import disable_endpoint, find_endpoint, secrets_in_force
from events.models import WebhookDelivery, WebhookEndpoint
from people.models import Contact
from tenancy.audit import record_audit
from tenancy.clock import wall_now
from tenancy.ids import show_id
from tenancy.scope import current_tenant_id, tenant_scope

logger = logging.getLogger(__name__)

ROUND = 50
ROUND_SECONDS = 10.0
# Longer than a round and one slow answer can take together with a slow name server.
LEASE = timedelta(seconds=90)
MAX_PAUSE = timedelta(hours=1)
AGENT = "Kairos-Webhooks/1"
ERROR_WORDS = {
    "url_refused": "The address is not allowed",
    "address_refused": "It leads to an address that is not public",
    "dns_failed": "The name has no address",
    "connect_failed": "No connection",
    "tls_failed": "The certificate was not accepted",
    "timeout": "No answer in time",
    "broken_answer": "The answer was no HTTP",
    "redirect": "It answered with a redirect, which is not followed",
    "gone": "It answered that it is gone (410)",
    "throttled": "It asked to wait (429)",
    "http_error": "It answered with an error",
    "event_missing": "The event was erased",
}


@dataclass(frozen=True, slots=True)
class _Ready:
    delivery_id: UUID
    attempts: int
    first_attempt_at: datetime | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Claim:
    endpoint: WebhookEndpoint
    secrets: tuple[str, ...]
    leased_until: datetime
    ready: Sequence[_Ready]


@dataclass(frozen=True, slots=True)
class _Outcome:
    ready: _Ready
    posted: Posted
    at: datetime


def send_round(
    tenant_id: UUID,
    *,
    clock: Callable[[], datetime] = wall_now,
    make_poster: Callable[..., Poster] = Poster,
) -> int:
    """Sends what is due of one endpoint; returns how many POSTs, 0 when nothing is due.

    Opens its own scopes. `clock` is wall time; tests pass their own.
    """
    claim = _claim(tenant_id, now=clock())
    if claim is None:
        return 0
    outcomes = _post_all(claim, clock, make_poster)
    _finish(tenant_id, claim, outcomes, now=clock())
    return len(outcomes)


def _claim(tenant_id: UUID, *, now: datetime) -> _Claim | None:
    until = now + LEASE
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_webhookendpoint SET leased_until = %(until)s
            WHERE tenant_id = %(tenant)s AND id = (
                SELECT e.id FROM events_webhookendpoint e
                WHERE e.tenant_id = %(tenant)s AND e.state = 'enabled'
                  AND (e.leased_until IS NULL OR e.leased_until < %(now)s)
                  AND (e.retry_at IS NULL OR e.retry_at <= %(now)s)
                  AND EXISTS (
                    SELECT 1 FROM events_webhookdelivery d
                    WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id
                      AND d.state = 'pending' AND d.due_at <= %(now)s)
                ORDER BY e.leased_until NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            {"tenant": tenant_id, "until": until, "now": now},
        )
        row = cursor.fetchone()
        if row is None:
            return None
        endpoint = find_endpoint(row[0])
        due = WebhookDelivery.objects.filter(endpoint=endpoint, state="pending", due_at__lte=now)
        deliveries = list(due.order_by("due_at", "id")[:ROUND])
        return _Claim(
            endpoint, secrets_in_force(endpoint, now=now), until, _with_bodies(deliveries)
        )


def _with_bodies(deliveries: Sequence[WebhookDelivery]) -> list[_Ready]:
    """Each delivery with its body, made from the log; None where the event is no longer there."""
    wanted = [each for each in deliveries if not each.is_test]
    events = _read_events(wanted)
    contacts = {event.contact_id for event in events.values() if event.contact_id is not None}
    names = dict(Contact.objects.filter(id__in=contacts).values_list("id", "external_id"))
    ready = []
    for each in deliveries:
        event = events.get(each.event_id)
        body: bytes | None = None
        if each.is_test:
            body = body_of(
                event_id=each.event_id,
                name=each.event_name,
                occurred_at=each.created_at,
                properties={"message": "If you can read this, webhooks reach you."},
                contact=None,
                subject=None,
                is_own=True,
            )
        elif event is not None:
            contact = event.contact_id
            body = body_of(
                event_id=event.id,
                name=event.name,
                occurred_at=event.occurred_at,
                properties=event.properties,
                contact=(contact, names.get(contact)) if contact is not None else None,
                subject=(event.subject_kind, event.subject_id)
                if event.subject_kind and event.subject_id
                else None,
                is_own=event.source == "internal",
            )
        ready.append(_Ready(each.id, each.attempts, each.first_attempt_at, body))
    return ready


def _read_events(deliveries: Sequence[WebhookDelivery]) -> dict[UUID, EventRow]:
    if not deliveries:
        return {}
    times = [each.event_received_at for each in deliveries]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SELECTED} FROM events_event e WHERE e.tenant_id = %s AND e.id = ANY(%s)"
            " AND e.received_at BETWEEN %s AND %s",
            [
                deliveries[0].tenant_id,
                [each.event_id for each in deliveries],
                min(times),
                max(times),
            ],
        )
        return {row[0]: event_from_row(row) for row in cursor.fetchall()}


def _post_all(
    claim: _Claim, clock: Callable[[], datetime], make_poster: Callable[..., Poster]
) -> list[_Outcome]:
    """Posts one after the other, until the round's time is over or the endpoint keeps failing."""
    outcomes: list[_Outcome] = []
    failures, started = 0, time.monotonic()
    loopback = bool(settings.KAIROS_WEBHOOK_LOOPBACK)
    with make_poster(claim.endpoint.url, allow_loopback=loopback) as poster:
        for ready in claim.ready:
            at = clock()
            if ready.body is None:
                outcomes.append(_Outcome(ready, Posted(None, "event_missing"), at))
                continue
            headers = {
                "Content-Type": "application/json",
                "User-Agent": AGENT,
                ID_HEADER: show_id("whd", ready.delivery_id),
                SIGNATURE_HEADER: sign(ready.body, claim.secrets, at=int(at.timestamp())),
            }
            posted = poster.post(ready.body, headers)
            outcomes.append(_Outcome(ready, posted, at))
            failures = failures + 1 if posted.error else 0
            if posted.error in {"gone", "throttled"} or failures >= ROUND_FAILURES:
                break
            if time.monotonic() - started > ROUND_SECONDS:
                break
    return outcomes


def _finish(tenant_id: UUID, claim: _Claim, outcomes: Sequence[_Outcome], *, now: datetime) -> None:
    with tenant_scope(tenant_id):
        held = WebhookEndpoint.objects.select_for_update().filter(id=claim.endpoint.id).first()
        if held is None:
            return  # removed meanwhile, its deliveries with it
        _write_outcomes(outcomes, now=now)
        for outcome in outcomes:
            _judge(held, outcome)
        if held.leased_until == claim.leased_until:
            held.leased_until = None
        last = outcomes[-1].posted if outcomes else None
        if last is not None and last.error == "throttled":
            held.retry_at = now + min(timedelta(seconds=last.retry_after or 60), MAX_PAUSE)
        elif held.failures_in_a_row >= ROUND_FAILURES:
            held.retry_at = now + pause(held.failures_in_a_row)
        held.save(
            update_fields=[
                "failures_in_a_row", "failing_since", "last_success_at", "leased_until", "retry_at",
            ]
        )  # fmt: skip
        if held.state == WebhookEndpoint.State.ENABLED and last is not None:
            _maybe_disable(held, last, now=now)


def _judge(endpoint: WebhookEndpoint, outcome: _Outcome) -> None:
    if outcome.posted.error == "event_missing":
        return
    if outcome.posted.error:
        endpoint.failures_in_a_row += 1
        endpoint.failing_since = endpoint.failing_since or outcome.at
    else:
        endpoint.failures_in_a_row = 0
        endpoint.failing_since = None
        endpoint.retry_at = None
        endpoint.last_success_at = outcome.at


def _maybe_disable(endpoint: WebhookEndpoint, last: Posted, *, now: datetime) -> None:
    gone = last.error == "gone"
    if not gone and not is_hopeless(endpoint.failures_in_a_row, endpoint.failing_since, now):
        return
    why = ERROR_WORDS.get(last.error, last.error)
    if last.status and last.error == "http_error":
        why = f"{why} ({last.status})"
    reason = why if gone else f"Nothing was taken for 24 hours. {why}"
    disable_endpoint(endpoint, reason=reason, now=now)
    record_audit(
        "webhook.disabled", target=show_id("whk", endpoint.id), data={"reason": reason}, now=now
    )
    logger.warning("a webhook was switched off: %s", last.error)


def _write_outcomes(outcomes: Sequence[_Outcome], *, now: datetime) -> None:
    rows = [_row(outcome, now) for outcome in outcomes]
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        # Only what is still pending as it was claimed: a replay asked for meanwhile stays asked for.
        cursor.execute(
            """
            UPDATE events_webhookdelivery d SET state = v.state, attempts = v.attempts,
                due_at = v.due_at, first_attempt_at = v.first_attempt_at,
                last_attempt_at = v.at, response_status = v.status, response_body = v.body,
                error = v.error, duration_ms = v.duration_ms
            FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::int[], %s::timestamptz[],
                %s::timestamptz[], %s::timestamptz[], %s::smallint[], %s::text[], %s::text[],
                %s::int[])
              AS v(id, attempts_before, state, attempts, due_at, first_attempt_at, at, status, body,
                   error, duration_ms)
            WHERE d.tenant_id = %s AND d.id = v.id
              AND d.state = 'pending' AND d.attempts = v.attempts_before
            """,
            [*columns, current_tenant_id()],
        )


def _row(outcome: _Outcome, now: datetime) -> tuple[object, ...]:
    ready, posted = outcome.ready, outcome.posted
    attempts, first = ready.attempts + 1, ready.first_attempt_at or outcome.at
    state, due_at = "delivered", None
    if posted.error == "event_missing":
        state = "failed"
    elif posted.error:
        due_at = next_attempt(attempts, first_at=first, now=now, delivery_id=ready.delivery_id)
        state = "pending" if due_at is not None else "failed"
    status = posted.status if posted.status is not None and posted.status < 1000 else None
    return (
        ready.delivery_id,
        ready.attempts,
        state,
        attempts,
        due_at,
        first,
        outcome.at,
        status,
        posted.body,
        posted.error,
        posted.duration_ms,
    )
