from __future__ import annotations

from datetime import timedelta
from typing import Any

from consent.domain.settings import set_us_cart_rule
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import hours, install, make_flow
from tests.triggers.scene import Scene
from triggers.domain.ticking import tick

CART: dict[str, Any] = {"cart_id": "c1", "checkout_url": "https://juniper.example/cart/c1"}


def acknowledge(scene: Scene) -> None:
    with tenant_scope(scene.id):
        set_us_cart_rule("acknowledged", acknowledgment="I know the rule.", now=scene.now)


def test_a_checkout_leads_to_two_texts_an_hour_and_six_hours_after(
    scene: Scene, carrier: CarrierProcess
) -> None:
    acknowledge(scene)
    flow = install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.go()
    (run,) = scene.runs(flow)
    assert (run.state, run.step_key, run.due_at) == ("active", "wait_1h", hours(start, 1))
    assert scene.messages() == []

    scene.go(hours(start, 1))
    (run,) = scene.runs(flow)
    # From the actual send, which is a moment after the decision.
    assert run.step_key == "wait_6h"
    assert run.due_at is not None
    assert timedelta(0) <= run.due_at - hours(start, 7) < timedelta(seconds=20)
    (text,) = carrier.messages()
    assert "Your cart is saved. Finish checkout: " in text["body"]

    scene.go(hours(start, 7) + timedelta(seconds=20))  # 20:00 in New York: quiet hours begin
    (run,) = scene.runs(flow)
    assert run.state == "waiting_message"
    scene.walk(hours(start, 24))
    (run,) = scene.runs(flow)
    assert (run.state, run.exit_reason) == ("finished", "completed")
    assert scene.steps(run) == [
        ("wait_1h", "elapsed"),
        ("text_1", "sent"),
        ("wait_6h", "elapsed"),
        ("text_2", "sent"),
    ]
    assert "Reply SIZE or SHIPPING" in carrier.messages()[1]["body"]


def test_an_order_ends_the_run_and_cancels_its_waiting_text(
    scene: Scene, carrier: CarrierProcess
) -> None:
    acknowledge(scene)
    flow = install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.walk(hours(start, 8))
    assert [m.status for m in scene.messages()] == ["sent", "scheduled"]
    scene.track("Order Completed", order_id="o1", total=20, currency="USD")
    scene.go()
    (run,) = scene.runs(flow)
    assert (run.state, run.exit_reason) == ("exited", "exit:Order Completed")
    assert scene.messages()[1].status == "canceled"
    scene.walk(hours(start, 48))
    assert len(carrier.messages()) == 1


def test_an_order_reacted_to_before_the_checkout_opens_no_run(scene: Scene) -> None:
    install(scene, "cart-recovery")
    scene.track("Order Completed", order_id="o1", at=scene.now)
    scene.react()
    scene.track("Checkout Started", at=scene.now - timedelta(minutes=1), **CART)
    scene.react()
    assert scene.runs() == []
    assert scene.decisions() == [(False, "already_exited", "Order Completed came first")]


def test_an_order_accepted_but_not_reacted_to_keeps_the_text_from_going(
    scene: Scene, carrier: CarrierProcess
) -> None:
    """Between acceptance and reaction the tick and the claim look into the log itself."""
    flow = install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.react()
    scene.now = hours(start, 1)
    scene.track("Order Completed", order_id="o1")
    tick(scene.id, now=scene.now)
    (run,) = scene.runs(flow)
    assert (run.state, run.exit_reason) == ("exited", "exit:Order Completed")
    assert scene.messages() == []


def test_an_order_after_the_decision_and_before_the_claim_wins(
    scene: Scene, carrier: CarrierProcess
) -> None:
    install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.react()
    scene.now = hours(start, 1)
    tick(scene.id, now=scene.now)
    assert [m.status for m in scene.messages()] == ["queued"]
    scene.track("Order Completed", order_id="o1")
    from delivery.domain.submitting import submit_queued
    from tenancy.clock import wall_now

    submit_queued(scene.id, now=scene.now, wall=wall_now())
    assert carrier.messages() == []
    scene.go()
    assert carrier.messages() == []
    (run,) = scene.runs()
    assert run.state == "exited"


def test_reacting_again_changes_nothing(scene: Scene) -> None:
    """What a crash between two parts of a batch leaves behind is repeated harmlessly."""
    from events.models import EventBatch

    install(scene, "cart-recovery")
    scene.track("Checkout Started", **CART)
    scene.react()
    before = [(r.id, r.state, r.due_at) for r in scene.runs()]
    with tenant_scope(scene.id):
        EventBatch.objects.update(state="pending", attempts=1)
    scene.react()
    assert [(r.id, r.state, r.due_at) for r in scene.runs()] == before
    assert len(scene.decisions()) == 1


def test_a_cart_that_changes_restarts_the_wait_until_a_text_was_sent(
    scene: Scene, carrier: CarrierProcess
) -> None:
    flow = install(scene, "cart-recovery")
    start = scene.now
    scene.track("Checkout Started", **CART)
    scene.go()
    scene.now = hours(start, 0.5)
    scene.track("Checkout Started", **CART)
    scene.go()
    first, second = scene.runs(flow)
    assert (first.state, first.exit_reason) == ("exited", "replaced")
    assert second.due_at == hours(start, 1.5)
    scene.walk(hours(start, 2))
    assert len(carrier.messages()) == 1
    scene.track("Checkout Started", **CART)
    scene.go()
    assert len(scene.runs(flow)) == 2
    assert scene.decisions()[-1][1] == "text_sent"


