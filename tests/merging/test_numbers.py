"""Another number starts as never asked; a number that went to somebody else names nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.problems import Invalid
from consent.domain.facts import facts_for
from consent.domain.queries import consent_history, suppressions_of
from delivery.domain.reassigning import give_up_number
from delivery.models import Message
from events.models import Event
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.merging.conftest import PHONES, Pair
from triggers.domain.timeline import timeline_of
from triggers.models import FlowRun

NEW = "+12125550104"
MUG = {"product_id": "mug", "name": "Ridge mug", "price": 24}


@pytest.fixture
def waiting(pair: Pair) -> Pair:
    """A cart text of Maya's and one of Mimi's are queued."""
    for name in ("maya", "mimi"):
        pair.track(name, "Checkout Started", products=[MUG], value=24)
    pair.work()
    pair.now += timedelta(hours=1, minutes=1)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert set(Message.objects.values_list("status", flat=True)) == {"queued"}
    return pair


def texts(pair: Pair) -> dict[str, tuple[str, str]]:
    with tenant_scope(pair.brand.tenant.id):
        rows = Message.objects.values_list("phone", "status", "reason")
        return {phone: (status, reason) for phone, status, reason in rows}


def status(pair: Pair, name: str = "maya") -> str:
    with tenant_scope(pair.brand.tenant.id):
        contact = contacts_by_id([pair.ids[name]])[pair.ids[name]]
        return facts_for([contact], now=pair.now)[contact.id].status


def test_another_number_starts_as_never_asked_and_nothing_waits_for_the_old_one(
    waiting: Pair,
) -> None:
    waiting.say("maya", phone=NEW)
    assert texts(waiting) == {
        PHONES["maya"]: ("canceled", "number_changed"),
        PHONES["mimi"]: ("queued", ""),
    }
    assert status(waiting) == "never_subscribed"
    with tenant_scope(waiting.brand.tenant.id):
        assert consent_history(PHONES["maya"])[-1].kind == "opt_in"
        assert consent_history(NEW) == []
        found = timeline_of(waiting.maya, zone="America/New_York", now=waiting.now)
    told = [f"{item.title} {item.sub}" for item in found.items]
    assert any("phone number changed" in each for each in told)
    assert any(f"Phone: {PHONES['maya']} to {NEW}" in each for each in told)


def test_the_old_number_again_has_its_own_consent_again(pair: Pair) -> None:
    pair.say("maya", phone=NEW)
    pair.say("maya", phone=PHONES["maya"])
    assert status(pair) == "subscribed"


def test_a_name_that_changes_cancels_nothing(waiting: Pair) -> None:
    waiting.say("maya", first_name="May")
    assert set(texts(waiting).values()) == {("queued", "")}


def test_a_number_that_went_to_somebody_else(waiting: Pair) -> None:
    with tenant_scope(waiting.brand.tenant.id):
        assert give_up_number(waiting.maya, actor="user:t", now=waiting.now) == PHONES["maya"]
        assert suppressions_of(PHONES["maya"]) == ["reassigned"]
        contact = contacts_by_id([waiting.maya])[waiting.maya]
        assert (contact.phone, contact.external_id) == (None, "maya")
        news = Event.objects.filter(name="Contact Changed", contact_id=waiting.maya).order_by("id")
        newest = news.last()
        assert newest is not None
        assert newest.properties["new"] == {"phone": None}
        # Whoever has it now is somebody new.
        [other] = resolve_contacts([IdentityRef(phone=PHONES["maya"])], now=waiting.now)
        assert other not in {waiting.maya, waiting.mimi}
        with pytest.raises(Invalid):
            give_up_number(waiting.maya, actor="user:t", now=waiting.now)
    assert texts(waiting)[PHONES["maya"]] == ("canceled", "number_changed")
    assert texts(waiting)[PHONES["mimi"]] == ("queued", "")
    waiting.work()
    with tenant_scope(waiting.brand.tenant.id):
        run = FlowRun.objects.get(contact_id=waiting.maya)
        assert run.message_id is None or run.state != "waiting_message"
