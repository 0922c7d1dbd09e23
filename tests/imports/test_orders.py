"""Order histories: canonical events that are told once, start nothing, and say whose they were."""

from __future__ import annotations

from datetime import timedelta

from commerce.models import Order
from events.domain.ingestion import ingest_events
from events.models import Event
from imports.core.columns import Target
from imports.models import ImportKey, ImportPart
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact
from tenancy.scope import tenant_scope
from tests.imports.making import begin_check as _begin_check
from tests.imports.making import bring_in, check, go_on, live_flow, rows_of, short, tidy, upload
from tests.imports.orders import live_order
from tests.support.world import World
from triggers.domain.reacting import react
from triggers.models import FlowRun

FILE = (
    b"order id,email,order date,total,currency,sku,lineitem name,qty,price\n"
    b"1001,maya@example.com,2026-05-01 10:00,44.00,USD,mug,Ridge mug,1,24.00\n"
    b"1001,,,,,tray,Oak tray,2,10.00\n"
    b"1002,MAYA@example.com,2026-06-01,,USD,mug,Ridge mug,2,24.00\n"
    b"1003,nobody@example.com,2026-06-02,9.00,USD,,,,\n"
    b"1004,maya@example.com,2036-06-02,9.00,USD,,,,\n"
    b"1005,maya@example.com,2026-06-02,nine,USD,,,,\n"
    b"1001,maya@example.com,2026-05-01 10:00,44.00,USD,,,,\n"
    b",maya@example.com,2026-05-01 10:00,44.00,USD,,,,\n"
)


def start(world: World) -> None:
    for brand in (world.shop, world.other):
        with tenant_scope(brand.tenant.id):
            resolve_contacts([IdentityRef(email="maya@example.com")], now=world.now)


def work(world: World) -> None:
    while react(world.shop.tenant.id, now=world.now):
        pass


def test_a_history_becomes_orders_and_says_whose_they_were(world: World) -> None:
    start(world)
    job = bring_in(world.shop, FILE, world, kind="orders")
    assert short(rows_of(world.shop, job)) == [
        (2, "created", ""),
        (3, "created", ""),
        (4, "created", ""),
        (5, "rejected", "no_contact"),
        (6, "rejected", "in_the_future"),
        (7, "rejected", "invalid_total"),
        (8, "duplicate", "twice"),
        (9, "rejected", "no_order_id"),
    ]
    assert job.counts["tallies"] == {"by_email": 2, "items": 1}
    work(world)
    with tenant_scope(world.shop.tenant.id):
        first, second = Order.objects.order_by("key")
        assert (first.key, first.total_minor, second.total_minor) == ("1001", 4400, 4800)
        assert [item["product_id"] for item in first.items] == ["mug", "tray"]
        assert first.placed_at.isoformat() == "2026-05-01T17:00:00+00:00"  # Los Angeles
        told = Event.objects.filter(name="Order Completed")
        assert {(one.backfill, one.source) for one in told} == {(True, "import")}
    with tenant_scope(world.other.tenant.id):
        assert Order.objects.count() == Event.objects.count() == 0


def test_the_same_file_once_more_changes_nothing(world: World) -> None:
    start(world)
    bring_in(world.shop, FILE, world, kind="orders")
    # At once, when nothing has reacted yet, and months later, when message ids are forgotten.
    for later, reacts in ((timedelta(0), False), (timedelta(days=90), True)):
        if reacts:
            work(world)
        then = World(world.shop, world.other, world.now + later)
        job = check(world.shop, FILE, then, kind="orders")
        codes = [each[2] for each in rows_of(world.shop, job, "check")]
        assert codes[:3] == ["known", "known", "known"]
        assert job.checked["created"] == 0
    with tenant_scope(world.shop.tenant.id):
        assert Event.objects.filter(name="Order Completed").count() == 2


def test_an_order_the_shop_told_of_itself_is_known(world: World) -> None:
    start(world)
    with tenant_scope(world.shop.tenant.id):
        ingest_events([live_order("1002")], source="api", now=world.now)
    work(world)
    job = check(world.shop, FILE, world, kind="orders")
    assert short(rows_of(world.shop, job, "check"))[2] == (4, "duplicate", "known")


def test_an_unknown_customer_becomes_a_contact_only_when_that_is_wanted(world: World) -> None:
    start(world)
    job = bring_in(world.shop, FILE, world, kind="orders", unmatched="create")
    assert job.counts["tallies"] == {"by_email": 2, "items": 1, "new_contact": 1}
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.filter(email="nobody@example.com").exists()


def test_a_history_starts_no_flow(world: World) -> None:
    start(world)
    live_flow(
        world.shop, "Thanks", {"type": "event", "event": "Order Completed"},
        now=world.now - timedelta(days=1),
    )  # fmt: skip
    recent = b"order id,email,order date,total\n1,maya@example.com,2026-11-17 09:59,5\n"
    bring_in(world.shop, recent, world, kind="orders")
    work(world)
    with tenant_scope(world.shop.tenant.id):
        assert Order.objects.count() == 1
        assert FlowRun.objects.count() == 0


def test_the_rows_of_one_order_are_never_parted(world: World) -> None:
    start(world)
    mapping = {
        index: Target(name)
        for index, name in enumerate(["order_id", "email", "ordered_at", "product_id", "price"])
    }
    rows = b"".join(
        b"%d,maya@example.com,2026-05-01,p%d,1.00\n" % (order, item)
        for order in range(6)
        for item in range(5)
    )
    job = upload(world.shop, b"order id,email,date,sku,price\n" + rows, world, kind="orders")
    job = _begin_check(world.shop, job, world, mapping=mapping)
    assert go_on(world.shop, job, world, limit=7) == 3
    found = rows_of(world.shop, job, "check")
    assert len(found) == 30
    assert {each[1] for each in found} == {"created"}


def test_a_file_that_ended_is_removed(world: World) -> None:
    start(world)
    bring_in(world.shop, FILE, world, kind="orders")
    other = upload(world.other, FILE, world, kind="orders")
    tidy(world.shop)
    with tenant_scope(world.shop.tenant.id):
        assert ImportPart.objects.count() == ImportKey.objects.count() == 0
    with tenant_scope(world.other.tenant.id):
        assert ImportPart.objects.filter(of=other).count() == 1
