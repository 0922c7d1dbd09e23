"""Events into products, orders, carts, requests, balances, custom objects and summaries: sets in,
sets out.

Safe to repeat and safe out of order: each row keeps the facts it is made of, and `occurred_at`
decides, never arrival. Rows are locked table by table in the order of `project_events`, keys
ascending.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.core.objects import MEANINGS
from commerce.domain.balances import project_balances
from commerce.domain.cart_rows import project_carts
from commerce.domain.changes import changes_told
from commerce.domain.objects import project_objects
from commerce.domain.orders import project_orders
from commerce.domain.product_rows import project_products
from commerce.domain.requests import project_requests
from commerce.domain.summaries import project_summaries
from events.core import names
from events.domain.recording import append_events
from events.domain.rows import EventRow
from people.domain.queries import workspace_defaults

PROJECTED = frozenset(
    {
        names.PRODUCT_VIEWED,
        names.PRODUCT_ADDED,
        names.PRODUCT_REMOVED,
        names.CART_VIEWED,
        "Cart Updated",
        names.CHECKOUT_STARTED,
        names.ORDER_COMPLETED,
        names.ORDER_UPDATED,
        names.ORDER_REFUNDED,
        names.ORDER_CANCELLED,
        names.BACK_IN_STOCK_REQUESTED,
        names.PRODUCT_INVENTORY_CHANGED,
        names.PRODUCT_PRICE_CHANGED,
        names.LOYALTY_BALANCE_CHANGED,
        *MEANINGS,
    }
)


def project_events(
    events: Sequence[EventRow], *, now: datetime, tells: bool = True
) -> dict[UUID, dict[str, Any]]:
    """Brings the projections up to date. The first thing a reaction does, in its transaction.

    Returns per event what stood there before it, for triggers that look for a crossing:
    {"previous_balance"} or {"previous_quantity"}, in the units of the event, when known.
    `tells`: whether news about products (restocked, price dropped) is appended; a rebuild tells none.
    """
    ours = sorted(
        (event for event in events if event.name in PROJECTED),
        key=lambda event: (event.occurred_at, event.id),
    )
    if not ours:
        return {}
    workspace = workspace_defaults()
    currency = workspace.currency
    before, learned = project_products(ours, currency=currency, now=now)
    if tells:
        append_events([news for each in learned for news in changes_told(each)], now=now)
    buyers = project_orders(ours, currency=currency)
    project_carts(ours, currency=currency)
    project_requests(ours)
    before |= project_balances(ours, currency=currency)
    project_objects(ours, zone=workspace.timezone)
    project_summaries(ours, buyers, currency=currency)
    return before
