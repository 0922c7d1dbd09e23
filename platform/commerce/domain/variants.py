"""Variants of products as the shop's server keeps them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce.models import ProductVariant
from tenancy.ids import new_ids
from tenancy.scope import current_tenant_id

_FIELDS = ("name", "price_minor", "currency", "stock", "url", "image_url", "usage_days")
_TYPES = {"price_minor": "bigint", "stock": "bigint", "usage_days": "int"}


@dataclass(frozen=True, slots=True)
class VariantInput:
    """What the shop says of a variant. None: leave as it is."""

    key: str
    name: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None
    usage_days: int | None = None


def upsert_variants(given: Mapping[str, Sequence[VariantInput]], *, now: datetime) -> set[str]:
    """Creates and changes variants by their product's key; returns the products of which one
    changed. The products have to be there, and locked. One query."""
    # The last word on a variant counts, and PostgreSQL takes each key once.
    by_key = {one.key: (product, one) for product, those in given.items() for one in those}
    if not by_key:
        return set()
    rows = [(product, one) for _, (product, one) in sorted(by_key.items())]
    columns = ", ".join(_FIELDS)
    arrays = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _FIELDS)
    texts = [name for name in _FIELDS if name not in _TYPES]
    made = ", ".join(
        f"coalesce(given.{name}, '')" if name in texts else f"given.{name}" for name in _FIELDS
    )
    # What is NULL in `given` was left out, which `excluded` no longer shows for texts.
    kept = ", ".join(
        f"{name} = coalesce((SELECT g.{name} FROM given g WHERE g.key = held.key), held.{name})"
        for name in _FIELDS
    )
    after = ", ".join(
        f"coalesce((SELECT g.{name} FROM given g WHERE g.key = held.key), held.{name})"
        for name in _FIELDS
    )
    before = ", ".join(f"held.{name}" for name in _FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH given AS (
                SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], {arrays})
                    AS given(id, product_key, key, {columns})),
            written AS (
                INSERT INTO commerce_productvariant AS held
                    (id, tenant_id, product_id, key, {columns}, created_at, updated_at)
                SELECT given.id, %s, product.id, given.key, {made}, %s, %s
                FROM given JOIN commerce_product product
                  ON product.tenant_id = %s AND product.key = given.product_key
                ON CONFLICT (tenant_id, key) DO UPDATE
                SET product_id = excluded.product_id, {kept}, updated_at = excluded.updated_at
                WHERE (held.product_id, {before}) IS DISTINCT FROM (excluded.product_id, {after})
                RETURNING held.key)
            SELECT given.product_key FROM given JOIN written ON written.key = given.key
            """,
            [
                new_ids(len(rows)),
                [product for product, _ in rows],
                [one.key for _, one in rows],
                *([getattr(one, name) for _, one in rows] for name in _FIELDS),
                current_tenant_id(),
                now,
                now,
                current_tenant_id(),
            ],
        )
        return {row[0] for row in cursor.fetchall()}


def variants_of(product_ids: Iterable[UUID]) -> dict[UUID, list[ProductVariant]]:
    """By product, in the order of their ids."""
    found: dict[UUID, list[ProductVariant]] = defaultdict(list)
    for one in ProductVariant.objects.filter(product_id__in=set(product_ids)).order_by("key"):
        found[one.product_id].append(one)
    return found
