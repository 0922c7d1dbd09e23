"""Rows are functions of the events: any order, any repetition, and a rebuild end alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.domain.projecting import project_events
from commerce.domain.rebuilding import CONTACTS_AT_ONCE, rebuild_commerce
from commerce.domain.requests import fulfill_requests
from commerce.models import BackInStockRequest, Order
from events.domain.rows import EventRow
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.commerce.happening import Rows, commerce_rows, happened, person
from tests.events.edges import post
from tests.support.world import World
from triggers.domain.reacting import react

MINUTE = timedelta(minutes=1)
PRODUCTS: list[dict[str, Any]] = [
    {"product_id": "mug", "name": "Ridge mug", "price": "24.00", "category": "mugs"},
    {"product_id": "tray", "name": "Tray", "price": "40.00", "category": "trays"},
    {"product_id": "pen", "name": "Pen", "price": 3},
]
some_product = st.sampled_from(PRODUCTS)
some_order = st.sampled_from(["o1", "o2", "o3"])
_amount = st.one_of(st.none(), st.sampled_from(["5.00", "24.00", 100]))
_currency = st.sampled_from([{}, {}, {"currency": "EUR"}])


def told(name: str, **properties: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), st.fixed_dictionaries(properties))


carts = st.sampled_from([{}, {"cart_id": "a"}, {"cart_id": "b"}])
deeds = st.one_of(
    told("Product Viewed", is_=some_product),
    told("Product Added", is_=some_product, in_=carts, quantity=st.integers(1, 3)),
    told("Product Removed", is_=some_product, in_=carts, quantity=st.integers(1, 3)),
    told(
        "Cart Viewed",
        in_=carts,
        products=st.lists(some_product, max_size=2),
        value=_amount,
    ),
    told("Checkout Started", in_=carts, products=st.lists(some_product, max_size=2)),
    told("Checkout Started", in_=carts, checkout_url=st.just("https://juniper.example/c")),
    told(
        "Order Completed",
        order_id=some_order,
        in_=carts,
        total=_amount,
        products=st.lists(some_product, max_size=2),
        of_=_currency,
    ),
    told("Order Updated", order_id=some_order, total=_amount, in_=carts),
    told("Order Refunded", order_id=some_order, total=_amount, of_=_currency),
    told("Order Refunded", order_id=some_order, products=st.lists(some_product, max_size=1)),
    told("Order Cancelled", order_id=some_order),
    told("Back In Stock Requested", is_=some_product),
    told("Loyalty Balance Changed", balance=st.integers(0, 30), of_=_currency),
    told("Loyalty Balance Changed", points=st.integers(0, 30)),
    told("Loyalty Balance Changed", tier=st.sampled_from(["Gold", "Silver"])),
    told("Appointment Scheduled", appointment_id=st.just("p1"), starts_at=st.just("2026-03-03")),
    told("Appointment Cancelled", appointment_id=st.just("p1")),
    told("Subscription Started", subscription_id=st.just("s1"), plan=st.sampled_from(["A", "B"])),
    told("Subscription Cancelled", subscription_id=st.just("s1")),
    told("Ticket Updated", ticket_id=st.just("t1"), subject=st.sampled_from(["Late", "Broken"])),
    told("Ticket Opened", ticket_id=st.just("t1")),
    told("Order Shipped", order_id=some_order, carrier=st.just("Post")),
    told("Order Delivered", order_id=some_order),
)
# Who, what, and at which minute it happened; minutes collide on purpose.
happenings = st.lists(
    st.tuples(
        st.sampled_from(["maya", "mimi"]),
        deeds,
        st.integers(0, 12),
        st.sampled_from(["server", "public"]),
    ),
    min_size=1,
    max_size=12,
)


class _Undo(Exception):
    pass


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever happens inside is taken back."""
    try:
        with transaction.atomic():
            yield
            raise _Undo
    except _Undo:
        pass


def _properties(given: dict[str, Any], who: str) -> dict[str, Any]:
    """Flat; ids that only one contact may use carry its name, as a shop's do."""
    flat: dict[str, Any] = {}
    for name, value in given.items():
        flat |= value if name.endswith("_") else {name: value}
    for name in ("cart_id", "order_id", "appointment_id", "subscription_id", "ticket_id"):
        if name in flat:
            flat[name] = f"{flat[name]}-{who}"
    return {name: value for name, value in flat.items() if value is not None}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=happenings, data=st.data())
def test_any_order_of_arrival_and_any_repetition_end_alike(
    world: World, story: list[Any], data: st.DataObject
) -> None:
    with tenant_scope(world.shop.tenant.id):
        people = {name: person(name, world.now) for name in ("maya", "mimi")}
        # The catalogue is known before; what it learns later is what a rebuild is for.
        project_events(
            [happened("Product Viewed", people["maya"], world.now, **p) for p in PRODUCTS],
            now=world.now,
        )
        events = [
            happened(name, people[who], world.now + minute * MINUTE, source, **_properties(p, who))
            for who, (name, p), minute, source in story
        ]
        in_order = sorted(events, key=lambda e: (e.occurred_at, e.id))
        arrival = data.draw(st.permutations(events)) + data.draw(
            st.lists(st.sampled_from(events), max_size=4)
        )
        sizes = data.draw(st.lists(st.integers(1, 4), min_size=len(arrival)))
        at_once = _after([in_order], world.now)
        as_came = _after(_batches(arrival, sizes), world.now)
        one_by_one = _after([[event] for event in reversed(in_order)], world.now)
    assert as_came == at_once
    assert one_by_one == at_once


