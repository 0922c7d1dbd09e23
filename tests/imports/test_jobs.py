"""An import as a job: killed, paused, resumed, canceled, forgotten; flows only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError

from api.problems import Invalid, NotFound, Problem
from events.models import Event
from imports.domain.advancing import advance
from imports.domain.contact_work import save_contact_rows
from imports.domain.jobs import (
    access_import,
    attach_file,
    cancel_import,
    pause_import,
    resume_import,
    start_import,
)
from imports.domain.reports import write_report
from imports.domain.rows import save_outcomes
from imports.domain.working import open_imports
from imports.models import Import, ImportOutcome, ImportPart
from people.models import Contact
from segments.domain.segments import build_segment, create_segment
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.imports.making import (
    PROOF,
    begin,
    begin_check,
    bring_in,
    check,
    go_on,
    live_flow,
    read,
    rows_of,
    short,
    upload,
    written,
)
from tests.support.world import World
from triggers.domain.reacting import react
from triggers.models import Flow, FlowRun

PEOPLE = written(
    [["phone", "name", "city"], *([f"+1310555{n:04}", f"N{n}", "Austin"] for n in range(25))]
)


class Killed(BaseException):
    """What no handler catches: the process is gone."""


def names(world: World) -> list[str]:
    with tenant_scope(world.shop.tenant.id):
        return sorted(Contact.objects.values_list("first_name", flat=True))


def test_killed_anywhere_it_loses_nothing_and_doubles_nothing(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    job = begin_check(world.shop, upload(world.shop, PEOPLE, world), world, **PROOF)
    save = save_outcomes
    lives = {"left": 1}

    def mortal(*given: Any) -> None:
        """Dies once before and once after each set is written, and never at the same place."""
        lives["left"] -= 1
        if lives["left"] == 0:
            raise Killed
        save(*given)
        if lives["left"] == -1:
            lives["left"] = 3
            raise Killed

    def to_the_end() -> int:
        deaths = 0
        while read(world.shop, job.id).state in ("checking", "running"):
            try:
                advance(world.shop.tenant.id, job.id, now=world.now, limit=4)
            except Killed:
                deaths += 1
        return deaths

    monkeypatch.setattr("imports.domain.advancing.save_outcomes", mortal)
    assert to_the_end() > 2
    assert names(world) == []
    begin(world.shop, job, world)
    assert to_the_end() > 2
    assert names(world) == sorted(f"N{n}" for n in range(25))
    for stage in ("check", "run"):
        found = short(rows_of(world.shop, job, stage))
        assert found == [(line, "created", "") for line in range(2, 27)]
    done = read(world.shop, job.id)
    assert (done.state, done.counts["created"]) == ("done", 25)
    with tenant_scope(world.shop.tenant.id):
        assert Event.objects.filter(name="SMS Subscribed").count() == 25


def test_paused_resumed_and_canceled(world: World) -> None:
    job = check(world.shop, PEOPLE, world)
    begin(world.shop, job, world)
    shop, late = world.shop.tenant.id, world.now
    advance(shop, job.id, now=late, limit=10)
    with tenant_scope(shop):
        pause_import(job.id, now=late)
    assert advance(shop, job.id, now=late, limit=10) == 0
    assert len(names(world)) == 10
    with tenant_scope(shop):
        resume_import(job.id, now=late, wall=late)
    advance(shop, job.id, now=late, limit=10)
    with tenant_scope(shop):
        cancel_import(job.id, now=late)
        for verb in (pause_import, cancel_import):
            with pytest.raises(Problem, match="not_now"):
                verb(job.id, now=late)
    go_on(world.shop, job, world)
    assert len(names(world)) == 20
    report = b"".join(write_report(shop, job.id, "run")).decode("utf-8-sig").splitlines()
    assert report[0] == "row,outcome,code,reason"
    assert len(report) == 21
    with tenant_scope(shop):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert [each for each in actions if each.startswith("import.")] == [
        *("import.started", "import.paused", "import.resumed", "import.canceled"),
    ]


def test_a_start_needs_a_whole_check_of_these_columns(world: World) -> None:
    shop, now = world.shop.tenant.id, world.now

    def start() -> None:
        with tenant_scope(shop):
            start_import(job.id, now=now, wall=now)

    job = upload(world.shop, PEOPLE, world)
    with pytest.raises(Problem, match="not_now"):
        start()
    job = begin_check(world.shop, job, world)
    advance(shop, job.id, now=now, limit=5)
    with pytest.raises(Problem, match="not_now"):
        start()
    go_on(world.shop, job, world)
    # Other columns: the check begins anew, and nothing of the first one stays.
    begin_check(world.shop, job, world)
    with pytest.raises(Problem, match="not_now"):
        start()
    go_on(world.shop, job, world)
    assert len(rows_of(world.shop, job, "check")) == 25
    assert read(world.shop, job.id).checked["created"] == 25
    start()
    nothing = check(world.shop, b"phone\n12\n13\n", world)
    with tenant_scope(shop), pytest.raises(Problem, match="nothing_to_import"):
        start_import(nothing.id, now=now, wall=now)


def test_another_workspaces_import_does_not_exist(world: World) -> None:
    job = check(world.shop, PEOPLE, world)
    verbs: list[Callable[[], Any]] = [
        lambda: access_import(job.id),
        lambda: attach_file(job.id, [b"phone\n+13105550142\n"]),
        lambda: start_import(job.id, now=world.now, wall=world.now),
        lambda: cancel_import(job.id, now=world.now),
    ]
    with tenant_scope(world.other.tenant.id):
        for verb in verbs:
            with pytest.raises(NotFound):
                verb()
        assert Import.objects.count() == ImportPart.objects.count() == 0
    assert advance(world.other.tenant.id, job.id, now=world.now) == 0
    assert b"".join(write_report(world.other.tenant.id, job.id, "check")).count(b"\n") == 1


def test_a_row_that_postgresql_refuses_costs_that_row_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = save_contact_rows

    def refuse(job: Import, rows: Any, *given: Any, **more: Any) -> Any:
        if any(each.row.values.get("first_name") == "N7" for each in rows):
            raise DataError("no")
        return save(job, rows, *given, **more)

    monkeypatch.setattr("imports.domain.advancing.save_contact_rows", refuse)
    job = bring_in(world.shop, PEOPLE, world)
    wrong = [each for each in short(rows_of(world.shop, job)) if each[1] != "created"]
    assert wrong == [(9, "rejected", "unstorable")]
    assert len(names(world)) == 24


def test_a_file_nobody_starts_goes_after_a_week(world: World) -> None:
    job = check(world.shop, PEOPLE, world)
    shop, week = world.shop.tenant.id, world.now + timedelta(days=7)
    before = week - timedelta(seconds=1)
    assert open_imports(tenant_id=shop, now=before) == []
    assert advance(shop, job.id, now=before) == 0
    assert open_imports(tenant_id=shop, now=week) == [(shop, job.id)]
    while advance(shop, job.id, now=week):
        pass
    assert read(world.shop, job.id).state == "canceled"
    with tenant_scope(shop):
        assert ImportPart.objects.count() == 0
        assert ImportOutcome.objects.count() > 0


def test_what_cannot_be_a_file_is_refused_and_leaves_nothing(world: World) -> None:
    for data, code in (
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"phone,name\n", "no_rows"),
        (b'"', "no_rows"),
    ):
        with pytest.raises(Invalid) as wrong:
            upload(world.shop, data, world)
        assert [(each.field, each.code) for each in wrong.value.errors] == [("file", code)]
    with tenant_scope(world.shop.tenant.id):
        assert Import.objects.count() == 0


def austin_flows(world: World) -> None:
    """A live flow that begins with whoever comes into a segment, and one with every opt-in."""
    with tenant_scope(world.shop.tenant.id):
        definition = {"all": [{"attribute": "city", "op": "is", "value": "Austin"}]}
        segment = create_segment("Austin", slug="austin", definition=definition, now=world.now)
        build_segment(segment.id, now=world.now)
    into = {"type": "segment", "segment": "austin"}
    live_flow(world.shop, "Welcome", into, now=world.now)
    live_flow(world.shop, "Thanks", {"type": "event", "event": "SMS Subscribed"}, now=world.now)


def test_by_default_no_flow_begins_not_even_by_a_segment(world: World) -> None:
    austin_flows(world)
    job = check(world.shop, PEOPLE, world, **PROOF | {"consent_date": "2026-11-17"})
    assert set(job.effects.values()) == {25}
    assert len(job.effects) == 2
    for starts, runs in ((False, 0), (True, 50)):
        begin(world.shop, job, world, starts=starts)
        go_on(world.shop, job, world)
        while react(world.shop.tenant.id, now=world.now):
            pass
        with tenant_scope(world.shop.tenant.id):
            assert Flow.objects.filter(status="live").count() == 2
            assert FlowRun.objects.count() == runs
        more = PEOPLE.replace(b"+1310", b"+1212")
        job = check(world.shop, more, world, **PROOF | {"consent_date": "2026-11-17"})


def test_starting_flows_has_to_be_confirmed(world: World) -> None:
    job = check(world.shop, PEOPLE, world)
    with tenant_scope(world.shop.tenant.id):
        with pytest.raises(Invalid) as wrong:
            start_import(job.id, starts_flows=True, now=world.now, wall=world.now)
        assert [each.code for each in wrong.value.errors] == ["confirm_needed"]
        assert access_import(job.id).state == "checked"
    orders = upload(world.shop, b"order id,email,date,total\n1,a@b.example,2026-05-01,5\n", world, kind="orders")  # fmt: skip
    begin_check(world.shop, orders, world, unmatched="create")
    go_on(world.shop, orders, world)
    with tenant_scope(world.shop.tenant.id), pytest.raises(Invalid, match="history"):
        start_import(orders.id, starts_flows=True, confirmed=True, now=world.now, wall=world.now)
