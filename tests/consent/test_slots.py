"""Cap slots: reserved once, counted at submit, given back only when that is honest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.core.caps import check
from consent.core.quiet_hours import jitter_seconds
from consent.domain.facts import facts_for
from consent.domain.settings import set_frequency_cap
from consent.domain.slots import CapTaken, NewSlot, count_slots, release_slots, reserve_slots
from consent.models import CapSlot
from tenancy.ids import new_id
from tenancy.scope import tenant_scope
from tests.consent.conftest import PHONES, People

HOUR = timedelta(hours=1)


def a_slot(
    people: People, at: datetime, *, phone: str = PHONES[0], flow: str = "cart", **more: object
) -> NewSlot:
    return NewSlot(new_id(), people.ids[phone], phone, flow, None, at, **more)  # type: ignore[arg-type]


def reserve(people: People, at: datetime, **more: object) -> UUID:
    slot = a_slot(people, at, **more)  # type: ignore[arg-type]
    reserve_slots([slot], now=at)
    return slot.message_id


def allowed(people: People, at: datetime, phone: str = PHONES[0], flow: str = "cart") -> bool:
    contact = people.facts(phone)
    facts = facts_for([contact], now=at)[contact.id]
    return check(facts.caps, facts.slots, at=at, source_key=flow, run_id=None).ok


def test_reserving_takes_room_and_reserving_again_does_not(shop: People) -> None:
    slot = a_slot(shop, shop.now)
    reserve_slots([slot], now=shop.now)
    reserve_slots([slot], now=shop.now)
    assert CapSlot.objects.count() == 1
    assert allowed(shop, shop.now)
    reserve(shop, shop.now)
    assert not allowed(shop, shop.now)
    assert allowed(shop, shop.now, phone=PHONES[1])


def test_the_caps_of_the_number_are_checked_again_under_the_lock(shop: People) -> None:
    slots = [a_slot(shop, shop.now) for _ in range(3)]
    with pytest.raises(CapTaken) as caught:
        reserve_slots(slots, now=shop.now)
    assert caught.value.refused == {slots[2].message_id: "per_day"}
    assert not CapSlot.objects.exists()


def test_two_contacts_of_one_number_share_its_room(shop: People) -> None:
    def of(contact: str) -> NewSlot:
        return NewSlot(new_id(), shop.ids[contact], PHONES[0], "cart", None, shop.now)

    with pytest.raises(CapTaken):
        reserve_slots([of(PHONES[0]), of(PHONES[1]), of(PHONES[0])], now=shop.now)
    reserve_slots([of(PHONES[0]), of(PHONES[1])], now=shop.now)
    with pytest.raises(CapTaken):
        reserve_slots([of(PHONES[2])], now=shop.now)


def test_a_slot_counts_from_the_submit(shop: People) -> None:
    first = reserve(shop, shop.now)
    reserve(shop, shop.now)
    assert count_slots([first], at=shop.now + 2 * HOUR) == 1
    assert count_slots([first], at=shop.now + 3 * HOUR) == 0
    held = CapSlot.objects.get(message_id=first)
    assert (held.state, held.at, held.counted_at) == (
        "counted",
        shop.now + 2 * HOUR,
        shop.now + 2 * HOUR,
    )


def test_a_reservation_waiting_at_the_sender_never_grows_old(shop: People) -> None:
    reserve(shop, shop.now)
    reserve(shop, shop.now)
    assert not allowed(shop, shop.now + 30 * HOUR)


@pytest.mark.parametrize(
    ("never_taken", "late", "brand", "legal"),
    [
        (True, False, False, False),
        (True, True, False, False),
        (False, False, False, True),
        (False, True, True, True),
    ],
)
def test_refunds(shop: People, never_taken: bool, late: bool, brand: bool, legal: bool) -> None:
    message = reserve(shop, shop.now)
    count_slots([message], at=shop.now)
    when = shop.now + (2 * HOUR if late else HOUR / 2)
    release_slots([message], reason="failed", definitely_not_taken=never_taken, now=when)
    held = CapSlot.objects.get(message_id=message)
    assert (held.counts_brand, held.counts_legal) == (brand, legal)


def test_a_text_decided_again_after_a_release_takes_room_again(shop: People) -> None:
    slot = a_slot(shop, shop.now)
    reserve_slots([slot], now=shop.now)
    release_slots([slot.message_id], reason="quiet_hours", definitely_not_taken=True)
    later = shop.now + HOUR
    reserve_slots([replace(slot, at=later)], now=later)
    held = CapSlot.objects.get()
    assert (held.state, held.at, held.counts_brand) == ("reserved", later, True)
    release_slots([slot.message_id], reason="canceled", definitely_not_taken=True)
    reserve(shop, later)
    reserve(shop, later)
    with pytest.raises(CapTaken):
        reserve_slots([replace(slot, at=later)], now=later)


def test_a_brand_refund_may_later_become_a_full_one(shop: People) -> None:
    message = reserve(shop, shop.now)
    assert release_slots([message], reason="failed", definitely_not_taken=False) == 1
    assert release_slots([message], reason="failed", definitely_not_taken=False) == 0
    assert release_slots([message], reason="not_taken", definitely_not_taken=True) == 1
    assert not CapSlot.objects.get(message_id=message).counts_legal


def test_three_a_day_is_the_law_in_florida_whatever_the_brand_says(shop: People) -> None:
    set_frequency_cap(limits=[{"seconds": 86400, "max": 50}], min_gap_seconds=0, now=shop.now)
    for _ in range(3):
        reserve(shop, shop.now, phone=PHONES[1], legal_states=("FL",))
        reserve(shop, shop.now, phone=PHONES[0], legal_states=("NY",))
    assert not allowed(shop, shop.now, phone=PHONES[1])
    assert allowed(shop, shop.now, phone=PHONES[0])
    with pytest.raises(CapTaken) as caught:
        reserve(shop, shop.now, phone=PHONES[1], legal_states=("FL",))
    assert set(caught.value.refused.values()) == {"legal_per_day"}
    # A failed text gives the brand's room back; the law still counts it.
    taken = CapSlot.objects.filter(contact_id=shop.ids[PHONES[1]]).first()
    assert taken is not None
    release_slots([taken.message_id], reason="failed", definitely_not_taken=False)
    assert not allowed(shop, shop.now, phone=PHONES[1])


def test_other_flows_keep_twelve_hours(shop: People) -> None:
    count_slots([reserve(shop, shop.now)], at=shop.now)
    assert not allowed(shop, shop.now + 11 * HOUR, flow="loyalty")
    assert allowed(shop, shop.now + 11 * HOUR, flow="cart")
    assert allowed(shop, shop.now + 12 * HOUR, flow="loyalty")


def test_a_new_number_does_not_wash_the_contacts_slots_away(shop: People) -> None:
    reserve(shop, shop.now)
    reserve(shop, shop.now)
    moved = NewSlot(new_id(), shop.ids[PHONES[0]], "+14155550177", "cart", None, shop.now)
    with pytest.raises(CapTaken):
        reserve_slots([moved], now=shop.now)


def test_workspaces_do_not_share_slots(people: People) -> None:
    with tenant_scope(people.shop_id):
        reserve(people, people.now)
        reserve(people, people.now)
        assert not allowed(people, people.now)
    with tenant_scope(people.other_id):
        assert not CapSlot.objects.exists()


def test_a_set_costs_a_few_queries(shop: People, django_assert_max_num_queries: Any) -> None:
    slots = [
        NewSlot(new_id(), new_id(), f"+1212555{number:04d}", "cart", None, shop.now)
        for number in range(300)
    ]
    with django_assert_max_num_queries(8):
        reserve_slots(slots, now=shop.now)
    with django_assert_max_num_queries(1):
        count_slots([slot.message_id for slot in slots], at=shop.now)
    with django_assert_max_num_queries(1):
        release_slots([slot.message_id for slot in slots], reason="x", definitely_not_taken=True)
    assert jitter_seconds(slots[0].contact_id, "k") < 1200
