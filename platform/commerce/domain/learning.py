"""What all orders of a workspace say about its products: how often each is bought again, and how
much of it is sold."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce.domain.summaries import refresh_summaries
from people.domain.queries import lock_contacts, workspace_defaults
from tenancy.domain.queries import active_tenant_ids
from tenancy.scope import current_tenant_id, tenant_scope

BEST_SELLER_WINDOW = timedelta(days=90)
CONTACTS_AT_ONCE = 1000
logger = logging.getLogger(__name__)
_listeners: dict[str, Callable[[Sequence[UUID], datetime], object]] = {}
# One purchase per contact, product and order time; the gap is to the one before it.
_LEARN = """
    WITH lines AS (
        SELECT o.contact_id, o.placed_at, item ->> 'product_id' AS key,
               (item ->> 'quantity')::bigint AS quantity
        FROM commerce_order o, jsonb_array_elements(o.items) AS item
        WHERE o.tenant_id = %(tenant)s AND o.state IN ('placed', 'partly_refunded')
          AND o.told_at IS NOT NULL AND o.placed_at <= %(now)s),
    gaps AS (
        SELECT key, placed_at - lag(placed_at) OVER (PARTITION BY contact_id, key
                                                     ORDER BY placed_at) AS gap
        FROM (SELECT DISTINCT contact_id, key, placed_at FROM lines) AS bought),
    waits AS (
        SELECT key, count(gap)::int AS gaps,
               round((percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM gap))
                      / 86400)::numeric, 2)::float8 AS days
        FROM gaps WHERE gap IS NOT NULL GROUP BY key),
    sales AS (
        SELECT key, sum(quantity)::bigint AS sold FROM lines
        WHERE placed_at > %(since)s GROUP BY key),
    learned AS (
        SELECT p.id, w.days, coalesce(w.gaps, 0) AS gaps, coalesce(s.sold, 0) AS sold
        FROM commerce_product p LEFT JOIN waits w ON w.key = p.key LEFT JOIN sales s ON s.key = p.key
        WHERE p.tenant_id = %(tenant)s),
    written AS (
        UPDATE commerce_product p
        SET observed_days = l.days, observed_gaps = l.gaps, units_sold = l.sold
        FROM learned l, commerce_product was
        WHERE p.tenant_id = %(tenant)s AND p.id = l.id
          AND was.tenant_id = %(tenant)s AND was.id = l.id
          AND (p.observed_days, p.observed_gaps, p.units_sold)
              IS DISTINCT FROM (l.days, l.gaps, l.sold)
        RETURNING p.key, (was.observed_days, was.observed_gaps)
                         IS DISTINCT FROM (l.days, l.gaps) AS waits_changed)
    SELECT key, waits_changed FROM written
"""
_BUYERS = """
    SELECT DISTINCT o.contact_id
    FROM commerce_order o, jsonb_array_elements(o.items) AS item
    WHERE o.tenant_id = %s AND item ->> 'product_id' = ANY(%s)
    ORDER BY o.contact_id
"""


def learn_products(*, now: datetime) -> list[str]:
    """Takes the median time between two purchases of each product, and the units sold in 90 days.

    Returns the keys of products whose time between purchases changed. Reads all orders of the
    workspace in scope once: for a nightly task, not for a reaction.
    """
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        # Reactions lock products by ascending key as well.
        cursor.execute(
            "SELECT key FROM commerce_product WHERE tenant_id = %s ORDER BY key FOR UPDATE",
            [tenant_id],
        )
        values: dict[str, Any] = {
            "tenant": tenant_id,
            "now": now,
            "since": now - BEST_SELLER_WINDOW,
        }
        cursor.execute(_LEARN, values)
        return sorted(key for key, waits_changed in cursor.fetchall() if waits_changed)


def buyers_of(keys: Sequence[str]) -> list[UUID]:
    """Who ever bought one of these products, by id."""
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BUYERS, [current_tenant_id(), list(keys)])
        return [row[0] for row in cursor.fetchall()]


def date_reorders(contact_ids: Sequence[UUID], *, now: datetime) -> None:
    """Works the expected reorders of these contacts out anew, and tells who wants to know. For a
    few thousand at a time; locks them."""
    present = set(lock_contacts(contact_ids))
    refresh_summaries(present, currency=workspace_defaults().currency)
    for tell in _listeners.values():
        tell(sorted(present), now)


def register_listener(name: str, tell: Callable[[Sequence[UUID], datetime], object]) -> None:
    """`tell(contact_ids, now)` is called when summaries changed without an event, in the same
    transaction. Call this in `AppConfig.ready`."""
    _listeners[name] = tell


def learn_everywhere(*, now: datetime) -> int:
    """Both, for every active workspace, each in scopes of its own; returns how many failed."""
    failed = 0
    for tenant_id in active_tenant_ids():
        try:
            with tenant_scope(tenant_id):
                contact_ids = buyers_of(learn_products(now=now))
            for start in range(0, len(contact_ids), CONTACTS_AT_ONCE):
                with tenant_scope(tenant_id):
                    date_reorders(contact_ids[start : start + CONTACTS_AT_ONCE], now=now)
        except Exception:
            failed += 1
            logger.exception("one workspace's products were not learned about")
    return failed
