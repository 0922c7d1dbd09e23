"""Products as pages show them: a list to search, one product's history, who waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Count, Q, QuerySet

from api.problems import NotFound
from commerce.models import BackInStockRequest, Product
from events.core.names import (
    PRODUCT_INVENTORY_CHANGED,
    PRODUCT_PRICE_CHANGED,
    PRODUCT_PRICE_DROPPED,
    PRODUCT_RESTOCKED,
)
from tenancy.scope import current_tenant_id

HISTORY = (
    PRODUCT_INVENTORY_CHANGED,
    PRODUCT_PRICE_CHANGED,
    PRODUCT_RESTOCKED,
    PRODUCT_PRICE_DROPPED,
)
CATEGORIES = 100
# Changes of the whole catalogue that one product's history is looked for in: events about products
# have no index by product, and a page must not read a year of them.
LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class Change:
    """One event about a product. `source`: server, api or internal."""

    id: UUID
    name: str
    at: datetime
    properties: dict[str, Any]
    source: str


def list_products(
    *,
    words: str = "",
    category: str = "",
    stock: str = "",
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Product]:
    """The catalogue, last changed first. `words`: part of a name or the beginning of a product id.
    `stock`: in, out, unknown, or "" for all."""
    rows: QuerySet[Product] = Product.objects.all()
    for word in words.replace("\x00", " ").split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(key__istartswith=word))
    if category:
        rows = rows.filter(category=category)
    if stock:
        kinds = {"in": Q(stock__gt=0), "out": Q(stock__lte=0), "unknown": Q(stock=None)}
        rows = rows.filter(kinds[stock])
    if after is not None:
        at, product_id = after
        rows = rows.filter(Q(updated_at__lt=at) | Q(updated_at=at, id__lt=product_id))
    return list(rows.order_by("-updated_at", "-id")[:limit])


def list_categories() -> list[str]:
    """The first hundred by name."""
    rows = Product.objects.exclude(category="").order_by("category")
    return list(rows.values_list("category", flat=True).distinct()[:CATEGORIES])


def access_product(product_id: UUID) -> Product:
    """Raises `NotFound`, also for another workspace's product."""
    found: Product | None = Product.objects.filter(id=product_id).first()
    if found is None:
        raise NotFound("This product")
    return found


def count_waiting(product_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many wait for each product; those nobody waits for are left out. One query."""
    rows = BackInStockRequest.objects.filter(product_id__in=list(product_ids), fulfilled_at=None)
    counted = rows.values("product_id").annotate(n=Count("id"))
    return {row["product_id"]: row["n"] for row in counted}


def first_waiting(product_id: UUID, *, limit: int) -> Sequence[BackInStockRequest]:
    """Open requests in the order in which they are served."""
    rows = BackInStockRequest.objects.filter(product_id=product_id, fulfilled_at=None)
    return list(rows.order_by("requested_at", "id")[:limit])


def read_history(key: str, *, limit: int) -> list[Change]:
    """What happened to price and stock, newest first, among the catalogue's last `LOOKED_AT`
    changes of each kind."""
    found: list[Change] = []
    with connection.cursor() as cursor:
        for name in HISTORY:
            cursor.execute(
                """
                SELECT id, name, occurred_at, properties::text, source
                FROM (SELECT id, name, occurred_at, properties, source, subject_id
                      FROM events_event
                      WHERE tenant_id = %s AND contact_id IS NULL AND name = %s
                      ORDER BY occurred_at DESC LIMIT %s) AS newest
                WHERE subject_id = %s ORDER BY occurred_at DESC, id DESC LIMIT %s
                """,
                [current_tenant_id(), name, LOOKED_AT, key, limit],
            )
            for row in cursor.fetchall():
                found.append(Change(row[0], row[1], row[2], orjson.loads(row[3]), row[4]))
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit]
