from __future__ import annotations

from django.urls import include, path

from commerce import reading_api
from commerce.api import ProductsView
from commerce.views import product_list, product_page

_pages = [
    path("w/<slug:slug>/products/", product_list, name="products"),
    path("w/<slug:slug>/products/<str:product>/", product_page, name="product"),
]
urlpatterns = [
    path("", include((_pages, "commerce"))),
    path("api/v1/products", ProductsView.as_view(), name="api-products"),
    path("api/v1/complements", reading_api.ComplementsView.as_view()),
    path("api/v1/contacts/<str:ref>/buying", reading_api.ContactBuying.as_view()),
    path("api/v1/contacts/<str:ref>/orders", reading_api.ContactOrders.as_view()),
    path("api/v1/contacts/<str:ref>/objects", reading_api.ContactObjects.as_view()),
]
