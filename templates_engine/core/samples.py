"""An invented person about whom everything is known, for previews."""

from __future__ import annotations

from typing import Any

_SHOP = "https://shop.example"


def sample_facts() -> dict[str, Any]:
    """Facts in which every field of the registry has a value. A new dict each time."""
    mug: dict[str, Any] = {
        "name": "Ridge mug, sage",
        "variant": "sage, 350 ml",
        "category": "mugs",
        "price": {"minor": 2400, "currency": "USD"},
        "url": f"{_SHOP}/products/ridge-mug",
        "tip": "warm the mug before you pour",
    }
    return {
        "contact": {
            "first_name": "Maya",
            "last_name": "Okafor",
            "city": "Portland",
            "attributes": {"last_category_bought": "mugs", "preferred_category": "mugs"},
        },
        "event": {
            "order_number": "A-1042",
            "order_url": f"{_SHOP}/orders/A-1042",
            "tracking_url": f"{_SHOP}/track/A-1042",
            "total": 64,
            "currency": "USD",
            "appointment_time": "Tue, Mar 3 at 10:00",
            "appointment_place": "12 Alder Street",
        },
        "product": mug,
        "cart": {
            "items": [dict(mug)],
            "value": {"minor": 6400, "currency": "USD"},
            "url": f"{_SHOP}/cart/7fk2",
        },
        "loyalty": {
            "balance": {"minor": 1500, "currency": "USD"},
            "points": 420,
            "tier": "Gold",
            "redeem_url": f"{_SHOP}/rewards/redeem",
        },
        "buying": {
            "order_count": 4,
            "lifetime_value": {"minor": 31200, "currency": "USD"},
            "average_order": {"minor": 7800, "currency": "USD"},
            "last_order_on": "Tue, Mar 3",
            "days_since_last_order": 42,
            "last_category": "mugs",
            "preferred_category": "mugs",
            "reorder_on": "Tue, Mar 31",
        },
        "accessory": {
            "category": "saucers",
            "name": "Ridge saucer",
            "url": f"{_SHOP}/products/ridge-saucer",
        },
        "best_seller": {"name": "Ridge mug, sage", "url": mug["url"]},
        "appointment": {"due_text": "Tue, Mar 3 at 10:00", "location": "12 Alder Street"},
        "subscription": {
            "plan": "Monthly beans",
            "due_on": "Tue, Mar 31",
            "manage_url": f"{_SHOP}/account/subscriptions",
        },
        "shipment": {"due_on": "Tue, Mar 3", "tracking_url": f"{_SHOP}/track/A-1042"},
        "ticket": {"subject": "Broken handle"},
        "brand": {"name": "Juniper & Oak", "shop_url": _SHOP, "currency": "USD"},
        "links": {},
    }
