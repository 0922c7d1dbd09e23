"""Only an explicit SMS consent counts, with its level and time; a STOP stands whatever a shop says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.settings import set_consent_choices
from consent.models import Consent, ConsentEvidence, ConsentRecord
from delivery.models import Message
from events.models import Event
from people.domain.queries import contacts_by_phone
from tenancy.scope import tenant_scope
from tests.connectors.door import Door, example, open_door
from tests.connectors.test_shopify import PHONE, customer
from tests.support.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world.shop, "shopify")


def said(state: str, level: str | None, at: datetime | None) -> dict[str, Any]:
    return {
        "state": state,
        "opt_in_level": level,
        "consent_updated_at": at.isoformat() if at else None,
        "consent_collected_from": "SHOPIFY",
    }


def statuses(world: World) -> dict[str, str]:
    with tenant_scope(world.shop.tenant.id):
        return dict(Consent.objects.values_list("message_type", "status"))


@pytest.mark.parametrize(
    "consent",
    [
        {},
        {"state": "subscribed"},
        {
            "state": "subscribed",
            "opt_in_level": "unknown",
            "consent_updated_at": "2026-11-17T17:00:00Z",
        },
        {"state": "subscribed", "opt_in_level": None, "consent_updated_at": "2026-11-17T17:00:00Z"},
        {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": None},
        {
            "state": "not_subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": "2026-11-17T17:00:00Z",
        },
        {
            "state": "pending",
            "opt_in_level": "confirmed_opt_in",
            "consent_updated_at": "2026-11-17T17:00:00Z",
        },
        {
            "state": "redacted",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": "2026-11-17T17:00:00Z",
        },
    ],
    ids=["none", "bare", "unknown level", "no level", "no time", "not", "pending", "redacted"],
)
def test_anything_less_than_an_explicit_consent_means_nothing(
    world: World, door: Door, now: datetime, consent: dict[str, Any]
) -> None:
    body = customer(now, **consent)
    body["email_marketing_consent"] = said("subscribed", "confirmed_opt_in", now)
    body["accepts_marketing"] = True
    door.told("customers/update", body)
    with tenant_scope(world.shop.tenant.id):
        assert ConsentRecord.objects.count() == 0


def test_a_box_at_checkout_without_level_and_time_means_nothing(
    world: World, door: Door, now: datetime
) -> None:
    body = example("shopify/2025-10_checkout")
    body |= {"buyer_accepts_sms_marketing": True, "sms_marketing_phone": PHONE}
    door.told("checkouts/create", {**body, "updated_at": now.isoformat()})
    assert statuses(world) == {}


def test_an_explicit_consent_becomes_a_record_with_its_evidence(
    world: World, door: Door, now: datetime
) -> None:
    at = now - timedelta(hours=1)
    body = customer(now, **said("subscribed", "confirmed_opt_in", at))
    told = door.told("customers/update", body)
    assert told == [("Contact Identified", "accepted"), ("SMS opt-in", "accepted")]
    with tenant_scope(world.shop.tenant.id):
        record = ConsentRecord.objects.get()
        assert (record.kind, record.source, record.occurred_at) == ("opt_in", "api", at)
        assert record.legal_basis == "express"
        assert record.rule == "shopify:confirmed_opt_in"
        assert record.message_types == ["marketing"]
        evidence = ConsentEvidence.objects.get().personal
        assert evidence["opt_in_level"] == "confirmed_opt_in"
        assert evidence["collected_from"] == "SHOPIFY"
        assert evidence["said_by"] == "Shopify"
    # The next body repeats the state, and nothing is written again.
    again = customer(now + timedelta(seconds=1), **said("subscribed", "confirmed_opt_in", at))
    assert door.told("customers/update", again)[1] == ("SMS opt-in", "ignored")
    with tenant_scope(world.shop.tenant.id):
        assert ConsentRecord.objects.count() == 1


def test_a_fresh_consent_is_welcomed_and_an_old_one_is_not(
    world: World, door: Door, now: datetime
) -> None:
    old = customer(now, **said("subscribed", "confirmed_opt_in", now - timedelta(days=400)))
    door.told("customers/update", old)
    assert statuses(world) == {"marketing": "subscribed"}
    with tenant_scope(world.shop.tenant.id):
        assert Message.objects.count() == 0
        assert Event.objects.get(name="SMS Subscribed").backfill  # no flow begins by it
    fresh = customer(now, **said("subscribed", "confirmed_opt_in", now - timedelta(minutes=5)))
    fresh |= {"id": 5, "phone": "+16135550108", "email": "ann@x.example"}
    door.told("customers/update", fresh)
    with tenant_scope(world.shop.tenant.id):
        assert Message.objects.filter(message_type="compliance").count() == 1
        assert Event.objects.filter(name="SMS Subscribed", backfill=False).count() == 1


def test_a_workspace_that_asks_for_confirmation_asks_once(
    world: World, door: Door, now: datetime
) -> None:
    # As the factory has it: what others say of somebody is confirmed from the phone.
    told = [
        door.told(
            "customers/update",
            customer(now + timedelta(seconds=seconds), **said("subscribed", "single_opt_in", now)),
        )[1]
        for seconds in range(3)
    ]
    assert [status for _, status in told] == ["accepted", "ignored", "ignored"]
    assert statuses(world) == {"marketing": "pending"}
    with tenant_scope(world.shop.tenant.id):
        assert Message.objects.count() == 1


def test_where_nobody_has_to_confirm_a_single_opt_in_is_enough(
    world: World, door: Door, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        set_consent_choices(double_opt_in_sources=[], actor=world.shop.owner, now=now)
    door.told("customers/update", customer(now, **said("subscribed", "single_opt_in", now)))
    assert statuses(world) == {"marketing": "subscribed"}


def test_a_stop_stands_whatever_the_shop_says(world: World, door: Door, now: datetime) -> None:
    door.told("customers/update", customer(now))
    with tenant_scope(world.shop.tenant.id):
        contact_id = contacts_by_phone([PHONE])[PHONE]
        stop = OptOut(PHONE, contact_id, "keyword", {"body": "STOP"}, now)
        record_opt_outs([stop], now=now)
    body = customer(now + timedelta(seconds=9), **said("subscribed", "confirmed_opt_in", now))
    assert door.told("customers/update", body)[1] == ("SMS opt-in", "ignored")
    assert set(statuses(world).values()) == {"unsubscribed"}


def test_an_unsubscribe_in_the_shop_ends_it_here_unless_they_came_back_since(
    world: World, door: Door, now: datetime
) -> None:
    at = now - timedelta(hours=2)
    door.told("customers/update", customer(now, **said("subscribed", "confirmed_opt_in", at)))
    gone = said("unsubscribed", "confirmed_opt_in", now - timedelta(hours=1))
    body = customer(now + timedelta(seconds=1), **gone)
    assert door.told("customers/update", body)[1] == ("SMS opt-out", "accepted")
    assert statuses(world)["marketing"] == "unsubscribed"
    with tenant_scope(world.shop.tenant.id):
        contact_id = contacts_by_phone([PHONE])[PHONE]
        back = OptIn(PHONE, "web_form", now, contact_id, double_opt_in=False)
        record_opt_ins([back], now=now)
    late = customer(now + timedelta(seconds=2), **gone)
    assert door.told("customers/update", late)[1] == ("SMS opt-out", "ignored")
    assert statuses(world)["marketing"] == "subscribed"
