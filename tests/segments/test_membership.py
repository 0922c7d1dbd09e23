"""Who belongs: filled once, then kept current by events and by time passing."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from events.domain.queries import EventRow, events_for
from events.domain.recording import NewEvent, append_events
from people.models import Contact
from segments.domain.membership import sweep_due, update_memberships
from segments.domain.queries import member_ids
from segments.domain.segments import build_segment, create_segment
from segments.models import Segment, SegmentDue
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.support.world import World

VIEWED_TWICE = {
    "all": [
        {
            "event": "Product Viewed",
            "filter": {"property": "price", "op": "gte", "value": 20},
            "count": {"op": "gte", "value": 2},
            "within": "P14D",
        },
        {"attribute": "city", "op": "is", "value": "Austin"},
        {"not": {"event": "Order Completed", "within": "P30D"}},
    ]
}


def make_contact(now: datetime, **fields: Any) -> Contact:
    contact: Contact = Contact.objects.create(created_at=now, updated_at=now, **fields)
    return contact


def view(
    contact: Contact, at: datetime, now: datetime, name: str = "Product Viewed", **properties: Any
) -> EventRow:
    append_events([NewEvent(name, contact.id, properties or {"price": 30}, at)], now=now)
    return events_for([contact.id], [name], since=None, until=now)[-1]


def built(definition: dict[str, Any], now: datetime, name: str = "Looking") -> Segment:
    segment = create_segment(name, definition=definition, now=now)
    build_segment(segment.id, now=now)
    return segment


def both(world: World) -> list[Tenant]:
    return [world.shop.tenant, world.other.tenant]


def test_the_first_fill_finds_members_and_announces_nobody(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        inside, outside = (
            make_contact(world.now, city="Austin"),
            make_contact(world.now, city="Austin"),
        )
        for days in (1, 3):
            view(inside, world.now - timedelta(days=days), world.now)
        view(outside, world.now - timedelta(days=1), world.now)
        segment = built(VIEWED_TWICE, world.now)
        assert member_ids(segment.id) == [inside.id]
        assert Segment.objects.get(id=segment.id).size == 1
        assert events_for([inside.id], ["Segment Entered"], since=None, until=world.now) == []


def test_events_bring_people_in_and_out(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now, city="Austin")
        segment = built(VIEWED_TWICE, now)
        first = view(contact, now - timedelta(hours=2), now)
        assert update_memberships([first], now=now) == []
        second = view(contact, now - timedelta(hours=1), now)
        (change,) = update_memberships([second], now=now)
        assert (change.entered, change.contact_id) == (True, contact.id)
        assert update_memberships([second], now=now) == []
        (news,) = events_for([contact.id], ["Segment Entered"], since=None, until=now)
        assert news.properties["segment"] == segment.slug
        assert (news.cause_id, news.depth) == (second.id, 1)
        bought = view(contact, now, now, "Order Completed", total=10)
        (change,) = update_memberships([bought], now=now)
        assert change.entered is False
        assert member_ids(segment.id) == []
        assert Segment.objects.get(id=segment.id).size == 0


def test_time_alone_lets_people_fall_out_and_in(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now)
        seen = built({"event": "Product Viewed", "within": "P2D"}, now, "Seen lately")
        silent = built({"not": {"event": "Product Viewed", "within": "P2D"}}, now, "Silent")
        assert member_ids(silent.id) == [contact.id]
        changes = update_memberships([view(contact, now - timedelta(hours=1), now)], now=now)
        assert {(c.segment_slug, c.entered) for c in changes} == {
            ("seen-lately", True),
            ("silent", False),
        }
    before = now + timedelta(days=2, hours=-1) - timedelta(seconds=1)
    assert sweep_due(world.shop.tenant.id, now=before) == 0
    after = now + timedelta(days=2, hours=-1)
    assert sweep_due(world.shop.tenant.id, now=after) == 2
    with tenant_scope(world.shop.tenant.id):
        assert member_ids(seen.id) == []
        assert member_ids(silent.id) == [contact.id]
    assert sweep_due(world.shop.tenant.id, now=after) == 0


def test_a_look_alike_in_another_workspace_is_never_looked_at(world: World) -> None:
    segments = []
    for tenant in both(world):
        with tenant_scope(tenant.id):
            contact = make_contact(world.now, city="Austin", external_id="ann")
            for days in (1, 3):
                view(contact, world.now - timedelta(days=days), world.now)
            segments.append((tenant, contact, built(VIEWED_TWICE, world.now)))
    for tenant, contact, segment in segments:
        with tenant_scope(tenant.id):
            assert member_ids(segment.id) == [contact.id]
            assert list(Segment.objects.all()) == [segment]


@pytest.mark.parametrize(
    ("definition", "field", "code"),
    [
        ({}, "definition", "unknown_condition"),
        ({"all": []}, "definition.all", "empty"),
        (
            {"all": [{"attribute": "city", "op": "like", "value": "x"}]},
            "definition.all[0].op",
            None,
        ),
        ({"event": "X", "within": "14 days"}, "definition.within", "invalid_duration"),
        ({"event": "X", "count": {"op": "gte", "value": -1}}, "definition.count", "invalid_count"),
        ({"event": "X", "sql": "1"}, "definition.sql", "unknown_field"),
        ([1], "definition", "not_an_object"),
    ],
)
def test_a_wrong_definition_names_its_place_and_changes_nothing(
    world: World, client: Client, definition: Any, field: str, code: str | None
) -> None:
    answer = client.post(
        "/api/v1/segments",
        {"name": "Wrong", "definition": definition},
        content_type="application/json",
        headers={"Authorization": f"Bearer {world.shop.api_key}"},
    )
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert field in {error["field"] for error in errors}
    assert code is None or code in {error["code"] for error in errors}
    with tenant_scope(world.shop.tenant.id):
        assert Segment.objects.count() == 0


def test_the_api_creates_lists_and_pages_members(world: World, client: Client) -> None:
    auth = {"Authorization": f"Bearer {world.shop.api_key}"}
    made = client.post(
        "/api/v1/segments",
        {"name": "In Austin", "definition": {"attribute": "city", "op": "is", "value": "Austin"}},
        content_type="application/json",
        headers=auth,
    )
    assert made.status_code == 201
    assert made.json()["state"] == "building"
    with tenant_scope(world.shop.tenant.id):
        for _ in range(101):
            make_contact(world.now, city="Austin", external_id=uuid.uuid4().hex)
        build_segment(Segment.objects.get().id, now=world.now)
    listed = client.get("/api/v1/segments", headers=auth).json()["segments"]
    assert [(each["slug"], each["size"]) for each in listed] == [("in-austin", 101)]
    first = client.get("/api/v1/segments/in-austin/members?limit=100", headers=auth).json()
    rest = client.get(
        f"/api/v1/segments/in-austin/members?cursor={first['next_cursor']}", headers=auth
    ).json()
    assert len(first["contacts"]) == 100
    assert len(rest["contacts"]) == 1
    assert rest["next_cursor"] is None
    other = {"Authorization": f"Bearer {world.other.api_key}"}
    assert client.get("/api/v1/segments", headers=other).json()["segments"] == []
    assert client.get("/api/v1/segments/in-austin", headers=other).status_code == 404
    assert client.get("/api/v1/segments/in-austin/members", headers=other).status_code == 404


def test_a_changed_attribute_brings_people_in_and_says_so(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now, city="Denver")
        segment = built({"attribute": "city", "op": "is", "value": "Austin"}, now, "Austin")
        Contact.objects.filter(id=contact.id).update(city="Austin")
        changed = view(contact, now, now, "Contact Changed", city="Austin")
        (change,) = update_memberships([changed], now=now)
        assert (change.entered, member_ids(segment.id)) == (True, [contact.id])
        Contact.objects.filter(id=contact.id).update(city="Reno")
        changed = view(contact, now, now, "Contact Changed", city="Reno")
        (change,) = update_memberships([changed], now=now)
        assert change.entered is False
        (news,) = events_for([contact.id], ["Segment Left"], since=None, until=now)
        assert news.properties["segment"] == segment.slug


def test_a_chain_of_causes_ends(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now)
        built({"event": "Product Viewed", "within": "P2D"}, now, "Seen")
        seen = view(contact, now, now)
        assert update_memberships([replace(seen, depth=5)], now=now) == []
        assert len(update_memberships([replace(seen, depth=4)], now=now)) == 1


def test_who_is_busy_is_looked_at_by_the_next_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now)
        segment = built({"event": "Product Viewed", "within": "P2D"}, now, "Seen")
        update_memberships([view(contact, now, now)], now=now)
    later = now + timedelta(days=2)
    with monkeypatch.context() as busy:
        busy.setattr("segments.domain.membership.lock_contacts", lambda ids, **_: [])
        assert sweep_due(world.shop.tenant.id, now=later) == 0
    with tenant_scope(world.shop.tenant.id):
        assert member_ids(segment.id) == [contact.id]
    assert sweep_due(world.shop.tenant.id, now=later) == 1
    with tenant_scope(world.shop.tenant.id):
        assert member_ids(segment.id) == []


def looks(segment: Segment) -> dict[Any, tuple[Any, datetime]]:
    """Of each contact when time alone may change its membership, and the place of the row."""
    rows = SegmentDue.objects.filter(segment=segment).extra(select={"place": "ctid::text"})
    return {row.contact_id: (row.place, row.due_at) for row in rows}


def test_the_next_look_is_written_anew_only_when_it_moves(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        contact = make_contact(now)
        segment = built({"event": "Product Viewed", "within": "P14D"}, now)
        first = now - timedelta(days=3)
        update_memberships([view(contact, first, now)], now=now)
        planned = looks(segment)
        assert planned[contact.id][1] == first + timedelta(days=14)
        # A newer one leaves the oldest of the window where it is; an older one moves it.
        update_memberships([view(contact, now - timedelta(days=1), now)], now=now)
        assert looks(segment) == planned
        older = now - timedelta(days=9)
        update_memberships([view(contact, older, now)], now=now)
        assert looks(segment)[contact.id][1] == older + timedelta(days=14)
        # Out of the window altogether: nothing to look for any more.
        later = now + timedelta(days=20)
        assert sweep_due(world.shop.tenant.id, now=later) == 1
        assert looks(segment) == {}


@pytest.mark.parametrize("op", ["gte", "gt", "lt", "lte", "eq"])
def test_looking_again_counts_as_filling_does(world: World, op: str) -> None:
    """Each contact alone, and all at once, are two ways of asking: they have to agree."""
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        people = [make_contact(now) for _ in range(6)]
        events = [
            view(one, now - timedelta(days=day, hours=number), now, price=10 * number)
            for number, one in enumerate(people)
            for day in range(number)
        ]
        pairs = []
        for count in (0, 1, 3):
            definition = {
                "event": "Product Viewed",
                "filter": {"property": "price", "op": "gte", "value": 20},
                "count": {"op": op, "value": count},
                "within": "P3D",
            }
            for tree in (definition, {"not": definition}):
                name = f"{op} {count} {'not' in tree}"
                at_once = built(tree, now, name)
                one_by_one = built(
                    {"attribute": "city", "op": "is", "value": "?"}, now, f"{name} again"
                )
                Segment.objects.filter(id=one_by_one.id).update(definition=tree)
                pairs.append((one_by_one, member_ids(at_once.id), dues(at_once)))
        SegmentDue.objects.filter(segment__in=[one_by_one for one_by_one, _, _ in pairs]).delete()
        everybody = Contact.objects.values_list("id", flat=True)
        update_memberships([replace(events[0], contact_id=each) for each in everybody], now=now)
        for one_by_one, members, due in pairs:
            assert member_ids(one_by_one.id) == members, one_by_one.name
            assert dues(one_by_one) == due, one_by_one.name


def dues(segment: Segment) -> dict[Any, datetime]:
    return {contact_id: due for contact_id, (_, due) in looks(segment).items()}
