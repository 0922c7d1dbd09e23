"""What a contact buys, holds and waits for, over the API; and which categories go together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.schema import PAGE, list_of, such_as
from api.serializers import Choice, Strict, read_body, read_query
from commerce.api import show_price
from commerce.domain.complements import list_complements, set_complements
from commerce.domain.overview import Overview, overview_of
from commerce.models import CustomObject, Order
from people.domain.merged import present_contact
from tenancy.api_base import TenantAPIView, path_id

by_placed = Keyset(datetime, UUID)
by_updated = Keyset(datetime, UUID)
MOST_CATEGORIES = 200


class LifetimeShown(serializers.Serializer[Any]):
    """Orders of one currency. `net` is what the shop keeps: totals less refunds, without cancelled
    orders. `average` is of the totals."""

    currency = serializers.CharField()
    orders = serializers.IntegerField()
    total = serializers.CharField()
    refunded = serializers.CharField()
    net = serializers.CharField()
    average = serializers.CharField(allow_null=True)


class OrderItemShown(serializers.Serializer[Any]):
    product_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    variant = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    price = serializers.CharField(allow_null=True)


class CartShown(serializers.Serializer[Any]):
    """The open cart. `key_item` is the dearest thing in it."""

    cart_id = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    checkout_started_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField()
    key_item = OrderItemShown(allow_null=True)
    items = OrderItemShown(many=True)


class ReorderShown(serializers.Serializer[Any]):
    """When a product is expected to be bought again: `days` after the last time, which began with
    `default_days` and moved with `product_gaps` of everybody and `own_gaps` of this contact."""

    product_id = serializers.CharField()
    at = serializers.DateTimeField()
    days = serializers.FloatField()
    default_days = serializers.FloatField()
    own_gaps = serializers.IntegerField()
    product_gaps = serializers.IntegerField()


class LoyaltyShown(serializers.Serializer[Any]):
    balance = serializers.CharField()
    currency = serializers.CharField()
    points = serializers.IntegerField(allow_null=True)
    tier = serializers.CharField(allow_blank=True)
    balance_at = serializers.DateTimeField()


class RequestShown(serializers.Serializer[Any]):
    product_id = serializers.CharField()
    requested_at = serializers.DateTimeField()


class BuyingShown(serializers.Serializer[Any]):
    """What a contact's orders, carts and looks add up to. Amounts are decimal texts."""

    order_count = serializers.IntegerField()
    first_order_at = serializers.DateTimeField(allow_null=True)
    last_order_at = serializers.DateTimeField(allow_null=True)
    days_since_last_order = serializers.IntegerField(allow_null=True)
    last_category = serializers.CharField(allow_blank=True)
    categories = serializers.ListField(child=serializers.CharField())
    preferred_category = serializers.CharField(allow_blank=True)
    preferred_confidence = serializers.FloatField()
    last_viewed_product = serializers.CharField(allow_blank=True)
    last_viewed_at = serializers.DateTimeField(allow_null=True)
    most_viewed_product = serializers.CharField(allow_blank=True)
    lifetime = LifetimeShown(many=True)
    cart = CartShown(allow_null=True)
    reorder = ReorderShown(allow_null=True)
    loyalty = LoyaltyShown(allow_null=True)
    back_in_stock_requests = RequestShown(many=True)


class OrderShown(serializers.Serializer[Any]):
    """One order. `net` is what the shop keeps of it; below 0 when a refund is known and the order
    itself is not."""

    order_id = serializers.CharField()
    state = serializers.ChoiceField(Order.State.choices)
    total = serializers.CharField()
    refunded = serializers.CharField()
    net = serializers.CharField()
    currency = serializers.CharField()
    placed_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)
    items = OrderItemShown(many=True)


class ObjectsQuery(serializers.Serializer[Any]):
    kind = Choice(CustomObject.Kind.choices, required=False, help_text="Only objects of this kind.")


class ObjectShown(serializers.Serializer[Any]):
    """An appointment, subscription, ticket or shipment. `due_at`: its next date, such as the start,
    the renewal or the arrival. `properties`: what events told of it."""

    kind = serializers.ChoiceField(CustomObject.Kind.choices)
    object_id = serializers.CharField()
    state = serializers.CharField()
    is_open = serializers.BooleanField()
    due_at = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    properties = serializers.DictField()


class ComplementWrite(Strict):
    category = serializers.CharField(max_length=200)
    goes_with = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=20,
        help_text="Categories, best first. Empty: nothing any more.",
    )


class ComplementsWrite(Strict):
    complements = serializers.ListField(
        child=ComplementWrite(), min_length=1, max_length=MOST_CATEGORIES
    )


class ComplementShown(serializers.Serializer[Any]):
    category = serializers.CharField()
    goes_with = serializers.ListField(child=serializers.CharField())


class ComplementsShown(serializers.Serializer[Any]):
    complements = ComplementShown(many=True)


