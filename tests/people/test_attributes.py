from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.problems import Invalid
from people.core.identifiers import clean_id, clean_phone
from people.core.traits import read_traits
from people.domain.attributes import TraitChange, apply_traits, change_contacts
from people.domain.queries import workspace_defaults
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact, Identifier
from tenancy.scope import tenant_scope
from tests.support.world import World


def person(name: str, world: World, **more: Any) -> UUID:
    (found,) = resolve_contacts([IdentityRef(external_id=name, **more)], now=world.now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "value", ["null", "undefined", " Anonymous ", "0", "", "NaN", "None", "[object Object]", "-1"]
)
def test_values_that_stand_for_nobody(value: str) -> None:
    assert clean_id(value) is None


@pytest.mark.parametrize("value", ["00", "10", "nullable", "user-1", "null@x.y"])
def test_values_that_only_look_like_it(value: str) -> None:
    assert clean_id(value) == value


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("(310) 555-0142", "US", "+13105550142"),
        ("+1 310 555 0142", "", "+13105550142"),
        ("020 7946 0018", "GB", "+442079460018"),
    ],
)
def test_phone_numbers_as_people_write_them(text: str, country: str, number: str) -> None:
    assert clean_phone(text, country)[0] == number


@pytest.mark.parametrize(
    "text", ["", "abc", "12345", "+1 999 555 0142", "310-555-0142 x5", "1" * 99]
)
def test_what_is_no_phone_number(text: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        clean_phone(text, "US")


def test_traits_are_sorted_and_checked() -> None:
    read = read_traits(
        {"name": "Ava Maria Reyes", "zip": 78701, "state": "TX", "id": "x", "vip": None, "n": 0},
        country="US",
    )
    assert read.fields == {
        "postal_code": "78701",
        "region": "TX",
        "first_name": "Ava",
        "last_name": "Maria Reyes",
    }
    assert read.attributes == {"name": "Ava Maria Reyes", "vip": None, "n": 0}
    wrong = read_traits(
        {"email": "x", "timezone": "Mars", "first_name": 5, "k" * 200: 1}, country=""
    )
    assert [error.code for error in wrong.errors] == [
        "invalid_email",
        "invalid_timezone",
        "wrong_type",
        "invalid_name",
    ]


def test_changes_tell_old_and_new_by_json_type(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava = person("u1", world)
        steps: list[tuple[dict[str, Any], list[tuple[str, Any, Any]]]] = [
            ({"plan": 1, "city": "Rome"}, [("city", None, "Rome"), ("plan", None, 1)]),
            ({"plan": True}, [("plan", 1, True)]),
            ({"plan": "1"}, [("plan", True, "1")]),
            ({"plan": {"b": 1, "a": [2]}}, [("plan", "1", {"b": 1, "a": [2]})]),
            ({"plan": {"a": [2], "b": 1}}, []),
            (
                {"plan": None, "city": ""},
                [("city", "Rome", None), ("plan", {"b": 1, "a": [2]}, None)],
            ),
        ]
        for traits, expected in steps:
            changes = apply_traits([TraitChange(ava, traits)], now=world.now)
            assert sorted((c.name, c.old, c.new) for c in changes) == sorted(expected)
        contact = Contact.objects.get()
        assert (contact.attributes, contact.city) == ({}, "")


def test_later_changes_of_one_set_build_on_earlier_ones(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava, ben = person("u1", world), person("u2", world)
        changes = apply_traits(
            [
                TraitChange(ava, {"visits": 1}),
                TraitChange(ben, {"visits": 5}),
                TraitChange(ava, {"visits": 2}),
                TraitChange(ava, {"visits": 9, "city": "Rome"}, fill_only=True),
            ],
            now=world.now,
        )
        assert [(c.contact_id, c.old, c.new, c.position) for c in changes] == [
            (ava, None, 1, 0),
            (ben, None, 5, 1),
            (ava, 1, 2, 2),
            (ava, None, "Rome", 3),
        ]


def test_number_of_another_contact_is_refused(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava = person("u1", world, phone="+13105550142")
        ben = person("u2", world)
        done = change_contacts(
            [TraitChange(ben, {"phone": "+13105550142", "city": "Rome"})], now=world.now
        )
        assert [(r.kind, r.owner_id) for r in done.refused] == [("phone", ava)]
        assert [c.name for c in done.changed] == ["city"]
        assert list(Contact.objects.filter(phone="+13105550142").values_list("id", flat=True)) == [
            ava
        ]


def test_number_taken_away_stays_an_identifier(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava = person("u1", world, phone="+13105550142")
        apply_traits([TraitChange(ava, {"phone": None})], now=world.now)
        contact = Contact.objects.get()
        assert (contact.phone, contact.phone_type) == (None, "")
        assert Identifier.objects.get(kind="phone").is_primary is False
        apply_traits([TraitChange(ava, {"phone": "+13105550142"})], now=world.now)
        assert Identifier.objects.get(kind="phone").is_primary is True


def test_wrong_traits_change_nothing(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava = person("u1", world)
        with pytest.raises(Invalid) as caught:
            apply_traits(
                [TraitChange(ava, {"city": "Rome"}), TraitChange(ava, {"phone": "5"})],
                now=world.now,
            )
        assert [error.field for error in caught.value.errors] == ["phone"]
        assert Contact.objects.get().city == ""


def test_contact_of_another_workspace_is_not_touched(world: World) -> None:
    with tenant_scope(world.other.tenant.id):
        theirs = person("u1", world)
    with tenant_scope(world.shop.tenant.id):
        assert apply_traits([TraitChange(theirs, {"city": "Rome"})], now=world.now) == []
    with tenant_scope(world.other.tenant.id):
        assert Contact.objects.get().city == ""


def test_queries_do_not_grow_with_the_set(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        people = [person(f"u{i}", world) for i in range(20)]
        workspace_defaults()  # held for a few seconds

        def queries(some: list[UUID], start: int) -> int:
            changes = [
                TraitChange(each, {"phone": f"+1310555{start + i:04}", "plan": start})
                for i, each in enumerate(some)
            ]
            with CaptureQueriesContext(connection) as caught:
                assert len(apply_traits(changes, now=world.now)) == 2 * len(some)
            return len(caught)

        queries(people[:1], 90)  # from now on it is another number
        assert queries(people[:1], 100) == queries(people, 110)
