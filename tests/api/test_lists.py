"""Lists cost the same with ten rows as with hundreds: the number of queries does not grow."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.domain.catalogue import ProductInput, upsert_products
from delivery.domain.asking import TextRequest, ask_text
from events.domain.recording import NewEvent, append_events
from people.domain.resolving import IdentityRef, resolve_contacts
from templates_engine.domain.templates import save_and_approve
from tenancy.domain.keys import create_api_key
from tenancy.ids import parse_id
from tenancy.scope import tenant_scope
from tests.api.calling import Api

LISTS = (
    "contacts",
    "events",
    "messages",
    "products",
    "templates",
    "flows",
    "segments",
    "keys",
    "clicks",
    "contacts/{contacts}/timeline",
    "segments/angelenos/members",
)


def add_more(api: Api, now: datetime) -> None:
    maya = parse_id("con", api.ids["contacts"])
    with tenant_scope(api.brand.tenant.id):
        refs = [IdentityRef(external_id=f"more-{index}") for index in range(30)]
        resolve_contacts(refs, now=now)
        for index in range(12):
            save_and_approve(f"more-{index}", body="Good news today.", now=now)
            ask_text(TextRequest("shipped", maya, {"order_id": str(index)}), now=now)
            create_api_key(name=f"More {index}", scopes=["flows:read"], now=now)
        upsert_products(
            [ProductInput(f"more-{i}", name="More", stock=1) for i in range(30)], now=now
        )
        happened = [NewEvent("Product Viewed", maya, {"n": i}, now) for i in range(30)]
        append_events(happened, now=now)


@pytest.fixture
def counts(api: Api, now: datetime) -> dict[str, tuple[int, int]]:
    def count(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert api.call("GET", f"{path.format(**api.ids)}?limit=200")[0] == 200
        return len(caught)

    def count_all() -> dict[str, int]:
        # The first call of each fills what is kept for some seconds per process.
        return {path: [count(path), count(path)][1] for path in LISTS}

    few = count_all()
    add_more(api, now)
    many = count_all()
    return {path: (few[path], many[path]) for path in LISTS}


def test_the_number_of_queries_does_not_grow_with_the_rows(
    counts: dict[str, tuple[int, int]],
) -> None:
    assert {path: each for path, each in counts.items() if each[0] != each[1]} == {}
    assert {path: each for path, each in counts.items() if each[0] > 20} == {}


def test_a_product_is_found_by_the_shops_id_and_priced_exactly(api: Api) -> None:
    product: dict[str, Any] = {
        "product_id": "kimono/1",
        "name": "Kimono",
        "price": "12800",
        "currency": "JPY",
    }
    assert api.call("POST", "products", {"products": [product]})[0] == 200
    [found] = api.call("GET", "products?product_id=kimono/1")[1]["products"]
    assert (found["price"], found["currency"], found["stock"]) == ("12800", "JPY", None)
    mug = api.call("GET", "products?product_id=mug")[1]["products"][0]
    assert mug["price"] == "24.00"
    assert api.call("GET", "products?product_id=%00")[1]["products"] == []
    other = api.call("GET", "products?product_id=kimono/1", key=api.other.api_key)[1]
    assert other["products"] == []
    assert json.dumps(other)
