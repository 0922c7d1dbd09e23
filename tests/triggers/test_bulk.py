"""Many contacts changed at once: those that were chosen and nobody else, counted, and told."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.problems import Invalid
from consent.domain.queries import unsubscribed_among
from delivery.domain.deciding import decide
from delivery.models import Message
from events.domain.leaving import erase_contact
from events.models import Event
from people.domain.declaring import declare_attribute
from people.models import Contact
from tenancy.ids import show_id
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.commerce.happening import person
from tests.delivery.making import intent, make_contact, make_shop, numbers
from tests.events.edges import logged_in
from tests.support.world import Brand, World
from triggers.domain import bulk
from triggers.domain.bulk import BulkDone, change_attribute_of, opt_out_many

pytestmark = pytest.mark.django_db


def people(world: World, count: int = 3) -> list[UUID]:
    with tenant_scope(world.shop.tenant.id):
        return [person(f"p{number}", world.now) for number in range(count)]


def attributes(world: World) -> dict[str, Any]:
    with tenant_scope(world.shop.tenant.id):
        return dict(Contact.objects.values_list("external_id", "attributes"))


def set_plan(world: World, ids: list[UUID], value: Any) -> BulkDone:
    with tenant_scope(world.shop.tenant.id):
        return change_attribute_of(ids, "plan", value, by="hand", now=world.now)


def press(brand: Brand, path: str, role: str = "owner", **form: Any) -> Any:
    given = {"workspace": brand.tenant.slug, **form}
    return logged_in(brand, role).post(f"/w/{brand.tenant.slug}/contacts/{path}/", given)


def call(brand: Brand, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = Client().post(
        f"/api/v1/{path}",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {brand.api_key}"},
    )
    return answer.status_code, answer.json()


def test_a_value_is_set_and_taken_away_of_those_chosen_alone(world: World) -> None:
    ids = people(world)
    with tenant_scope(world.other.tenant.id):
        stranger = person("p0", world.now)
    assert set_plan(world, [*ids[:2], ids[0], stranger], "gold") == BulkDone(2, 0, 1)
    assert attributes(world) == {"p0": {"plan": "gold"}, "p1": {"plan": "gold"}, "p2": {}}
    assert set_plan(world, ids, "gold") == BulkDone(1, 2, 0)
    assert set_plan(world, ids[1:], None) == BulkDone(2, 0, 0)
    assert attributes(world) == {"p0": {"plan": "gold"}, "p1": {}, "p2": {}}
    with tenant_scope(world.shop.tenant.id):
        told = Event.objects.filter(name="Contact Changed").order_by("id")
        assert [event.properties["new"] for event in told] == [
            *[{"plan": "gold"}] * 3,
            *[{"plan": None}] * 2,
        ]
        entries = AuditEntry.objects.filter(action="contacts.changed").order_by("id")
        assert [entry.data["changed"] for entry in entries] == [2, 1, 2]
    with tenant_scope(world.other.tenant.id):
        assert Contact.objects.get(id=stranger).attributes == {}


def test_what_does_not_fit_changes_nobody(world: World) -> None:
    ids = people(world)
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("plan", {"kind": "number"}, now=world.now)
        for name, value, code in (
            ("plan", "gold", "wrong_type"),
            ("phone", "+13105550142", "reserved_name"),
            ("city", "Austin", "reserved_name"),
            ("", "x", "reserved_name"),
        ):
            with pytest.raises(Invalid) as refused:
                change_attribute_of(ids, name, value, by="hand", now=world.now)
            assert refused.value.errors[0].code == code, name
        for chosen, code in (([], "missing"), ([UUID(int=n) for n in range(1001)], "too_many")):
            with pytest.raises(Invalid) as refused:
                change_attribute_of(chosen, "plan", 1, by="hand", now=world.now)
            assert refused.value.errors[0].code == code
        erase_contact(ids[0], now=world.now)
        assert change_attribute_of(ids, "plan", "12", by="hand", now=world.now).skipped == 1
        assert set(Contact.objects.values_list("attributes__plan", flat=True)) == {None, 12}


def test_opting_many_out_takes_their_waiting_texts_along(world: World) -> None:
    phones = numbers(3)
    made = make_shop(world.shop, now=world.now)
    with tenant_scope(world.shop.tenant.id):
        ids = [make_contact(phone, now=world.now) for phone in phones]
        nobody = person("without-a-number", world.now)
        wishes = [intent(contact, made.plain_id) for contact in ids]
        assert {each.status for each in decide(wishes, now=world.now)} == {"queued"}
        chosen = [*ids[:2], nobody]
        with pytest.raises(Invalid):
            opt_out_many(chosen, "  ", now=world.now)
        first = opt_out_many(chosen, "Letter", actor=world.shop.owner, now=world.now)
        assert first == BulkDone(2, 0, 1, 2)
        assert unsubscribed_among(phones, ["marketing"]) == set(phones[:2])
        assert opt_out_many(chosen, "Letter", now=world.now) == BulkDone(0, 2, 1, 0)
        statuses = dict(Message.objects.values_list("phone", "status"))
        assert statuses == {phones[0]: "canceled", phones[1]: "canceled", phones[2]: "queued"}
        (entry, _) = AuditEntry.objects.filter(action="contacts.opted_out").order_by("id")
        assert (entry.data["changed"], entry.data["canceled"]) == (2, 2)
        assert entry.actor == "user:owner@juniper.example"


def test_the_number_of_queries_does_not_grow_with_them(world: World) -> None:
    counts = []
    for many, area in ((1, "310"), (2, "212"), (30, "415")):
        with tenant_scope(world.shop.tenant.id):
            ids = [make_contact(phone, now=world.now) for phone in numbers(many, area=area)]
            with CaptureQueriesContext(connection) as captured:
                change_attribute_of(ids, f"of_{many}", "x", by="hand", now=world.now)
                opt_out_many(ids, "Letter", now=world.now)
            counts.append(len(captured))
    # The first has to read the workspace's settings.
    assert counts[1] == counts[2]


def test_the_list_leads_to_a_look_before_anything_is_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = people(world)
    refs = [show_id("con", each) for each in ids]
    listed = logged_in(world.shop).get("/w/juniper/contacts/").content.decode()
    assert "/w/juniper/contacts/bulk/" in listed
    page = press(world.shop, "bulk", act="selected", ids=refs[:2])
    assert page.status_code == 200
    assert "Change 2 contacts" in page.content.decode()
    page = press(world.shop, "bulk", act="all")
    assert "Change 3 contacts" in page.content.decode()
    assert attributes(world) == {"p0": {}, "p1": {}, "p2": {}}
    form = {"ids": ",".join(refs[:2]), "name": "vip", "value": "yes"}
    assert press(world.shop, "bulk/change", act="set", **form).status_code == 302
    assert attributes(world) == {"p0": {"vip": "yes"}, "p1": {"vip": "yes"}, "p2": {}}
    assert press(world.shop, "bulk/change", act="clear", **form).status_code == 302
    assert attributes(world)["p0"] == {}
    for wrong in ({"value": ""}, {"name": ""}, {"act": "erase"}, {"name": "phone"}):
        given = {"act": "set", **form, **wrong}
        assert press(world.shop, "bulk/change", **given).status_code == 422, wrong
    assert press(world.shop, "bulk/change", act="opt_out", ids=refs[0]).status_code == 422
    assert press(world.shop, "bulk", act="selected").status_code == 302
    monkeypatch.setattr("triggers.views.contact_bulk.MOST", 2)
    assert press(world.shop, "bulk", act="all").status_code == 302
    assert press(world.shop, "bulk/change", "approver", act="set", **form).status_code == 403
    assert attributes(world) == {"p0": {}, "p1": {}, "p2": {}}


def test_both_over_the_api(world: World) -> None:
    ids = [show_id("con", each) for each in people(world)]
    body = {"contacts": ids, "name": "plan", "value": 3}
    assert call(world.shop, "contact-changes", body) == (
        200, {"changed": 3, "unchanged": 0, "skipped": 0, "canceled": 0},
    )  # fmt: skip
    assert call(world.other, "contact-changes", body)[1]["skipped"] == 3
    status, problem = call(world.shop, "opt-outs", {"contacts": ids, "reason": " "})
    assert (status, problem["errors"][0]["field"]) == (422, "reason")
    status, told = call(world.shop, "opt-outs", {"contacts": ids, "reason": "Letter"})
    assert (status, told["skipped"]) == (200, 3)
    assert bulk.MOST == 1000
