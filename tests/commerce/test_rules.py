"""The pure rules: orders, affinity, reorders and objects out of what was told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from commerce.core.affinity import BOUGHT, CART, VIEW, WEIGHTS, add_look, prefer, sum_bought
from commerce.core.facts import Fact, fact, remember, stamp
from commerce.core.objects import (
    CLOSED,
    FIRST_STATE,
    KINDS,
    MEANINGS,
    ObjectState,
    apply_object,
    object_key,
    read_object,
    read_time,
)
from commerce.core.orders import OrderEvent, OrderState, apply_event
from commerce.core.reorder import DEFAULT_DAYS, Habit, Purchase, expect_reorder
from commerce.core.summaries import BoughtOrder, Catalogue, Summary, count_orders
from tenancy.ids import new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MAYA = UUID(int=1)
LINES = [
    {"product_id": "mug", "price": "24.00", "quantity": 2},
    {"product_id": "tray", "price": "40.00"},
]


def order_after(*told: tuple[str, dict[str, Any]], reporting: str = "USD") -> OrderState:
    order = OrderState("o1", MAYA)
    for minute, (kind, properties) in enumerate(told):
        at = NOW + timedelta(minutes=minute)
        apply_event(order, OrderEvent(new_id(), kind, MAYA, properties, at), reporting=reporting)
    return order


PLACED = ("completed", {"total": "88.00", "products": LINES})


@pytest.mark.parametrize(
    ("told", "state", "refunded", "net"),
    [
        ([PLACED], "placed", 0, 8800),
        ([PLACED, ("refunded", {"total": "10"})], "partly_refunded", 1000, 7800),
        ([PLACED, ("refunded", {"total": 10}), ("refunded", {"total": 78})], "refunded", 8800, 0),
        ([PLACED, ("refunded", {})], "refunded", 8800, 0),
        # More back than paid: the shop keeps nothing, and never less.
        ([PLACED, ("refunded", {"total": 90})], "refunded", 9000, 0),
        # Lines given back, at the order's prices and at their own.
        (
            [PLACED, ("refunded", {"products": [{"product_id": "mug"}]})],
            "partly_refunded",
            2400,
            6400,
        ),
        (
            [
                PLACED,
                ("refunded", {"products": [{"product_id": "mug", "price": 20, "quantity": 2}]}),
            ],
            "partly_refunded",
            4000,
            4800,
        ),
        # A line whose price nobody knows: the whole order, as when nothing is named.
        ([PLACED, ("refunded", {"products": [{"product_id": "hat"}]})], "refunded", 8800, 0),
        # Another currency is seen in the state and not in the sums.
        ([PLACED, ("refunded", {"total": 9, "currency": "EUR"})], "partly_refunded", 0, 8800),
        ([PLACED, ("cancelled", {})], "cancelled", 0, 0),
        ([PLACED, ("refunded", {"total": 8}), ("cancelled", {})], "cancelled", 800, 0),
        ([("refunded", {"total": "5"})], "refunded", 500, -500),
        ([("cancelled", {})], "cancelled", 0, 0),
        ([PLACED, ("updated", {"total": "64.00"})], "placed", 0, 6400),
    ],
)
def test_what_an_order_is_worth(
    told: list[tuple[str, dict[str, Any]]], state: str, refunded: int, net: int
) -> None:
    order = order_after(*told)
    assert (order.state, order.refunded_minor, order.net_minor) == (state, refunded, net)


def test_a_refund_without_a_currency_is_in_its_orders() -> None:
    order = order_after(
        ("completed", {"total": 1000, "currency": "JPY"}), ("refunded", {"total": 300})
    )
    assert (order.currency, order.total_minor, order.refunded_minor, order.net_minor) == (
        "JPY", 1000, 300, 700,
    )  # fmt: skip
    assert order.reporting_minor is None


def test_an_update_alone_is_no_order_yet() -> None:
    order = order_after(("updated", {"total": 5}))
    assert (order.event_id, order.told_at, order.total_minor) == (None, None, 500)


def look(kind: str, category: str, at: datetime, product: str = "") -> Fact:
    return fact(new_id(), at, kind=kind, category=category, product=product or category)


def test_buying_weighs_more_than_filling_a_cart_and_that_more_than_looking() -> None:
    assert WEIGHTS[BOUGHT] > WEIGHTS[CART] > WEIGHTS[VIEW]
    at = stamp(NOW)
    assert prefer(sum_bought([(at, "mugs")]), [look(VIEW, "trays", NOW)] * 4)[0] == "mugs"
    assert prefer({}, [look(CART, "mugs", NOW), look(VIEW, "trays", NOW)])[0] == "mugs"


def test_what_is_old_counts_less_and_half_after_sixty_days() -> None:
    old = sum_bought([(stamp(NOW - 60 * DAY), "mugs"), (stamp(NOW), "trays")])
    assert old["scores"] == {"trays": 5.0, "mugs": 2.5}
    assert prefer(old, []) == ("trays", round(5 / 12.5, 4))
    assert prefer(sum_bought([(stamp(NOW - 200 * DAY), "mugs")]), [look(VIEW, "pens", NOW)]) == (
        "pens",
        round(1 / (1 + 5 * 2 ** (-200 / 60) + 5), 4),
    )


def test_confidence_grows_with_what_is_known() -> None:
    at = stamp(NOW)
    sure = [prefer(sum_bought([(at, "mugs")] * n), [])[1] for n in (1, 3, 10)]
    assert sure == [0.5, 0.75, round(50 / 55, 4)]
    assert prefer(sum_bought([(at, "mugs"), (at, "trays")]), [])[1] < 0.5
    assert prefer({}, []) == ("", 0.0)


def test_the_newest_facts_are_kept_whatever_comes_first() -> None:
    told = [look(VIEW, "mugs", NOW + n * DAY) for n in range(60)]
    forward: list[Fact] = []
    backward: list[Fact] = []
    for one in told:
        forward = add_look(forward, one) or forward
    for one in reversed(told):
        backward = add_look(backward, one) or backward
    assert forward == backward == told[-40:]
    assert remember(forward, told[-1], keep=40) is None


def bought(*days: float, key: str = "beans", quantity: int = 1) -> list[Purchase]:
    return [Purchase(stamp(NOW + day * DAY), key, quantity) for day in days]


def days_of(found: tuple[str, dict[str, Any]] | None) -> float:
    assert found is not None
    days: float = found[1]["days"]
    return days


def test_a_reorder_begins_with_days_of_use_times_what_was_bought() -> None:
    habits = {"beans": Habit(usage_days=14)}
    found = expect_reorder(bought(0, quantity=2), habits, {})
    assert found is not None
    assert found[0] == "beans"
    assert found[1]["at"] == (NOW + 28 * DAY).isoformat()
    # Nothing says that a tray is bought again.
    assert expect_reorder(bought(0, key="tray"), habits, {}) is None


def test_a_reorder_moves_to_what_is_observed_as_it_grows() -> None:
    once = days_of(expect_reorder(bought(0, 20), {}, {}))
    often = days_of(expect_reorder(bought(0, 20, 40, 60, 80, 100, 120), {}, {}))
    assert once == pytest.approx(0.25 * 20 + 0.75 * DEFAULT_DAYS)
    assert often == pytest.approx(6 / 9 * 20 + 3 / 9 * DEFAULT_DAYS, abs=0.01)
    # Others first, then this contact.
    others = {"beans": Habit(observed_days=30, observed_gaps=3)}
    alone = days_of(expect_reorder(bought(0), others, {}))
    assert alone == pytest.approx(60)
    both = days_of(expect_reorder(bought(0, 20, 40, 60), others, {}))
    assert both == pytest.approx(0.5 * 20 + 0.5 * 60)


def test_a_reorder_is_of_the_product_bought_last_and_by_its_variant() -> None:
    habits = {"beans": Habit(usage_days=14), "filters": Habit(usage_days=50)}
    lines = [*bought(0, key="filters"), *bought(5)]
    found = expect_reorder(lines, habits, {})
    assert found is not None
    assert found[0] == "beans"
    big = [Purchase(stamp(NOW), "beans", 1, "beans-2kg")]
    assert days_of(expect_reorder(big, habits, {"beans-2kg": 60})) == 60


def an_order(key: str, day: int, state: str = "placed", **more: Any) -> BoughtOrder:
    values: dict[str, Any] = {
        "total_minor": 1000,
        "refunded_minor": 0,
        "net_minor": 1000,
        "currency": "USD",
        "is_told": True,
        "items": [],
        **more,
    }
    return BoughtOrder(key=key, state=state, placed_at=NOW + day * DAY, **values)


def test_sums_are_by_currency_and_leave_out_what_was_cancelled() -> None:
    summary = Summary(MAYA)
    count_orders(
        summary,
        [
            an_order("a", 0),
            an_order(
                "b", 1, "partly_refunded", refunded_minor=400, net_minor=600, total_minor=1001
            ),
            an_order("c", 2, currency="EUR"),
            an_order("d", 3, "cancelled", net_minor=0),
            an_order(
                "e", 4, "refunded", is_told=False, total_minor=0, refunded_minor=50, net_minor=-50
            ),
        ],
        Catalogue(),
        currency="USD",
    )
    assert summary.lifetime == {
        "EUR": {
            "orders": 1, "total_minor": 1000, "refunded_minor": 0, "net_minor": 1000,
            "average_minor": 1000,
        },
        "USD": {
            "orders": 2, "total_minor": 2001, "refunded_minor": 450, "net_minor": 1550,
            "average_minor": 1001,
        },
    }  # fmt: skip
    assert (summary.order_count, summary.net_minor, summary.average_minor) == (3, 1550, 1001)
    assert (summary.first_order_at, summary.last_order_at) == (NOW, NOW + 2 * DAY)


def test_the_last_category_is_of_the_dearest_line_and_the_catalogue_fills_gaps() -> None:
    summary = Summary(MAYA)
    items = [
        {"product_id": "pen", "category": "pens", "price_minor": 300, "quantity": 2},
        {"product_id": "mug", "category": "", "price_minor": 2400, "quantity": 1},
    ]
    known = Catalogue(categories={"mug": "mugs"})
    count_orders(summary, [an_order("a", 0, items=items)], known, currency="USD")
    assert summary.last_category == "mugs"
    assert sorted(summary.categories) == ["mugs", "pens"]


def test_every_meaning_is_of_a_known_kind_and_some_end_it() -> None:
    assert {meaning.kind for meaning in MEANINGS.values()} == set(KINDS) == set(FIRST_STATE)
    for kind in KINDS:
        states = {m.state for m in MEANINGS.values() if m.kind == kind}
        assert FIRST_STATE[kind] in states
        assert states & CLOSED


def an_object(*told: tuple[str, dict[str, Any]]) -> ObjectState:
    kind = MEANINGS[told[0][0]].kind
    held = ObjectState(kind, "x", MAYA)
    for minute, (name, properties) in enumerate(told):
        at = NOW + timedelta(minutes=minute)
        apply_object(held, read_object(name, properties, new_id(), at, zone="America/Denver"), MAYA)
    return held


def test_an_object_keeps_what_was_told_and_moves_on() -> None:
    one = an_object(
        ("Appointment Scheduled", {"starts_at": "2026-03-03T10:00", "service": "Kiln course"}),
        ("Appointment Rescheduled", {"starts_at": "2026-03-05T10:00:00+01:00"}),
        ("Appointment Confirmed", {"manage_url": "javascript:alert(1)", "secret": "no"}),
    )
    assert (one.state, one.is_open) == ("confirmed", True)
    assert one.due_at == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert one.properties == {"service": "Kiln course"}
    done = an_object(
        ("Ticket Opened", {}), ("Ticket Updated", {"subject": "Late"}), ("Ticket Solved", {})
    )
    assert (done.state, done.is_open, done.properties) == ("solved", False, {"subject": "Late"})
    assert an_object(("Ticket Updated", {"subject": "Late"})).state == "open"


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "2026-03-03T25:00", 5, None, "9" * 60])
def test_what_is_no_time_is_no_date(text: Any) -> None:
    assert read_time(text, "UTC") is None


def test_a_date_without_a_zone_is_in_the_workspaces() -> None:
    assert read_time("2026-03-03", "America/Denver") == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_a_shipment_is_known_by_its_own_id_before_its_orders() -> None:
    event = new_id()
    assert object_key("shipment", {"order_id": 7, "tracking_number": "T1"}, event) == "T1"
    assert object_key("shipment", {"order_id": 7}, event) == "7"
    assert object_key("ticket", {"subject": "?"}, event) == f"event:{event.hex}"
