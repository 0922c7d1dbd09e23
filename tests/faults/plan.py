"""What a run does, all of it from one seed: the events, their grouping, and who is killed when."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any, Literal

Target = Literal["worker-1", "worker-2", "workers", "web", "postgres", "valkey"]
TARGETS: tuple[Target, ...] = ("workers", "postgres", "web", "worker-1", "valkey", "worker-2")

# Real area codes of four zones; 555-0100 to 0199 belongs to nobody.
AREAS = (
    *("212", "646", "718", "305", "404", "617", "202", "215"),
    *("312", "214", "713", "512", "615", "504"),
    *("303", "602", "505", "801"),
    *("206", "213", "310", "415", "503", "702"),
)


@dataclass(frozen=True)
class Scale:
    """`texts` people, each with one event that leads to one text; 2.5 times as many events."""

    texts: int
    kills: int
    settle_seconds: float


SCALES = {"small": Scale(240, 6, 60.0), "full": Scale(2000, 24, 240.0)}


@dataclass(frozen=True)
class Kill:
    """At `progress` (0 to 1 of the whole run), after `jitter` seconds; up again `down` later."""

    progress: float
    target: Target
    jitter: float
    down: float


@dataclass(frozen=True)
class Plan:
    seed: int
    scale: Scale
    events: tuple[dict[str, Any], ...]
    requests: tuple[tuple[dict[str, Any], ...], ...]
    repeated: frozenset[int]  # requests the client sends again although they were answered
    kills: tuple[Kill, ...]

    @property
    def phones(self) -> list[str]:
        return [phone_of(index) for index in range(self.scale.texts)]


def phone_of(index: int) -> str:
    return f"+1{AREAS[index // 100]}555{100 + index % 100:04d}"


def cart_minor(index: int) -> int:
    return 1_000 + 7 * index


def order_minor(index: int) -> int:
    return 2_500 + 11 * index


def balance_minor(index: int) -> int:
    return 500 + 3 * index


def make_plan() -> Plan:
    """From KAIROS_FAULT_SEED (random when unset) and KAIROS_FAULT_SCALE (small or full)."""
    seed = int(os.environ.get("KAIROS_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    scale = SCALES[os.environ.get("KAIROS_FAULT_SCALE") or "small"]
    chance = random.Random(seed)
    events = _events(scale)
    chance.shuffle(events)
    requests = _requests(events, chance)
    repeated = frozenset(chance.sample(range(len(requests)), max(2, len(requests) // 20)))
    return Plan(seed, scale, tuple(events), tuple(requests), repeated, _kills(scale, chance))


def _events(scale: Scale) -> list[dict[str, Any]]:
    half = scale.texts // 2
    found = [_track(f"p-{n}", "Checkout Started", _cart(n)) for n in range(scale.texts)]
    found += [_track(f"p-{n}", "Product Viewed", {"product_id": f"sku-{n}"}) for n in range(half)]
    found += [_track(f"b-{n}", "Order Completed", _order(n)) for n in range(half)]
    found += [
        _track(f"p-{n}", "Loyalty Balance Changed", {"balance": balance_minor(n) / 100})
        for n in range(half)
    ]
    for number, event in enumerate(found):
        event["messageId"] = f"shop-{number}"
    return found


def _track(user_id: str, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "track", "userId": user_id, "event": event, "properties": properties}


def _cart(index: int) -> dict[str, Any]:
    return {
        "cart_id": f"cart-{index}",
        "cart_url": f"https://juniper.example/cart/{index}",
        "value": cart_minor(index) / 100,
        "currency": "USD",
        "products": [{"product_id": f"sku-{index}", "name": "Tray", "price": 10, "quantity": 1}],
    }


def _order(index: int) -> dict[str, Any]:
    return {"order_id": f"order-{index}", "total": order_minor(index) / 100, "currency": "USD"}


def _requests(
    events: list[dict[str, Any]], chance: random.Random
) -> list[tuple[dict[str, Any], ...]]:
    found, start = [], 0
    while start < len(events):
        size = chance.choice((1, 1, 2, 5, 10, 20))
        found.append(tuple(events[start : start + size]))
        start += size
    return found


def _kills(scale: Scale, chance: random.Random) -> tuple[Kill, ...]:
    targets = [TARGETS[index % len(TARGETS)] for index in range(scale.kills)]
    chance.shuffle(targets)
    return tuple(
        Kill(
            progress=0.03 + 0.9 * (index + chance.random()) / scale.kills,
            target=target,
            jitter=chance.uniform(0, 0.4),
            down=chance.uniform(0, 1.0),
        )
        for index, target in enumerate(targets)
    )
