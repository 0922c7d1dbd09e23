"""Finding contacts by parts of names, numbers and addresses; the tokens keep step with contacts."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people.core.searching import ranges_of, tokens_of, wanted_by
from people.domain.attributes import TraitChange, change_contacts
from people.domain.queries import list_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from people.domain.searching import index_contacts
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World

MAYA = {"first_name": "María José", "last_name": "O'Connor-Díaz"}


def add(world: World, phone: str, **traits: str) -> UUID:
    (found,) = resolve_contacts([IdentityRef(phone=phone)], now=world.now)
    assert found is not None
    change_contacts([TraitChange(found, traits)], now=world.now)
    return found


def found(term: str, *, with_personal: bool = True) -> list[UUID]:
    return [c.id for c in list_contacts(search=term, with_personal=with_personal).contacts]


@pytest.mark.parametrize(
    "term",
    [
        "maria", "MARÍA", "mar", "jose", "María José", "jose maria", "connor", "o'con", "diaz",
        "maria diaz", "di", "0142", "50142", "5550142", "310 555", "(310) 555-0142", "+1 310 5",
        "+1 310 555 0142", "0013105550142", "13105550142", "3105", "310555", "jo.parker",
        "jo.parker@ex", "JO.PARKER@example.com", "jo", "@example", "example.c", "@EXAMPLE.com",
        "u-77",
    ],
)  # fmt: skip
def test_what_finds_her(world: World, term: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        (key,) = resolve_contacts(
            [IdentityRef(external_id="u-77", phone="+13105550142")], now=world.now
        )
        assert key is not None
        change_contacts(
            [TraitChange(key, {**MAYA, "email": "Jo.Parker@example.com"})], now=world.now
        )
        add(world, "+12125550199", first_name="Ruth", last_name="Okonkwo", email="r@shop.example")
        assert found(term) == [key]


@pytest.mark.parametrize(
    "term",
    [
        "a", "142", "@", "xyz", "99999", "\x00ma", "%", "_", "''", "parker", "aria", "55014",
        "xample", "@xample", "example", "a@example.com",
    ],
)  # fmt: skip
def test_what_finds_nobody(world: World, term: str) -> None:
    with tenant_scope(world.shop.tenant.id):
        key = add(world, "+13105550142", **MAYA, email="jo.parker@example.com")
        assert found(term) == []
        assert found("") == [key]


def test_the_first_letter_of_the_next_name_counts(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        carter = add(world, "+13105550142", first_name="Quinn", last_name="Carter")
        moss = add(world, "+13105550143", first_name="Quinn", last_name="Moss")
        add(world, "+13105550144", first_name="Cora", last_name="Moss")
        assert set(found("quinn")) == {carter, moss}
        for term in ("Quinn C", "quinn c", "Quinn C.", "QUINN  C"):
            assert found(term) == [carter], term
        assert found("Quinn Ca") == [carter]
        assert found("Quinn X") == []
        assert found("C Moss") != []  # in front it is an initial, and says too little
        assert set(found("quinn's")) == {carter, moss}
        assert found("c") == []
    with tenant_scope(world.other.tenant.id):
        assert found("Quinn C") == []


def test_a_reader_without_numbers_finds_names_and_ids_alone(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        (key,) = resolve_contacts(
            [IdentityRef(external_id="u-77", phone="+13105550142")], now=world.now
        )
        assert key is not None
        change_contacts([TraitChange(key, {**MAYA, "email": "zoe@example.com"})], now=world.now)
        for term in ("0142", "310555", "+13105550142", "13105550142", "zoe", "zoe@example.com", "zoe@",
                     "@example", "example.com"):  # fmt: skip
            assert found(term) == [key], term
            assert found(term, with_personal=False) == [], term
        assert found("maria", with_personal=False) == [key]
        assert found("u-77", with_personal=False) == [key]


def test_tokens_follow_every_change(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        key = add(world, "+13105550142", first_name="Maya", email="maya@example.com")
        change_contacts(
            [TraitChange(key, {"first_name": "Nora", "phone": "+12125550123", "email": None})],
            now=world.now,
        )
        assert found("maya") == [key]  # the old address still recognizes her
        assert found("maya b") == []
        assert found("nora") == [key]
        assert found("0123") == [key]
        assert found("0142") == [key]  # and so does the old number
        change_contacts([TraitChange(key, {"first_name": "Zelda"})], now=world.now)
        assert found("nora") == []
        assert found("zeld") == [key]
        # A further number that only resolving binds.
        resolve_contacts([IdentityRef(external_id="n", phone="+12125550123")], now=world.now)
        resolve_contacts([IdentityRef(external_id="n", phone="+14155550177")], now=world.now)
        assert found("0177") == [key]
        before = places_of_tokens()
        index_contacts([key])
        assert places_of_tokens() == before


def places_of_tokens() -> set[tuple[str, str]]:
    """Each token with the place of its row: a row that was written again has moved."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, ctid::text FROM people_searchtoken")
        return set(cursor.fetchall())


