"""Requests of a key are counted over all processes; without Valkey by each alone."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import rate
from api.rate import WINDOW_SECONDS, RateCounter
from stack.valkey import EmbeddedValkey
from tests.api.calling import Api
from tests.support.world import World

AT = 1_800_000_000.0 // WINDOW_SECONDS * WINDOW_SECONDS


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    rate._counter.cache_clear()
    yield
    rate._counter.cache_clear()


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    folder = Path(tempfile.mkdtemp(prefix="kairos-rate-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedValkey(folder / "valkey")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_two_processes_share_one_limit(valkey: EmbeddedValkey) -> None:
    one, two = RateCounter(valkey.url()), RateCounter(valkey.url())
    taken = [counter.take("key", 5, at=AT) for counter in (one, two) * 3]
    assert [each.allowed for each in taken] == [True] * 5 + [False]
    assert [each.remaining for each in taken] == [4, 3, 2, 1, 0, 0]
    assert one.take("other", 5, at=AT).allowed


def test_the_window_slides(valkey: EmbeddedValkey) -> None:
    counter = RateCounter(valkey.url())
    for _ in range(10):
        counter.take("key", 10, at=AT)
    assert not counter.take("key", 10, at=AT + WINDOW_SECONDS - 1).allowed
    # 11 were counted; half a window later half of them still weigh.
    later = counter.take("key", 10, at=AT + 1.5 * WINDOW_SECONDS)
    assert (later.allowed, later.remaining, later.reset) == (True, 3, 30)
    assert counter.take("key", 10, at=AT + 5 * WINDOW_SECONDS).remaining == 9


def test_without_valkey_each_process_counts_for_itself_and_says_so(
    valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    counter = RateCounter(valkey.url())
    counter.take("key", 3, at=AT)
    valkey.kill()
    with caplog.at_level(logging.WARNING, logger="api.rate"):
        assert [counter.take("key", 2, at=AT).allowed for _ in range(3)] == [True, True, False]
    # One line, not one per request: it is left alone for a while.
    assert len(caplog.records) == 1


def test_every_answer_says_what_is_left_and_too_many_are_refused(
    world: World, settings: Any
) -> None:
    settings.KAIROS_API_RATE = 2
    door = Api(world.shop, world.other, {})
    first, second, third = (door.raw("GET", "flows") for _ in range(3))
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("2", "1")
    assert 1 <= int(first["RateLimit-Reset"]) <= WINDOW_SECONDS
    assert second["RateLimit-Remaining"] == "0"
    assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
    assert third["Retry-After"] == third["RateLimit-Reset"]
    # Another workspace's key is another subject.
    assert door.raw("GET", "flows", key=world.other.api_key).status_code == 200


def test_a_refusal_counts_too_and_carries_the_headers(world: World) -> None:
    door = Api(world.shop, world.other, {})
    refused = door.raw("POST", "segments", {"name": 5})
    assert refused.status_code == 422
    assert int(refused["RateLimit-Remaining"]) < int(refused["RateLimit-Limit"])
