from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from api.problems import Invalid, NotFound, Problem
from events.models import EventListener
from templates_engine.domain.templates import save_and_approve, save_draft
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import hours, install, make_flow
from tests.triggers.scene import Scene
from triggers.domain.flows import (
    archive_flow,
    create_flow,
    pause_flow,
    publish_flow,
    publish_version,
    resume_flow,
    review_version,
    save_version,
)
from triggers.domain.recipes import install_recipe, list_recipes
from triggers.models import Flow, FlowVersion

ONE_TEXT: dict[str, Any] = {
    "trigger": {"type": "event", "event": "Support Question Asked"},
    "steps": [
        {"key": "wait", "type": "delay", "for": "PT1H"},
        {"key": "text", "type": "message", "template": "hello"},
        {"key": "wait_2", "type": "delay", "for": "PT1H"},
        {"key": "text_2", "type": "message", "template": "hello"},
    ],
}


def add_text(scene: Scene, slug: str = "hello", body: str = "Hello from us.", **more: Any) -> None:
    with tenant_scope(scene.id):
        save_and_approve(slug, body=body, now=scene.now, **more)


def problem_codes(scene: Scene, definition: dict[str, Any]) -> dict[str, str]:
    """path -> code of what keeps this definition from going live."""
    with tenant_scope(scene.id):
        flow = create_flow(f"Flow {Flow.objects.count()}", definition=definition, now=scene.now)
        with pytest.raises(Problem) as caught:
            publish_flow(flow, now=scene.now)
    assert caught.value.code == "not_publishable"
    assert caught.value.status == 422
    return {error.field: error.code for error in caught.value.errors}


def test_the_three_recipes_install_and_go_live_with_their_texts_word_for_word(scene: Scene) -> None:
    assert [one.slug for one in list_recipes()] == [
        "back-in-stock",
        "cart-recovery",
        "loyalty-nudge",
    ]
    bodies = {t["slug"]: t["body"] for one in list_recipes() for t in one.templates}
    assert bodies["cart-1"] == "Your cart is saved. Finish checkout: [CartLink]"
    assert bodies["cart-2"] == (
        "Need help with size or shipping? Reply SIZE or SHIPPING. Checkout: [CartLink]"
    )
    for one in list_recipes():
        flow = install(scene, one.slug)
        assert flow.status == "live"
    with tenant_scope(scene.id):
        again = install_recipe("cart-recovery", now=scene.now)
        assert again.slug == "cart-recovery-2"
        with pytest.raises(NotFound):
            install_recipe("nope", now=scene.now)


def test_publishing_the_strict_cart_flow_says_that_step_two_waits(scene: Scene) -> None:
    with tenant_scope(scene.id):
        flow = install_recipe("cart-recovery", now=scene.now)
        published = publish_flow(flow, now=scene.now)
    (notice,) = published.notices
    assert (notice.code, notice.step_key) == ("waits_for_reply", "text_2")
    assert "waits for a reply" in notice.detail


def test_a_text_that_asks_for_a_reply_nobody_handles_cannot_go_live(scene: Scene) -> None:
    add_text(scene, body="Questions? Reply SIZE or RETURNS.")
    add_text(scene, "reply-size", "Sizes run true.", message_type="conversational")
    raw = copy.deepcopy(ONE_TEXT)
    raw["steps"] = [{**raw["steps"][1], "replies": {"SIZE": "reply-size"}}]
    assert problem_codes(scene, raw) == {"steps[0].replies": "reply_not_handled"}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"template": "nope"}, "steps[0].template", "unknown_template"),
        ({"template": "draft"}, "steps[0].template", "template_not_approved"),
        ({"replies": {"SIZE": "nope"}}, "steps[0].replies.SIZE", "unknown_template"),
        ({"replies": {"SIZE": "hello"}}, "steps[0].replies.SIZE", "wrong_message_type"),
        ({"ttl": "PT15H"}, "steps[0].ttl", "would_expire_unsent"),
    ],
)
def test_publishing_refuses_with_the_place_and_a_code(
    scene: Scene, change: dict[str, Any], path: str, code: str
) -> None:
    add_text(scene)
    with tenant_scope(scene.id):
        save_draft("draft", body="Not yet.", now=scene.now)
    raw = {**ONE_TEXT, "steps": [{**ONE_TEXT["steps"][1], **change}]}
    assert problem_codes(scene, raw) == {path: code}


def test_a_short_life_is_fine_for_a_text_that_is_skipped_at_night(scene: Scene) -> None:
    add_text(scene)
    raw = {**ONE_TEXT, "steps": [{**ONE_TEXT["steps"][1], "ttl": "PT15M", "window": "skip"}]}
    assert make_flow(scene, raw).status == "live"


def test_a_cart_flow_without_an_exit_on_the_order_cannot_go_live(scene: Scene) -> None:
    add_text(scene)
    raw = {
        "trigger": {"type": "event", "event": "Checkout Started"},
        "steps": [ONE_TEXT["steps"][1]],
    }
    assert problem_codes(scene, raw) == {"exit": "exit_missing"}


def test_an_unknown_segment_cannot_be_a_trigger(scene: Scene) -> None:
    add_text(scene)
    raw = {**ONE_TEXT, "trigger": {"type": "segment", "segment": "vip"}}
    assert problem_codes(scene, raw) == {"trigger.segment": "unknown_segment"}