def test_pages_of_what_was_found(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        keys = resolve_contacts(
            [IdentityRef(phone=f"+1310555{n:04}") for n in range(100, 160)], now=world.now
        )
        change_contacts(
            [TraitChange(k, {"first_name": "Ada" if n % 2 else "Bo"})
             for n, k in enumerate(keys) if k], now=world.now,
        )  # fmt: skip
        wanted = sorted((k for n, k in enumerate(keys) if n % 2 and k), reverse=True)
        seen: list[UUID] = []
        after = None
        while True:
            page = list_contacts(search="ada", after=after, limit=7)
            seen += [contact.id for contact in page.contacts]
            after = page.next_after
            if after is None:
                break
        assert seen == wanted
        some = set(wanted[::3])
        inside = list_contacts(search="ada", ids=some, limit=50)
        assert {contact.id for contact in inside.contacts} == some


def test_the_other_workspace_is_not_searched(world: World) -> None:
    def fill(brand: Brand) -> UUID:
        with tenant_scope(brand.tenant.id):
            return add(world, "+13105550142", first_name="Maya")

    ours, _ = fill(world.shop), fill(world.other)
    with tenant_scope(world.shop.tenant.id):
        assert found("maya") == [ours]
        assert found("0142") == [ours]


def test_indexing_costs_the_same_for_many(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        keys = resolve_contacts(
            [IdentityRef(phone=f"+1310555{n:04}") for n in range(100, 160)], now=world.now
        )
        with CaptureQueriesContext(connection) as few:
            change_contacts(
                [TraitChange(k, {"first_name": "A b"}) for k in keys[:2] if k], now=world.now
            )
        with CaptureQueriesContext(connection) as many:
            change_contacts(
                [TraitChange(k, {"first_name": "C d"}) for k in keys if k], now=world.now
            )
        assert len(many) <= len(few)


def test_tokens_are_few_and_short() -> None:
    huge = tokens_of(
        names=["x" * 200, " ".join("abcdefgh" * 3 for _ in range(40))], phones=[], emails=[]
    )
    assert len(huge) <= 8
    assert max(len(token) for _, token in huge) <= 24
    one = tokens_of(names=["Maya", "Lin"], phones=["+13105550142"], emails=["Maya@Example.com"])
    assert one == {("n", "maya"), ("n", "lin"), ("d", "24105550131"), ("e", "example.com")}
    assert wanted_by("x" * 5000)


def test_a_number_is_read_as_people_of_the_workspaces_country_dial_it() -> None:
    [[wanted]] = wanted_by("07946 0018")
    starts = {each.start for each in ranges_of(wanted, country="GB") if each.identifier == "phone"}
    assert starts == {"+79460018", "+4479460018"}
    [[wanted]] = wanted_by("310555")
    starts = {each.start for each in ranges_of(wanted, country="") if each.identifier == "phone"}
    assert starts == {"+310555"}
