"""A flow is paused over HTTP while texts are on the way: they wait, and resuming says what becomes
of them; to the carrier, with a look-alike workspace that goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from delivery.domain.submitting import submit_queued
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.support.world import World
from tests.triggers.conftest import hours, make_flow
from tests.triggers.scene import Scene
from tests.triggers.test_flows import ONE_TEXT, add_text
from triggers.domain.ticking import tick
from triggers.models import Flow

FLOW = "/w/juniper/flows/test/"


@pytest.fixture
def flow(scene: Scene, other_scene: Scene) -> Flow:
    for one in (other_scene, scene):
        add_text(one)
    make_flow(other_scene, ONE_TEXT)
    return make_flow(scene, ONE_TEXT)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


@pytest.fixture
def post(scene: Scene, shop: Client) -> Callable[..., Any]:
    def send(path: str, **given: Any) -> Any:
        scene.meet_clock()
        answer = shop.post(f"{FLOW}{path}/", {"workspace": "juniper", **given})
        scene.meet_clock()
        assert answer.status_code == 302, answer.content
        return answer

    return send


def words(scene: Scene, shop: Client) -> str:
    scene.meet_clock()
    return " ".join(shop.get(FLOW).content.decode().split())


def queue_one(scene: Scene) -> None:
    """Maya's text is decided and queued; nobody has submitted it."""
    scene.track("Support Question Asked")
    scene.go()
    scene.now = hours(scene.now, 1)
    tick(scene.id, now=scene.now)
    assert [m.status for m in scene.messages()] == ["queued"]


def state(scene: Scene) -> tuple[str, str]:
    [message] = scene.messages()
    return message.status, message.reason


@pytest.mark.parametrize(
    ("overdue", "status", "texts", "run"),
    [
        ("skip", "canceled", 0, ("active", "wait_2", "")),
        ("continue", "sent", 1, ("active", "wait_2", "")),
        ("exit", "canceled", 0, ("exited", "text", "paused_too_long")),
    ],
)
def test_a_queued_text_waits_for_the_end_of_the_pause(
    scene: Scene,
    other_scene: Scene,
    flow: Flow,
    shop: Client,
    post: Callable[..., Any],
    carrier: CarrierProcess,
    overdue: str,
    status: str,
    texts: int,
    run: tuple[str, str, str],
) -> None:
    queue_one(scene)
    queue_one(other_scene)
    page = words(scene, shop)
    assert "1 text is on the way too." in page
    assert "It waits until you resume." in page
    post("pause")
    submit_queued(scene.id, now=scene.now, wall=wall_now())
    assert state(scene) == ("scheduled", "flow_paused")
    scene.walk(hours(scene.now, 2))  # looked at again and again, and still held
    assert state(scene) == ("scheduled", "flow_paused")
    assert carrier.messages() == []
    assert scene.runs()[0].step_key == "text"
    assert "The time of 1 passed while it was paused." in words(scene, shop)

    post("resume", overdue=overdue)
    scene.go()
    assert state(scene)[0] == status
    assert len(carrier.messages()) == texts
    [found] = scene.runs()
    assert (found.state, found.step_key, found.exit_reason) == run
    assert state(other_scene) == ("queued", "")


def test_a_text_that_waits_for_the_morning_keeps_waiting_through_a_pause(
    scene: Scene, flow: Flow, shop: Client, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    begun = scene.now
    scene.now = hours(begun, 7)
    scene.track("Support Question Asked")
    scene.walk(hours(begun, 8.5))
    assert state(scene) == ("scheduled", "quiet_hours")
    post("pause")
    scene.walk(hours(begun, 10))
    # Its time has not come: nobody has to be asked about it.
    assert "Nobody's time passed while it was paused." in words(scene, shop)
    post("resume", overdue="skip")
    scene.walk(hours(begun, 24))
    assert scene.messages()[0].status == "sent"
    assert carrier.messages() != []


def test_a_text_whose_morning_comes_during_the_pause_is_asked_about(
    scene: Scene, flow: Flow, shop: Client, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    begun = scene.now
    scene.now = hours(begun, 7)
    scene.track("Support Question Asked")
    scene.walk(hours(begun, 8.5))
    post("pause")
    scene.walk(hours(begun, 24))
    assert state(scene) == ("scheduled", "flow_paused")
    assert "The time of 1 passed while it was paused." in words(scene, shop)
    post("resume", overdue="continue")
    scene.go()
    assert state(scene) == ("sent", "")


def test_a_text_that_gets_too_old_during_the_pause_is_skipped(
    scene: Scene, flow: Flow, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    queue_one(scene)
    post("pause")
    scene.go()
    assert state(scene) == ("scheduled", "flow_paused")
    scene.go(hours(scene.now, 30))
    assert state(scene) == ("skipped", "expired")
    scene.go(hours(scene.now, 30))
    [run] = scene.runs()
    assert run.step_key == "wait_2"  # and no further while the flow is paused
    assert carrier.messages() == []


def test_what_ends_a_run_ends_it_during_the_pause_too(
    scene: Scene, other_scene: Scene, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    add_text(scene)
    make_flow(scene, {**ONE_TEXT, "exit": [{"event": "Order Completed"}]})
    queue_one(scene)
    post("pause")
    submit_queued(scene.id, now=scene.now, wall=wall_now())
    scene.track("Order Completed", order_id="o1")
    scene.react()
    assert state(scene) == ("canceled", "exited")
    post("resume", overdue="continue")
    scene.go()
    assert carrier.messages() == []


def test_archiving_a_paused_flow_cancels_what_waits(
    scene: Scene, flow: Flow, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    from triggers.domain.flows import archive_flow

    queue_one(scene)
    post("pause")
    submit_queued(scene.id, now=scene.now, wall=wall_now())
    with tenant_scope(scene.id):
        archive_flow(flow, now=scene.now)
    assert state(scene) == ("canceled", "flow_archived")
