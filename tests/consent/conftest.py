"""Two workspaces that know the same people by the same numbers. Only one of them is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest

from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.models import CapSlot, Consent, ConsentRecord, ContactPoint, Suppression
from people.domain.facts import ContactFacts
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.support.world import World

PHONES = ("+12125550100", "+13055550101", "+13105550102")


@dataclass(frozen=True)
class People:
    """Contacts of both workspaces by number; nobody is subscribed in `shop`, all are in `other`."""

    now: datetime
    shop_id: UUID
    other_id: UUID
    ids: dict[str, UUID]

    def facts(self, phone: str) -> ContactFacts:
        return contacts_by_id([self.ids[phone]])[self.ids[phone]]


def _make_people(world: World) -> People:
    ids = {}
    for tenant_id in (world.other.tenant.id, world.shop.tenant.id):
        with tenant_scope(tenant_id):
            found = resolve_contacts([IdentityRef(phone=phone) for phone in PHONES], now=world.now)
            ids = {phone: each for phone, each in zip(PHONES, found, strict=True) if each}
    with tenant_scope(world.other.tenant.id):
        record_opt_ins([OptIn(phone, "keyword", world.now) for phone in PHONES], now=world.now)
    return People(world.now, world.shop.tenant.id, world.other.tenant.id, ids)


def _snapshot(tenant_id: UUID) -> list[list[tuple[object, ...]]]:
    with tenant_scope(tenant_id):
        return [
            sorted(model.objects.values_list(), key=str)
            for model in (ConsentRecord, Consent, Suppression, ContactPoint, CapSlot)
        ]


@pytest.fixture
def people(world: World) -> Iterator[People]:
    """Changes are rolled back. Fails when the look-alike workspace changed."""
    made = _make_people(world)
    before = _snapshot(made.other_id)
    yield made
    assert _snapshot(made.other_id) == before


@pytest.fixture
def shop(people: People) -> Iterator[People]:
    """The same, with the shop's scope open."""
    with tenant_scope(people.shop_id):
        yield people


@pytest.fixture
def committed_people(committed_world: World) -> Iterator[People]:
    """The same with real commits, for threads."""
    made = _make_people(committed_world)
    before = _snapshot(made.other_id)
    yield made
    assert _snapshot(made.other_id) == before
