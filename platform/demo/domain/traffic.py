"""Live shop traffic: somebody is always looking, and now and then somebody leaves a cart behind."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, close_old_connections

from demo.core.plan import Plan, Post, make_plan
from demo.domain.client import Carrier, ShopError
from demo.domain.living import Player, answer_texts, make_player
from demo.domain.setting_up import set_up_agency
from demo.models import DemoState
from tenancy.clock import business_now

PAUSE_SECONDS = (4.0, 11.0)


def keep_shops_busy() -> None:
    """Runs until it is stopped; begins when the history is in."""
    state = _wait_until_loaded()
    carrier = Carrier(settings.KAIROS_TWILIO_BASE_URL or "")
    now = business_now()
    brands = set_up_agency(now=now)
    players = [make_player(brand, make_plan(brand.plan, start=now)) for brand in brands]
    for player in players:
        player.posts.clear()
    dice = random.Random(state.started_at.timestamp())  # noqa: S311 (a demo's dice)
    while True:
        player = dice.choice(players)
        try:
            close_old_connections()
            visits = _visit(player.plan, player, dice)
            player.shop.track(visits)
            for each in players:
                answer_texts(each, carrier)
        except (ShopError, OSError, OperationalError):
            # The stack may be restarting one of its parts: the shop simply tries again later.
            time.sleep(3)
        time.sleep(dice.uniform(*PAUSE_SECONDS))


def _visit(plan: Plan, player: Player, dice: random.Random) -> list[Post]:
    """One visitor's last minutes: mostly looking, seldom a checkout, rarer an order."""
    now = business_now()
    person = dice.choice(sorted(plan.people.values(), key=lambda each: each.user_id))
    product = dice.choice(plan.products[:60])
    posts = [Post(now - timedelta(seconds=40), person.user_id, "Product Viewed", product)]
    roll = dice.random()
    if roll > 0.25:
        return posts
    cart = f"cart-live-{int(now.timestamp())}"
    basket: dict[str, Any] = {
        "cart_id": cart,
        "cart_url": f"{player.brand.plan.shop_url}/cart/{cart}",
        "currency": "USD",
        "value": product["price"],
        "products": [{**product, "quantity": 1}],
    }
    posts.append(Post(now - timedelta(seconds=20), person.user_id, "Checkout Started", basket))
    order = {
        "order_id": f"LIVE-{int(now.timestamp())}",
        "total": product["price"],
        "currency": "USD",
        "cart_id": cart,
        "products": basket["products"],
    }
    plan.orders[cart] = order
    if roll < 0.1:
        posts.append(Post(now - timedelta(seconds=2), person.user_id, "Order Completed", order))
    return posts


def _wait_until_loaded() -> DemoState:
    while True:
        close_old_connections()
        state = DemoState.objects.filter(id=1, loaded_at__isnull=False).first()
        if state is not None:
            return state
        time.sleep(1)
