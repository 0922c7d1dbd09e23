"""Taking a request in: whose door it is, whether it is genuine, and storing its body once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from connectors.core.kinds import SHOPIFY, WOOCOMMERCE
from connectors.core.signatures import judge_shop, judge_webhook
from connectors.domain.connectors import secrets_in_force
from connectors.models import Connector, ReceivedBody
from events.core.decoding import strip_bom
from events.core.keeping import clean
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id, router_scope

# Newest first, per connector.
KEPT_BODIES = 100
KEPT_FOR = timedelta(days=30)
KEPT_FAILURES = 20
# Somebody else takes up what its own request has not finished after this.
TAKEN_FOR = timedelta(seconds=60)
MAX_TOPIC = 120


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request counts. `signature`, `topic`, `delivery`: headers, "" where missing."""

    signature: str = ""
    topic: str = ""
    delivery: str = ""
    body: bytes = b""


def find_door(public_id: str) -> UUID | None:
    """The tenant whose door this is."""
    if not 16 <= len(public_id) <= 64 or not public_id.isascii() or "\x00" in public_id:
        return None
    with router_scope():
        found: UUID | None = (
            Connector._base_manager.filter(public_id=public_id)
            .values_list("tenant_id", flat=True)
            .first()
        )
    return found


def read_headers(kind: str, headers: Mapping[str, str]) -> Request:
    """The headers in which each kind says what it is."""
    if kind == SHOPIFY:
        topic = headers.get("X-Shopify-Topic", "")
        # One thing that happened may come by two subscriptions: its own id tells it is one.
        delivery = headers.get("X-Shopify-Event-Id", "") or headers.get("X-Shopify-Webhook-Id", "")
        return Request(headers.get("X-Shopify-Hmac-Sha256", ""), topic, delivery)
    if kind == WOOCOMMERCE:
        topic = headers.get("X-WC-Webhook-Topic", "")
        delivery = headers.get("X-WC-Webhook-Delivery-ID", "")
        if delivery:
            delivery = f"{headers.get('X-WC-Webhook-ID', '')}:{delivery}"
        return Request(headers.get("X-WC-Webhook-Signature", ""), topic, delivery)
    return Request(
        headers.get("Kairos-Signature", ""),
        headers.get("Kairos-Topic", ""),
        headers.get("Kairos-Webhook-Id", ""),
    )


def judge(connector: Connector, asked: Request, *, wall: datetime) -> str:
    """ "" when the request is genuine, else the reason."""
    secrets = secrets_in_force(connector, now=wall)
    if connector.kind in (SHOPIFY, WOOCOMMERCE):
        return judge_shop(asked.body, asked.signature, secrets)
    return judge_webhook(asked.body, asked.signature, secrets, now=int(wall.timestamp()))


def read_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises ValueError: no JSON, no object, too deep, no UTF-8."""
    try:
        found = msgspec.json.decode(strip_bom(body).decode())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("The body is no valid JSON.") from error
    if not isinstance(found, dict):
        raise ValueError("The body is no JSON object.")
    return found


def store_body(
    connector: Connector, asked: Request, *, now: datetime, wall: datetime
) -> tuple[UUID, bool]:
    """(id, whether it is new). Posted again it counts once: only `times` goes up.

    `now` is business time, `wall` says until when it is left to this request.
    """
    key = f"{asked.topic[:MAX_TOPIC]}|{asked.delivery[:200] or _digest(asked)}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO connectors_receivedbody AS held (id, tenant_id, connector_id, delivery_key,
                topic, body, received_at, state, attempts, retry_at, times, replays, results,
                contact_ids)
            VALUES (%(id)s, %(tenant)s, %(connector)s, %(key)s, %(topic)s, %(body)s, %(now)s,
                'pending', 0, %(retry)s, 1, 0, '[]', '{}')
            ON CONFLICT (tenant_id, connector_id, delivery_key)
                DO UPDATE SET times = LEAST(held.times + 1, 1000000)
            RETURNING held.id, held.times = 1
            """,
            {
                "id": new_id(),
                "tenant": current_tenant_id(),
                "connector": connector.id,
                "key": clean(key)[:400],
                "topic": clean(asked.topic)[:MAX_TOPIC],
                "body": strip_bom(asked.body).decode(),
                "now": now,
                "retry": wall + TAKEN_FOR,
            },
        )
        found = cursor.fetchone()
    _note_signed(connector, wall)
    _prune(connector.id)
    return found[0], bool(found[1])


def note_failure(connector: Connector, reason: str, *, topic: str, wall: datetime) -> None:
    """Counts a request that was not genuine and keeps the last ones. Nothing of its body is kept."""
    held = Connector.objects.select_for_update().get(id=connector.id)
    line = {"at": wall.isoformat(), "reason": reason, "topic": clean(topic)[:80]}
    held.failures = [line, *held.failures][:KEPT_FAILURES]
    held.failure_count += 1
    held.last_failure_at = wall
    held.save(update_fields=["failures", "failure_count", "last_failure_at"])


def note_ping(connector: Connector, *, wall: datetime) -> None:
    """WooCommerce's first request carries no signature: it says that the address is right."""
    Connector.objects.filter(id=connector.id).update(pinged_at=wall)


def forget_old_bodies(tenant_id: UUID, *, now: datetime) -> int:
    """Removes bodies older than 30 days of the workspace in scope."""
    old = ReceivedBody.objects.filter(tenant_id=tenant_id, received_at__lt=now - KEPT_FOR)
    return int(old.delete()[0])


def _note_signed(connector: Connector, wall: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE connectors_connector SET last_signed_at = %s,"
            " first_signed_at = COALESCE(first_signed_at, %s) WHERE tenant_id = %s AND id = %s",
            [wall, wall, current_tenant_id(), connector.id],
        )


def _prune(connector_id: UUID) -> None:
    """Leaves the newest; rows that another request is removing are left to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH older AS MATERIALIZED (
                SELECT id FROM connectors_receivedbody
                WHERE tenant_id = %(tenant)s AND connector_id = %(connector)s
                ORDER BY tenant_id DESC, connector_id DESC, id DESC
                OFFSET %(kept)s FOR UPDATE SKIP LOCKED)
            DELETE FROM connectors_receivedbody b USING older
            WHERE b.tenant_id = %(tenant)s AND b.id = older.id AND b.state <> 'pending'
            """,
            {"tenant": current_tenant_id(), "connector": connector_id, "kept": KEPT_BODIES},
        )


def _digest(asked: Request) -> str:
    """Without an id of its own a request is told by its signature and its body: the very same one
    is a repetition, the same words signed at another second are not."""
    return hashlib.sha256(asked.signature.encode("utf-8", "replace") + asked.body).hexdigest()
