"""Fills the demo: keys and flows first, then a year of history, then two weeks lived."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

import requests
from django.conf import settings

from demo.core.cast import BRANDS
from demo.core.plan import LIVED, Plan, make_plan
from demo.core.shifting import START_HOUR, demo_start
from demo.domain.client import Carrier, Shop, ShopError
from demo.domain.clock import finish_history, walk_to
from demo.domain.living import live_through, make_player
from demo.domain.loader_key import lend_key
from demo.domain.progress import Progress
from demo.domain.setting_up import (
    Brand,
    add_segments,
    cast_of,
    opt_people_in,
    register_numbers,
    set_up_agency,
)
from demo.models import DemoState
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.partitions import ensure_partitions

DAY_OPENS, DAY_CLOSES = clock_time(9), clock_time(19)


def load_demo() -> None:
    """The whole demo on an empty database; on a loaded one it only sees to the clock."""
    state, _ = DemoState.objects.get_or_create(id=1, defaults={"started_at": wall_now()})
    carrier = Carrier(settings.KAIROS_TWILIO_BASE_URL or "")
    _wait_for(f"{settings.KAIROS_PUBLIC_BASE_URL}/health")
    if state.loaded_at is not None:
        register_numbers(carrier)
        _into_daytime()
        return
    start = demo_start(state.started_at, BRANDS[0].timezone)
    began = start - LIVED
    # Business time begins before the lived weeks and only moves forward from there.
    if not state.clock_set:
        advance_clock(began)
        state.clock_set = True
        state.save(update_fields=["clock_set"])
    ensure_partitions(began - timedelta(days=31), start + timedelta(days=100))
    brands = set_up_agency(now=business_now())
    register_numbers(carrier)
    plans = {brand.plan.slug: make_plan(brand.plan, start=start) for brand in brands}
    total = sum(len(plan.history) + len(plan.lived) for plan in plans.values())
    progress = Progress.of(total)
    progress.write()
    for brand in brands:
        with lend_key(brand.tenant) as api_key:
            _load_history(brand, plans[brand.plan.slug], progress, api_key=api_key)
    _live(brands, plans, carrier, progress, start)
    state.loaded_at = wall_now()
    state.save(update_fields=["loaded_at"])
    progress.finish()


def _load_history(brand: Brand, plan: Plan, progress: Progress, *, api_key: str) -> None:
    shop = Shop(settings.KAIROS_PUBLIC_BASE_URL, write_key=brand.plan.write_key, api_key=api_key)
    people = [*plan.people.values(), *cast_of(brand.plan)]
    shop.identify(people)
    shop.add_products(plan.products)
    opt_people_in(
        brand.tenant,
        people,
        asked_at=business_now() - timedelta(days=45),
        now=business_now(),
    )
    for first in range(0, len(plan.history), 200):
        some = plan.history[first : first + 200]
        shop.backfill(some)
        progress.add(len(some), f"history of {brand.tenant.name}")
    add_segments(brand.tenant, now=business_now())


def _live(
    brands: list[Brand],
    plans: dict[str, Plan],
    carrier: Carrier,
    progress: Progress,
    start: datetime,
) -> None:
    finish_history()
    carrier.set_speed(fast=True)
    try:
        players = [make_player(brand, plans[brand.plan.slug]) for brand in brands]
        note = "living the last two weeks"
        live_through(players, carrier, until=start, told=lambda count: progress.add(count, note))
    finally:
        carrier.set_speed(fast=False)


def _into_daytime() -> None:
    """A later start opens in the shop's daytime: a visitor at night would only see waiting."""
    zone = ZoneInfo(BRANDS[0].timezone)
    local = business_now().astimezone(zone)
    if DAY_OPENS <= local.time() < DAY_CLOSES:
        return
    day = local.date() if local.time() < DAY_OPENS else local.date() + timedelta(days=1)
    walk_to(datetime.combine(day, START_HOUR, zone))


def _wait_for(url: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise ShopError(f"{url} does not answer.")
