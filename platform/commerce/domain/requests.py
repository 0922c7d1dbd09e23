"""Who asked to hear when a product is back, and who has been told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from commerce.core.reading import event_product_key
from events.core.names import BACK_IN_STOCK_REQUESTED
from events.domain.rows import EventRow
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def project_requests(events: Sequence[EventRow]) -> None:
    """One open request per contact and product, as old as the oldest asking since the last one was
    fulfilled; one told of again after it was fulfilled is not opened anew. Needs the products to be there (`project_products`)."""
    asked: dict[tuple[str, UUID], list[datetime]] = {}
    for event in events:
        key = event_product_key(event.properties)
        if event.name == BACK_IN_STOCK_REQUESTED and event.contact_id and key:
            asked.setdefault((key, event.contact_id), []).append(event.occurred_at)
    if not asked:
        return
    products = _product_ids({key for key, _ in asked})
    done = _fulfilled({contact_id for _, contact_id in asked})
    rows = [
        (products[key], contact_id, min(since))
        for (key, contact_id), times in sorted(asked.items())
        if key in products
        and (since := [t for t in times if t > done.get((products[key], contact_id), _NEVER)])
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO commerce_backinstockrequest
                (id, tenant_id, product_id, contact_id, requested_at)
            SELECT id, %s, product_id, contact_id, requested_at
            FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[])
              AS made(id, product_id, contact_id, requested_at)
            ON CONFLICT (tenant_id, product_id, contact_id) WHERE fulfilled_at IS NULL
            DO UPDATE SET requested_at = excluded.requested_at
            WHERE excluded.requested_at < commerce_backinstockrequest.requested_at
            """,
            [
                current_tenant_id(),
                new_ids(len(rows)),
                [row[0] for row in rows],
                [row[1] for row in rows],
                [row[2] for row in rows],
            ],
        )


def _product_ids(keys: set[str]) -> dict[str, UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, id FROM commerce_product WHERE tenant_id = %s AND key = ANY(%s)",
            [current_tenant_id(), sorted(keys)],
        )
        return dict(cursor.fetchall())


def _fulfilled(contact_ids: set[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """When these contacts were last told that a product is back, by (product, contact)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id, contact_id, max(fulfilled_at) FROM commerce_backinstockrequest"
            " WHERE tenant_id = %s AND contact_id = ANY(%s) AND fulfilled_at IS NOT NULL"
            " GROUP BY product_id, contact_id",
            [current_tenant_id(), sorted(contact_ids)],
        )
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


def fulfill_requests(request_ids: Iterable[UUID], *, now: datetime) -> int:
    """Each request is fulfilled once; returns how many were open until now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commerce_backinstockrequest SET fulfilled_at = %s"
            " WHERE tenant_id = %s AND id = ANY(%s) AND fulfilled_at IS NULL",
            [now, current_tenant_id(), sorted(set(request_ids))],
        )
        return int(cursor.rowcount)
