"""Campaigns over HTTP to the carrier: launched, held back, paused, stopped, each contact once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client

from consent.domain.opt_outs import OptOut, record_opt_outs
from tenancy.clock import advance_clock, business_now, wall_now
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.campaigning import (
    call,
    campaign_of,
    change,
    draft,
    go,
    launch,
    people,
    segment,
    walk,
)
from tests.triggers.scene import Scene
from triggers.models import EntryDecision, FanOut, Flow


@pytest.fixture(autouse=True)
def _clock(scene: Scene) -> None:
    advance_clock(scene.now)


def test_a_campaign_reaches_everybody_subscribed_once(
    scene: Scene, other_scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    people(scene, 4)
    scene.add_person("never", "+12125550199", subscribed=False)
    scene.add_person("phoneless", None)
    campaign = launch(client, scene.brand)
    go(scene)
    sent = carrier.messages()
    assert len(sent) == 5  # Maya and four more
    assert len({text["to"] for text in sent}) == 5
    assert all("Hi there, early access is open." in text["body"] for text in sent)
    status, read = call(client, scene.brand, "get", f"campaigns/{campaign}")
    assert (status, read["status"], read["selected"]) == (200, "sent", 5)
    assert read["numbers"]["sent"] == 5
    assert read["numbers"]["held_back"] == {}
    assert other_scene.messages() == []


def test_segment_exclusions_and_held_back_by_reason(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    buyers = people(scene, 4, cohort="spring")
    people(scene, 2, cohort="autumn")
    change(scene, buyers[0], vip="yes")
    with tenant_scope(scene.id):
        stop = OptOut(
            phone="+12125551002",
            contact_id=buyers[1],
            source="keyword",
            evidence={"body": "STOP"},
            occurred_at=scene.now,
        )
        record_opt_outs([stop], now=scene.now)
    segment(scene, "spring", "cohort", "spring")
    segment(scene, "vips", "vip", "yes")
    campaign = launch(client, scene.brand, audience="segment", segment="spring", exclude=["vips"])
    go(scene)
    assert len(carrier.messages()) == 2
    _, read = call(client, scene.brand, "get", f"campaigns/{campaign}")
    assert read["selected"] == 3
    assert read["numbers"]["held_back"] == {"unsubscribed": 1}
    assert read["exclude"] == ["vips"]


def test_launching_again_changes_nothing(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    people(scene, 3)
    campaign = launch(client, scene.brand)
    for _ in range(2):
        status, read = call(client, scene.brand, "post", f"campaigns/{campaign}/launch")
        assert (status, read["status"]) == (200, "scheduled")
    go(scene, limit=2)
    assert call(client, scene.brand, "post", f"campaigns/{campaign}/launch")[1]["status"] == "sent"
    go(scene)
    assert len(carrier.messages()) == 4
    with tenant_scope(scene.id):
        assert FanOut.objects.count() == 1


def test_a_second_fan_out_texts_nobody_again(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    """Whatever goes wrong: a contact has one run and one text of a campaign."""
    people(scene, 3)
    launch(client, scene.brand)
    go(scene)
    with tenant_scope(scene.id):
        FanOut.objects.update(done_at=None, after_contact=None, stage="entering", starts_at=None)
    go(scene)
    assert len(carrier.messages()) == 4
    assert set(Counter(m.contact_id for m in scene.messages()).values()) == {1}


def test_at_a_time_it_starts_then_and_not_before(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    at = scene.now + timedelta(hours=2)
    campaign = launch(client, scene.brand, timing="at", send_at=at.isoformat())
    go(scene)
    go(scene, at - timedelta(minutes=2))
    assert carrier.messages() == []
    assert call(client, scene.brand, "get", f"campaigns/{campaign}")[1]["status"] == "scheduled"
    go(scene, at)
    assert len(carrier.messages()) == 1


def test_who_left_the_segment_or_was_excluded_since_gets_nothing(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    """Decided in the evening, waiting for the morning: the audience is asked again then."""
    members = people(scene, 3, cohort="spring")
    segment(scene, "spring", "cohort", "spring")
    segment(scene, "vips", "vip", "yes")
    evening = scene.now.replace(hour=2) + timedelta(days=1)  # 21:00 in New York
    campaign = launch(
        client,
        scene.brand,
        audience="segment",
        segment="spring",
        exclude=["vips"],
        timing="at",
        send_at=evening.isoformat(),
    )
    go(scene, evening)
    assert {m.reason for m in scene.messages()} == {"quiet_hours"}
    change(scene, members[0], cohort="autumn")
    change(scene, members[1], vip="yes")
    walk(scene, evening + timedelta(hours=15))
    assert len(carrier.messages()) == 1
    _, read = call(client, scene.brand, "get", f"campaigns/{campaign}")
    assert read["numbers"]["held_back"] == {"conditions_not_met": 2}
    assert read["status"] == "sent"


def test_pausing_holds_everything_and_resuming_goes_on(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    from triggers.domain.fanning import fan_out

    people(scene, 5)
    campaign = launch(client, scene.brand)
    fan_out(scene.id, now=business_now(), limit=3)
    assert Counter(m.status for m in scene.messages()) == {"queued": 3}
    status, read = call(client, scene.brand, "post", f"campaigns/{campaign}/pause")
    assert (status, read["status"]) == (200, "paused")
    go(scene, scene.now + timedelta(minutes=1))
    assert carrier.messages() == []
    assert {(m.status, m.reason) for m in scene.messages()} == {("scheduled", "campaign_paused")}
    _, read = call(client, scene.brand, "get", f"campaigns/{campaign}")
    assert read["numbers"]["waiting"] == {"campaign_paused": 3}
    status, read = call(client, scene.brand, "post", f"campaigns/{campaign}/resume")
    assert (status, read["status"]) == (200, "sending")
    go(scene, scene.now + timedelta(seconds=10))
    assert len(carrier.messages()) == 6
    assert campaign_of(scene).status == "sent"


def test_stopping_cancels_what_has_not_left(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    from delivery.domain.submitting import submit_queued
    from triggers.domain.fanning import fan_out

    people(scene, 6)
    campaign = launch(client, scene.brand)
    fan_out(scene.id, now=business_now(), limit=2)
    submit_queued(scene.id, now=business_now(), wall=wall_now())
    fan_out(scene.id, now=business_now(), limit=2)
    status, read = call(client, scene.brand, "post", f"campaigns/{campaign}/stop")
    assert (status, read["status"]) == (200, "stopped")
    go(scene)
    assert len(carrier.messages()) == 2
    _, read = call(client, scene.brand, "get", f"campaigns/{campaign}")
    assert read["numbers"]["held_back"] == {"campaign_stopped": 2}
    assert all(run.ended_at is not None for run in scene.runs())
    status, problem = call(client, scene.brand, "post", f"campaigns/{campaign}/launch")
    assert (status, problem["code"]) == (409, "campaign_stopped")
    status, problem = call(client, scene.brand, "post", f"campaigns/{campaign}/resume")
    assert (status, problem["code"]) == (409, "not_paused")


def test_the_gap_between_campaigns_holds(
    scene: Scene, client: Client, carrier: CarrierProcess
) -> None:
    launch(client, scene.brand)
    go(scene)
    second = launch(client, scene.brand, name="Second")
    go(scene, scene.now + timedelta(hours=1))
    assert len(carrier.messages()) == 1
    _, read = call(client, scene.brand, "get", f"campaigns/{second}")
    assert read["numbers"]["held_back"] == {"frequency_cap": 1}


def test_what_a_draft_lacks_is_named(scene: Scene, client: Client) -> None:
    _, made = call(client, scene.brand, "post", "campaigns", {"name": "Bare"})
    status, problem = call(client, scene.brand, "post", f"campaigns/{made['id']}/launch")
    assert (status, problem["code"]) == (422, "not_ready")
    assert {error["field"] for error in problem["errors"]} == {"audience", "body"}
    past = scene.now - timedelta(days=30)
    for changes, field in (
        ({"timing": "at"}, "send_at"),
        ({"timing": "local"}, "local_time"),
        ({"audience": "segment"}, "segment"),
        ({"audience": "segment", "segment": "nobody"}, "segment"),
        ({"exclude": ["nobody"]}, "exclude"),
        ({"local_time": "2026-13-01T10:00"}, "local_time"),
        ({"local_time": "2199-01-01T10:00"}, "local_time"),
        ({"send_at": "9999-12-31T23:59:59Z"}, "send_at"),
        ({"send_at": "0001-01-01T00:00:00Z"}, "send_at"),
        ({"name": "  "}, "name"),
    ):
        status, problem = call(client, scene.brand, "patch", f"campaigns/{made['id']}", changes)
        assert status == 422, changes
        assert [error["field"] for error in problem["errors"]] == [field], changes
    status, problem = call(
        client, scene.brand, "patch", f"campaigns/{made['id']}", {"body": "Hi [FirstName]"}
    )
    assert (status, problem["code"]) == (422, "fallback_missing")
    late = draft(client, scene.brand, timing="at", send_at=past.isoformat())
    status, problem = call(client, scene.brand, "post", f"campaigns/{late}/launch")
    assert [error["code"] for error in problem["errors"]] == ["past"]
    assert call(client, scene.brand, "get", f"campaigns/{made['id']}")[1]["body"] is None


def test_a_launched_campaign_cannot_be_changed(scene: Scene, client: Client) -> None:
    campaign = launch(client, scene.brand)
    status, problem = call(
        client, scene.brand, "patch", f"campaigns/{campaign}", {"body": "Something else"}
    )
    assert (status, problem["code"]) == (409, "campaign_launched")


def test_without_a_sender_nothing_is_launched(scene: Scene, client: Client) -> None:
    from delivery.models import Gateway

    with tenant_scope(scene.id):
        Gateway.objects.update(is_live=False)
    campaign = draft(client, scene.brand)
    status, problem = call(client, scene.brand, "post", f"campaigns/{campaign}/launch")
    assert (status, problem["errors"][0]["code"]) == (422, "no_sender")


def test_a_campaigns_flow_is_no_flow_of_the_marketer(scene: Scene, client: Client) -> None:
    launch(client, scene.brand)
    go(scene)
    assert call(client, scene.brand, "get", "flows")[1]["flows"] == []
    with tenant_scope(scene.id):
        slug = Flow.every.get().slug
        assert EntryDecision.objects.count() == 0
    assert call(client, scene.brand, "get", f"flows/{slug}")[0] == 404
    definition = {
        "trigger": {"type": "schedule"},
        "steps": [{"key": "text", "type": "message", "template": "x"}],
    }
    status, problem = call(
        client, scene.brand, "post", "flows", {"name": "Mine", "definition": definition}
    )
    assert (status, problem["errors"][0]["code"]) == (422, "campaign_only")


def test_another_workspaces_campaign_does_not_exist_here(
    scene: Scene, other_scene: Scene, client: Client
) -> None:
    campaign = draft(client, scene.brand)
    assert call(client, other_scene.brand, "get", "campaigns")[1]["campaigns"] == []
    for method, path in (
        ("get", ""),
        ("patch", ""),
        ("get", "/funnel"),
        ("post", "/launch"),
        ("post", "/pause"),
        ("post", "/resume"),
        ("post", "/stop"),
    ):
        path = f"campaigns/{campaign}{path}"
        assert call(client, other_scene.brand, method, path, {})[0] == 404, path
    assert campaign_of(scene).status == "draft"


def test_pages_of_campaigns_go_on_with_the_cursor(scene: Scene, client: Client) -> None:
    made = [draft(client, scene.brand, name=f"Campaign {number}") for number in range(3)]
    _, first = call(client, scene.brand, "get", "campaigns?limit=2")
    _, rest = call(client, scene.brand, "get", f"campaigns?limit=2&cursor={first['next_cursor']}")
    shown = [one["id"] for one in (*first["campaigns"], *rest["campaigns"])]
    assert shown == made[::-1]
    assert rest["next_cursor"] is None
