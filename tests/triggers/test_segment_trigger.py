"""Segments as triggers: edges after publishing, and once the current members when asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from segments.domain.segments import build_segment, create_segment
from templates_engine.domain.templates import save_and_approve
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import make_flow
from tests.triggers.scene import Scene
from triggers.domain.fanning import fan_out
from triggers.models import FanOut, Flow

VIEWERS = {
    "all": [{"event": "Product Viewed", "count": {"op": "gte", "value": 1}, "within": "P7D"}]
}


def make_segment(scene: Scene) -> None:
    with tenant_scope(scene.id):
        save_and_approve("hello", body="Hello [FirstName or 'there'].", now=scene.now)
        segment = create_segment("Viewers", slug="viewers", definition=VIEWERS, now=scene.now)
        build_segment(segment.id, now=scene.now)


def flow_over(scene: Scene, **trigger: Any) -> Flow:
    definition = {
        "trigger": {"type": "segment", "segment": "viewers", **trigger},
        "steps": [{"key": "text", "type": "message", "template": "hello"}],
    }
    return make_flow(scene, definition)


def test_entering_the_segment_enters_the_flow(scene: Scene, carrier: CarrierProcess) -> None:
    make_segment(scene)
    flow_over(scene)
    scene.track("Product Viewed")
    scene.go()
    assert len(carrier.messages()) == 1


def test_who_was_in_before_is_left_alone_unless_asked_for(
    scene: Scene, carrier: CarrierProcess
) -> None:
    make_segment(scene)
    scene.track("Product Viewed")
    scene.react()
    scene.now += timedelta(minutes=1)
    flow_over(scene)
    assert fan_out(scene.id, now=scene.now) == 0
    scene.go()
    assert carrier.messages() == []


def test_current_members_enter_once_a_set_at_a_time(scene: Scene, carrier: CarrierProcess) -> None:
    make_segment(scene)
    for index in range(5):
        scene.add_person(f"p{index}", f"+1212555{130 + index:04d}")
        scene.track("Product Viewed", f"p{index}")
    scene.react()
    scene.now += timedelta(minutes=1)
    flow_over(scene, include_current=True)
    sizes = []
    while taken := fan_out(scene.id, now=scene.now, limit=2):
        sizes.append(taken)
    assert sizes == [2, 2, 1]
    scene.go()
    assert len(carrier.messages()) == 5
    assert len(scene.runs()) == 5
    with tenant_scope(scene.id):
        order = FanOut.objects.get()
        assert order.done_at is not None
        assert order.entered_count == 5