class ContactBuying(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(operation_id="readBuying", responses=BuyingShown)
    def get(self, request: Request, ref: str) -> Response:
        """Order count, lifetime value by currency, what was bought last and is liked best, the open
        cart, the expected reorder, loyalty and back-in-stock requests."""
        found = present_contact(path_id("con", ref, "This contact"))
        return Response(_buying(overview_of(found.id, now=request.now)))  # type: ignore[attr-defined]


class ContactOrders(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(
        operation_id="listOrders", parameters=PAGE, responses=list_of("orders", OrderShown)
    )
    def get(self, request: Request, ref: str) -> Response:
        """A contact's orders, newest first."""
        found = present_contact(path_id("con", ref, "This contact"))
        page = by_placed.read(request.query_params)
        rows = by_placed.cut(Order.objects.filter(contact_id=found.id), page, "placed_at", "id")
        return Response(
            by_placed.answer(
                "orders", list(rows), page, key=lambda o: (o.placed_at, o.id), show=_order
            )
        )


class ContactObjects(TenantAPIView):
    required_scope = "contacts:read"
    leads_on = True

    @extend_schema(
        operation_id="listObjects",
        parameters=[ObjectsQuery, *PAGE],
        responses=list_of("objects", ObjectShown),
    )
    def get(self, request: Request, ref: str) -> Response:
        """A contact's appointments, subscriptions, tickets and shipments, newest told first."""
        found = present_contact(path_id("con", ref, "This contact"))
        kind = read_query(ObjectsQuery, request).get("kind")
        page = by_updated.read(request.query_params)
        rows = CustomObject.objects.filter(contact_id=found.id)
        if kind:
            rows = rows.filter(kind=kind)
        rows = by_updated.cut(rows, page, "updated_at", "id")
        return Response(
            by_updated.answer(
                "objects", list(rows), page, key=lambda o: (o.updated_at, o.id), show=_object
            )
        )


class ComplementsView(TenantAPIView):
    """/api/v1/complements: dresses go with shoes."""

    required_scopes = {"GET": "products:read", "POST": "products:write"}

    @extend_schema(operation_id="listComplements", responses=ComplementsShown)
    def get(self, request: Request) -> Response:
        """What goes with each category, best first. At most a few hundred; all on one page."""
        return Response(_complements())

    @extend_schema(
        operation_id="saveComplements",
        request=ComplementsWrite,
        responses=ComplementsShown,
        examples=such_as(
            {"complements": [{"category": "dresses", "goes_with": ["shoes", "bags"]}]}
        ),
    )
    def post(self, request: Request) -> Response:
        """Says what goes with these categories; others stay as they are."""
        body = read_body(ComplementsWrite, request)
        set_complements({one["category"]: one["goes_with"] for one in body["complements"]})
        return Response(_complements())


def _complements() -> dict[str, Any]:
    return {
        "complements": [
            {"category": category, "goes_with": those} for category, those in list_complements()
        ]
    }


def _buying(known: Overview) -> dict[str, Any]:
    summary = known.buying or {}
    reorder = summary.get("reorder") or None
    loyalty, cart = known.loyalty, known.cart
    return {
        "order_count": summary.get("order_count", 0),
        "first_order_at": summary.get("first_order_at"),
        "last_order_at": summary.get("last_order_at"),
        "days_since_last_order": summary.get("days_since_last_order"),
        "last_category": summary.get("last_category", ""),
        "categories": summary.get("categories", []),
        "preferred_category": summary.get("preferred_category", ""),
        "preferred_confidence": summary.get("preferred_confidence", 0.0),
        "last_viewed_product": summary.get("last_viewed_key", ""),
        "last_viewed_at": summary.get("last_viewed_at"),
        "most_viewed_product": summary.get("most_viewed_key", ""),
        "lifetime": [
            {
                "currency": currency,
                "orders": sums["orders"],
                "total": show_price(sums["total_minor"], currency),
                "refunded": show_price(sums["refunded_minor"], currency),
                "net": show_price(sums["net_minor"], currency),
                "average": show_price(sums["average_minor"], currency),
            }
            for currency, sums in summary.get("lifetime", {}).items()
        ],
        "cart": cart
        and {
            "cart_id": cart.key,
            "value": show_price(cart.value_minor, cart.currency),
            "currency": cart.currency,
            "url": cart.url,
            "checkout_started_at": cart.checkout_at,
            "updated_at": cart.updated_at,
            "key_item": _item(known.key_item) if known.key_item else None,
            "items": [_item(item) for item in cart.items],
        },
        "reorder": reorder and {"product_id": summary["reorder_key"], **reorder},
        "loyalty": loyalty
        and {
            "balance": show_price(loyalty.balance_minor, loyalty.currency),
            "currency": loyalty.currency,
            "points": loyalty.points,
            "tier": loyalty.tier,
            "balance_at": loyalty.balance_at,
        },
        "back_in_stock_requests": [
            {"product_id": key, "requested_at": at} for key, at in known.requests
        ],
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.key,
        "state": order.state,
        "total": show_price(order.total_minor, order.currency),
        "refunded": show_price(order.refunded_minor, order.currency),
        "net": show_price(order.net_minor, order.currency),
        "currency": order.currency,
        "placed_at": order.placed_at,
        "cancelled_at": order.cancelled_at,
        "items": [_item(item) for item in order.items],
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "product_id": item["product_id"],
        "name": item.get("name", ""),
        "category": item.get("category", ""),
        "variant": item.get("variant", ""),
        "quantity": item["quantity"],
        "price": show_price(item.get("price_minor"), item.get("currency", "")),
    }


def _object(one: CustomObject) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "object_id": one.key,
        "state": one.state,
        "is_open": one.is_open,
        "due_at": one.due_at,
        "opened_at": one.opened_at,
        "updated_at": one.updated_at,
        "properties": one.properties,
    }
