"""Reads of commerce that other floors need, for whole sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce.core.money import show_money
from commerce.core.objects import KINDS
from commerce.core.reading import cart_key, event_product_key
from commerce.domain.buying import accessories_for, best_seller, buying_of, current_objects_of
from tenancy.scope import current_tenant_id

__all__ = ["FactRef", "facts_for", "known_orders", "products_by_key", "waiting_for_product"]

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FactRef:
    """Whose live objects are wanted, and by which event. Keys given win over the event's own."""

    contact_id: UUID
    properties: Mapping[str, Any] = field(default_factory=dict)
    product_key: str | None = None
    cart_key: str | None = None


def known_orders(keys: Iterable[str]) -> set[str]:
    """Those of these order ids that some event told of before. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key FROM commerce_order WHERE tenant_id = %s AND key = ANY(%s)"
            " AND event_id IS NOT NULL",
            [current_tenant_id(), sorted(set(keys))],
        )
        return {row[0] for row in cursor.fetchall()}


def facts_for(refs: Sequence[FactRef], *, now: datetime) -> list[Facts]:
    """Per ref {"product", "cart", "loyalty", "buying", "appointment", "subscription", "ticket",
    "shipment", "accessory", "best_seller"}, each a plain dict or None. Seven queries at most.

    The product is the one named or the event's (else the dearest in the cart); the cart is the
    one named, else the contact's newest open one. Money is {"minor", "currency"}.
    """
    named = [ref.cart_key or cart_key(ref.properties) for ref in refs]
    carts, newest = _carts_of(refs, {key for key in named if key})
    chosen = []
    for ref, key in zip(refs, named, strict=True):
        cart = carts.get(key) if key else newest.get(ref.contact_id)
        # A key is the shop's word; whose cart it is, is ours.
        chosen.append(cart if cart and cart["contact_id"] == ref.contact_id else None)
    keys = [
        ref.product_key or event_product_key(ref.properties) or _key_item(cart)
        for ref, cart in zip(refs, chosen, strict=True)
    ]
    products = products_by_key({key for key in keys if key})
    contact_ids = {ref.contact_id for ref in refs}
    accounts = _loyalty_of(contact_ids)
    buying = buying_of(contact_ids, now=now)
    objects = current_objects_of(contact_ids)
    about = {contact_id: _category_of(known) for contact_id, known in buying.items()}
    accessories = accessories_for(about.values())
    seller = best_seller()
    return [
        {
            "product": products.get(key) if key else None,
            "cart": {k: v for k, v in cart.items() if k != "contact_id"} if cart else None,
            "loyalty": accounts.get(ref.contact_id),
            "buying": buying.get(ref.contact_id),
            **{kind: objects.get(ref.contact_id, {}).get(kind) for kind in KINDS},
            "accessory": accessories.get(about.get(ref.contact_id, "")),
            "best_seller": seller,
        }
        for ref, cart, key in zip(refs, chosen, keys, strict=True)
    ]


def _category_of(buying: Facts) -> str:
    """What an accessory should go with: what was bought last."""
    return str(buying["last_category"] or buying["preferred_category"])


def products_by_key(keys: Iterable[str]) -> dict[str, Facts]:
    """{"key", "name", "category", "price", "stock", "previous_stock", "url", "image_url", "tip",
    "usage_days", "margin_band"} each."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, name, category, price_minor, currency, stock, previous_stock, url,"
            " image_url, tip, usage_days, margin_band FROM commerce_product WHERE tenant_id = %s AND key = ANY(%s)",
            [current_tenant_id(), wanted],
        )
        return {
            row[0]: {
                "key": row[0],
                "name": row[1],
                "category": row[2],
                "price": show_money(row[3], row[4]),
                "stock": row[5],
                "previous_stock": row[6],
                "url": row[7],
                "image_url": row[8],
                "tip": row[9],
                "usage_days": row[10],
                "margin_band": row[11],
            }
            for row in cursor.fetchall()
        }


def waiting_for_product(product_keys: Iterable[str]) -> list[tuple[UUID, str, UUID]]:
    """(contact_id, product_key, request_id) of open requests, first come first."""
    wanted = sorted(set(product_keys))
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT request.contact_id, product.key, request.id
            FROM commerce_product product
            JOIN commerce_backinstockrequest request
              ON request.tenant_id = product.tenant_id AND request.product_id = product.id
            WHERE product.tenant_id = %s AND product.key = ANY(%s)
              AND request.fulfilled_at IS NULL
            ORDER BY request.requested_at, request.id
            """,
            [current_tenant_id(), wanted],
        )
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]


def _carts_of(
    refs: Sequence[FactRef], keys: set[str]
) -> tuple[dict[str, Facts], dict[UUID, Facts]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT key, contact_id, state, items, value_minor, currency, url, updated_at, checkout_at
            FROM commerce_cart WHERE tenant_id = %(tenant)s AND key = ANY(%(keys)s)
            UNION ALL
            SELECT key, contact_id, state, items, value_minor, currency, url, updated_at, checkout_at
            FROM (
                SELECT DISTINCT ON (contact_id) * FROM commerce_cart
                WHERE tenant_id = %(tenant)s AND contact_id = ANY(%(contacts)s)
                  AND state = 'open' AND NOT key = ANY(%(keys)s)
                ORDER BY contact_id, updated_at DESC
            ) AS newest
            """,
            {
                "tenant": current_tenant_id(),
                "keys": sorted(keys),
                "contacts": sorted({ref.contact_id for ref in refs}),
            },
        )
        rows = cursor.fetchall()
    by_key: dict[str, Facts] = {}
    newest: dict[UUID, Facts] = {}
    at: dict[UUID, Any] = {}
    for key, contact_id, state, items, value, currency, url, updated_at, checkout_at in rows:
        listed = orjson.loads(items) if isinstance(items, str) else items
        cart = {
            "contact_id": contact_id,
            "key": key,
            "state": state,
            "items": [_shown_item(item) for item in listed],
            "value": show_money(value, currency),
            "url": url,
            "checkout_started_at": checkout_at,
        }
        by_key[key] = cart
        if state == "open" and (contact_id not in at or updated_at > at[contact_id]):
            newest[contact_id], at[contact_id] = cart, updated_at
    return by_key, newest


def _shown_item(item: Facts) -> Facts:
    shown = {k: v for k, v in item.items() if k not in {"price_minor", "currency", "added_at"}}
    shown["price"] = show_money(item.get("price_minor"), item.get("currency", ""))
    return shown


def _key_item(cart: Facts | None) -> str | None:
    """The dearest thing in the cart."""
    if not cart or not cart["items"]:
        return None
    dearest = max(cart["items"], key=lambda item: (item["price"] or {}).get("minor", 0))
    return str(dearest["product_id"])


def _loyalty_of(contact_ids: set[UUID]) -> dict[UUID, Facts]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, balance_minor, previous_minor, points, previous_points, currency,"
            " redeem_url, tier FROM commerce_loyaltyaccount WHERE tenant_id = %s AND contact_id = ANY(%s)",
            [current_tenant_id(), sorted(contact_ids)],
        )
        return {
            row[0]: {
                "balance": show_money(row[1], row[5]),
                "previous_balance": show_money(row[2], row[5]),
                "points": row[3],
                "previous_points": row[4],
                "redeem_url": row[6],
                "tier": row[7],
            }
            for row in cursor.fetchall()
        }
