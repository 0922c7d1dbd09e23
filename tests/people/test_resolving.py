from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people.domain.queries import contacts_by_id, list_contacts, lock_contacts
from people.domain.resolving import IdentityRef, resolve, resolve_contacts
from people.models import Contact, Identifier
from tenancy.scope import OutsideTenant, tenant_scope
from tests.support.world import World

AVA = "+13105550142"
BEN = "+13105550143"


def test_one_person_by_any_identifier(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        refs = [
            IdentityRef(external_id="u1", phone=AVA, email="ava@example.com", anonymous_id="a1"),
            IdentityRef(phone=AVA),
            IdentityRef(email="ava@example.com"),
            IdentityRef(anonymous_id="a1"),
            IdentityRef(external_id="u1"),
            IdentityRef(),
        ]
        ids = resolve_contacts(refs, now=now)
        assert len(set(ids[:5])) == 1
        assert ids[5] is None
        assert resolve_contacts(refs, now=now) == ids
        contact = Contact.objects.get()
        assert (contact.phone, contact.phone_type) == (AVA, "fixed_line_or_mobile")
    with tenant_scope(world.other.tenant.id):
        assert resolve_contacts(refs[:1], now=now) != ids[:1]
        assert Contact.objects.count() == 1


def test_external_id_decides_and_phone_of_another_stays(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        ava, ben = resolve_contacts(
            [IdentityRef(external_id="u1", phone=AVA), IdentityRef(external_id="u2")],
            now=world.now,
        )
        found = resolve([IdentityRef(external_id="u2", phone=AVA)], now=world.now)
        assert found.ids == [ben]
        assert [(each.kind, each.owner_id) for each in found.conflicts] == [("phone", ava)]
        assert contacts_by_id([x for x in (ava, ben) if x])[ben or UUID(int=0)].phone is None


def test_person_known_by_phone_only_gets_the_external_id(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        (first,) = resolve_contacts([IdentityRef(phone=AVA)], now=world.now)
        found = resolve([IdentityRef(external_id="u1", phone=AVA)], now=world.now)
        assert found.ids == [first]
        assert [(each.kind, each.value) for each in found.attached] == [("external_id", "u1")]
        assert Contact.objects.get().external_id == "u1"
        # Another external id with that number is another person.
        other = resolve([IdentityRef(external_id="u2", phone=AVA)], now=world.now)
        assert other.ids != [first]
        assert [each.owner_id for each in other.conflicts] == [first]


def test_limits_of_identifiers(world: World) -> None:
    now = world.now
    with tenant_scope(world.shop.tenant.id):
        for i in range(8):
            resolve_contacts(
                [IdentityRef(external_id="u1", phone=f"+1310555014{i}", anonymous_id=f"a{i}")],
                now=now,
            )
        counts = {kind: Identifier.objects.filter(kind=kind).count() for kind in ("phone", "email")}
        assert counts == {"phone": 5, "email": 0}
        # The first anonymous id came with the contact, then five a week.
        assert Identifier.objects.filter(kind="anonymous_id").count() == 5
        for week in range(1, 6):
            later = now + timedelta(days=8 * week)
            refs = [IdentityRef(external_id="u1", anonymous_id=f"w{week}-{i}") for i in range(9)]
            resolve_contacts(refs, now=later)
        assert Identifier.objects.filter(kind="anonymous_id").count() == 20
        assert Contact.objects.count() == 1


def test_the_same_new_person_from_eight_threads_is_one_contact(committed_world: World) -> None:
    world, threads = committed_world, 8
    barrier = Barrier(threads)

    def arrive(number: int) -> list[UUID | None]:
        try:
            barrier.wait()
            with tenant_scope(world.shop.tenant.id):
                refs = [
                    IdentityRef(
                        external_id=f"u{i}", phone=f"+131055501{i:02}", anonymous_id=f"a{i}"
                    )
                    for i in range(10)
                ]
                # Every thread in its own order: what they share they must not deadlock on.
                turned = refs[number:] + refs[:number]
                ids = resolve_contacts(turned, now=world.now)
                return ids[-number:] + ids[:-number] if number else ids
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(arrive, range(threads)))
    assert all(answer == answers[0] for answer in answers)
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.count() == 10
        assert Identifier.objects.count() == 30


def test_two_external_ids_for_one_visitor_at_once_are_two_people(committed_world: World) -> None:
    world = committed_world
    with tenant_scope(world.shop.tenant.id):
        resolve_contacts([IdentityRef(anonymous_id="a1")], now=world.now)
    barrier = Barrier(6)

    def identify(number: int) -> UUID | None:
        try:
            barrier.wait()
            with tenant_scope(world.shop.tenant.id):
                ref = IdentityRef(external_id=f"u{number}", anonymous_id="a1")
                return resolve_contacts([ref], now=world.now)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(identify, range(6)))
    assert len(set(found)) == 6
    with tenant_scope(world.shop.tenant.id):
        assert Contact.objects.count() == 6
        own = dict(Contact.objects.values_list("id", "external_id"))
        named = Identifier.objects.filter(kind="external_id")
        assert dict(named.values_list("contact_id", "value")) == own


def test_resolving_needs_a_scope(world: World) -> None:
    with pytest.raises(OutsideTenant):
        resolve_contacts([IdentityRef(external_id="u1")], now=world.now)


def test_known_people_cost_one_query(world: World) -> None:
    refs = [IdentityRef(external_id=f"u{i}", anonymous_id=f"a{i}") for i in range(40)]
    with tenant_scope(world.shop.tenant.id):
        ids = resolve_contacts(refs, now=world.now)
        with CaptureQueriesContext(connection) as caught:
            assert resolve_contacts(refs, now=world.now) == ids
        assert len(caught) == 1


def test_lock_contacts_skips_what_others_hold(committed_world: World) -> None:
    world = committed_world
    with tenant_scope(world.shop.tenant.id):
        refs = [IdentityRef(external_id=f"u{i}") for i in range(3)]
        ids = [each for each in resolve_contacts(refs, now=world.now) if each]

    def look() -> list[UUID]:
        try:
            with tenant_scope(world.shop.tenant.id):
                return lock_contacts(ids, skip_locked=True)
        finally:
            connection.close()

    with tenant_scope(world.shop.tenant.id), ThreadPoolExecutor(1) as pool:
        assert lock_contacts(ids[:1]) == ids[:1]
        assert pool.submit(look).result() == sorted(ids[1:])


def test_list_contacts_pages_by_keyset_and_finds_by_identifier(world: World, now: datetime) -> None:
    with tenant_scope(world.other.tenant.id):
        resolve_contacts([IdentityRef(external_id="u1", phone=AVA)], now=now)
    with tenant_scope(world.shop.tenant.id):
        refs = [IdentityRef(external_id=f"u{i}") for i in range(7)]
        refs.append(IdentityRef(phone=BEN, email="ben@example.com"))
        ids = [each for each in resolve_contacts(refs, now=now) if each]
        seen: list[UUID] = []
        after = None
        while True:
            page = list_contacts(after=after, limit=3)
            seen += [contact.id for contact in page.contacts]
            after = page.next_after
            if after is None:
                break
        assert seen == sorted(ids, reverse=True)
        for term in ("(310) 555-0143", BEN, "BEN@example.com"):
            assert [c.id for c in list_contacts(search=term).contacts] == [ids[-1]]
        assert [c.external_id for c in list_contacts(search="u1").contacts] == ["u1"]
        assert list_contacts(search=AVA).contacts == []
        assert list_contacts(search="a\x00").contacts == []
        assert [c.id for c in list_contacts(ids=ids[:1]).contacts] == ids[:1]
