"""The last two weeks, lived: real baskets through the real flows, gate and carrier, on a fast clock.

Every number on Home is the engine's own: this module only plays the world outside. It posts what
shops post, and does what people do when a text arrives, at the minute they would.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.conf import settings

from delivery.models import Message, MessageContent, Sender, TrackedLink
from demo.core.habits import HABITS, Act, acts_on
from demo.core.plan import Plan, Post
from demo.domain.client import PREVIEW, Carrier, Shop
from demo.domain.clock import settle_fully, walk_to
from demo.domain.setting_up import Brand
from tenancy.clock import business_now
from tenancy.scope import tenant_scope
from triggers.models import Flow

BUCKET = timedelta(minutes=15)
STRIDE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that reached a phone, as its owner sees it."""

    message_id: UUID
    contact_id: UUID
    user_id: str
    phone: str
    habit: str
    step_key: str
    sent_at: datetime
    url: str
    cart_key: str
    product_id: str


@dataclass(slots=True)
class Player:
    """The people of one brand: what they will do next, and what they have seen."""

    brand: Brand
    plan: Plan
    shop: Shop
    account_sid: str
    number: str
    posts: list[Post]
    flows: dict[UUID, str]
    seen: set[UUID] = field(default_factory=set)
    acts: list[tuple[datetime, int, Act, SentText]] = field(default_factory=list)
    tick: count[int] = field(default_factory=count)
    spare_orders: int = 0

    def next_at(self) -> datetime | None:
        instants = [each.at for each in self.posts[:1]] + [each[0] for each in self.acts[:1]]
        return min(instants, default=None)


def make_player(brand: Brand, plan: Plan) -> Player:
    with tenant_scope(brand.tenant.id):
        sender = Sender.objects.select_related("gateway").get()
        flows = dict(Flow.objects.values_list("id", "slug"))
        shop = Shop(settings.KAIROS_PUBLIC_BASE_URL, write_key=brand.plan.write_key)
        now = business_now()
        return Player(
            brand,
            plan,
            shop,
            sender.gateway.account_sid,
            sender.phone,
            [post for post in plan.lived if post.at > now],
            flows,
        )


def live_through(
    players: Iterable[Player],
    carrier: Carrier,
    *,
    until: datetime,
    told: Callable[[int], object],
) -> None:
    """Plays the world from the clock's present to `until`; `told` hears of each event posted."""
    players = list(players)
    while True:
        instants = [at for player in players if (at := player.next_at()) is not None]
        nearest = min(instants, default=until)
        if nearest >= until:
            break
        # Things of one quarter of an hour happen together; the clock stops at its end.
        stop = min(max(nearest, business_now()) + BUCKET, until)
        walk_to(stop, stride=STRIDE)
        for player in players:
            told(_play(player, carrier, until=stop))
        settle_fully()
        for player in players:
            _look_at_phones(player)
    walk_to(until, stride=STRIDE)


def answer_texts(player: Player, carrier: Carrier) -> None:
    """One look at the phones, and everything that is due by now: for live traffic."""
    _look_at_phones(player)
    _play(player, carrier, until=business_now())


def _play(player: Player, carrier: Carrier, *, until: datetime) -> int:
    due = [post for post in player.posts if post.at <= until]
    del player.posts[: len(due)]
    while player.acts and player.acts[0][0] <= until:
        _, _, act, text = heapq.heappop(player.acts)
        order = _do(player, carrier, act, text)
        if order is not None:
            due.append(order)
    if due:
        player.shop.track(sorted(due, key=lambda post: post.at))
    return len(due)


def _do(player: Player, carrier: Carrier, act: Act, text: SentText) -> Post | None:
    if act.kind == "preview" and text.url:
        player.shop.tap(text.url, agent=PREVIEW, address="203.0.113.77")
    elif act.kind == "tap" and text.url:
        player.shop.tap(text.url, address=f"203.0.113.{text.contact_id.int % 70 + 1}")
    elif act.kind == "reply":
        carrier.reply(player.account_sid, sender=text.phone, to=player.number, body=act.text)
    elif act.kind == "order":
        return Post(act.at, text.user_id, "Order Completed", _order_of(player, text))
    return None


def _order_of(player: Player, text: SentText) -> dict[str, Any]:
    """What a person buys who came back through a text: their cart, or the thing it was about."""
    held = player.plan.orders.get(text.cart_key)
    if held is not None:
        return held
    player.spare_orders += 1
    products = {product["product_id"]: product for product in player.plan.products}
    fallback = player.plan.products[text.contact_id.int % min(len(products), 40)]
    product = products.get(text.product_id, fallback)
    quantity = 1 + text.contact_id.int % 3
    return {
        "order_id": f"{player.brand.plan.slug[:2].upper()}-T{player.spare_orders:04d}",
        "total": round(product["price"] * quantity, 2),
        "currency": "USD",
        "products": [{**product, "quantity": quantity}],
    }


def _look_at_phones(player: Player) -> None:
    """New texts make people do things later."""
    for text in _new_texts(player):
        player.seen.add(text.message_id)
        habit = HABITS.get(text.habit)
        if habit is None:
            continue
        seed = f"{player.brand.plan.seed} {text.user_id} {text.habit} {text.sent_at:%j%H}"
        for act in acts_on(seed, habit, sent_at=text.sent_at):
            heapq.heappush(player.acts, (act.at, next(player.tick), act, text))


def _new_texts(player: Player) -> list[SentText]:
    since = business_now() - timedelta(hours=2)
    with tenant_scope(player.brand.tenant.id):
        messages = list(
            Message.objects.filter(
                sent_at__gt=since,
                status__in=("sent", "delivered"),
                source_kind="flow",
                contact__isnull=False,
            )
            .exclude(id__in=player.seen)
            .select_related("contact")
            .order_by("sent_at", "id")
        )
        ids = [message.id for message in messages]
        links = dict(
            TrackedLink.objects.filter(message_id__in=ids).values_list("message_id", "token")
        )
        intents = dict(MessageContent.objects.filter(id__in=ids).values_list("id", "intent"))
        return [_as_text(player, message, links, intents) for message in messages]


def _as_text(
    player: Player, message: Message, links: dict[UUID, str], intents: dict[UUID, Any]
) -> SentText:
    assert message.contact is not None  # noqa: S101 (asked for by the query)
    event = (intents.get(message.id) or {}).get("context", {}).get("event", {})
    token = links.get(message.id)
    return SentText(
        message_id=message.id,
        contact_id=message.contact.id,
        user_id=message.contact.external_id or "",
        phone=message.phone,
        habit=_habit(player.flows.get(message.flow_id or UUID(int=0), ""), message.step_key),
        step_key=message.step_key,
        sent_at=message.sent_at or business_now(),
        url=f"{settings.KAIROS_LINK_BASE_URL}/t/{token}" if token else "",
        cart_key=str(event.get("cart_id", "")),
        product_id=str(event.get("product_id", "")),
    )


def _habit(flow: str, step_key: str) -> str:
    if flow.startswith("cart"):
        return "cart" if step_key.endswith("1") else "cart_again"
    return {"back-in-stock": "back_in_stock", "loyalty-nudge": "loyalty"}.get(flow, "")
