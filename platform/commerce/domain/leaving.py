"""Carts, orders, balances and objects of a person who is erased. An order's sum stays: it is the shop's."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from commerce.models import (
    BackInStockRequest,
    BuyingSummary,
    Cart,
    CustomObject,
    LoyaltyAccount,
    Order,
)
from people.domain.leaving import Person, Rows
from tenancy.scope import current_tenant_id


def erase(person: Person, now: datetime) -> None:
    for model in (Cart, BackInStockRequest, LoyaltyAccount, CustomObject, BuyingSummary):
        model.objects.filter(contact_id__in=person.ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commerce_order SET key = 'erased:' || id, items = '[]', facts = '{}',"
            " source_cart_key = NULL"
            " WHERE tenant_id = %s AND contact_id = ANY(%s)",
            [current_tenant_id(), list(person.ids)],
        )


def export(person: Person) -> dict[str, Rows]:
    mine = {"contact_id__in": person.ids}
    orders = Order.objects.filter(**mine).order_by("placed_at")
    asked = BackInStockRequest.objects.filter(**mine).order_by("requested_at")
    return {
        "orders": list(
            orders.values(
                "key",
                "state",
                "total_minor",
                "refunded_minor",
                "net_minor",
                "currency",
                "placed_at",
                "items",
            )
        ),
        "carts": list(Cart.objects.filter(**mine).values("key", "state", "items", "updated_at")),
        "loyalty": list(
            LoyaltyAccount.objects.filter(**mine).values(
                "balance_minor", "points", "tier", "currency", "balance_at"
            )
        ),
        "objects": list(
            CustomObject.objects.filter(**mine)
            .order_by("opened_at")
            .values("kind", "key", "state", "due_at", "opened_at", "updated_at", "properties")
        ),
        "buying": list(
            BuyingSummary.objects.filter(**mine).values(
                "order_count",
                "first_order_at",
                "last_order_at",
                "last_category",
                "categories",
                "preferred_category",
                "preferred_confidence",
                "lifetime",
                "last_viewed_key",
                "last_viewed_at",
                "most_viewed_key",
                "reorder_at",
                "reorder_key",
                "looks",
            )
        ),
        "back_in_stock_requests": list(
            asked.values("product__key", "requested_at", "fulfilled_at")
        ),
    }
