"""Taking events in: accepted with the workers paused, then accepted and reacted to.

The limit is COPY of the same rows into a table with two indexes, made here. Each run has fresh
events; every tenth is of somebody nobody has heard of.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg

from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.scale import Scale
from tests.benchmarks.shop import Shop, make_bodies, open_shop, seconds_of
from tests.benchmarks.stack import BenchStack

WHAT = "ingest in batches of 500 over HTTP, 4 clients, 10 % unknown, 3 segments, 1 flow"
NAMES = ("Product Viewed",) * 6 + ("Product Added",) * 2 + ("Checkout Started", "Order Completed")
SEGMENTS: dict[str, dict[str, Any]] = {
    "lookers": {
        "all": [
            {"attribute": "cohort", "op": "is", "value": "known"},
            {
                "event": "Product Viewed",
                "count": {"op": "gte", "value": 3},
                "within": "P14D",
            },
        ]
    },
    "left-a-cart": {
        "all": [
            {"event": "Checkout Started", "within": "P7D"},
            {"not": {"event": "Order Completed", "within": "P7D"}},
        ]
    },
    "spenders": {
        "event": "Order Completed",
        "filter": {"property": "total", "op": "gt", "value": 150},
        "within": "P30D",
    },
}
FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "replace", "key": "cart_id", "min_gap": "PT24H"},
    "exit": [{"event": "Order Completed"}],
    "priority": 80,
    "steps": [
        {"key": "wait", "type": "delay", "for": "P3D"},
        {"key": "text", "type": "message", "template": "cart"},
    ],
}
TABLE = """
CREATE TABLE IF NOT EXISTS bench_event (id uuid, tenant_id uuid, name text, contact_id uuid,
    message_id text, occurred_at timestamptz, received_at timestamptz, properties jsonb,
    context jsonb);
CREATE UNIQUE INDEX IF NOT EXISTS bench_event_once ON bench_event (tenant_id, message_id);
CREATE INDEX IF NOT EXISTS bench_event_contact
    ON bench_event (tenant_id, contact_id, name, occurred_at);
TRUNCATE bench_event
"""
COPY = "COPY bench_event FROM STDIN"


def measure(stack: BenchStack, scale: Scale) -> list[Figure]:
    shop = open_shop(stack, "ingest")
    shop.add_people(scale.known, cohort="known", texted=False)
    for slug, definition in SEGMENTS.items():
        shop.add_segment(slug, definition)
    shop.add_template("cart", "Your cart is saved: [CartLink or 'https://juniper.example']")
    shop.add_flow("cart", FLOW)
    runs = [_Run(shop, scale.warm_events, scale.known, serial=0).go()]
    runs = [_Run(shop, scale.events, scale.known, serial=n).go() for n in range(1, scale.runs + 1)]
    stack.retire(shop.tenant_id)
    count = f"{scale.events:,} events"
    return [
        median_figure(
            f"B1{letter}",
            f"{count} {verb}: {WHAT}",
            [
                {
                    "ours": round(run[verb]),
                    "limit": round(run["limit"]),
                    "cpu": round(run[f"{verb}_cpu"], 3),
                }
                for run in runs
            ],
            unit="events/s",
            floor=floor,
        )
        for letter, verb, floor in (("a", "accepted", 0.30), ("p", "processed", 0.15))
    ]


class _Run:
    """One turn of each: ours paused, the limit, ours at work."""

    def __init__(self, shop: Shop, count: int, known: int, *, serial: int) -> None:
        self.shop, self.stack = shop, shop.stack
        self.count = count
        from tenancy.clock import business_now

        now = business_now()
        self.paused = make_events(count, known, f"a{serial}", now)
        self.working = make_events(count, known, f"p{serial}", now)

    def go(self) -> dict[str, float]:
        found: dict[str, float] = {}
        bodies = make_bodies(self.paused)
        time.sleep(0.5)  # what was woken before has looked around
        with self.stack.workers_paused():
            cpu = self.stack.cpu()
            found["accepted"] = self.count / seconds_of(lambda: self.shop.post_bodies(bodies))
            found["accepted_cpu"] = (self.stack.cpu() - cpu) / self.count * 1000
        self.stack.settle(self.shop.tenant_id, limit=1200)
        found["limit"] = self.count / self._copy()
        bodies = make_bodies(self.working)

        def process() -> None:
            self.shop.post_bodies(bodies)
            self.stack.settle(self.shop.tenant_id, limit=1200)

        cpu = self.stack.cpu()
        found["processed"] = self.count / seconds_of(process)
        found["processed_cpu"] = (self.stack.cpu() - cpu) / self.count * 1000
        return found

    def _copy(self) -> float:
        rows = copy_rows(self.working, str(self.shop.tenant_id))
        with psycopg.connect(self.stack.parts.owner_url) as owner:
            owner.execute(TABLE)
            owner.commit()
            began = time.perf_counter()
            with owner.cursor() as cursor, cursor.copy(COPY) as copy:
                for start in range(0, len(rows), 500):
                    copy.write(b"".join(rows[start : start + 500]))
            owner.commit()
            return time.perf_counter() - began


def make_events(count: int, known: int, serial: str, now: datetime) -> list[dict[str, Any]]:
    """Track calls: nine in ten of the known people, each tenth of a new one."""
    chance = random.Random(serial)
    found = []
    for index in range(count):
        stranger = index % 10 == 9
        who = f"new-{serial}-{index}" if stranger else f"known-{chance.randrange(known)}"
        name = NAMES[chance.randrange(len(NAMES))]
        found.append(
            {
                "type": "track",
                "userId": who,
                "event": name,
                "messageId": f"{serial}-{index}",
                "timestamp": (now - timedelta(seconds=index % 600)).isoformat(),
                "properties": _properties(name, serial, index, chance),
                "context": {"library": {"name": "bench", "version": "1"}},
            }
        )
    return found


def _properties(name: str, serial: str, index: int, chance: random.Random) -> dict[str, Any]:
    product = {
        "product_id": f"sku-{chance.randrange(500)}",
        "name": "Walnut Tray",
        "price": chance.randrange(10, 200),
        "quantity": 1,
    }
    if name == "Checkout Started":
        cart = f"cart-{serial}-{index}"
        return {
            "cart_id": cart,
            "cart_url": f"https://juniper.example/cart/{cart}",
            "value": product["price"],
            "currency": "USD",
            "products": [product],
        }
    if name == "Order Completed":
        order = f"order-{serial}-{index}"
        return {"order_id": order, "total": product["price"], "currency": "USD"}
    return {**product, "url": f"https://juniper.example/{product['product_id']}"}


def copy_rows(events: list[dict[str, Any]], tenant_id: str) -> list[bytes]:
    """The same rows in COPY's text format, ready to be sent."""
    from tenancy.ids import new_id

    contacts: dict[str, str] = {}
    rows = []
    for event in events:
        contact = contacts.setdefault(event["userId"], str(new_id()))
        fields = (
            str(new_id()), tenant_id, event["event"], contact, event["messageId"],
            event["timestamp"], event["timestamp"],
            orjson.dumps(event["properties"]).decode(), orjson.dumps(event["context"]).decode(),
        )  # fmt: skip
        rows.append("\t".join(field.replace("\\", "\\\\") for field in fields).encode() + b"\n")
    return rows
