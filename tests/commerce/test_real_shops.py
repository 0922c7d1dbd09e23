"""Two real shops' orders through the API, and the same numbers worked out by pandas.

The rows arrive shuffled and partly twice, as from a shop that retries. See data/README.md for the
sources, and for how to load the whole files.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commerce.domain.learning import learn_everywhere
from commerce.domain.rebuilding import rebuild_commerce
from commerce.models import BuyingSummary, Order, Product
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.commerce.happening import commerce_rows, person
from tests.commerce.reading import get
from tests.events.edges import post
from tests.support.world import World
from triggers.domain.reacting import react

HERE = Path(__file__).parent / "data"
WHOLE = os.environ.get("KAIROS_SHOP_DATA", "")
_AT_ONCE = 400
Told = dict[str, Any]

whole = pytest.mark.skipif(not WHOLE, reason="KAIROS_SHOP_DATA names no folder")


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def retail_events(rows: Sequence[dict[str, str]]) -> Iterator[Told]:
    """One event per invoice; a credit note (C...) is a refund of an order nobody else knows."""
    invoices: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        invoices[row["InvoiceNo"]].append(row)
    for number, lines in invoices.items():
        total = sum(Decimal(line["UnitPrice"]) * int(line["Quantity"]) for line in lines)
        is_credit = number.startswith("C")
        yield {
            "event": "Order Refunded" if is_credit else "Order Completed",
            "contact": {"external_id": lines[0]["CustomerID"]},
            "occurred_at": min(line["InvoiceDate"] for line in lines) + "Z",
            "message_id": f"retail-{number}",
            "properties": {
                "order_id": number,
                "currency": "GBP",
                "total": str(abs(total)),
                "products": [
                    {
                        "product_id": line["StockCode"],
                        "name": line["Description"],
                        "price": line["UnitPrice"],
                        "quantity": abs(int(line["Quantity"])),
                    }
                    for line in lines
                ],
            },
        }


def cdnow_events(rows: Sequence[dict[str, str]]) -> Iterator[Told]:
    """One event per purchase; two on one day are two orders."""
    for number, row in enumerate(rows):
        day = datetime.strptime(row["date"], "%Y%m%d").replace(tzinfo=UTC)
        yield {
            "event": "Order Completed",
            "contact": {"external_id": row["customer_id"]},
            "occurred_at": day.isoformat(),
            "message_id": f"cdnow-{number}",
            "properties": {
                "order_id": f"cdnow-{number}",
                "currency": "USD",
                "total": row["amount"],
                "products": [{"product_id": "cd", "quantity": int(row["cds"])}],
            },
        }


def send(world: World, events: Sequence[Told]) -> None:
    """To the shop's workspace, shuffled, every tenth twice; reacted to as it comes."""
    chance = random.Random(7)
    shuffled = [*events, *events[::10]]
    chance.shuffle(shuffled)
    for start in range(0, len(shuffled), _AT_ONCE):
        post_in_parts(world, shuffled[start : start + _AT_ONCE])
        while react(world.shop.tenant.id, now=world.now):
            pass


def post_in_parts(world: World, events: Sequence[Told]) -> None:
    """Halves what is larger than a body may be, as the answer says: a wholesaler's invoice may
    have hundreds of lines."""
    status, answer = post("/api/v1/events", {"events": events}, key=world.shop.api_key)
    if status == 413 and len(events) > 1:
        middle = len(events) // 2
        post_in_parts(world, events[:middle])
        post_in_parts(world, events[middle:])
        return
    assert status in {200, 202}, answer
    assert all(each["status"] != "rejected" for each in answer["results"]), answer


