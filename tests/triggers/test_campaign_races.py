"""Campaigns with real commits: stopping and pausing against workers, kills, launches at once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from delivery.domain.claiming import claim_queued
from delivery.domain.deciding import redecide_due
from delivery.domain.submitting import submit_queued
from delivery.models import Message, SendAttempt
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.ids import parse_id
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.campaigning import call, draft, go, launch, people, walk
from tests.triggers.scene import Scene
from triggers.domain import campaign_sending, reacting
from triggers.domain.campaigns import launch_campaign, pause_campaign, stop_campaign
from triggers.domain.fanning import fan_out
from triggers.domain.reacting import react
from triggers.models import Campaign, EntryDecision, FanOut, FlowRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PEOPLE = 60


class Killed(BaseException):
    """A power cut: no `except Exception` may catch it."""


@pytest.fixture
def busy(committed_scene: Scene, now: datetime) -> Scene:
    advance_clock(now)
    people(committed_scene, PEOPLE - 1)
    return committed_scene


@contextmanager
def workers(scene: Scene, count: int = 3) -> Iterator[list[BaseException]]:
    """Threads that do all stages again and again, as workers without leases would."""
    over = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not over.is_set():
                now = business_now()
                fan_out(scene.id, now=now, limit=7)
                submit_queued(scene.id, now=now, wall=wall_now())
                react(scene.id, now=now)
                redecide_due(scene.id, now=now)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def wait_until(done: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def in_scope(scene: Scene, verb: Callable[..., Any], campaign: UUID) -> datetime:
    """Does it in a transaction of its own; the wall time right after the commit."""
    with tenant_scope(scene.id):
        verb(campaign, now=business_now())
    return wall_now()


def assert_each_at_most_once(scene: Scene, carrier: CarrierProcess) -> int:
    sent = Counter(text["to"] for text in carrier.messages())
    assert not sent or max(sent.values()) == 1
    with tenant_scope(scene.id):
        assert FlowRun.objects.count() == FlowRun.objects.values("contact_id").distinct().count()
        out = Message.objects.filter(status__in=["sent", "delivered"]).count()
    assert out == len(sent)
    return len(sent)


def test_a_stop_beats_workers(busy: Scene, client: Client, carrier: CarrierProcess) -> None:
    """Nothing is claimed after the stop has committed, and everything is accounted for."""
    campaign = parse_id("cmp", launch(client, busy.brand))
    with workers(busy) as errors:
        wait_until(lambda: len(carrier.messages()) >= 5)
        stopped_at = in_scope(busy, stop_campaign, campaign)
        time.sleep(0.5)
    assert errors == []
    go(busy)
    with tenant_scope(busy.id):
        assert not SendAttempt.objects.filter(started_at__gt=stopped_at).exists()
        assert not Message.objects.filter(status__in=["queued", "scheduled", "sending"]).exists()
        assert not FlowRun.objects.filter(ended_at=None).exists()
        assert FanOut.objects.get().done_at is not None
        held = set(Message.objects.filter(status="canceled").values_list("reason", flat=True))
        assert Campaign.objects.get().status == "stopped"
    assert held <= {"campaign_stopped"}
    assert_each_at_most_once(busy, carrier)


@pytest.mark.parametrize("verb", [stop_campaign, pause_campaign])
def test_a_stop_waits_for_a_claim_that_is_being_written(
    busy: Scene, client: Client, verb: Callable[..., Any]
) -> None:
    """Whoever says "stopped" has seen every text that may still leave."""
    campaign = parse_id("cmp", launch(client, busy.brand))
    fan_out(busy.id, now=business_now(), limit=10)
    claimed, commit, times = threading.Event(), threading.Event(), {}

    def claim() -> None:
        try:
            with tenant_scope(busy.id):
                claim_queued(5, now=business_now(), wall=wall_now())
                claimed.set()
                commit.wait(60)
                times["claimed"] = time.monotonic()
        finally:
            connection.close()

    def stop() -> None:
        try:
            in_scope(busy, verb, campaign)
            times["stopped"] = time.monotonic()
        finally:
            connection.close()

    threads = [threading.Thread(target=claim), threading.Thread(target=stop)]
    threads[0].start()
    assert claimed.wait(60)
    threads[1].start()
    time.sleep(0.5)
    assert "stopped" not in times
    commit.set()
    for thread in threads:
        thread.join(60)
    assert times["stopped"] > times["claimed"]


def test_a_pause_beats_workers_and_resuming_sends_the_rest_once(
    busy: Scene, client: Client, carrier: CarrierProcess
) -> None:
    name = launch(client, busy.brand)
    campaign = parse_id("cmp", name)
    with workers(busy) as errors:
        for texts in (5, 25):
            wait_until(lambda texts=texts: len(carrier.messages()) >= texts)  # type: ignore[misc]
            paused_at = in_scope(busy, pause_campaign, campaign)
            time.sleep(0.3)
            with tenant_scope(busy.id):
                late = SendAttempt.objects.filter(started_at__gt=paused_at).count()
            assert late == 0
            assert call(client, busy.brand, "post", f"campaigns/{name}/resume")[0] == 200
        wait_until(lambda: len(carrier.messages()) >= PEOPLE)
    assert errors == []
    walk(busy, business_now() + timedelta(minutes=3))
    assert assert_each_at_most_once(busy, carrier) == PEOPLE
    with tenant_scope(busy.id):
        assert Campaign.objects.get().status == "sent"


def test_launched_ten_times_at_once_it_is_launched_once(
    busy: Scene, client: Client, carrier: CarrierProcess
) -> None:
    campaign = parse_id("cmp", draft(client, busy.brand))
    barrier, errors = threading.Barrier(10), []

    def run() -> None:
        try:
            barrier.wait(60)
            in_scope(busy, launch_campaign, campaign)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with tenant_scope(busy.id):
        assert FanOut.objects.count() == 1
    go(busy)
    assert assert_each_at_most_once(busy, carrier) == PEOPLE


def let_in_all(scene: Scene) -> None:
    while fan_out(scene.id, now=business_now(), limit=20):
        pass


@pytest.mark.parametrize("place", ["lock_contacts", "start_runs", "_end_pass"])
def test_a_kill_in_the_middle_of_a_set_loses_and_doubles_nobody(
    busy: Scene,
    client: Client,
    carrier: CarrierProcess,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    launch(client, busy.brand)
    fan_out(busy.id, now=business_now(), limit=20)
    with monkeypatch.context() as patch:
        real = getattr(campaign_sending, place)

        def die_after(*args: Any, **kwargs: Any) -> None:
            real(*args, **kwargs)
            raise Killed

        patch.setattr(campaign_sending, place, die_after)
        with pytest.raises(Killed):
            let_in_all(busy)
    go(busy)
    assert assert_each_at_most_once(busy, carrier) == PEOPLE


def test_one_contact_that_cannot_be_read_holds_up_nobody(
    busy: Scene, client: Client, carrier: CarrierProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = busy.people["p7"]
    real = reacting.start_runs

    def brittle(records: Any, *args: Any, **kwargs: Any) -> int:
        if any(record.state.contact_id == poisoned for record in records):
            raise ValueError("cursed")
        return real(records, *args, **kwargs)

    monkeypatch.setattr(campaign_sending, "start_runs", brittle)
    launch(client, busy.brand)
    go(busy)
    assert assert_each_at_most_once(busy, carrier) == PEOPLE - 1
    with tenant_scope(busy.id):
        told = EntryDecision.objects.get()
        assert (told.contact_id, told.entered, told.reason) == (poisoned, False, "set_aside")
        assert Campaign.objects.get().status == "sent"