def test_a_broken_definition_is_not_saved(scene: Scene) -> None:
    with tenant_scope(scene.id):
        with pytest.raises(Invalid) as caught:
            create_flow("Broken", definition={**ONE_TEXT, "steps": []}, now=scene.now)
        assert [error.field for error in caught.value.errors] == ["steps"]
        assert Flow.objects.count() == 0


def test_versions_never_change_and_running_runs_keep_theirs(scene: Scene) -> None:
    add_text(scene)
    flow = make_flow(scene, ONE_TEXT)
    scene.track("Support Question Asked")
    scene.react()
    longer = copy.deepcopy(ONE_TEXT)
    longer["steps"][0]["for"] = "PT9H"
    with tenant_scope(scene.id):
        version = save_version(flow, definition=longer, now=scene.now)
        assert version.number == 2
        assert save_version(flow, definition=longer, now=scene.now).id == version.id
        assert review_version(version)
        publish_version(version, now=scene.now)
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            FlowVersion.objects.filter(id=version.id).update(number=7)
    scene.add_person("jonas", "+12125550111")
    scene.track("Support Question Asked", "jonas")
    scene.react()
    due = {run.contact_id: run.due_at for run in scene.runs()}
    assert due[scene.people["maya"]] == hours(scene.now, 1)
    assert due[scene.people["jonas"]] == hours(scene.now, 9)


@pytest.mark.parametrize(
    ("overdue", "texts", "state"),
    [("skip", 0, "active"), ("continue", 1, "active"), ("exit", 0, "exited")],
)
def test_resume_asks_what_to_do_with_runs_whose_time_passed(
    scene: Scene, carrier: CarrierProcess, overdue: Any, texts: int, state: str
) -> None:
    add_text(scene)
    flow = make_flow(scene, ONE_TEXT)
    start = scene.now
    scene.track("Support Question Asked")
    scene.react()
    with tenant_scope(scene.id):
        pause_flow(flow, now=scene.now)
    scene.go(hours(start, 2))
    assert scene.messages() == []
    scene.add_person("jonas", "+12125550111")
    scene.track("Support Question Asked", "jonas")
    scene.react()
    assert scene.decisions()[-1][1] == "flow_paused"
    with tenant_scope(scene.id):
        resume_flow(flow, now=scene.now, overdue=overdue)
    scene.go()
    assert len(carrier.messages()) == texts
    assert scene.runs()[0].state == state


def test_archive_ends_runs_and_cancels_what_waits(scene: Scene, carrier: CarrierProcess) -> None:
    add_text(scene)
    flow = make_flow(scene, ONE_TEXT)
    start = scene.now
    scene.now = hours(start, 7)
    scene.track("Support Question Asked")
    scene.walk(hours(start, 8.5))
    with tenant_scope(scene.id):
        archive_flow(flow, now=scene.now)
        assert not EventListener.objects.filter(owner=f"flow:{flow.id}").exists()
    (run,) = scene.runs()
    assert (run.state, run.exit_reason) == ("exited", "archived")
    assert scene.messages()[0].status == "canceled"
    scene.walk(hours(start, 48))
    assert carrier.messages() == []


def test_a_template_that_lost_its_approval_is_passed_over_not_hung(scene: Scene) -> None:
    from templates_engine.models import Template

    add_text(scene)
    make_flow(scene, ONE_TEXT)
    start = scene.now
    scene.track("Support Question Asked")
    scene.react()
    with tenant_scope(scene.id):
        Template.objects.update(approved_version=None)
    scene.go(hours(start, 1))
    (run,) = scene.runs()
    assert run.outcomes["text"] == "skipped:not_approved"
    assert run.step_key == "wait_2"


def test_a_consent_skip_advances_and_the_reason_is_kept(scene: Scene) -> None:
    add_text(scene)
    make_flow(scene, ONE_TEXT)
    scene.add_person("never", "+12125550112", subscribed=False)
    scene.track("Support Question Asked", "never")
    scene.walk(hours(scene.now, 1))
    (run,) = scene.runs()
    assert run.outcomes["text"] == "skipped:never_subscribed"
    assert run.step_key == "wait_2"


def test_the_number_of_queries_does_not_grow_with_the_set(scene: Scene) -> None:
    add_text(scene)
    definition = {**ONE_TEXT, "steps": ONE_TEXT["steps"][1:]}
    make_flow(scene, definition)
    scene.track("Support Question Asked")
    scene.react()

    def count(names: list[str]) -> int:
        scene.now += timedelta(minutes=5)
        for name in names:
            scene.track("Support Question Asked", name)
        with CaptureQueriesContext(connection) as captured:
            scene.react()
        return len(captured)

    for index in range(24):
        scene.add_person(f"p{index}", f"+1212555{130 + index:04d}")
    scene.react()
    assert count(["p0"]) == count([f"p{index}" for index in range(1, 24)])


def test_the_number_of_queries_of_a_tick_does_not_grow(scene: Scene) -> None:
    from triggers.domain.ticking import tick

    add_text(scene)
    make_flow(scene, ONE_TEXT)
    for index in range(24):
        scene.add_person(f"p{index}", f"+1212555{130 + index:04d}")
    scene.react()
    counts = []
    for names in (["p0"], ["p1"], [f"p{index}" for index in range(2, 24)]):
        scene.now += timedelta(minutes=5)
        for name in names:
            scene.track("Support Question Asked", name)
        scene.react()
        with CaptureQueriesContext(connection) as captured:
            assert tick(scene.id, now=hours(scene.now, 1)) == len(names)
        counts.append(len(captured))
    assert counts[1] == counts[2]  # the first one filled this process's stores of versions
