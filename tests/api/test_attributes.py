"""Attributes over the API and the ingest: declared types, who said what when, what is kept out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from events.domain.contacts import NewContact, save_contacts
from people.core.identifiers import IdentityRef
from people.core.kinds import STANDARD
from people.core.traits import read_traits
from people.domain.attributes import TraitChange, apply_traits
from people.domain.declaring import declare_attribute
from people.domain.definitions import MAX_NAMES, read_rules
from people.domain.queries import contacts_by_id
from people.domain.resolving import resolve_contacts
from people.models import AttributeDefinition, Contact
from tenancy.domain.keys import create_api_key
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.api.calling import Api
from tests.events.edges import post
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(world: World) -> Api:
    """Two empty workspaces that look alike."""
    return Api(world.shop, world.other, {})


ANA: dict[str, Any] = {"external_id": "ana"}


def declare(brand: Brand, name: str, *, now: datetime, **changes: Any) -> None:
    with tenant_scope(brand.tenant.id):
        declare_attribute(name, changes, now=now)


def tell(api: Api, **attributes: Any) -> tuple[int, Any]:
    status, answer = api.call("POST", "contacts", {**ANA, "attributes": attributes})
    return status, answer


def identify(brand: Brand, user: str = "ana", **traits: Any) -> Any:
    item = {"type": "identify", "userId": user, "traits": traits}
    status, answer = post("/v1/batch", {"batch": [item]}, key=brand.write_key)
    assert status == 200, answer
    return answer


def contact(brand: Brand, user: str = "ana") -> Contact:
    with tenant_scope(brand.tenant.id):
        found: Contact = Contact.objects.get(external_id=user)
        return found


def test_a_new_name_is_noted_with_the_type_it_seems_to_have(api: Api) -> None:
    tell(api, visits=3, since="2026-03-14", color="sage", tags=["a"])
    with tenant_scope(api.brand.tenant.id):
        found = {
            row.name: (row.kind, row.is_declared, row.first_told_by)
            for row in AttributeDefinition.objects.all()
        }
    assert found == {
        "visits": ("number", False, "api"),
        "since": ("date", False, "api"),
        "color": ("text", False, "api"),
        "tags": ("list", False, "api"),
    }
    assert tell(api, visits="many")[0] == 200  # inferred binds nobody
    with tenant_scope(api.other.tenant.id):
        assert not AttributeDefinition.objects.exists()


def test_a_declared_type_is_kept_and_what_does_not_fit_is_refused_by_name(
    api: Api, now: datetime
) -> None:
    declare(api.brand, "visits", kind="number", now=now)
    status, made = tell(api, visits="12", birthday="March 14", lifecycle_stage="Repeat")
    assert status == 201
    assert made["attributes"] == {
        "visits": 12, "birthday": "--03-14", "lifecycle_stage": "repeat",
    }  # fmt: skip
    status, problem = tell(api, visits="many", birthday="03/04", lifecycle_stage="gone", color="x")
    assert status == 422
    assert {(each["field"], each["code"]) for each in problem["errors"]} == {
        ("attributes.visits", "wrong_type"),
        ("attributes.birthday", "wrong_type"),
        ("attributes.lifecycle_stage", "invalid_choice"),
    }
    assert contact(api.brand).attributes == made["attributes"]
    status, problem = api.call("PATCH", f"contacts/{made['id']}", {"attributes": {"visits": []}})
    assert (status, problem["errors"][0]["code"]) == (422, "wrong_type")


def test_a_blank_text_takes_a_typed_value_away(api: Api, now: datetime) -> None:
    declare(api.brand, "visits", kind="number", now=now)
    tell(api, visits=3)
    assert tell(api, visits="  ")[1]["attributes"] == {}


def test_an_event_with_a_value_that_does_not_fit_is_kept_and_the_value_is_not(
    api: Api, now: datetime
) -> None:
    declare(api.brand, "visits", kind="number", now=now)
    identify(api.brand, visits=3, city="Austin")
    answer = identify(api.brand, visits="many", city="Dallas")
    assert (answer["accepted"], answer["rejected"]) == (1, 0)
    found = contact(api.brand)
    assert (found.attributes, found.city) == ({"visits": 3}, "Dallas")
    refused = found.refused["visits"]
    assert (refused["code"], refused["said"], refused["by"]) == ("wrong_type", "many", "event")
    shown = api.call("GET", "contacts?search=ana")[1]["contacts"][0]
    assert shown["refused"]["visits"]["said"] == "many"
    detail = api.call("GET", "attributes/visits")[1]
    assert (detail["refused"], detail["filled"]) == (1, 1)
    identify(api.brand, visits="4")
    found = contact(api.brand)
    assert (found.attributes["visits"], found.refused) == (4, {})


def test_each_value_knows_who_said_it_and_when(api: Api, now: datetime) -> None:
    made = api.call("POST", "contacts", {**ANA, "city": "Austin", "attributes": {"plan": "a"}})[1]
    assert made["told"]["city"]["by"] == made["told"]["plan"]["by"] == "api"
    identify(api.brand, plan="b")
    shown = api.call("GET", f"contacts/{made['id']}")[1]
    assert (shown["told"]["plan"]["by"], shown["told"]["city"]["by"]) == ("event", "api")
    assert shown["told"]["city"]["at"] == made["told"]["city"]["at"]
    api.call("PATCH", f"contacts/{made['id']}", {"attributes": {"plan": None}})
    assert "plan" not in api.call("GET", f"contacts/{made['id']}")[1]["told"]


def test_history_is_dated_when_it_was_said_and_replaces_nothing(api: Api, now: datetime) -> None:
    declare(api.brand, "visits", kind="number", now=now)
    with tenant_scope(api.brand.tenant.id):
        [key] = resolve_contacts([IdentityRef(external_id="ana")], now=now)
        assert key is not None
        before = now - timedelta(days=90)
        apply_traits([TraitChange(key, {"visits": 1}, by="event", at=before)], now=now)
        late = TraitChange(key, {"visits": "?", "plan": "a"}, fill_only=True, at=before)
        apply_traits([late], now=now)
        known = contacts_by_id([key])[key]
    assert known.told["visits"] == ["event", before.isoformat()]
    assert known.told["plan"] == ["", before.isoformat()]
    assert known.refused == {}


def test_being_told_the_same_again_renews_only_what_expires(api: Api, now: datetime) -> None:
    declare(api.brand, "taste", kind="text", kept_days=30, now=now)
    with tenant_scope(api.brand.tenant.id):
        [key] = resolve_contacts([IdentityRef(external_id="ana")], now=now)
        assert key is not None
        said = {"taste": "sage", "plan": "a", "city": "Austin"}
        for hours in (0, 23, 24):
            at = now + timedelta(hours=hours)
            apply_traits([TraitChange(key, said, by="api")], now=at)
            told = contacts_by_id([key])[key].told
            renewed = now + timedelta(hours=24) if hours == 24 else now
            assert told["taste"][1] == renewed.isoformat()
            assert told["plan"][1] == told["city"][1] == now.isoformat()


def test_the_list_counts_who_has_it_and_whose_value_is_not_usable(api: Api, now: datetime) -> None:
    for user, name in (("a", "TEST"), ("b", "Maya"), ("c", "")):
        identify(api.brand, user, first_name=name, mood="low")
    identify(api.other, "a", first_name="Ruth", theirs=1)
    declare(api.brand, "mood", is_sensitive=True, now=now)
    rows = {row["name"]: row for row in api.call("GET", "attributes")[1]["attributes"]}
    first = rows["first_name"]
    assert (first["looked_at"], first["filled"], first["unfit"]) == (3, 2, 1)
    assert "theirs" not in rows
    assert set(STANDARD) <= set(rows)
    detail = api.call("GET", "attributes/first_name")[1]
    assert detail["reasons"] == {"test_value": 1}
    assert detail["told_by"] == {"event": 2}
    assert {each["value"] for each in detail["examples"]} == {"TEST", "Maya"}
    mood = api.call("GET", "attributes/mood")[1]
    assert (mood["examples"], mood["reasons"]) == ([], {"sensitive": 3})


def test_a_dry_run_says_what_would_not_fit_and_changes_nothing(api: Api) -> None:
    for user, visits in (("a", 1), ("b", "12"), ("c", "many"), ("d", "many")):
        identify(api.brand, user, visits=visits)
    identify(api.other, "a", visits="theirs")
    before = api.call("GET", "attributes/visits")[1]
    body = {"kind": "number", "dry_run": True}
    status, answer = api.call("PATCH", "attributes/visits", body)
    assert status == 200
    assert answer["trial"] == {
        "fit": 1, "read": 1, "unfit": 2, "is_whole": True,
        "unfit_examples": [{"value": "many", "contacts": 2}],
    }  # fmt: skip
    assert api.call("GET", "attributes/visits")[1] == before
    with tenant_scope(api.brand.tenant.id):
        assert not AuditEntry.objects.filter(action="attribute.changed").exists()
    status, saved = api.call("PATCH", "attributes/visits", {"kind": "number"})
    assert (status, saved["kind"], saved["is_declared"]) == (200, "number", True)
    assert (saved["misfits"], saved["reasons"]) == (2, {"wrong_type": 2})
    with tenant_scope(api.brand.tenant.id):
        assert AuditEntry.objects.get(action="attribute.changed").target == "visits"
        assert Contact.objects.get(external_id="c").attributes == {"visits": "many"}
    with tenant_scope(api.other.tenant.id):
        assert not read_rules().by_name["visits"].is_declared


@pytest.mark.parametrize(
    ("name", "body", "field", "code"),
    [
        ("city", {"kind": "number"}, "kind", "fixed_type"),
        ("birthday", {"kind": "text"}, "kind", "fixed_type"),
        ("size", {"kind": "colour"}, "kind", "invalid_choice"),
        ("size", {"kind": "choice"}, "choices", "required"),
        ("size", {"kind": "choice", "choices": ["a", "A "]}, "choices", "invalid_choices"),
        ("size", {"kind": "choice", "choices": []}, "choices", "invalid_choices"),
        ("size", {"kind": "text", "choices": ["a"]}, "choices", "not_a_choice"),
        ("size", {"kind": "text", "kept_days": 0}, "kept_days", "min_value"),
        ("size", {"kind": "text", "sensitive": True}, "sensitive", "unknown_field"),
        ("phone", {"kind": "text"}, "name", "reserved_name"),
        ("userId", {"kind": "text"}, "name", "reserved_name"),
        ("dob", {"kind": "text"}, "name", "reserved_name"),
        ("x" * 129, {"kind": "text"}, "name", "invalid_name"),
    ],
)
def test_a_wrong_declaration_names_the_field_and_changes_nothing(
    api: Api, name: str, body: dict[str, Any], field: str, code: str
) -> None:
    status, problem = api.call("PATCH", f"attributes/{name}", body)
    assert status == 422
    assert [(each["field"].partition(".")[0], each["code"]) for each in problem["errors"]] == [
        (field, code)
    ]
    with tenant_scope(api.brand.tenant.id):
        assert not AttributeDefinition.objects.exists()


def test_a_name_nobody_knows_needs_a_type_to_be_made(api: Api) -> None:
    assert api.call("GET", "attributes/renewal")[0] == 404
    assert api.call("PATCH", "attributes/renewal", {"is_sensitive": True})[0] == 404
    status, made = api.call("PATCH", "attributes/renewal", {"kind": "date"})
    assert (status, made["kind"], made["filled"]) == (200, "date", 0)
    status, made = api.call(
        "PATCH", "attributes/lifecycle_stage", {"choices": ["new", "vip"], "kept_days": None}
    )
    assert (status, made["choices"]) == (200, ["new", "vip"])
    assert tell(api, lifecycle_stage="VIP")[1]["attributes"] == {"lifecycle_stage": "vip"}


def test_a_key_that_only_writes_reads_no_values(api: Api, now: datetime) -> None:
    identify(api.brand, visits="many")
    with tenant_scope(api.brand.tenant.id):
        _, key = create_api_key(name="Writer", scopes=["contacts:write"], now=now)
    status, answer = api.call("PATCH", "attributes/visits", {"kind": "number"}, key=key)
    assert status == 200
    assert (answer["examples"], answer["trial"], answer["filled"]) == ([], None, 0)
    assert api.call("GET", "attributes/visits", key=key)[0] == 403


def test_names_beyond_the_most_are_stored_and_not_listed(api: Api, now: datetime) -> None:
    with tenant_scope(api.brand.tenant.id):
        AttributeDefinition.objects.bulk_create(
            AttributeDefinition(name=f"n{n:03}", kind="text", first_seen_at=now)
            for n in range(MAX_NAMES - len(STANDARD) - 1)
        )
    tell(api, a=1, b=2)
    with tenant_scope(api.brand.tenant.id):
        assert set(AttributeDefinition.objects.values_list("name", flat=True)) >= {"a"}
        assert not AttributeDefinition.objects.filter(name="b").exists()
    assert contact(api.brand).attributes == {"a": 1, "b": 2}


def test_a_set_of_contacts_takes_a_fixed_number_of_statements(
    api: Api, now: datetime, django_assert_max_num_queries: Any
) -> None:
    people = [
        NewContact(IdentityRef(external_id=f"u{n}"), read_traits({f"a{n}": n}, country="US"))
        for n in range(30)
    ]
    with tenant_scope(api.brand.tenant.id), django_assert_max_num_queries(40):
        save_contacts(people, now=now)
        assert AttributeDefinition.objects.count() == 30
