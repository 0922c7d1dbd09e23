from __future__ import annotations

from django.urls import path

from commerce.api import ProductsView

urlpatterns = [path("api/v1/products", ProductsView.as_view(), name="api-products")]