def check_retail(world: World, path: Path) -> None:
    pd = pytest.importorskip("pandas")
    rows = rows_of(path)
    send(world, list(retail_events(rows)))
    table = pd.DataFrame(rows)
    pence = table.UnitPrice.map(lambda text: int(Decimal(text) * 100))
    table["pence"] = pence * table.Quantity.astype(int)
    table["when"] = pd.to_datetime(table.InvoiceDate, utc=True)
    table["is_credit"] = table.InvoiceNo.str.startswith("C")
    sales = table[~table.is_credit]
    invoices = sales.groupby("InvoiceNo").agg(
        customer=("CustomerID", "first"), when=("when", "min"), pence=("pence", "sum")
    )
    expected = pd.DataFrame(
        {
            "orders": invoices.groupby("customer").size(),
            "total": invoices.groupby("customer").pence.sum(),
            "last": invoices.groupby("customer").when.max(),
            "refunded": -table[table.is_credit].groupby("CustomerID").pence.sum(),
            "net": table.groupby("CustomerID").pence.sum(),
        }
    )
    assert (expected.refunded.fillna(0) > 0).sum() > 10
    with tenant_scope(world.shop.tenant.id):
        found = BuyingSummary.objects.values_list(
            "contact__external_id", "order_count", "last_order_at", "lifetime"
        )
        assert len(found) == len(expected)
        for customer, orders, last, lifetime in found:
            want = expected.loc[customer]
            assert orders == (0 if pd.isna(want.orders) else want.orders), customer
            assert last == (None if pd.isna(want["last"]) else want["last"]), customer
            sums = lifetime["GBP"]
            assert sums["total_minor"] == (0 if pd.isna(want.total) else want.total), customer
            assert sums["refunded_minor"] == (0 if pd.isna(want.refunded) else want.refunded)
            assert sums["net_minor"] == want.net, customer
        assert Order.objects.count() == table.InvoiceNo.nunique()
    # What a night teaches of the products, a rebuild teaches as well.
    assert learn_everywhere(now=world.now) == 0
    with tenant_scope(world.shop.tenant.id):
        before = commerce_rows()
        rebuild_commerce(now=world.now)
        assert commerce_rows() == before
    some = expected.dropna().index[0]
    with tenant_scope(world.shop.tenant.id):
        contact = show_id("con", person(some, world.now))
    told = get(f"/api/v1/contacts/{contact}/buying", key=world.shop.api_key)[1]
    assert told["lifetime"][0]["net"] == f"{expected.net[some] / 100:.2f}"
    with tenant_scope(world.other.tenant.id):
        assert Order.objects.count() == BuyingSummary.objects.count() == 0


def check_cdnow(world: World, path: Path) -> None:
    pd = pytest.importorskip("pandas")
    rows = rows_of(path)
    send(world, list(cdnow_events(rows)))
    table = pd.DataFrame(rows)
    table["cents"] = table.amount.map(lambda text: int(Decimal(text) * 100))
    table["when"] = pd.to_datetime(table.date, format="%Y%m%d", utc=True)
    expected = table.groupby("customer_id").agg(
        orders=("cents", "size"),
        total=("cents", "sum"),
        first=("when", "min"),
        last=("when", "max"),
    )
    gaps = (
        table.drop_duplicates(["customer_id", "when"])
        .sort_values("when")
        .groupby("customer_id")
        .when.diff()
        .dropna()
    )
    with tenant_scope(world.shop.tenant.id):
        found = BuyingSummary.objects.values_list(
            "contact__external_id",
            "order_count",
            "net_minor",
            "average_minor",
            "first_order_at",
            "last_order_at",
            "reorder",
        )
        assert len(found) == len(expected)
        for customer, orders, net, average, first, last, reorder in found:
            want = expected.loc[customer]
            assert (orders, net) == (want.orders, want.total), customer
            assert abs(average - want.total / want.orders) <= 0.5, customer
            assert (first, last) == (want["first"], want["last"]), customer
            own = table[table.customer_id == customer].when.nunique() - 1
            assert reorder.get("own_gaps", 0) == own, customer
        rebuild_commerce(now=world.now)
        product = Product.objects.get(key="cd")
        assert product.observed_gaps == len(gaps)
        assert product.observed_days == round(gaps.median().total_seconds() / 86400, 2)


def test_online_retails_orders_refunds_and_last_orders_are_those_pandas_counts(
    world: World,
) -> None:
    check_retail(world, HERE / "online_retail_sample.csv.gz")


def test_cdnows_purchases_and_reorder_times_are_those_pandas_counts(world: World) -> None:
    check_cdnow(world, HERE / "cdnow_sample.csv.gz")


@pytest.mark.slow
@whole
def test_the_whole_of_online_retail(world: World) -> None:
    check_retail(world, Path(WHOLE) / "online_retail.csv.gz")


@pytest.mark.slow
@whole
def test_the_whole_of_cdnow(world: World) -> None:
    check_cdnow(world, Path(WHOLE) / "cdnow.csv.gz")
