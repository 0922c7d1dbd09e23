"""Stored bodies and the people in them: erased with them, given to them, and to nobody else."""

from __future__ import annotations

from datetime import datetime

import pytest

from events.domain.leaving import erase_contact, export_contact
from tenancy.scope import tenant_scope
from tests.connectors.door import example, open_door, people
from tests.support.world import World

pytestmark = pytest.mark.django_db


def test_erasing_somebody_takes_the_bodies_about_them(world: World, now: datetime) -> None:
    door, other = open_door(world.shop, "woocommerce"), open_door(world.other, "woocommerce")
    body = example("woocommerce/order") | {"date_paid_gmt": now.isoformat()[:19]}
    # As the shop writes it; no search for +13105550142 finds this.
    body["billing"]["phone"] = "(310) 555-0142"
    body["billing"]["email"] = ""
    stranger = example("woocommerce/customer") | {"date_modified_gmt": now.isoformat()[:19]}
    for each in (door, other):
        each.told("order.created", body)
        each.told("customer.created", stranger)
    john = next(each for each in people(world.shop) if each.phone)
    with tenant_scope(world.shop.tenant.id):
        kept = export_contact(john.id)
        assert [row["topic"] for row in kept["shop_bodies"]] == ["order.created"]
        erase_contact(john.id, now=now)
    assert [row.topic for row in door.bodies()] == ["customer.created"]
    assert [row.topic for row in other.bodies()] == ["order.created", "customer.created"]


def test_a_body_that_became_nothing_is_found_by_what_stands_in_it(
    world: World, now: datetime
) -> None:
    door = open_door(world.shop, "webhook")
    door.told("", {"event": "Ticket Solved", "email": "ann@x.example"})
    door.told("", {"note": "ann@x.example asked again"})
    door.told("", {"note": "somebody else"})
    (ann,) = people(world.shop)
    with tenant_scope(world.shop.tenant.id):
        erase_contact(ann.id, now=now)
    assert len(door.bodies()) == 1
