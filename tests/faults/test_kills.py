"""SIGKILL anything at any time: nothing lost, nothing doubled.

    KAIROS_FAULT_SEED=7 KAIROS_FAULT_SCALE=full pytest tests/faults -s

repeats a run: the same events in the same requests, the same kills at the same points of progress.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.faults.judge import judge, wait_until_settled
from tests.faults.plan import Plan, Target, make_plan
from tests.faults.shop import Shop
from tests.faults.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROCESSES: tuple[Target, ...] = ("web", "worker-1", "worker-2")
# How far the shop may post ahead of the next kill, as a share of all events.
AHEAD = 0.06
NO_PROGRESS = 25.0


@pytest.fixture
def plan() -> Plan:
    return make_plan()


@pytest.fixture
def stack(plan: Plan) -> Iterator[Stack]:
    made = Stack(plan.seed)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_every_event_once_and_every_text_once_whatever_is_killed(stack: Stack, plan: Plan) -> None:
    say(f"seed {plan.seed}, {len(plan.events)} events, {plan.scale.texts} texts")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(stack.restart, PROCESSES))
    keys = stack.prepare(plan.scale.texts)
    shop = Shop(plan, stack.base_url, keys["write_key"])
    started = time.monotonic()
    shop.start()
    shop.may_go = plan.kills[0].progress + AHEAD
    for number, kill in enumerate(plan.kills):
        reached = wait_for_progress(stack, shop, plan, kill.progress)
        # The shop posts on meanwhile, as far as the next kill: this one must hit work.
        following = plan.kills[number + 1].progress if number + 1 < len(plan.kills) else 1.0
        shop.may_go = following + AHEAD
        wait_for_text(stack)
        time.sleep(kill.jitter)
        stack.kill(kill.target)
        say(f"kill {number + 1} at {reached:.0%}: {kill.target}, down {kill.down:.1f} s")
        time.sleep(kill.down)
        stack.restart(kill.target)
    shop.may_go = 1.0
    shop.join(240)
    assert shop.problems == []
    posted = time.monotonic() - started
    left = wait_until_settled(stack, plan.scale.settle_seconds)
    verdict = judge(stack, plan, shop.said_accepted)
    say(
        f"{len(plan.kills)} kills, posted in {posted:.0f} s, settled in"
        f" {time.monotonic() - started:.0f} s, {shop.retries} retries, {verdict.figures}"
    )
    logs = "\n".join(stack.log_end(name) for name in ("web", "worker-1", "worker-2"))
    assert left == {}, f"seed {plan.seed}: still open {left}\n{logs}"
    assert verdict.faults == [], f"seed {plan.seed}\n" + "\n".join(verdict.faults) + f"\n{logs}"


def wait_for_progress(stack: Stack, shop: Shop, plan: Plan, wanted: float) -> float:
    """Events answered and texts taken, half each, have come this far; or nothing moves any more."""
    best, since = 0.0, time.monotonic()
    while True:
        progress = (shop.share + texts_taken(stack) / plan.scale.texts) / 2
        if progress > best:
            best, since = progress, time.monotonic()
        if progress >= wanted or time.monotonic() - since > NO_PROGRESS or shop.problems:
            return progress
        time.sleep(0.02)


def wait_for_text(stack: Stack, seconds: float = 3.0) -> None:
    """Until the next text is taken: the kill then comes while workers send."""
    before, end = texts_taken(stack), time.monotonic() + seconds
    while texts_taken(stack) == before and time.monotonic() < end:
        time.sleep(0.01)


def texts_taken(stack: Stack) -> int:
    answer = requests.get(f"{stack.carrier.base_url}/_sim/count", timeout=10)
    count: int = answer.json()["texts"]
    return count


def say(line: str) -> None:
    """To the terminal, also when output is captured: the seed must be readable after a failure."""
    print(line, flush=True)  # noqa: T201
    if sys.stdout is not sys.__stdout__ and sys.__stderr__ is not None:
        sys.__stderr__.write(f"    {line}\n")
