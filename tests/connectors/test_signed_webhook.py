"""The signed webhook: its clock, its repetitions, its mapping, and replays under a better one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connectors.domain.connectors import change_connector
from connectors.domain.processing import process_body, replay_body
from connectors.models import Connector, ReceivedBody
from events.models import Event
from tenancy.clock import wall_now
from tenancy.scope import tenant_scope
from tests.connectors.door import Door, open_door, people
from tests.events.edges import stored
from tests.support.world import World

pytestmark = pytest.mark.django_db
BODY = {
    "event": "Ticket Solved",
    "phone": "+13105550142",
    "id": "t-1",
    "properties": {"topic": "size"},
}


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world.shop, "webhook")


def properties(world: World, name: str) -> list[dict[str, Any]]:
    with tenant_scope(world.shop.tenant.id):
        return list(
            Event.objects.filter(name=name).order_by("id").values_list("properties", flat=True)
        )


def test_a_signed_body_becomes_an_event_without_any_set_up(world: World, door: Door) -> None:
    assert door.told("", BODY) == [("Ticket Solved", "accepted")]
    assert properties(world, "Ticket Solved") == [{"topic": "size"}]
    assert [each.phone for each in people(world.shop)] == ["+13105550142"]
    assert people(world.other) == []


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_good_for_five_minutes(world: World, door: Door, seconds: int) -> None:
    at = int(wall_now().timestamp()) + seconds
    assert door.post("", BODY, at=at)[1]["code"] == "too_old"
    assert door.row().failures[0]["reason"] == "too_old"
    assert stored(world.shop) == []


@pytest.mark.parametrize("header", ["t=,v1=", "v1=abc", "t=1,t=2,v1=a", "nonsense", "t=x,v1=é"])
def test_a_header_that_is_none_is_no_signature(world: World, door: Door, header: str) -> None:
    status, answer = door.post("", BODY, Kairos_Signature=header)
    assert (status, answer["code"]) == (401, "bad_signature")


def test_the_same_request_again_counts_once_and_its_id_holds_beyond_it(
    world: World, door: Door
) -> None:
    at = int(wall_now().timestamp())
    assert door.post("", BODY, at=at)[1]["duplicate"] is False
    assert door.post("", BODY, at=at)[1]["duplicate"] is True
    # Signed anew it is another request; the body's own id says that it is the same thing.
    assert door.told("", BODY, at=at - 1) == [("Ticket Solved", "duplicate")]
    assert stored(world.shop).count("Ticket Solved") == 1


def test_a_body_that_cannot_be_read_says_which_field_and_can_be_replayed(
    world: World, door: Door, now: datetime
) -> None:
    body = {"kind": "Ticket Solved", "user": {"tel": "+13105550142"}, "n": 1}
    (line,) = door.post("", body)[1]["results"]
    assert (line["status"], line["field"], line["code"]) == ("rejected", "event", "missing")
    assert stored(world.shop) == []
    with tenant_scope(world.shop.tenant.id):
        change_connector(
            Connector.objects.get(),
            mapping={"event": "$.kind", "phone": "$.user.tel", "properties": {"n": "$.n"}},
        )
    for _ in range(2):
        with tenant_scope(world.shop.tenant.id):
            held = ReceivedBody.objects.get()
            replay_body(held, wall=wall_now())
        process_body(world.shop.tenant.id, held.id, own=True, now=now, wall=wall_now())
    assert properties(world, "Ticket Solved") == [{"n": 1}]
    (held,) = door.bodies()
    assert held.replays == 2
    # The second replay did nothing, and still leads to the event.
    assert held.results[0]["status"] == "duplicate"
    assert held.results[0]["id"].startswith("evt_")


def test_a_reserved_name_and_an_order_of_nobody_are_refused(world: World, door: Door) -> None:
    (line,) = door.post("", {**BODY, "event": "SMS Subscribed"})[1]["results"]
    assert (line["status"], line["code"]) == ("rejected", "reserved_name")
    (line,) = door.post("", {"event": "Order Completed"})[1]["results"]
    assert (line["status"], line["code"]) == ("rejected", "required")
    assert stored(world.shop) == []


def test_a_nul_is_refused_and_told_without_it(world: World, door: Door) -> None:
    (line,) = door.post("", {**BODY, "properties": {"a": "x\x00y"}})[1]["results"]
    assert (line["status"], line["code"]) == ("rejected", "invalid_character")
    (line,) = door.post("", {**BODY, "event": "x\x00y"})[1]["results"]
    assert (line["status"], line["code"]) == ("rejected", "invalid_name")
