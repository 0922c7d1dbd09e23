"""Carts, orders and balances of a person who is erased. An order's sum stays: it is the shop's."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from commerce.models import BackInStockRequest, Cart, LoyaltyAccount, Order
from people.domain.leaving import Person, Rows
from tenancy.scope import current_tenant_id


def erase(person: Person, now: datetime) -> None:
    for model in (Cart, BackInStockRequest, LoyaltyAccount):
        model.objects.filter(contact_id__in=person.ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commerce_order SET key = 'erased:' || id, items = '[]', source_cart_key = NULL"
            " WHERE tenant_id = %s AND contact_id = ANY(%s)",
            [current_tenant_id(), list(person.ids)],
        )


def export(person: Person) -> dict[str, Rows]:
    mine = {"contact_id__in": person.ids}
    orders = Order.objects.filter(**mine).order_by("placed_at")
    asked = BackInStockRequest.objects.filter(**mine).order_by("requested_at")
    return {
        "orders": list(
            orders.values("key", "state", "total_minor", "currency", "placed_at", "items")
        ),
        "carts": list(Cart.objects.filter(**mine).values("key", "state", "items", "updated_at")),
        "loyalty": list(
            LoyaltyAccount.objects.filter(**mine).values(
                "balance_minor", "points", "currency", "balance_at"
            )
        ),
        "back_in_stock_requests": list(
            asked.values("product__key", "requested_at", "fulfilled_at")
        ),
    }
