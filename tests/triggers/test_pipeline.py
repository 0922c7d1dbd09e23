"""The whole way with real commits: stages through tasks, leases, sweep, poison, collisions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from commerce.domain.projecting import project_events
from events.models import EventBatch
from tenancy.clock import business_now
from tenancy.scope import router_scope, tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import install
from tests.triggers.scene import Scene
from triggers import tasks
from triggers.domain import leases, pipeline, reacting, sweeping
from triggers.domain.finding import tenants_with_work
from triggers.models import FlowRun, WorkLease


@pytest.fixture
def live(committed_scene: Scene) -> Scene:
    """Stages read the business clock themselves, so this scene lives now."""
    committed_scene.now = business_now()
    install(committed_scene, "loyalty-nudge")
    return committed_scene


def loyal(scene: Scene, person: str = "maya", balance: Any = 15) -> None:
    scene.now = business_now()
    scene.track("Loyalty Balance Changed", person, balance=balance, currency="USD")


def ends(look: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def decided(scene: Scene) -> int:
    return len(scene.messages())


def test_one_wake_takes_an_event_all_the_way(live: Scene, carrier: CarrierProcess) -> None:
    loyal(live)
    done = tasks.work(tenant_id=str(live.id))
    assert done["react"] >= 1
    assert decided(live) == 1
    assert tasks.work(tenant_id=str(live.id)).get("react", 0) == 0
    assert decided(live) == 1


def test_the_sweep_finds_only_workspaces_with_work(live: Scene) -> None:
    now = business_now()
    pipeline.sweep()
    while tenants_with_work(business=now, wall=now):
        pipeline.sweep()
    assert tenants_with_work(business=now, wall=now) == []
    loyal(live)
    now = business_now()
    assert tenants_with_work(business=now, wall=now) == [live.id]
    assert pipeline.sweep()["react"] >= 1
    assert decided(live) == 1


@pytest.mark.django_db
def test_the_router_sees_no_content() -> None:
    with (
        pytest.raises(Exception, match="permission denied"),
        transaction.atomic(),
        router_scope(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT context FROM triggers_flowrun")


def test_a_lease_is_for_one_and_runs_out(live: Scene) -> None:
    assert leases.take_lease(live.id, "plan")
    assert leases.take_lease(live.id, "plan")  # the same thread renews its own
    with tenant_scope(live.id):
        WorkLease.objects.update(holder="somebody else")
    assert not leases.take_lease(live.id, "plan")
    loyal(live)
    assert pipeline.work(live.id).get("react", 0) == 0
    with tenant_scope(live.id):
        WorkLease.objects.update(until=business_now() - timedelta(seconds=1))
    assert pipeline.work(live.id)["react"] >= 1


def test_who_finds_the_lease_taken_makes_the_holder_look_again(live: Scene) -> None:
    assert leases.take_lease(live.id, "plan")
    taken: list[bool] = []

    def come() -> None:
        taken.append(leases.take_lease(live.id, "plan"))
        connection.close()

    other = threading.Thread(target=come)
    other.start()
    other.join()
    assert taken == [False]
    assert leases.return_lease(live.id, "plan") is True
    assert leases.take_lease(live.id, "plan")
    assert leases.return_lease(live.id, "plan") is False


def test_patience_waits_for_the_worker_that_is_at_it(live: Scene) -> None:
    loyal(live)
    with tenant_scope(live.id):
        WorkLease.objects.create(
            part="plan", holder="somebody else", until=business_now() + timedelta(seconds=0.5)
        )
    assert pipeline.work(live.id).get("react", 0) == 0
    assert pipeline.work(live.id, patience_seconds=3)["react"] >= 1


def test_a_row_that_cannot_be_reacted_to_is_set_aside_and_the_others_go_on(
    live: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(4):
        live.add_person(f"person-{index}", f"+1212555{110 + index:04d}")
    live.react(business_now())
    real = project_events

    def brittle(events: Any, *, now: Any) -> Any:
        if any(event.properties.get("balance") == 666 for event in events):
            raise ValueError("this balance is cursed")
        return real(events, now=now)

    monkeypatch.setattr(reacting, "project_events", brittle)
    for index in range(4):
        loyal(live, f"person-{index}", 666 if index == 2 else 15)
    live.react(business_now())
    with tenant_scope(live.id):
        failed = list(EventBatch.objects.filter(state="failed"))
        assert EventBatch.objects.filter(state="pending").count() == 0
        assert FlowRun.objects.count() == 3
    assert len(failed) == 1
    assert "this balance is cursed" in failed[0].error


def test_a_deadlock_runs_again(live: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = project_events, []

    def colliding(events: Any, *, now: Any) -> Any:
        tries.append(len(events))
        if len(tries) == 1:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = '40P01'; END $$")
        return real(events, now=now)

    monkeypatch.setattr(reacting, "project_events", colliding)
    loyal(live)
    live.react(business_now())
    assert len(live.runs()) == 1
    with tenant_scope(live.id):
        assert not EventBatch.objects.filter(state="failed").exists()


def test_two_workers_on_the_same_events_open_one_run(live: Scene) -> None:
    for index in range(20):
        live.add_person(f"person-{index}", f"+1212555{110 + index:04d}")
        loyal(live, f"person-{index}")

    def react_all() -> None:
        while reacting.react(live.id, now=business_now(), limit=3):
            pass
        connection.close()

    workers = [threading.Thread(target=react_all) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    live.react(business_now())
    assert len(live.runs()) == 20
    assert decided(live) == 20
    with tenant_scope(live.id):
        assert not EventBatch.objects.filter(state="failed").exists()


def test_the_sweeper_works_without_any_wake_and_survives_a_lost_database(live: Scene) -> None:
    sweeping.start()
    try:
        loyal(live)
        ends(lambda: decided(live) == 1)
        # What a restart of PostgreSQL does to a connection.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = session_user AND datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        live.add_person("jonas", "+12125550111")
        loyal(live, "jonas")
        ends(lambda: decided(live) == 2)
    finally:
        sweeping.stop()


def test_an_event_nobody_listens_to_wakes_nothing(live: Scene) -> None:
    live.react(business_now())
    with tenant_scope(live.id):
        before = EventBatch.objects.filter(wakes=True).count()
    live.track("Something Else Happened")
    with tenant_scope(live.id):
        assert EventBatch.objects.filter(wakes=True).count() == before
    loyal(live)
    with tenant_scope(live.id):
        assert EventBatch.objects.filter(wakes=True).count() == before + 1
