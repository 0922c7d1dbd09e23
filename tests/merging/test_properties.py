"""Whatever two contacts did: merging them and undoing it gives the same rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.merging.conftest import Pair
from tests.merging.rows import all_rows, changed

who = st.sampled_from(["maya", "mimi"])
products = st.sampled_from(["mug", "tray"])
_MUG = {"name": "Ridge mug", "price": 24}
deeds = st.one_of(
    st.tuples(
        st.just("track"), who, st.sampled_from(["Product Viewed", "Product Added"]), products
    ),
    st.tuples(st.just("track"), who, st.just("Back In Stock Requested"), products),
    st.tuples(st.just("checkout"), who, st.sampled_from(["c1", "c2", ""])),
    st.tuples(st.just("order"), who, st.sampled_from(["o1", "o2", "o3"])),
    st.tuples(st.just("balance"), who, st.integers(0, 40)),
    st.tuples(
        st.just("say"),
        who,
        st.sampled_from(["city", "last_name", "plan"]),
        st.text("ab", max_size=2),
    ),
    st.tuples(st.just("hear"), who, st.sampled_from(["Is it blue?", "STOP", "HELP"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 61, 24 * 60])),
)


def do(pair: Pair, deed: tuple[Any, ...]) -> None:
    kind, *rest = deed
    if kind == "track":
        name, event, key = rest
        pair.track(name, event, product_id=key, **_MUG)
    elif kind == "checkout":
        name, cart = rest
        named = {"cart_id": f"{cart}-{name}"} if cart else {}
        pair.track(name, "Checkout Started", products=[{"product_id": "mug", **_MUG}], **named)
    elif kind == "order":
        name, order = rest
        pair.track(name, "Order Completed", order_id=f"{order}-{name}", total=10)
    elif kind == "balance":
        name, balance = rest
        pair.track(name, "Loyalty Balance Changed", balance=balance)
    elif kind == "say":
        name, trait, value = rest
        pair.say(name, **{trait: value})
    elif kind == "hear":
        pair.hear(*rest)
    else:
        pair.now += timedelta(minutes=rest[0])
    pair.work()


class _Undo(Exception):
    pass


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(deeds, min_size=1, max_size=8), survivor=who)
def test_merging_and_undoing_it_gives_the_same_rows(
    pair: Pair, story: list[tuple[Any, ...]], survivor: str
) -> None:
    start = pair.now
    try:
        with transaction.atomic():
            for deed in story:
                do(pair, deed)
            before = all_rows(pair.brand)
            merge = pair.merge(survivor, "mimi" if survivor == "maya" else "maya")
            pair.unmerge(merge)
            found = changed(before, all_rows(pair.brand))
            raise _Undo
    except _Undo:
        pass
    finally:
        pair.now = start
    assert found == {}