def _batches(events: list[EventRow], sizes: list[int]) -> list[list[EventRow]]:
    found, rest = [], list(events)
    for size in sizes:
        if rest:
            found.append(rest[:size])
            rest = rest[size:]
    return found


def _after(batches: list[list[EventRow]], now: datetime) -> Rows:
    rows: Rows = {}
    with _undone():
        for batch in batches:
            project_events(batch, now=now)
        rows = commerce_rows()
    return rows


def _lived(world: World) -> None:
    """Two people's days over the API of both workspaces, told late, twice and out of order."""
    story: list[tuple[str, str, int, dict[str, Any]]] = [
        ("maya", "Order Completed", 40, {"order_id": "o1", "total": "64.00", "cart_id": "c1"}),
        ("maya", "Product Added", 10, {"cart_id": "c1", **PRODUCTS[0]}),
        ("maya", "Order Refunded", 60, {"order_id": "o1", "total": "24.00"}),
        ("mimi", "Order Cancelled", 55, {"order_id": "o2"}),
        ("mimi", "Order Completed", 30, {"order_id": "o2", "total": 10, "currency": "EUR"}),
        ("maya", "Product Added", 50, {"cart_id": "c1", **PRODUCTS[1]}),
        ("mimi", "Loyalty Balance Changed", 20, {"points": 40, "tier": "Gold"}),
        ("mimi", "Loyalty Balance Changed", 12, {"points": 10}),
        ("mimi", "Back In Stock Requested", 15, {"product_id": "mug"}),
        ("maya", "Subscription Started", 9, {"subscription_id": "s", "renews_at": "2026-04-01"}),
        ("maya", "Product Viewed", 5, PRODUCTS[1]),
    ]
    for brand in (world.shop, world.other):
        for who, name, minute, properties in [*story, *story[:3]]:
            at = world.now - timedelta(hours=2) + minute * MINUTE
            event = {
                "event": name,
                "contact": {"external_id": who},
                "properties": properties,
                "occurred_at": at.isoformat(),
                "message_id": f"{who}-{name}-{minute}",
            }
            status, answer = post("/api/v1/events", {"events": [event]}, key=brand.api_key)
            assert status in {200, 202}, answer
            react(brand.tenant.id, now=world.now)


def test_a_rebuild_from_the_log_gives_the_same_rows_and_touches_no_other_workspace(
    world: World,
) -> None:
    _lived(world)
    with tenant_scope(world.other.tenant.id):
        Order.objects.update(total_minor=1)
        others = commerce_rows()
    with tenant_scope(world.shop.tenant.id):
        before = commerce_rows()
        assert [row["net_minor"] for row in before["Order"]] == [4000, 0]
        # What a bug may have written is gone after it; what was fulfilled stays.
        Order.objects.update(total_minor=77, state="refunded")
        Order.objects.filter(key="o2").delete()
        assert rebuild_commerce(now=world.now).contacts == 2
        assert commerce_rows() == before
        request = BackInStockRequest.objects.get()
        fulfill_requests([request.id], now=world.now)
        rebuild_commerce(now=world.now)
        assert BackInStockRequest.objects.get().fulfilled_at == world.now
    with tenant_scope(world.other.tenant.id):
        assert commerce_rows() == others


def test_the_command_rebuilds_by_slug_and_refuses_an_unknown_one(world: World) -> None:
    _lived(world)
    with tenant_scope(world.shop.tenant.id):
        Order.objects.all().delete()
    out = StringIO()
    call_command("rebuild_commerce", "--workspace", world.shop.tenant.slug, stdout=out)
    assert "11 events of 2 contacts" in out.getvalue()
    with tenant_scope(world.shop.tenant.id):
        assert Order.objects.count() == 2
    with pytest.raises(CommandError, match="no workspace 'nobodys'"):
        call_command("rebuild_commerce", "--workspace", "nobodys")


def test_an_erased_persons_sums_survive_a_rebuild(world: World) -> None:
    _lived(world)
    with tenant_scope(world.shop.tenant.id):
        contact = show_id("con", person("maya", world.now))
    answer = post(f"/api/v1/contacts/{contact}/erase", {"confirm": contact}, key=world.shop.api_key)
    assert answer[0] == 200, answer
    with tenant_scope(world.shop.tenant.id):
        before = commerce_rows()
        assert [r["net_minor"] for r in before["Order"] if r["key"].startswith("erased:")] == [4000]
        rebuild_commerce(now=world.now)
        assert commerce_rows() == before


def test_queries_of_a_rebuild_grow_with_parts_of_contacts_only(world: World) -> None:
    def queries(people: int) -> int:
        with tenant_scope(world.shop.tenant.id):
            for i in range(people):
                contact: UUID = person(f"p{i}", world.now)
                project_events(
                    [happened("Order Completed", contact, world.now, order_id=f"o{i}", total=3)],
                    now=world.now,
                )
            with CaptureQueriesContext(connection) as caught:
                rebuild_commerce(now=world.now)
            return len(caught)

    assert CONTACTS_AT_ONCE > 12
    queries(1)
    assert queries(2) == queries(12)