def test_the_loyalty_nudge_goes_at_once_and_says_why_not_the_second_time(
    scene: Scene, carrier: CarrierProcess
) -> None:
    install(scene, "loyalty-nudge")
    scene.track("Loyalty Balance Changed", balance=15, currency="USD")
    scene.go()
    (text,) = carrier.messages()
    assert "You've got $15 ready to use. Want to apply it today? Redeem: " in text["body"]
    assert scene.runs()[0].state == "finished"
    scene.now += timedelta(seconds=20)
    scene.track("Loyalty Balance Changed", balance=15, currency="USD")
    scene.go()
    assert scene.decisions()[-1] == (
        False,
        "not_crossed",
        "the balance did not cross $10, it was $15",
    )
    assert len(carrier.messages()) == 1


def test_a_flow_published_today_knows_the_balance_of_yesterday(scene: Scene) -> None:
    scene.track("Loyalty Balance Changed", balance=40, currency="USD", backfill=True)
    scene.react()
    install(scene, "loyalty-nudge")
    scene.now += timedelta(minutes=5)
    scene.track("Loyalty Balance Changed", balance=45, currency="USD")
    scene.react()
    assert scene.decisions()[-1][1:] == (
        "not_crossed",
        "the balance did not cross $10, it was $40",
    )


def test_back_in_stock_tells_those_who_asked_first_and_only_as_many_as_there_are_units(
    scene: Scene, carrier: CarrierProcess
) -> None:
    flow = install(scene, "back-in-stock")
    start = scene.now
    product: dict[str, Any] = {
        "product_id": "p1",
        "product_name": "Ridge mug",
        "url": "https://juniper.example/p1",
    }
    scene.track("Product Inventory Changed", None, **product, quantity=0)
    for index in range(5):
        name = f"person-{index}"
        scene.add_person(name, f"+1212555{110 + index:04d}")
        at = start + timedelta(seconds=index)
        scene.now = at
        scene.track("Back In Stock Requested", name, at=at, product_id="p1")
    scene.react()
    scene.now = back = hours(start, 1)
    scene.track("Product Inventory Changed", None, **product, quantity=1)
    scene.go()
    assert sorted(m["to"][-4:] for m in carrier.messages()) == ["0110", "0111", "0112"]
    assert "Ridge mug is in stock again" in carrier.messages()[0]["body"]
    scene.go(back + timedelta(minutes=15))
    assert len(carrier.messages()) == 5
    assert {run.state for run in scene.runs(flow)} == {"finished"}
    # Each request fires once: another restock tells nobody.
    scene.track("Product Inventory Changed", None, **product, quantity=0)
    scene.now += timedelta(minutes=5)
    scene.track("Product Inventory Changed", None, **product, quantity=9)
    scene.go()
    assert len(carrier.messages()) == 5
    assert scene.decisions()[-1][1] == "nobody_waits"


def test_back_in_stock_stops_when_the_product_is_gone_again_and_the_request_stands(
    scene: Scene, carrier: CarrierProcess
) -> None:
    flow = install(scene, "back-in-stock")
    start = scene.now
    for index in range(4):
        scene.add_person(f"person-{index}", f"+1212555{110 + index:04d}")
        scene.track("Back In Stock Requested", f"person-{index}", product_id="p1")
    scene.react()
    scene.track("Product Inventory Changed", None, product_id="p1", quantity=1)
    scene.go()
    assert len(carrier.messages()) == 3
    scene.now = start + timedelta(minutes=10)
    scene.track("Product Inventory Changed", None, product_id="p1", quantity=0)
    scene.go()
    scene.go(start + timedelta(minutes=15))
    assert len(carrier.messages()) == 3
    assert [r.exit_reason for r in scene.runs(flow)].count("out_of_stock") == 1
    scene.now = hours(start, 2)
    scene.track("Product Inventory Changed", None, product_id="p1", quantity=5)
    scene.go()
    assert len(carrier.messages()) == 4


def test_back_in_stock_understands_other_words_for_stock(
    scene: Scene, carrier: CarrierProcess
) -> None:
    install(scene, "back-in-stock")
    scene.add_person("person", "+12125550110")
    scene.track("Back In Stock Requested", "person", product_id="p1")
    scene.track("Product Inventory Changed", None, product_id="p1", inventory_quantity="0")
    scene.go()
    scene.now += timedelta(minutes=5)
    scene.track("Product Inventory Changed", None, product_id="p1", inventory_quantity="3")
    scene.go()
    assert len(carrier.messages()) == 1


def test_a_wait_for_an_event_of_the_same_set_is_satisfied(scene: Scene) -> None:
    definition: dict[str, Any] = {
        "trigger": {"type": "event", "event": "Product Viewed"},
        "steps": [
            {
                "key": "wait",
                "type": "wait_for_event",
                "event": "Cart Viewed",
                "timeout": "PT1H",
                "then": [],
                "else": [],
            }
        ],
    }
    make_flow(scene, definition)
    scene.track("Product Viewed")
    scene.track("Cart Viewed", at=scene.now)
    scene.react()
    (run,) = scene.runs()
    assert scene.steps(run) == [("wait", "happened")]


def test_a_second_look_alike_workspace_stays_untouched(scene: Scene, other_scene: Scene) -> None:
    install(scene, "cart-recovery")
    install(other_scene, "cart-recovery")
    scene.track("Checkout Started", **CART)
    scene.walk(hours(scene.now, 2))
    other_scene.go(scene.now)
    assert len(scene.runs()) == 1
    assert other_scene.runs() == []
    assert other_scene.messages() == []
    assert other_scene.decisions() == []
