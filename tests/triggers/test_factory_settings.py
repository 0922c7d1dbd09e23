"""With factory settings untouched, each of the three flows sends every step, at its default delay,
to a person who receives nothing else: whatever the hour and the day they come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from consent.domain.settings import set_us_cart_rule
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.triggers.conftest import install
from tests.triggers.scene import Scene
from triggers.models import RunStep

DAYS = {
    "tuesday": datetime(2026, 11, 17, 5, 0, tzinfo=UTC),  # midnight in New York
    "saturday": datetime(2026, 11, 21, 5, 0, tzinfo=UTC),  # before the longest night
}
HOUR = timedelta(hours=1)


def people_by_the_hour(scene: Scene, start: datetime) -> list[tuple[str, datetime]]:
    scene.now = start
    found = []
    for hour in range(24):
        name = f"hour-{hour:02d}"
        scene.add_person(name, f"+1212555{130 + hour:04d}")
        found.append((name, start + hour * HOUR))
    return found


def sent_steps(scene: Scene) -> dict[str, list[str]]:
    names = {contact_id: name for name, contact_id in scene.people.items()}
    found: dict[str, list[str]] = {}
    with tenant_scope(scene.id):
        rows = RunStep.objects.filter(outcome="sent").order_by("left_at")
        for contact_id, key in rows.values_list("contact_id", "step_key"):
            found.setdefault(names[contact_id], []).append(key)
    return found


@pytest.mark.parametrize("day", DAYS)
def test_factory_settings_each_of_three_flows_sends_every_step_cart(
    scene: Scene, carrier: CarrierProcess, day: str
) -> None:
    """The second text with the carriers' rule acknowledged: everything else is the factory's."""
    scene.now = DAYS[day] - HOUR
    install(scene, "cart-recovery")
    with tenant_scope(scene.id):
        set_us_cart_rule("acknowledged", acknowledgment="I know the rule.", now=scene.now)
    people = people_by_the_hour(scene, DAYS[day])
    for name, at in people:
        scene.walk(at)
        scene.track("Checkout Started", name, cart_id=f"cart-{name}")
    scene.walk(DAYS[day] + 72 * HOUR)
    assert sent_steps(scene) == {name: ["text_1", "text_2"] for name, _ in people}
    assert {run.exit_reason for run in scene.runs()} == {"completed"}


@pytest.mark.parametrize("day", DAYS)
def test_factory_settings_under_the_strict_rule_the_second_step_waits_for_a_reply(
    scene: Scene, carrier: CarrierProcess, day: str
) -> None:
    scene.now = DAYS[day] - HOUR
    install(scene, "cart-recovery")
    people = people_by_the_hour(scene, DAYS[day])
    for name, at in people:
        scene.walk(at)
        scene.track("Checkout Started", name, cart_id=f"cart-{name}")
    scene.walk(DAYS[day] + 72 * HOUR)
    assert sent_steps(scene) == {name: ["text_1"] for name, _ in people}
    assert {run.outcomes["text_2"] for run in scene.runs()} == {"skipped:no_reply"}


@pytest.mark.parametrize("day", DAYS)
def test_factory_settings_each_of_three_flows_sends_every_step_back_in_stock(
    scene: Scene, carrier: CarrierProcess, day: str
) -> None:
    scene.now = DAYS[day] - HOUR
    install(scene, "back-in-stock")
    people = people_by_the_hour(scene, DAYS[day])
    for name, at in people:
        scene.walk(at - timedelta(minutes=30))
        product = f"product-{name}"
        scene.track("Product Inventory Changed", None, product_id=product, quantity=0)
        scene.track("Back In Stock Requested", name, product_id=product)
        scene.walk(at)
        scene.track("Product Inventory Changed", None, product_id=product, quantity=5)
    scene.walk(DAYS[day] + 72 * HOUR)
    assert sent_steps(scene) == {name: ["text"] for name, _ in people}


@pytest.mark.parametrize("day", DAYS)
def test_factory_settings_each_of_three_flows_sends_every_step_loyalty(
    scene: Scene, carrier: CarrierProcess, day: str
) -> None:
    scene.now = DAYS[day] - HOUR
    install(scene, "loyalty-nudge")
    people = people_by_the_hour(scene, DAYS[day])
    for name, at in people:
        scene.walk(at)
        scene.track("Loyalty Balance Changed", name, balance=15, currency="USD")
    scene.walk(DAYS[day] + 72 * HOUR)
    assert sent_steps(scene) == {name: ["text"] for name, _ in people}
