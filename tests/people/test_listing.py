"""The contacts list: every order, every filter, page by page, with its total."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.problems import Invalid
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.suppressions import NewSuppression, suppress
from people.domain import listing
from people.domain.attributes import TraitChange, change_contacts
from people.domain.listing import count_contacts, list_contacts
from people.domain.resolving import IdentityRef, Origin, resolve_contacts
from people.filters import all_filters, read_filters
from people.models import Contact
from segments.models import Segment, SegmentMembership
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World

ADA, BEA, CAL, DEE = "+13105550142", "+12125550199", "+442079460018", None


def fill(brand: Brand, now: datetime) -> dict[str, UUID]:
    """Four people who differ in everything a filter asks about."""
    made = {}
    doors = {"ada": "hand", "bea": "paste", "cal": "event", "dee": "event"}
    phones = {"ada": ADA, "bea": BEA, "cal": CAL, "dee": DEE}
    for name, door in doors.items():
        ref = IdentityRef(external_id=name, phone=phones[name])
        [key] = resolve_contacts([ref], origin=Origin(door, is_seen=door == "event"), now=now)
        assert key is not None
        made[name] = key
        now += timedelta(minutes=1)
    traits: dict[str, dict[str, Any]] = {
        "ada": {"first_name": "ada", "country": "US", "timezone": "America/Los_Angeles"},
        "bea": {"first_name": "Bea", "last_name": "Lin", "country": "US"},
        "cal": {"last_name": "Älv", "country": "GB", "timezone": "Europe/London"},
    }
    change_contacts([TraitChange(made[name], each) for name, each in traits.items()], now=now)
    return made


def consents(made: dict[str, UUID], now: datetime) -> None:
    for name, phone in (("ada", ADA), ("bea", BEA)):
        wish = OptIn(phone=phone, source="keyword", occurred_at=now, contact_id=made[name])
        record_opt_ins([wish], now=now)
    later = now + timedelta(minutes=1)
    stop = OptOut(
        phone=BEA, contact_id=made["bea"], source="keyword", evidence={}, occurred_at=later
    )
    record_opt_outs([stop], now=later)
    suppress([NewSuppression(CAL, "landline", later)], now=later)


def names(made: dict[str, UUID], found: Sequence[Any]) -> list[str]:
    by_id = {key: name for name, key in made.items()}
    return [by_id[contact.id] for contact in found]


@pytest.fixture
def made(world: World, now: datetime) -> dict[str, UUID]:
    with tenant_scope(world.other.tenant.id):
        consents(fill(world.other, now), now)
    with tenant_scope(world.shop.tenant.id):
        made = fill(world.shop, now)
        consents(made, now)
        return made


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"consent": "subscribed"}, {"ada"}),
        ({"consent": "unsubscribed"}, {"bea"}),
        ({"consent": "suppressed"}, {"cal"}),
        ({"consent": "never_subscribed"}, {"dee"}),
        ({"consent": "pending"}, set()),
        ({"has_phone": "true"}, {"ada", "bea", "cal"}),
        ({"has_phone": "false"}, {"dee"}),
        ({"country": "us"}, {"ada", "bea"}),
        ({"timezone": "Europe/London"}, {"cal"}),
        ({"added_by": "event"}, {"cal", "dee"}),
        ({"added_by": "paste"}, {"bea"}),
        ({"segment": "vip"}, {"ada", "dee"}),
        ({"segment": "vip", "has_phone": "true"}, {"ada"}),
        ({}, {"ada", "bea", "cal", "dee"}),
    ],
)
def test_each_filter_finds_whom_it_names(
    world: World, made: dict[str, UUID], now: datetime, given: dict[str, str], wanted: set[str]
) -> None:
    with tenant_scope(world.shop.tenant.id):
        vip = Segment.objects.create(
            name="VIP", slug="vip", definition={}, state="live", created_at=now
        )
        for name, left in (("ada", None), ("bea", now), ("dee", None)):
            SegmentMembership.objects.create(
                segment=vip, contact_id=made[name], entered_at=now, left_at=left
            )
        found = read_filters(given, strict=True).conditions
        for sort in listing.SORTS:
            page = list_contacts(filters=found, sort=sort)
            assert set(names(made, page.contacts)) == wanted, sort
            assert len(page.contacts) == len(wanted)
        assert count_contacts(filters=found) == listing.Total(len(wanted), True)


def test_a_status_follows_the_number_not_the_contact(
    world: World, made: dict[str, UUID], now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        change_contacts([TraitChange(made["ada"], {"phone": "+14155550177"})], now=now)
        subscribed = read_filters({"consent": "subscribed"}).conditions
        assert list_contacts(filters=subscribed).contacts == []
        change_contacts([TraitChange(made["ada"], {"phone": ADA})], now=now)
        assert names(made, list_contacts(filters=subscribed).contacts) == ["ada"]
        change_contacts([TraitChange(made["ada"], {"phone": None})], now=now)
        assert list_contacts(filters=subscribed).contacts == []


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("newest", ["dee", "cal", "bea", "ada"]),
        ("last_seen", ["dee", "cal", "bea", "ada"]),
        ("name", ["ada", "bea", "cal", "dee"]),
    ],
)
def test_orders_hold_over_pages(
    world: World, made: dict[str, UUID], sort: str, wanted: list[str]
) -> None:
    with tenant_scope(world.shop.tenant.id):
        for limit in (1, 2, 3, 4, 5):
            seen: list[str] = []
            after = None
            while True:
                page = list_contacts(sort=sort, after=after, limit=limit)
                assert len(page.contacts) <= limit
                seen += names(made, page.contacts)
                after = page.next_key
                if after is None:
                    break
            assert seen == wanted, limit


def test_equal_names_are_neither_lost_nor_shown_twice(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        keys = resolve_contacts([IdentityRef(external_id=f"u{n}") for n in range(7)], now=now)
        change_contacts(
            [TraitChange(key, {"first_name": "Same"}) for key in keys[:5] if key], now=now
        )
        seen: list[UUID] = []
        after = None
        while True:
            page = list_contacts(sort="name", after=after, limit=2)
            seen += [contact.id for contact in page.contacts]
            after = page.next_key
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 7


def test_search_and_filters_go_together(world: World, made: dict[str, UUID]) -> None:
    with tenant_scope(world.shop.tenant.id):
        us = read_filters({"country": "US"}).conditions
        assert names(made, list_contacts(search="lin", filters=us).contacts) == ["bea"]
        assert list_contacts(search="alv", filters=us).contacts == []
        assert names(made, list_contacts(search="alv").contacts) == ["cal"]
        assert count_contacts(search="lin").number == 1


def test_a_value_that_does_not_exist_is_left_out_or_refused(
    world: World, made: dict[str, UUID]
) -> None:
    with tenant_scope(world.shop.tenant.id):
        wrong = {
            "consent": "maybe", "has_phone": "1", "country": "USA", "added_by": "magic",
            "segment": "nobody", "timezone": "x" * 90,
        }  # fmt: skip
        assert set(wrong) == {one.name for one in all_filters()}
        for name, value in wrong.items():
            assert read_filters({name: value}).chosen == {}
            with pytest.raises(Invalid) as refused:
                read_filters({name: value}, strict=True)
            assert [error.field for error in refused.value.errors] == [name]
        assert read_filters({"segment": "a\x00"}).chosen == {}


def test_a_total_is_counted_to_a_limit_and_then_estimated(
    world: World, made: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(world.shop.tenant.id):
        assert count_contacts() == listing.Total(4, True)
        monkeypatch.setattr(listing, "COUNTED", 3)
        total = count_contacts()
        assert not total.is_exact
        assert total.number >= 4


def test_choices_are_what_there_is(world: World, made: dict[str, UUID]) -> None:
    with tenant_scope(world.shop.tenant.id):
        offered = {one.name: [c.value for c in one.choices()] for one in all_filters()}
        assert offered["country"] == ["GB", "US"]
        assert offered["timezone"] == ["America/Los_Angeles", "Europe/London"]
        assert offered["segment"] == []


def test_last_seen_is_noted_to_the_hour(world: World, made: dict[str, UUID], now: datetime) -> None:
    from events.core.incoming import Incoming
    from events.domain.ingestion import ingest_events

    def seen(name: str) -> datetime:
        found: datetime = Contact.objects.get(id=made[name]).last_seen_at
        return found

    def act(name: str, at: datetime, *, backfill: bool = False) -> None:
        item = Incoming(
            "track",
            name="Product Viewed",
            ref=IdentityRef(external_id=name),
            message_id=f"{name}-{at.isoformat()}",
        )
        ingest_events([item], source="server", backfill=backfill, now=at)

    with tenant_scope(world.shop.tenant.id):
        assert seen("ada").year == 1970
        later = now + timedelta(hours=5)
        act("ada", later)
        assert seen("ada") == later
        act("ada", later + timedelta(minutes=59))
        assert seen("ada") == later
        act("ada", later + timedelta(minutes=61))
        assert seen("ada") == later + timedelta(minutes=61)
        act("bea", later, backfill=True)
        assert seen("bea").year == 1970
