"""Everything commerce knows of one contact, for its page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.domain.buying import buying_of, objects_of
from commerce.models import BackInStockRequest, Cart, LoyaltyAccount, Order

RECENT_ORDERS = 3
MOST_OBJECTS = 8
MOST_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Overview:
    """`buying` as `buying_of` tells it; `key_item`: the dearest thing in the open cart;
    `requests`: (product key, asked at) that are open; `objects` as `objects_of` tells them."""

    buying: dict[str, Any] | None
    cart: Cart | None
    key_item: dict[str, Any] | None
    orders: tuple[Order, ...]
    loyalty: LoyaltyAccount | None
    requests: tuple[tuple[str, datetime], ...]
    objects: tuple[dict[str, Any], ...]


def overview_of(contact_id: UUID, *, now: datetime) -> Overview:
    """Six queries, however much the contact has bought."""
    mine = {"contact_id": contact_id}
    cart = Cart.objects.filter(**mine, state=Cart.State.OPEN).order_by("-updated_at", "key").first()
    asked = BackInStockRequest.objects.filter(**mine, fulfilled_at=None).order_by("-requested_at")
    return Overview(
        buying=buying_of([contact_id], now=now).get(contact_id),
        cart=cart,
        key_item=_dearest(cart.items) if cart else None,
        orders=tuple(Order.objects.filter(**mine).order_by("-placed_at", "-id")[:RECENT_ORDERS]),
        loyalty=LoyaltyAccount.objects.filter(**mine).first(),
        requests=tuple(asked.values_list("product__key", "requested_at")[:MOST_REQUESTS]),
        objects=tuple(objects_of(contact_id, limit=MOST_OBJECTS)),
    )


def _dearest(items: list[dict[str, Any]]) -> dict[str, Any] | None:
    return max(items, key=lambda item: item.get("price_minor") or 0, default=None)
