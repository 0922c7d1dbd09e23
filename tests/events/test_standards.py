"""What standard events should carry, and what is hidden of a body, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from events.core.masking import mask_body
from events.core.names import CANONICAL, aliases_of, canonical
from events.core.standards import STANDARDS, expected_by_default, flaws_of, is_kind


@pytest.mark.parametrize(
    ("name", "properties", "flaws"),
    [
        ("Order Completed", {"order_id": "A-1", "total": 19.99, "currency": "USD"}, []),
        ("Order Completed", {"order_number": 1042, "total": "19.99"}, []),
        ("Order Completed", {"total": 1}, [("order_id", "missing")]),
        ("Order Completed", {"order_id": ""}, [("order_id", "missing")]),
        ("Order Completed", {"order_id": ["A"]}, [("order_id", "wrong_type")]),
        ("Order Completed", {"order_id": "A", "total": "much"}, [("total", "wrong_type")]),
        ("Order Completed", {"order_id": "A", "total": None}, []),
        ("Order Completed", {"order_id": "A", "products": {}}, [("products", "wrong_type")]),
        ("Order Completed", {"order_id": "A", "currency": "dollars"}, [("currency", "wrong_type")]),
        ("Product Viewed", {"sku": "mug"}, []),
        ("Product Viewed", {"products": [{"product_id": "mug"}]}, []),
        ("Product Viewed", {"name": "Mug"}, [("product_id", "missing")]),
        ("Product Viewed", {"product_id": True}, [("product_id", "wrong_type")]),
        ("Product Viewed", {"product_id": "m", "url": "/mug"}, []),
        ("Product Viewed", {"product_id": "m", "url": "mug"}, [("url", "wrong_type")]),
        ("Product Viewed", {"product_id": "m", "quantity": 1.5}, [("quantity", "wrong_type")]),
        ("Product Inventory Changed", {"product_id": "m"}, [("quantity", "missing")]),
        ("Product Inventory Changed", {"product_id": "m", "stock": 0}, []),
        ("Cart Viewed", {}, []),
        ("Kiln Opened", {"order_id": []}, []),
        ("SMS Sent", {"order_id": []}, []),
    ],
)
def test_flaws(name: str, properties: dict[str, Any], flaws: list[tuple[str, str]]) -> None:
    assert flaws_of(name, properties) == flaws


def test_an_enormous_number_is_looked_at_without_writing_it_out() -> None:
    assert is_kind("1e999999999", "count")
    assert not is_kind("NaN", "amount")


def test_standards_are_written_in_canonical_names() -> None:
    assert [name for name in STANDARDS if canonical(name) != name] == []
    unknown = {"Page Viewed", "Screen Viewed", "Support Question Asked"}
    assert set(CANONICAL) - set(STANDARDS) == unknown


def test_aliases_name_the_event_they_become() -> None:
    assert "Placed Order" in aliases_of("Order Completed")
    assert "orders/create" in aliases_of("Order Completed")
    assert aliases_of("Kiln Opened") == []
    assert {canonical(one) for one in ("order_placed", "order_completed", "Order Completed")} == {
        "Order Completed"
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Checkout Started", True), ("Product Viewed", False), ("Kiln Opened", None)],
)
def test_what_customers_expect(name: str, expected: bool | None) -> None:
    assert expected_by_default(name) is expected


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"email": "maya@example.com"}, {"email": "•••• .com"}),
        ({"Phone": "+13105550142"}, {"Phone": "•••• 0142"}),
        ({"phone": 13105550142}, {"phone": "•••• 0142"}),
        ({"note": "call +1 (310) 555-0142 now"}, {"note": "call •••• 0142 now"}),
        ({"note": "write to maya@example.com"}, {"note": "write to •••• .com"}),
        ({"contact_number": 13105550142}, {"contact_number": "•••• 0142"}),
        ({"firstName": "Maya"}, {"firstName": "••••"}),
        ({"address": {"street": "1 Alder St", "lines": ["Apt 2"]}},
         {"address": {"street": "•••• r St", "lines": ["••••"]}}),
        ({"maya@example.com": 1}, {"•••• .com": 1}),
        ({"products": [{"name": "Mug", "price": 24, "url": "https://shop.example/p/1"}]},
         {"products": [{"name": "Mug", "price": 24, "url": "https://shop.example/p/1"}]}),
        ({"total": 19.99, "order_id": "A-9", "gift": True, "none": None},
         {"total": 19.99, "order_id": "A-9", "gift": True, "none": None}),
        ({"web_address": "https://shop.example"}, {"web_address": "https://shop.example"}),
        ({"userId": "u-1001-maya"}, {"userId": "•••• maya"}),
    ],
)  # fmt: skip
def test_bodies_without_what_is_personal(body: dict[str, Any], shown: dict[str, Any]) -> None:
    assert mask_body(body) == shown
