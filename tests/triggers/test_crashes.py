"""What a killed worker leaves behind is taken up again: everything once, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from commerce.domain.projecting import project_events
from delivery.domain.deciding import redecide_due
from delivery.domain.submitting import submit_queued
from events.models import EventBatch
from tenancy.clock import business_now, wall_now
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import install
from tests.triggers.scene import Scene
from triggers.domain import reacting
from triggers.domain.reacting import react
from triggers.domain.ticking import tick
from triggers.models import EntryDecision, FlowRun


class Killed(BaseException):
    """A power cut: no `except Exception` may catch it."""


@pytest.fixture
def live(committed_scene: Scene) -> Scene:
    committed_scene.now = business_now()
    install(committed_scene, "loyalty-nudge")
    for index in range(8):
        committed_scene.add_person(f"p{index}", f"+1212555{130 + index:04d}")
    committed_scene.react()
    return committed_scene


def balances(scene: Scene, names: list[str], balance: int = 15) -> None:
    scene.now = business_now()
    for name in names:
        scene.track("Loyalty Balance Changed", name, balance=balance, currency="USD")


def assert_each_once(scene: Scene, people: int) -> None:
    with tenant_scope(scene.id):
        assert FlowRun.objects.count() == people
        assert EntryDecision.objects.filter(entered=True).count() == people
        judged = list(EntryDecision.objects.values_list("event_id", "flow_id", "contact_id"))
        assert len(judged) == len(set(judged))
        assert not EventBatch.objects.filter(state="pending").exists()
    keys = Counter(message.contact_id for message in scene.messages())
    assert len(keys) == people
    assert set(keys.values()) == {1}


@pytest.mark.parametrize(
    "place", ["project_events", "open_runs", "apply_effects", "finish_batches"]
)
def test_a_kill_anywhere_in_a_reaction_undoes_all_of_it(
    live: Scene, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    balances(live, [f"p{index}" for index in range(8)])
    with monkeypatch.context() as patch:
        real = getattr(reacting, place)

        def die_after(*args: Any, **kwargs: Any) -> None:
            real(*args, **kwargs)
            raise Killed

        patch.setattr(reacting, place, die_after)
        with pytest.raises(Killed):
            react(live.id, now=business_now())
    assert live.runs() == []
    live.react(business_now())
    assert_each_once(live, 8)


def test_a_kill_between_the_parts_of_a_batch_repeats_no_part(
    live: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poisoned batch is taken apart; the worker dies when half of the parts are through."""
    from events.domain.recording import NewEvent, append_events

    live.now = business_now()
    names = [f"p{index}" for index in range(8)]
    with tenant_scope(live.id):
        append_events(
            [
                NewEvent(
                    name="Loyalty Balance Changed",
                    contact_id=live.people[name],
                    properties={"balance": 15 if name != "p7" else 666, "currency": "USD"},
                    occurred_at=live.now,
                )
                for name in names
            ],
            now=live.now,
        )
    parts = []

    def brittle(events: Any, *, now: Any) -> Any:
        if any(event.properties.get("balance") == 666 for event in events):
            raise ValueError("cursed")
        parts.append(len(events))
        if len(parts) == 2:
            raise Killed
        return project_events(events, now=now)

    monkeypatch.setattr(reacting, "project_events", brittle)
    with pytest.raises(Killed):
        react(live.id, now=business_now())
    assert 0 < len(live.runs()) < 7
    live.react(business_now())
    assert_each_once(live, 7)
    with tenant_scope(live.id):
        assert EventBatch.objects.get(state="failed").error.count("cursed") == 1


def test_a_database_that_goes_away_puts_the_blame_on_no_row(
    live: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    balances(live, ["p0"])

    def gone(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(reacting, "project_events", gone)
        with pytest.raises(OperationalError):
            react(live.id, now=business_now())
    live.react(business_now())
    assert_each_once(live, 1)


def test_stages_may_run_twice_or_in_any_order(live: Scene, carrier: CarrierProcess) -> None:
    balances(live, ["p0", "p1"])
    for _ in range(2):
        tick(live.id, now=business_now())
        submit_queued(live.id, now=business_now(), wall=wall_now())
        redecide_due(live.id, now=business_now())
        react(live.id, now=business_now())
    live.go(business_now())
    assert_each_once(live, 2)


def test_a_storm_of_events_replies_and_orders_ends_with_everything_explained(
    live: Scene, carrier: CarrierProcess
) -> None:
    """Four workers at once, STOPs and orders in between: no deadlock is left over, no row is set
    aside, nobody is texted after a STOP."""
    install(live, "cart-recovery")
    names = [f"s{index}" for index in range(30)]
    phones = {name: f"+1212555{100 + index:04d}" for index, name in enumerate(names, start=50)}
    for name in names:
        live.add_person(name, phones[name])
    live.react(business_now())
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> threading.Thread:
        def body() -> None:
            try:
                job()
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        thread.start()
        return thread

    posting = threading.Event()

    def worker() -> None:
        idle = 0
        while idle < 5 or not posting.is_set():
            now = business_now() + timedelta(hours=1, seconds=30)
            done = react(live.id, now=now, limit=7)
            done += tick(live.id, now=now, limit=5)
            done += submit_queued(live.id, now=now, wall=wall_now())
            idle = 0 if done else idle + 1

    def shop() -> None:
        mine = Scene(live.brand, business_now(), live.people)
        for index, name in enumerate(names):
            mine.now = business_now()
            mine.track("Checkout Started", name, cart_id=name)
            mine.track("Loyalty Balance Changed", name, balance=15, currency="USD")
            if index % 3 == 0:
                mine.hear("STOP", phones[name])
            if index % 3 == 1:
                mine.track("Order Completed", name, order_id=name, total=5, currency="USD")
        posting.set()

    threads = [run(worker) for _ in range(4)]
    threads.append(run(shop))
    for thread in threads:
        thread.join(120)
    assert errors == []
    with tenant_scope(live.id):
        assert list(EventBatch.objects.exclude(state="done").values_list("error", flat=True)) == []
    for message in live.messages():
        assert message.status in {"sent", "delivered", "skipped", "scheduled", "canceled"}
        assert message.status not in {"skipped", "scheduled", "canceled"} or message.reason
    keys = [message.dedupe_key for message in live.messages()]
    assert len(keys) == len(set(keys))
