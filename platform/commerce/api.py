"""The catalogue's API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import Keyset
from api.problems import Problem
from api.schema import PAGE, list_of, such_as
from commerce.core.catalogue_spec import (
    MAX_USAGE_DAYS,
    MAX_VARIANTS,
    ReadProduct,
    read_products_body,
)
from commerce.core.money import decimals_of
from commerce.domain.catalogue import CREATED, UNCHANGED, UPDATED, ProductInput, upsert_products
from commerce.domain.variants import VariantInput, variants_of
from commerce.models import Product, ProductVariant
from people.domain.queries import workspace_defaults
from tenancy.api_base import TenantAPIView
from tenancy.clock import business_now
from tenancy.ids import show_id
from tenancy.shapes import IdField

MAX_BYTES = 2 * 1024 * 1024


by_id = Keyset(UUID)


class VariantWrite(serializers.Serializer[Any]):
    """A size, a color. What is left out stays as it is; what it has none of is the product's."""

    variant_id = serializers.CharField(max_length=256)
    name = serializers.CharField(required=False, max_length=200)
    price = serializers.CharField(required=False, max_length=40, help_text='Such as "24.00".')
    currency = serializers.CharField(required=False, min_length=3, max_length=3)
    stock = serializers.IntegerField(required=False, min_value=0)
    url = serializers.URLField(required=False, max_length=2000)
    image_url = serializers.URLField(required=False, max_length=2000)
    usage_days = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_USAGE_DAYS, help_text="How long one of it lasts."
    )


class ProductWrite(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    product_id = serializers.CharField(max_length=256)
    name = serializers.CharField(required=False, max_length=300)
    category = serializers.CharField(required=False, max_length=200)
    price = serializers.CharField(required=False, max_length=40, help_text='Such as "24.00".')
    currency = serializers.CharField(required=False, min_length=3, max_length=3)
    stock = serializers.IntegerField(required=False, min_value=0)
    url = serializers.URLField(required=False, max_length=2000)
    image_url = serializers.URLField(required=False, max_length=2000)
    margin_band = serializers.ChoiceField(Product.MarginBand.choices, required=False)
    usage_days = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_USAGE_DAYS, help_text="How long one of it lasts."
    )
    tip = serializers.CharField(
        required=False, max_length=300, help_text="One sentence on using it, for texts."
    )
    variants = serializers.ListField(
        child=VariantWrite(),
        required=False,
        max_length=MAX_VARIANTS,
        help_text="Those that are left out stay as they are.",
    )


class ProductsWrite(serializers.Serializer[Any]):
    products = serializers.ListField(child=ProductWrite(), min_length=1, max_length=1000)


class ProductResult(serializers.Serializer[Any]):
    product_id = serializers.CharField()
    status = serializers.ChoiceField([CREATED, UPDATED, UNCHANGED])


class ProductsSaved(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    results = ProductResult(many=True)


class VariantShown(serializers.Serializer[Any]):
    variant_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    price = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    stock = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(allow_blank=True)
    image_url = serializers.CharField(allow_blank=True)
    usage_days = serializers.IntegerField(allow_null=True)
    updated_at = serializers.DateTimeField()


class ProductShown(serializers.Serializer[Any]):
    """Something on sale. `price` is a decimal text in `currency`; null when unknown. `reordered_after_days`:
    the median time between two purchases by the same contact, from `reorders` of them."""

    id = IdField("prod")
    product_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    price = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    stock = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(allow_blank=True)
    image_url = serializers.CharField(allow_blank=True)
    margin_band = serializers.CharField(allow_blank=True)
    usage_days = serializers.IntegerField(allow_null=True)
    tip = serializers.CharField(allow_blank=True)
    reordered_after_days = serializers.FloatField(allow_null=True)
    reorders = serializers.IntegerField()
    units_sold = serializers.IntegerField(help_text="In 90 days, counted at night.")
    variants = VariantShown(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ProductsView(TenantAPIView):
    """/api/v1/products: the catalogue."""

    required_scopes = {"GET": "products:read", "POST": "products:write"}

    @extend_schema(
        operation_id="listProducts",
        parameters=[
            OpenApiParameter("product_id", str, description="Only this one, by the shop's id."),
            *PAGE,
        ],
        responses=list_of("products", ProductShown),
    )
    def get(self, request: Request) -> Response:
        """The catalogue, newest first."""
        page = by_id.read(request.query_params)
        rows = Product.objects.all()
        wanted = request.query_params.get("product_id")
        if wanted:
            # A text with NUL is no key and no text of PostgreSQL either.
            rows = rows.filter(key=wanted.replace("\x00", "\ufffd"))
        products = list(by_id.cut(rows, page, "id"))
        variants = variants_of(product.id for product in products)
        return Response(
            by_id.answer(
                "products",
                products,
                page,
                key=lambda product: (product.id,),
                show=lambda product: _shown(product, variants.get(product.id, [])),
            )
        )

    @extend_schema(
        operation_id="saveProducts",
        request=ProductsWrite,
        responses=ProductsSaved,
        examples=such_as(
            {
                "products": [
                    {
                        "product_id": "mug",
                        "name": "Ridge Mug",
                        "price": "24.00",
                        "currency": "USD",
                        "stock": 12,
                        "category": "mugs",
                        "usage_days": 365,
                        "variants": [{"variant_id": "mug-sage", "name": "Sage", "stock": 4}],
                    }
                ]
            }
        ),
    )
    def post(self, request: Request) -> Response:
        """Creates and changes products: all of the list, or nothing when one is wrong. Each change
        of stock or price becomes an event."""
        body = request._request.body
        if len(body) > MAX_BYTES:
            raise Problem(
                "body_too_large", "A list has at most 2 MB; send it in parts.", status=413
            )
        read = read_products_body(body, currency=workspace_defaults().currency)
        inputs = [_input(each) for each in read]
        outcomes = upsert_products(inputs, now=business_now())
        counts = Counter(outcomes)
        return Response(
            {
                "created": counts[CREATED],
                "updated": counts[UPDATED],
                "unchanged": counts[UNCHANGED],
                "results": [
                    {"product_id": given.key, "status": outcome}
                    for given, outcome in zip(inputs, outcomes, strict=True)
                ],
            }
        )


def _input(read: ReadProduct) -> ProductInput:
    told = {field.name: getattr(read, field.name) for field in fields(read)}
    return ProductInput(
        **{**told, "variants": [VariantInput(**asdict(each)) for each in read.variants]}
    )


def _shown(product: Product, variants: Sequence[ProductVariant]) -> dict[str, Any]:
    return {
        "id": show_id("prod", product.id),
        "product_id": product.key,
        "name": product.name,
        "category": product.category,
        "price": show_price(product.price_minor, product.currency),
        "currency": product.currency,
        "stock": product.stock,
        "url": product.url,
        "image_url": product.image_url,
        "margin_band": product.margin_band,
        "usage_days": product.usage_days,
        "tip": product.tip,
        "reordered_after_days": product.observed_days,
        "reorders": product.observed_gaps,
        "units_sold": product.units_sold,
        "variants": [
            {
                "variant_id": variant.key,
                "name": variant.name,
                "price": show_price(variant.price_minor, variant.currency),
                "currency": variant.currency,
                "stock": variant.stock,
                "url": variant.url,
                "image_url": variant.image_url,
                "usage_days": variant.usage_days,
                "updated_at": variant.updated_at,
            }
            for variant in variants
        ],
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def show_price(minor: int | None, currency: str) -> str | None:
    """ "24.00" of 2400 cents; None when unknown."""
    return None if minor is None else str(Decimal(minor).scaleb(-decimals_of(currency)))
