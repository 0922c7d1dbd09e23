"""A visitor without a name gives one: what they did before is theirs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import Cart
from events.domain.merging import unmerge_contacts
from events.models import Event
from people.models import Contact, ContactMerge, Identifier
from tenancy.scope import tenant_scope
from tests.events.edges import post, track
from tests.support.world import World
from triggers.domain.reacting import react

MUG = {"product_id": "mug", "name": "Ridge mug", "price": 24}


def send(world: World, *calls: dict[str, Any]) -> None:
    status, answer = post("/v1/batch", {"batch": list(calls)}, key=world.shop.write_key)
    assert (status, answer["accepted"]) == (200, len(calls)), answer


def visit(device: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "Product Added", "anonymousId": device,
        "properties": {**MUG, **properties},
    }  # fmt: skip


def name_them(device: str, user: str = "u1") -> dict[str, Any]:
    return {"type": "identify", "anonymousId": device, "userId": user}


def contact(world: World, external_id: str) -> Contact:
    with tenant_scope(world.shop.tenant.id):
        found: Contact = Contact.objects.get(external_id=external_id)
        return found


def test_what_a_visitor_did_becomes_the_persons(world: World) -> None:
    send(world, track("Product Viewed", user="u1"))
    send(world, visit("d1"), visit("d1", product_id="tray"))
    react(world.shop.tenant.id, now=world.now)
    send(world, name_them("d1"))
    person = contact(world, "u1")
    with tenant_scope(world.shop.tenant.id):
        assert set(Event.objects.values_list("contact_id", flat=True)) == {person.id}
        assert (
            Event.objects.filter(name="Product Added").exclude(source_contact_id=person.id).count()
            == 2
        )
        assert Cart.objects.get().contact_id == person.id
        assert Identifier.objects.get(value="d1").contact_id == person.id
        told = Event.objects.get(name="Contact Merged")
        assert (told.contact_id, told.properties["kind"]) == (person.id, "stitched")
        assert ContactMerge.objects.get().device == "d1"


def test_in_one_batch_and_for_two_devices_at_once(world: World) -> None:
    send(world, track(user="u1"), visit("d1"), visit("d2"), name_them("d1"), name_them("d2"))
    person = contact(world, "u1")
    with tenant_scope(world.shop.tenant.id):
        assert set(Event.objects.values_list("contact_id", flat=True)) == {person.id}
        assert Contact.objects.filter(merged_into_id=person.id).count() == 2


def test_somebody_elses_device_stays_theirs(world: World) -> None:
    send(world, visit("d1"), name_them("d1", "u1"))
    send(world, track(user="u2"), name_them("d1", "u2"), visit("d1"))
    first, second = contact(world, "u1"), contact(world, "u2")
    with tenant_scope(world.shop.tenant.id):
        added = Event.objects.filter(name="Product Added")
        assert set(added.values_list("contact_id", flat=True)) == {first.id}
        assert not ContactMerge.objects.exists()
        assert second.merged_into_id is None


def test_one_device_too_many_stays_a_visitor(world: World) -> None:
    send(world, track(user="u1"))
    for number in range(6):
        send(world, visit(f"d{number}"))
        send(world, name_them(f"d{number}"))
    person = contact(world, "u1")
    with tenant_scope(world.shop.tenant.id):
        assert ContactMerge.objects.filter(survivor_id=person.id).count() == 5
        assert Event.objects.filter(name="Product Added", contact_id=person.id).count() == 5


def test_it_can_be_taken_back_with_the_device(world: World) -> None:
    send(world, track(user="u1"))
    send(world, visit("d1"))
    send(world, name_them("d1"))
    with tenant_scope(world.shop.tenant.id):
        merge = ContactMerge.objects.get()
        unmerge_contacts(merge.id, now=world.now)
        visitor = Contact.objects.get(id=merge.merged_id)
        assert visitor.merged_into_id is None
        assert Identifier.objects.get(value="d1").contact_id == visitor.id
        assert Event.objects.get(name="Product Added").contact_id == visitor.id


@pytest.mark.parametrize("value", ["null", "undefined", "0", "anonymous", "test", " NULL ", "-1"])
def test_what_stands_for_nobody_identifies_nobody(world: World, value: str) -> None:
    for call in (track(user=value), {**track(user=None), "anonymousId": value}):
        status, answer = post("/v1/track", call, key=world.shop.write_key)
        assert (status, answer["errors"][0]["code"]) == (422, "blocked_identifier")
    send(world, {**track(user=value), "anonymousId": "d1"})
    send(world, {**track(user=value), "anonymousId": "d2"})
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.count() == 2
        assert not Identifier.objects.filter(value__iexact=value.strip()).exists()


def test_the_number_of_queries_does_not_grow_with_the_visitors(world: World) -> None:
    def queries(count: int, start: int) -> int:
        users = [f"u{start + n}" for n in range(count)]
        send(world, *(track(user=user) for user in users))
        send(world, *(visit(f"d-{user}") for user in users))
        with CaptureQueriesContext(connection) as caught:
            send(world, *(name_them(f"d-{user}", user) for user in users))
        return len(caught.captured_queries)

    queries(1, 1000)
    assert queries(20, 100) == queries(1, 1)
    with tenant_scope(world.shop.tenant.id):
        assert ContactMerge.objects.count() == 22
