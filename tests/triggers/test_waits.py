"""A delay that was changed while people wait at it: they keep their time, or they are moved; over
HTTP to the carrier, with a look-alike workspace that nobody may touch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.problems import NotFound, Problem
from delivery.models import Message
from people.models import Contact
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.carrier import CarrierProcess
from tests.support.world import World
from tests.triggers.conftest import hours, install, make_flow
from tests.triggers.scene import Scene
from tests.triggers.test_api import call
from tests.triggers.test_flows import add_text
from triggers.domain.editing import change_delay
from triggers.domain.flows import archive_flow, publish_flow
from triggers.domain.waits import move_waiting
from triggers.models import Flow, FlowRun

CART = "/w/juniper/flows/cart-recovery/"


@pytest.fixture
def cart(scene: Scene) -> Flow:
    return install(scene, "cart-recovery")


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


@pytest.fixture
def post(scene: Scene, shop: Client) -> Callable[..., Any]:
    """A form of the flow's pages, at the scene's time."""

    def send(path: str, **given: Any) -> Any:
        scene.meet_clock()
        return shop.post(f"{CART}{path}", {"workspace": "juniper", **given})

    return send


def page(scene: Scene, shop: Client, path: str = "") -> str:
    """The page's words with single blanks, at the scene's time."""
    scene.meet_clock()
    return " ".join(shop.get(f"{CART}{path}").content.decode().split())


def start(scene: Scene, *names: str) -> None:
    """These people leave a cart."""
    for name in names:
        if name not in scene.people:
            scene.add_person(name, f"+1212555{130 + len(scene.people):04d}")
        scene.track("Checkout Started", name, cart_id=f"c-{name}", value=60, currency="USD")
    scene.go()


def due_of(scene: Scene, name: str = "maya") -> Any:
    with tenant_scope(scene.id):
        return FlowRun.objects.get(contact_id=scene.people[name]).due_at


def moves(scene: Scene) -> list[AuditEntry]:
    with tenant_scope(scene.id):
        return list(AuditEntry.objects.filter(action="flow.waiting_moved").order_by("at", "id"))


def ask(scene: Scene, wish: Any, flow: str = "cart-recovery") -> tuple[int, Any]:
    """A call of the API with the scene's key, at the scene's time."""
    scene.meet_clock()
    return call(Client(), scene.brand, "post", f"flows/{flow}/waiting/move", wish)


@pytest.mark.parametrize("choice", ["keep", "move", "else"])
def test_publishing_asks_about_those_who_wait(
    scene: Scene,
    cart: Flow,
    other_scene: Scene,
    shop: Client,
    post: Callable[..., Any],
    carrier: CarrierProcess,
    choice: str,
) -> None:
    install(other_scene, "cart-recovery")
    begun = scene.now
    start(scene, "maya", "jonas")
    start(other_scene, "maya")
    post("step/wait_1h/edit/", base="1", hours="3")
    review = page(scene, shop, "review/")
    assert "2 people wait at step 1 now" in review
    assert "Let the 2 who wait keep their time" in review
    assert "3 hours, counted from when the wait began. Nobody goes on at once" in review
    assert 'name="move.wait_1h" value="keep" form="publish" checked' in review

    post("publish/", number="2", **{"move.wait_1h": choice})
    moved = choice == "move"
    wanted = begun + timedelta(hours=3 if moved else 1)
    assert [due_of(scene, name) for name in ("maya", "jonas")] == [wanted, wanted]
    assert due_of(other_scene) == begun + timedelta(hours=1)
    assert len(moves(scene)) == moved
    assert moves(other_scene) == []
    scene.walk(hours(begun, 2.5))
    assert len(carrier.messages()) == (0 if moved else 2)
    scene.walk(hours(begun, 3.5))
    assert len(carrier.messages()) == 2
    if moved:
        [entry] = moves(scene)
        assert entry.actor == "user:owner@juniper.example"
        steps = {"wait_1h": {"to": "PT3H", "people": 2, "at_once": 0, "too_late": 0}}
        assert entry.data == {"number": 2, "steps": steps}


def test_who_kept_their_time_can_be_moved_later_and_only_once(
    scene: Scene, cart: Flow, shop: Client, post: Callable[..., Any]
) -> None:
    begun = scene.now
    start(scene, "maya")
    post("step/wait_1h/edit/", base="1", hours="3")
    post("publish/", number="2")
    later = scene.now
    start(scene, "jonas")  # after the change: nobody has to move him
    panel = page(scene, shop, "?step=wait_1h")
    assert "1 person keeps an earlier time" in panel
    assert "Move this one to 3 hours" in panel
    assert post("step/wait_1h/move/").status_code == 302
    assert due_of(scene) == begun + timedelta(hours=3)
    assert due_of(scene, "jonas") == later + timedelta(hours=3)
    again = page(scene, shop, "?step=wait_1h")
    assert "1 person moved to the new delay." in again
    assert "an earlier time" not in again
    assert post("step/wait_1h/move/").status_code == 302
    assert "Nobody waits here by an earlier delay." in page(scene, shop)
    assert len(moves(scene)) == 1
    assert post("step/text_1/move/").status_code == 409
    assert post("step/nope/move/").status_code == 404


def test_over_the_api_they_are_counted_then_moved_and_only_once(
    scene: Scene, cart: Flow, other_scene: Scene, post: Callable[..., Any]
) -> None:
    install(other_scene, "cart-recovery")
    begun = scene.now
    start(scene, "maya", "jonas")
    start(other_scene, "maya")
    scene.go(hours(begun, 0.75))
    start(scene, "ada")
    post("step/wait_1h/edit/", base="1", minutes="30")
    assert ask(scene, {"dry_run": True}) == (
        200,
        {"dry_run": True, "version": 1, "moved": 0, "steps": []},
    )
    post("publish/", number="2")
    step = {"step": "wait_1h", "delay": "PT30M", "contacts": 3, "at_once": 2, "too_late": 0}
    counted = {"dry_run": True, "version": 2, "moved": 3, "steps": [step]}
    times = [due_of(scene, name) for name in ("maya", "jonas", "ada")]
    assert ask(scene, {"dry_run": True}) == (200, counted)
    assert ask(scene, {"dry_run": True, "steps": ["wait_1h"]}) == (200, counted)
    assert [due_of(scene, name) for name in ("maya", "jonas", "ada")] == times
    assert moves(scene) == []

    assert ask(scene, {"steps": ["wait_1h"]}) == (200, {**counted, "dry_run": False})
    assert due_of(scene) == begun + timedelta(minutes=30)
    assert due_of(scene, "ada") == hours(begun, 0.75) + timedelta(minutes=30)
    [entry] = moves(scene)
    assert entry.actor.startswith("key:")
    told = {"to": "PT30M", "people": 3, "at_once": 2, "too_late": 0}
    assert entry.data == {"number": 2, "steps": {"wait_1h": told}}
    again = {"dry_run": False, "version": 2, "moved": 0, "steps": []}
    assert ask(scene, {}) == (200, again)
    assert len(moves(scene)) == 1
    assert due_of(other_scene) == begun + timedelta(hours=1)
    assert moves(other_scene) == []


def test_over_the_api_a_wrong_wish_is_named_and_moves_nobody(
    scene: Scene, cart: Flow, post: Callable[..., Any]
) -> None:
    start(scene, "maya")
    before = due_of(scene)
    post("step/wait_1h/edit/", base="1", hours="3")
    post("publish/", number="2")
    cases: list[tuple[Any, str, str]] = [
        ({"steps": ["wait_1h", "nope"]}, "steps[1]", "unknown_step"),
        ({"steps": ["text_1"]}, "steps[0]", "no_delay"),
        ({"steps": []}, "steps", "empty"),
        ({"steps": "wait_1h"}, "steps", "not_a_list"),
        ({"dryrun": True}, "dryrun", "unknown_field"),
        ({"dry_run": "perhaps"}, "dry_run", "invalid"),
    ]
    for wish, field, code in cases:
        status, problem = ask(scene, wish)
        found = [(each["field"], each["code"]) for each in problem["errors"]]
        assert (status, found) == (422, [(field, code)]), wish
    assert ask(scene, {}, "nope")[0] == 404
    assert due_of(scene) == before
    with tenant_scope(scene.id):
        archive_flow(cart, now=scene.now)
    status, problem = ask(scene, {})
    assert (status, problem["code"]) == (409, "not_live")
    assert moves(scene) == []


def test_moved_back_to_the_delay_they_began_with(
    scene: Scene, cart: Flow, post: Callable[..., Any]
) -> None:
    begun = scene.now
    start(scene, "maya")
    for number, span in ((2, "5"), (3, "1")):
        post("step/wait_1h/edit/", base=str(number - 1), hours=span)
        post("publish/", number=str(number), **{"move.wait_1h": "move"})
        assert due_of(scene) == begun + timedelta(hours=int(span))
    assert len(moves(scene)) == 2


def test_who_is_past_the_new_time_goes_on_at_once_and_through_every_check(
    scene: Scene, cart: Flow, shop: Client, post: Callable[..., Any], carrier: CarrierProcess
) -> None:
    begun = scene.now
    scene.add_person("jonas", "+12125550111", subscribed=False)
    start(scene, "maya", "jonas")
    scene.go(hours(begun, 0.5))
    start(scene, "ada")
    post("step/wait_1h/edit/", base="1", minutes="15")
    review = page(scene, shop, "review/")
    assert "2 of them go on at once, the others at their new time." in review
    post("publish/", number="2", **{"move.wait_1h": "move"})
    scene.go()
    [text] = carrier.messages()
    assert text["to"] == "+12125550101"
    assert due_of(scene, "ada") == hours(begun, 0.75)
    with tenant_scope(scene.id):
        [refused] = Message.objects.filter(contact_id=scene.people["jonas"])
        assert (refused.status, refused.reason) == ("skipped", "never_subscribed")


def test_who_is_past_the_texts_time_to_live_is_not_texted_late(
    scene: Scene, shop: Client, carrier: CarrierProcess
) -> None:
    add_text(scene)
    long = {
        "trigger": {"type": "event", "event": "Support Question Asked"},
        "steps": [
            {"key": "wait", "type": "delay", "for": "P3D"},
            {"key": "text", "type": "message", "template": "hello", "ttl": "PT18H"},
            {"key": "wait_2", "type": "delay", "for": "P1D"},
            {"key": "text_2", "type": "message", "template": "hello", "ttl": "PT18H"},
        ],
    }
    flow = make_flow(scene, long)
    begun = scene.now
    scene.add_person("jonas", "+12125550111")
    scene.track("Support Question Asked")
    scene.go(hours(begun, 20))
    scene.track("Support Question Asked", "jonas")
    scene.go(hours(begun, 24))
    with tenant_scope(scene.id):
        change_delay(flow, key="wait", duration="PT2H", now=scene.now)
    path = "/w/juniper/flows/test/"
    scene.meet_clock()
    review = " ".join(shop.get(f"{path}review/").content.decode().split())
    assert "All of them go on at once." in review
    assert "For 1 of them it is too late for the text behind it, which is skipped." in review
    given = {"workspace": "juniper", "number": "2", "move.wait": "move"}
    assert shop.post(f"{path}publish/", given).status_code == 302
    scene.go()
    first, second = scene.runs()
    assert first.outcomes == {"text": "skipped:expired"}
    assert first.step_key == "wait_2"
    assert second.outcomes == {"text": "sent"}
    assert len(carrier.messages()) == 1
    [entry] = moves(scene)
    assert entry.data["steps"]["wait"] == {"to": "PT2H", "people": 2, "at_once": 2, "too_late": 1}


def test_days_are_the_contacts_own(scene: Scene) -> None:
    add_text(scene)
    flow = make_flow(
        scene,
        {
            "trigger": {"type": "event", "event": "Support Question Asked"},
            "steps": [
                {"key": "wait", "type": "delay", "for": "PT1H"},
                {"key": "text", "type": "message", "template": "hello"},
            ],
        },
    )
    scene.add_person("lisbon", "+12125550111")
    with tenant_scope(scene.id):
        # Wall clocks in New York jump in the night of March 14; in Lisbon they do not.
        scene.now = scene.now.replace(year=2027, month=3, day=13)
        Contact.objects.filter(id=scene.people["maya"]).update(timezone="America/New_York")
        Contact.objects.filter(id=scene.people["lisbon"]).update(timezone="Europe/Lisbon")
    for name in ("maya", "lisbon"):
        scene.track("Support Question Asked", name)
    scene.go()
    with tenant_scope(scene.id):
        change_delay(flow, key="wait", duration="P2D", now=scene.now)
        publish_flow(flow, now=scene.now)
        assert move_waiting(flow, keys=["wait"], now=scene.now) == 2
    assert due_of(scene) - scene.now == timedelta(hours=47)
    assert due_of(scene, "lisbon") - scene.now == timedelta(hours=48)


def test_a_wait_for_an_event_gets_its_new_length_too(scene: Scene) -> None:
    add_text(scene)
    flow = make_flow(
        scene,
        {
            "trigger": {"type": "event", "event": "Support Question Asked"},
            "steps": [
                {
                    "key": "gate",
                    "type": "wait_for_event",
                    "event": "Product Viewed",
                    "timeout": "PT6H",
                    "else": [{"key": "text", "type": "message", "template": "hello"}],
                }
            ],
        },
    )
    begun = scene.now
    scene.track("Support Question Asked")
    scene.go()
    with tenant_scope(scene.id):
        change_delay(flow, key="gate", duration="PT1H", now=scene.now)
        publish_flow(flow, now=scene.now)
        assert move_waiting(flow, keys=["gate"], now=scene.now) == 1
    scene.walk(hours(begun, 1.5))
    assert [m.status for m in scene.messages()] == ["sent"]


def test_nobody_is_moved_by_what_cannot_go_live_or_is_over(
    scene: Scene, cart: Flow, post: Callable[..., Any], other_scene: Scene
) -> None:
    theirs = install(other_scene, "cart-recovery")
    begun = scene.now
    start(scene, "maya")
    post("step/wait_1h/edit/", base="1", hours="3")
    post("step/text_2/edit/", base="2", body="Questions? Reply RETURNS. [CartLink]")
    refused = post("publish/", number="3", **{"move.wait_1h": "move"})
    assert refused.status_code == 422
    stale = post("publish/", number="2", **{"move.wait_1h": "move"})
    assert stale.status_code == 409
    assert due_of(scene) == begun + timedelta(hours=1)
    assert moves(scene) == []
    with tenant_scope(scene.id):
        with pytest.raises(NotFound):
            move_waiting(theirs, keys=["wait_1h"], now=scene.now)
        archive_flow(cart, now=scene.now)
        with pytest.raises(Problem):
            move_waiting(cart, keys=["wait_1h"], now=scene.now)


def test_moving_many_takes_no_more_queries(scene: Scene, cart: Flow) -> None:
    names = [f"p{number}" for number in range(12)]
    start(scene, names[0])
    counts = []
    for span in ("PT2H", "PT3H", "PT4H"):
        with tenant_scope(scene.id):
            change_delay(cart, key="wait_1h", duration=span, now=scene.now)
            publish_flow(cart, now=scene.now)
            with CaptureQueriesContext(connection) as captured:
                moved = move_waiting(cart, keys=["wait_1h"], now=scene.now)
        counts.append((moved, len(captured)))
        if span == "PT2H":
            start(scene, *names[1:])
    assert [moved for moved, _ in counts] == [1, 12, 12]
    assert counts[1][1] <= counts[0][1]
    assert counts[1][1] == counts[2][1]
