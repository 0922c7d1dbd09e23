"""Editing a flow: drafts, what goes live with them, history, and going back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.problems import Invalid, NotFound, Problem
from delivery.models import MessageContent
from templates_engine.domain.templates import save_and_approve
from templates_engine.models import Template
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.triggers.conftest import hours, install, make_flow
from tests.triggers.scene import Scene
from triggers.domain.editing import change_delay, change_filter, change_text
from triggers.domain.flows import archive_flow, create_flow, publish_flow, save_version
from triggers.domain.recipes import install_recipe
from triggers.domain.versions import (
    publish_draft,
    review_draft,
    roll_back,
    version_stories,
)
from triggers.models import Flow, FlowRun, FlowVersion

NEW = "Hi [FirstName or 'there'], your cart is safe: [CartLink]"
OVER_50 = {"property": "value", "op": "gte", "value": 50}


@pytest.fixture
def cart(scene: Scene) -> Flow:
    return install(scene, "cart-recovery")


def again(flow: Flow) -> Flow:
    found: Flow = Flow.objects.select_related("live_version").get(id=flow.id)
    return found


def in_use(slug: str) -> str:
    template = Template.objects.select_related("approved_version").get(slug=slug)
    return str(template.approved_version.body)


def said(scene: Scene) -> list[str]:
    with tenant_scope(scene.id):
        return list(MessageContent.objects.order_by("created_at").values_list("body", flat=True))


def test_a_new_text_waits_for_publishing_then_counts_for_everybody(
    scene: Scene, cart: Flow
) -> None:
    scene.track("Checkout Started", cart_id="c1", value=60, currency="USD")
    scene.go()
    with tenant_scope(scene.id):
        version = change_text(cart, key="text_1", body=NEW, now=scene.now, base=1)
        assert version.number == 2
        assert in_use("cart-1").startswith("Your cart is saved")
        review = review_draft(again(cart))
        assert [str(one) for one in review.changes] == [
            "Text of step 2: Your cart is saved. Finish checkout: [CartLink] "
            f"\N{RIGHTWARDS ARROW} {NEW}"
        ]
        assert (review.on_the_way, review.errors) == (1, ())
        publish_draft(cart, number=2, now=scene.now)
        assert in_use("cart-1") == NEW
        assert again(cart).live_version.number == 2
        assert not review_draft(again(cart)).is_pending
        # The one on the way stays on its version and reads the new words.
        assert FlowRun.objects.get(ended_at=None).version.number == 1
    scene.walk(hours(scene.now, 1.2))
    assert any("your cart is safe" in body for body in said(scene))


def test_nothing_of_a_draft_is_sent(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        change_text(cart, key="text_1", body=NEW, now=scene.now)
        change_delay(cart, key="wait_1h", duration="PT9H", now=scene.now)
        change_filter(cart, condition={**OVER_50, "value": 1000}, now=scene.now)
    scene.track("Checkout Started", cart_id="c1", value=60, currency="USD")
    scene.walk(hours(scene.now, 1.2))
    assert ["Your cart is saved" in body for body in said(scene)] == [True]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ("Hi [FirstName], your cart: [CartLink]", "FirstName", "fallback_missing"),
        ("Hi [Frstname or 'x']", "Frstname", "field_unknown"),
        ("Hi [FirstName", "body", "template_syntax"),
        ("  ", "body", "template_syntax"),
        ("x" * 1700, "body", "template_too_long"),
    ],
)
def test_a_text_that_cannot_go_out_is_not_saved(
    scene: Scene, cart: Flow, body: str, field: str, code: str
) -> None:
    with tenant_scope(scene.id):
        with pytest.raises(Invalid) as caught:
            change_text(cart, key="text_1", body=body, now=scene.now)
        assert [(one.field, one.code) for one in caught.value.errors] == [(field, code)]
        assert FlowVersion.objects.filter(flow=cart).count() == 1
        assert Template.objects.get(slug="cart-1").approved_version.number == 1


def test_a_refused_fallback_tells_the_share_of_this_flows_audience(
    scene: Scene, cart: Flow
) -> None:
    scene.add_person("someone", "+12125550102")
    scene.track("Checkout Started", cart_id="c1", value=60, currency="USD")
    with tenant_scope(scene.id), pytest.raises(Invalid) as caught:
        change_text(cart, key="text_1", body="[City] waits", now=scene.now)
    # Two contacts, but only one of them started a checkout.
    assert "1 of the one person (100%) has none." in caught.value.errors[0].detail


def test_delay_and_filter_make_versions_and_new_runs_follow_them(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        change_delay(cart, key="wait_1h", duration="PT2H", now=scene.now, base=1)
        change_filter(cart, condition=OVER_50, now=scene.now, base=2)
        review = review_draft(again(cart))
        assert [str(one).replace("\N{RIGHTWARDS ARROW}", ">") for one in review.changes] == [
            "Filter of the trigger: nothing > Value is at least 50",
            "Delay of step 1: 1 hour > 2 hours",
        ]
        publish_draft(cart, number=3, now=scene.now)
    scene.track("Checkout Started", cart_id="small", value=40, currency="USD")
    scene.track("Checkout Started", cart_id="large", value=60, currency="USD")
    scene.walk(hours(scene.now, 1.5))
    assert said(scene) == []
    with tenant_scope(scene.id):
        [run] = FlowRun.objects.filter(ended_at=None)
        assert (run.entry_key, run.version.number) == ("large", 3)
    scene.walk(hours(scene.now, 1))
    assert len(said(scene)) == 1


@pytest.mark.parametrize(
    ("duration", "code"), [("PT0S", "too_short"), ("soon", "bad_duration"), ("P400D", "too_long")]
)
def test_a_delay_that_is_none_is_refused(
    scene: Scene, cart: Flow, duration: str, code: str
) -> None:
    with tenant_scope(scene.id), pytest.raises(Invalid) as caught:
        change_delay(cart, key="wait_1h", duration=duration, now=scene.now)
    assert [(one.field, one.code) for one in caught.value.errors] == [("duration", code)]


def test_a_filter_names_the_wrong_place(scene: Scene, cart: Flow) -> None:
    wrong = {"all": [OVER_50, {"property": "value", "op": "near", "value": 1}]}
    with tenant_scope(scene.id), pytest.raises(Invalid) as caught:
        change_filter(cart, condition=wrong, now=scene.now)
    assert caught.value.errors[0].field.startswith("filter.all[1]")


def test_a_step_that_is_not_there_or_of_another_kind(scene: Scene, cart: Flow) -> None:
    refused: list[Callable[[], object]]
    with tenant_scope(scene.id):
        refused = [
            lambda: change_text(cart, key="nope", body="Hello", now=scene.now),
            lambda: change_text(cart, key="wait_1h", body="Hello", now=scene.now),
            lambda: change_text(cart, key="text_1", keyword="NOPE", body="Hi", now=scene.now),
            lambda: change_delay(cart, key="text_1", duration="PT1H", now=scene.now),
            lambda: roll_back(cart, number=9, now=scene.now),
        ]
        for wrong in refused:
            with pytest.raises(NotFound):
                wrong()


def test_two_people_at_once(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        change_delay(cart, key="wait_1h", duration="PT2H", now=scene.now, base=1)
        refused: list[Callable[[], object]] = [
            lambda: change_text(cart, key="text_1", body=NEW, now=scene.now, base=1),
            lambda: publish_draft(cart, number=1, now=scene.now),
        ]
        for late in refused:
            with pytest.raises(Problem) as caught:
                late()
            assert (caught.value.code, caught.value.status) == ("version_conflict", 409)
        assert FlowVersion.objects.filter(flow=cart).count() == 2


def test_saving_what_is_there_saves_nothing(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        text = "Your cart is saved. Finish checkout: [CartLink]"
        assert change_text(cart, key="text_1", body=text, now=scene.now).number == 1
        assert change_delay(cart, key="wait_1h", duration="PT1H", now=scene.now).number == 1
        assert change_filter(cart, condition=None, now=scene.now).number == 1
        assert not AuditEntry.objects.filter(action="flow.saved").exists()


def test_history_tells_each_change_and_rolling_back_restores_texts_too(
    scene: Scene, cart: Flow
) -> None:
    with tenant_scope(scene.id):
        change_text(cart, key="text_1", body=NEW, now=scene.now)
        change_delay(cart, key="wait_1h", duration="PT2H", now=scene.now)
        publish_flow(cart, now=scene.now)
        versions = list(FlowVersion.objects.filter(flow=cart).order_by("-number"))
        stories = version_stories(again(cart), versions)
        assert [(s.version.number, s.is_live) for s in stories] == [
            (3, True),
            (2, False),
            (1, False),
        ]
        assert [[one.what for one in s.changes] for s in stories] == [
            ["Delay of step 1"],
            ["Text of step 2"],
            [],
        ]
        back = roll_back(again(cart), number=1, now=scene.now)
        assert (back.number, back.definition) == (4, versions[2].definition)
        assert in_use("cart-1") == NEW  # nothing went live yet
        assert {one.what for one in review_draft(again(cart)).changes} == {
            "Delay of step 1",
            "Text of step 2",
        }
        publish_draft(cart, number=4, now=scene.now)
        assert in_use("cart-1").startswith("Your cart is saved")
        assert roll_back(again(cart), number=4, now=scene.now).number == 4
        actions = list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))
        assert actions.count("flow.saved") == 2
        assert actions.count("flow.rolled_back") == 1
        assert actions.count("flow.published") == 3


def test_going_back_to_what_is_live_leaves_no_draft(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        change_text(cart, key="text_2", body=NEW, now=scene.now)
        roll_back(again(cart), number=1, now=scene.now)
        review = review_draft(again(cart))
        assert (review.changes, review.is_pending) == ((), False)


def test_an_approval_elsewhere_is_not_undone_by_publishing_a_delay(
    scene: Scene, cart: Flow
) -> None:
    with tenant_scope(scene.id):
        change_delay(cart, key="wait_1h", duration="PT2H", now=scene.now)
        save_and_approve("cart-1", body="Approved elsewhere: [CartLink]", now=scene.now)
        assert [one.what for one in review_draft(again(cart)).changes] == ["Delay of step 1"]
        publish_flow(cart, now=scene.now)
        assert in_use("cart-1") == "Approved elsewhere: [CartLink]"


def test_an_answer_to_a_keyword_is_a_text_too(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        change_text(cart, key="text_2", keyword="SIZE", body="Sizes run true.", now=scene.now)
        [first, second] = review_draft(again(cart)).changes
        # Both texts listen for it.
        assert {first.what, second.what} == {
            "Answer to SIZE of step 2",
            "Answer to SIZE of step 4",
        }
        publish_flow(cart, now=scene.now)
        assert in_use("reply-size") == "Sizes run true."


def test_words_that_ask_for_an_unknown_reply_are_found_in_the_draft(
    scene: Scene, cart: Flow
) -> None:
    with tenant_scope(scene.id):
        body = "Questions? Reply RETURNS. [CartLink]"
        change_text(cart, key="text_2", body=body, now=scene.now)
        [error] = review_draft(again(cart)).errors
        assert (error.code, error.step_key) == ("reply_not_handled", "text_2")
        with pytest.raises(Problem) as caught:
            publish_flow(cart, now=scene.now)
        assert caught.value.code == "not_publishable"
        assert "Need help" in in_use("cart-2")


def test_a_text_that_two_flows_send_says_so(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        twin = install_recipe("cart-recovery", now=scene.now)
        publish_flow(twin, now=scene.now)
        change_text(cart, key="text_1", body=NEW, now=scene.now)
        assert review_draft(again(cart)).shared == {"cart-1": ("Cart recovery",)}


def test_a_draft_from_a_recipe_is_edited_and_published_before_it_was_ever_live(
    scene: Scene,
) -> None:
    with tenant_scope(scene.id):
        flow = install_recipe("cart-recovery", now=scene.now)
        change_text(flow, key="text_1", body=NEW, now=scene.now)
        review = review_draft(again(flow))
        assert (review.was_live, review.is_pending, review.errors) == (False, True, ())
        publish_draft(flow, number=2, now=scene.now)
        assert in_use("cart-1") == NEW


def test_an_archived_flow_is_over(scene: Scene, cart: Flow) -> None:
    with tenant_scope(scene.id):
        archive_flow(cart, now=scene.now)
        with pytest.raises(Problem) as caught:
            change_delay(cart, key="wait_1h", duration="PT2H", now=scene.now)
        assert caught.value.code == "flow_archived"


def test_structure_saved_through_the_api_is_told_too(scene: Scene) -> None:
    raw: dict[str, Any] = {
        "trigger": {"type": "event", "event": "Support Question Asked"},
        "steps": [
            {"key": "wait", "type": "delay", "for": "PT1H"},
            {
                "key": "fork",
                "type": "split",
                "if": {"any": [OVER_50, {"all": [OVER_50, {"replied": True}]}]},
                "then": [{"key": "text", "type": "message", "template": "hello"}],
            },
        ],
    }
    with tenant_scope(scene.id):
        save_and_approve("hello", body="Hello from us.", now=scene.now)
    flow = make_flow(scene, raw)
    fork = raw["steps"][1]
    changed = {
        **raw,
        "exit": [{"event": "Order Completed", "match": "cart_id"}],
        "steps": [
            {**fork, "if": {"any": [{"any": [OVER_50, OVER_50]}, {"replied": True}]}},
            {"key": "end", "type": "exit"},
        ],
    }
    changed["steps"][0]["then"] = [{"key": "text", "type": "message", "template": "hello",
                                    "window": "skip"}]  # fmt: skip
    with tenant_scope(scene.id):
        save_version(flow, definition=changed, now=scene.now)
        told = [
            str(one).replace("\N{RIGHTWARDS ARROW}", ">")
            for one in review_draft(again(flow)).changes
        ]
    assert told == [
        "Exit criteria: nothing > Order Completed with the same cart_id",
        "Condition of step 1: Value is at least 50 or (Value is at least 50 and has replied) > "
        "(Value is at least 50 or Value is at least 50) or has replied",
        "In quiet hours of step 2: waits > is skipped",
        "Step 3: nothing > Exit",
        "Step 1: Wait 1 hour > nothing",
    ]


def test_the_other_workspace_keeps_its_words(scene: Scene, other_scene: Scene) -> None:
    ours, theirs = install(scene, "cart-recovery"), install(other_scene, "cart-recovery")
    with tenant_scope(scene.id):
        change_text(ours, key="text_1", body=NEW, now=scene.now)
        publish_flow(ours, now=scene.now)
        with pytest.raises(NotFound):
            change_delay(theirs, key="wait_1h", duration="PT2H", now=scene.now)
    with tenant_scope(other_scene.id):
        assert in_use("cart-1").startswith("Your cart is saved")


def test_a_flow_made_with_a_template_that_is_only_a_draft(scene: Scene) -> None:
    raw = {
        "trigger": {"type": "event", "event": "Support Question Asked"},
        "steps": [{"key": "text", "type": "message", "template": "fresh"}],
    }
    with tenant_scope(scene.id):
        flow = create_flow("Fresh", definition=raw, now=scene.now)
        assert [one.code for one in review_draft(again(flow)).errors] == ["unknown_template"]
        change_text(flow, key="text", body="Hello [FirstName or 'you']", now=scene.now)
        assert review_draft(again(flow)).errors == ()
        publish_draft(flow, number=2, now=scene.now)
        assert in_use("fresh") == "Hello [FirstName or 'you']"
