"""What Home and flow pages count: from messages, clicks, replies and orders, never from copies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from analytics.domain.flow_numbers import numbers_for
from analytics.domain.home import daily, home_numbers, numbers_of
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from delivery.core.periods import period_of
from delivery.domain.history import count_held
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.analytics.rows import FLOW, make_contact, make_gateway, order, reply, send, tap
from tests.support.world import World


@pytest.fixture
def shop(world: World) -> Any:
    """Inside the shop; the look-alike workspace has a busy day that must never be counted."""
    with tenant_scope(world.other.tenant.id):
        contact = make_contact(world.now)
        text = send(contact, world.now - timedelta(hours=2))
        tap(text, world.now - timedelta(hours=1))
        order(contact, world.now - timedelta(minutes=30))
    with tenant_scope(world.shop.tenant.id):
        yield world.shop.tenant


def last_day(now: datetime) -> Any:
    return numbers_of(start=now - timedelta(days=1), end=now)


def test_an_order_is_credited_to_the_last_human_click_within_five_days(
    shop: Tenant, now: datetime
) -> None:
    contact = make_contact(now)
    early = send(contact, now - timedelta(hours=9))
    late = send(contact, now - timedelta(hours=5), step_key="text_2")
    tap(early, now - timedelta(hours=8))
    tap(late, now - timedelta(hours=4))
    tap(early, now - timedelta(hours=2), kind="bot")
    order(contact, now - timedelta(hours=1))
    found = last_day(now)
    assert (found.orders, found.attributed_orders, found.attributed_revenue_minor) == (1, 1, 5000)
    assert (found.sent, found.delivered, found.clicks) == (2, 2, 2)
    steps = numbers_for([FLOW], start=now - timedelta(days=1), end=now)[FLOW].steps
    assert (steps["text_1"].ordered, steps["text_1"].clicked) == (0, 1)
    assert (steps["text_2"].ordered, steps["text_2"].clicked) == (1, 1)


@pytest.mark.parametrize(
    ("before", "credited"),
    [
        (timedelta(days=5) - timedelta(seconds=1), 1),
        (timedelta(days=5), 0),
        (timedelta(seconds=-1), 0),
        (timedelta(0), 1),
    ],
)
def test_only_clicks_in_the_window_before_an_order_count(
    shop: Tenant, now: datetime, before: timedelta, credited: int
) -> None:
    contact = make_contact(now)
    placed = now - timedelta(hours=1)
    tap(send(contact, placed - before - timedelta(hours=1)), placed - before)
    order(contact, placed)
    assert last_day(now).attributed_orders == credited


def test_somebody_elses_click_and_a_machines_earn_nothing(shop: Tenant, now: datetime) -> None:
    contact, other = make_contact(now), make_contact(now)
    tap(send(other, now - timedelta(hours=3)), now - timedelta(hours=2))
    tap(send(contact, now - timedelta(hours=3)), now - timedelta(hours=2), kind="prefetch")
    order(contact, now - timedelta(hours=1))
    assert last_day(now).attributed_orders == 0


def test_refunds_subtract_and_a_cancelled_order_counts_nothing(shop: Tenant, now: datetime) -> None:
    contact = make_contact(now)
    tap(send(contact, now - timedelta(hours=3)), now - timedelta(hours=2))
    order(contact, now - timedelta(hours=1), refunded_minor=2000)
    order(contact, now - timedelta(hours=1), state="cancelled")
    found = last_day(now)
    assert found.attributed_revenue_minor == 3000
    assert (found.orders, found.attributed_orders) == (1, 1)


def test_somebody_who_leaves_twice_is_one_opt_out(shop: Tenant, now: datetime) -> None:
    for hours in (5, 1):
        out = OptOut(
            "+13105550142", None, "keyword", {"body": "STOP"}, now - timedelta(hours=hours)
        )
        record_opt_outs([out], now=now - timedelta(hours=hours))
        back = now - timedelta(hours=hours - 1)
        record_opt_ins([OptIn("+13105550142", "start", back)], now=back)
    assert last_day(now).opt_outs == 1


def test_a_text_tapped_twice_is_one_click_and_stop_is_no_reply(shop: Tenant, now: datetime) -> None:
    contact = make_contact(now)
    text = send(contact, now - timedelta(hours=3))
    tap(text, now - timedelta(hours=2))
    tap(text, now - timedelta(hours=1))
    gateway = make_gateway(now)
    reply(gateway, text, now - timedelta(minutes=5))
    reply(gateway, text, now - timedelta(minutes=4), kind="opt_out")
    found = last_day(now)
    assert (found.clicks, found.replies) == (1, 1)
    step = numbers_for([FLOW], start=now - timedelta(days=1), end=now)[FLOW].steps["text_1"]
    assert (step.clicked, step.replied, step.opted_out) == (1, 1, 1)


def test_held_back_says_what_waits_what_went_later_and_what_never_goes(
    shop: Tenant, now: datetime
) -> None:
    contact = make_contact(now)
    at = now - timedelta(hours=2)
    send(contact, at, "skipped", reason="frequency_cap")
    send(contact, at, "scheduled", reason="quiet_hours", waited_for="quiet_hours")
    send(contact, at, "delivered", waited_for="quiet_hours")
    send(contact, at, "canceled", reason="exited", waited_for="quiet_hours")
    send(contact, at, "delivered")
    rows = count_held(since=now - timedelta(days=1), until=now)
    assert [(row.reason, row.count, row.words) for row in rows] == [
        ("quiet_hours", 3, "1 waiting · 1 went later · 1 canceled"),
        ("frequency_cap", 1, "skipped"),
    ]


def test_home_shows_a_period_beside_the_one_before(shop: Tenant, now: datetime) -> None:
    contact = make_contact(now)
    send(contact, now - timedelta(hours=1))
    send(contact, now - timedelta(hours=1), source_kind="test_text", flow_id=None)
    send(contact, now - timedelta(hours=25))
    send(contact, now - timedelta(hours=26), "undelivered")
    home = home_numbers(period_of("24h", timezone="UTC", now=now), currency="USD")
    assert (home.current.sent, home.previous.sent) == (1, 2)
    assert (home.current.delivered, home.previous.delivered) == (1, 1)


def test_days_are_the_shops_days_and_none_is_left_out(shop: Tenant, now: datetime) -> None:
    contact = make_contact(now)
    # 07:30 UTC is still the evening before in Los Angeles.
    send(contact, now.replace(hour=7, minute=30))
    days = daily(start=now - timedelta(days=3), end=now, timezone="America/Los_Angeles")
    assert [day.sent for day in days] == [0, 0, 1, 0]
    send(contact, now.replace(hour=7, minute=30), source_kind="test_text", flow_id=None)
    assert daily(start=now - timedelta(days=3), end=now, timezone="America/Los_Angeles") == days
