"""A workspace filled with invented people: as many as were asked for, found, and once only."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from demo.core.synthetic import MAX_CONTACTS, invent_people, share_of
from events.domain.queries import recent_events
from people.domain.queries import list_contacts
from people.models import Contact, Identifier
from segments.domain.segments import build_segment, create_segment
from segments.models import SegmentMembership
from tenancy.models import Tenant
from tenancy.scope import tenant_scope
from tests.support.world import World
from triggers.domain.reacting import react
from triggers.models import FlowRun

pytestmark = pytest.mark.django_db
PEOPLE, EVENTS = 1_203, 3_700  # neither fills its last set


def fill(tenant: Tenant, contacts: int = PEOPLE, events: int = EVENTS) -> str:
    out = io.StringIO()
    given = [f"--contacts={contacts}", f"--events={events}"]
    call_command("load_synthetic", f"--workspace={tenant.slug}", *given, stdout=out)
    return out.getvalue()


def held(tenant: Tenant) -> tuple[int, int, int]:
    with tenant_scope(tenant.id):
        events = len(recent_events(limit=100_000))
        return Contact.objects.count(), Identifier.objects.count(), events


def test_it_is_there_once_and_nowhere_else(world: World) -> None:
    said = fill(world.shop.tenant)
    assert said.startswith(f"{PEOPLE:,} contacts, {EVENTS:,} events added")
    assert held(world.shop.tenant) == (PEOPLE, 3 * PEOPLE, EVENTS)
    assert held(world.other.tenant) == (0, 0, 0)
    # Again, and on from there.
    assert fill(world.shop.tenant).startswith(f"{PEOPLE:,} contacts, 0 events added")
    assert held(world.shop.tenant) == (PEOPLE, 3 * PEOPLE, EVENTS)


def test_they_are_found_and_belong_to_segments_and_start_nothing(world: World) -> None:
    tenant = world.shop.tenant
    fill(tenant, 60, 600)
    one = invent_people(7, 8)[0]
    with tenant_scope(tenant.id):
        for search in (one.email, one.phone, one.external_id, one.phone[-4:]):
            assert [c.external_id for c in list_contacts(search=search).contacts] == ["syn-7"]
        named = {c.external_id for c in list_contacts(search=one.last_name, limit=60).contacts}
        assert named == {
            p.external_id for p in invent_people(0, 60) if p.last_name == one.last_name
        }
        segment = create_segment("Buyers", definition={"event": "Order Completed"}, now=world.now)
        build_segment(segment.id, now=world.now)
        bought = {e.contact_id for e in recent_events(limit=600) if e.name == "Order Completed"}
        found = SegmentMembership.objects.filter(segment=segment).values_list("contact", flat=True)
        assert set(found) == bought
        assert bought
    while react(tenant.id, now=world.now):
        pass
    with tenant_scope(tenant.id):
        assert not FlowRun.objects.exists()


def test_everybody_has_a_share() -> None:
    shares = [share_of(number, contacts=7, events=30) for number in range(7)]
    assert sum(shares) == 30
    assert Counter(shares) == {5: 2, 4: 5}


def test_nobody_is_invented_twice() -> None:
    some = [*invent_people(0, 500), *invent_people(9_900, 10_100), *invent_people(10**6, 10**6 + 9)]
    for name in ("phone", "email", "external_id"):
        assert len({getattr(one, name) for one in some}) == len({one.number for one in some})
    assert invent_people(400, 401) == some[400:401]
    assert all(one.phone[5:8] == "555" for one in some)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--workspace=nobody"],
        ["--contacts=0"],
        [f"--contacts={MAX_CONTACTS + 1}"],
        ["--events=-1"],
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(world: World, wrong: list[str]) -> None:
    given = [f"--workspace={world.shop.tenant.slug}", "--contacts=5", "--events=5"]
    with pytest.raises(CommandError, match=wrong[0].split("=")[0] + "|workspace"):
        call_command("load_synthetic", *given, *wrong)
    assert held(world.shop.tenant) == (0, 0, 0)
