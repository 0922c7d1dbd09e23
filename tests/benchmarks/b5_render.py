"""Guarded render of five texts against the bare engine, side by side.

Ours: fields with fallbacks, cleaning, allowed syntax, output and time limits, links through
`link_for`, a record of every field and link. The limit: the same five texts as Jinja2 templates
in an ImmutableSandboxedEnvironment, compiled once, rendered from the same facts with `or`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from templates_engine.core import Compiled, compile, render

ROUNDS = {"small": 400, "full": 6000}
RUNS = 3
TURNS = 20

TEXTS: list[tuple[str, str, str]] = [
    (
        "brackets",
        "Hi [FirstName or 'there'], your cart is saved. Finish checkout: [CartLink]",
        "Hi {{ contact.first_name or 'there' }}, your cart is saved. "
        "Finish checkout: {{ cart.url or brand.shop_url }}",
    ),
    (
        "brackets",
        "It's back! [ProductName or 'this item'] is in stock again. Grab it now: [ProductLink]",
        "It's back! {{ product.name or 'this item' }} is in stock again. "
        "Grab it now: {{ product.url or brand.shop_url }}",
    ),
    (
        "brackets",
        "You've got [RewardAmount or 'a reward'] ready to use, [FirstName or 'friend']. "
        "Want to apply it today? Redeem: [RedeemLink]",
        "You've got {{ loyalty.amount or 'a reward' }} ready to use, "
        "{{ contact.first_name or 'friend' }}. Want to apply it today? "
        "Redeem: {{ loyalty.redeem_url or brand.shop_url }}",
    ),
    (
        "brackets",
        "Still thinking about [ProductName or 'your picks'] in [City or 'your area']? "
        "It is [Price or 'still here'] for [FirstName or 'you']: [link]",
        "Still thinking about {{ product.name or 'your picks' }} in "
        "{{ contact.city or 'your area' }}? It is {{ product.amount or 'still here' }} for "
        "{{ contact.first_name or 'you' }}: {{ product.url or brand.shop_url }}",
    ),
    (
        "jinja",
        "{% if loyalty_tier == 'Gold' %}Early access for Gold: {% else %}New: {% endif %}"
        "{{ product_name or 'our new drop' }}, {{ first_name or 'friend' }}. "
        "See it: {{ product_link }}",
        "{% if loyalty.tier == 'Gold' %}Early access for Gold: {% else %}New: {% endif %}"
        "{{ product.name or 'our new drop' }}, {{ contact.first_name or 'friend' }}. "
        "See it: {{ product.url or brand.shop_url }}",
    ),
]


def make_people(count: int = 200) -> list[dict[str, Any]]:
    """Facts of people of whom every fifth lacks a name and every seventh a product."""
    people: list[dict[str, Any]] = []
    for number in range(count):
        named, sees = number % 5 != 0, number % 7 != 0
        product = {
            "name": f"Ridge mug {number}, sage",
            "price": {"minor": 2400 + number, "currency": "USD"},
            "amount": f"${24 + number}",
            "url": f"https://shop.example/products/{number}",
        }
        people.append(
            {
                "contact": {
                    "first_name": f"Maya{chr(97 + number % 26)}" if named else "",
                    "city": "Portland",
                    "attributes": {},
                },
                "event": {"product_id": str(number)},
                "product": product if sees else {"name": None, "amount": None, "url": None},
                "cart": {"url": f"https://shop.example/cart/{number}"},
                "loyalty": {
                    "balance": {"minor": 1500, "currency": "USD"},
                    "amount": "$15",
                    "tier": "Gold" if number % 2 else "Silver",
                    "redeem_url": "https://shop.example/rewards",
                },
                "brand": {"name": "Juniper & Oak", "shop_url": "https://shop.example"},
            }
        )
    return people


def measure(scale: str = "full") -> dict[str, Any]:
    """Renders per second, ours and the limit's, in interleaved runs; `ratio` is of medians."""
    rounds = ROUNDS["small" if scale == "small" else "full"]
    people = make_people()
    ours = [compile(body, syntax) for syntax, body, _ in TEXTS]
    bare = ImmutableSandboxedEnvironment(autoescape=False)
    limit = [bare.from_string(body) for _, _, body in TEXTS]
    _render_ours(ours, people, rounds // 4)
    _render_bare(limit, people, rounds // 4)
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        guarded = unguarded = 0.0
        # Many short turns: on a shared core a long one meets another neighbor than its rival.
        for _ in range(TURNS):
            guarded += _seconds(lambda: _render_ours(ours, people, rounds // TURNS))
            unguarded += _seconds(lambda: _render_bare(limit, people, rounds // TURNS))
        count = rounds // TURNS * TURNS * len(TEXTS)
        runs.append({"ours": round(count / guarded), "limit": round(count / unguarded)})
    median = {key: statistics.median(run[key] for run in runs) for key in ("ours", "limit")}
    return {
        "id": "B5",
        "what": "guarded render of 5 templates with fallbacks, all limits on",
        "ours": median["ours"],
        "limit": median["limit"],
        "ratio": round(median["ours"] / median["limit"], 3),
        "unit": "renders/s",
        "runs": runs,
    }


def _render_ours(templates: list[Compiled], people: list[dict[str, Any]], rounds: int) -> None:
    for number in range(rounds):
        facts = people[number % len(people)]
        for template in templates:
            if render(template, facts, link_for=_link).problem is not None:
                raise RuntimeError("A benchmark text did not render.")


def _render_bare(templates: list[Any], people: list[dict[str, Any]], rounds: int) -> None:
    for number in range(rounds):
        facts = people[number % len(people)]
        for template in templates:
            template.render(facts)


def _link(label: str, url: str) -> str:
    return url


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
