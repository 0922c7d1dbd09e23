"""Two contacts become one: everything moves, consent does not, and it can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.problems import Invalid, NotFound, Problem
from commerce.models import BackInStockRequest, Cart, LoyaltyAccount, Order
from consent.domain.facts import facts_for
from consent.models import CapSlot
from delivery.models import Conversation, InboundMessage, Message
from events.models import Event
from people.domain.merged import ContactMerged, survivors_of
from people.domain.queries import contacts_by_id, list_contacts
from people.domain.resolving import IdentityRef, resolve_contacts
from people.models import Contact, ContactMerge, Identifier
from segments.models import Segment, SegmentMembership
from tenancy.scope import tenant_scope
from tests.merging.conftest import PHONES, Pair
from tests.merging.rows import all_rows, changed
from triggers.models import EntryDecision, FlowRun, RunStep

MUG = {"product_id": "mug", "name": "Ridge mug", "price": 24}
CART = {"cart_id": "c1", "products": [{**MUG, "quantity": 1}], "value": 24}


def live_a_little(pair: Pair) -> None:
    """Something in every table that refers to a contact."""
    pair.say("maya", first_name="Maya", city="Austin", plan="gold")
    pair.say("mimi", first_name="Mimi", last_name="Lopez", city="Boston", pets=2)
    for name in ("maya", "mimi"):
        pair.track(name, "Product Viewed", **MUG)
        pair.track(name, "Product Viewed", **MUG)
        pair.track(name, "Checkout Started", **{**CART, "cart_id": f"c-{name}"})
        pair.track(name, "Order Completed", order_id=f"o-{name}", total=48, cart_id=f"x-{name}")
        pair.track(name, "Loyalty Balance Changed", balance=9 if name == "maya" else 15)
        pair.track(name, "Back In Stock Requested", product_id="tray", name="Oak tray")
        pair.track(name, "Checkout Started", **{**CART, "cart_id": f"d-{name}"})
        pair.work()
        pair.hear(name, f"Is it safe, asks {name}?")
    pair.now += timedelta(hours=1, minutes=1)
    pair.work()


def test_everything_of_the_merged_contact_becomes_the_survivors(both: tuple[Pair, Pair]) -> None:
    pair, other = both
    for each in both:
        live_a_little(each)
    before = all_rows(other.brand)
    merge = pair.merge()
    pair.work()
    assert changed(before, all_rows(other.brand)) == {}
    with tenant_scope(pair.brand.tenant.id):
        for model in (Cart, Order, FlowRun, RunStep, Message, InboundMessage, CapSlot, Event):
            held = set(model.objects.exclude(contact_id=None).values_list("contact_id", flat=True))
            assert held == {pair.maya}, model
        assert set(EntryDecision.objects.values_list("contact_id", flat=True)) <= {pair.maya, None}
        assert set(Identifier.objects.values_list("contact_id", flat=True)) == {pair.maya}
        assert Order.objects.count() == 2
        sources = set(Event.objects.values_list("source_contact_id", flat=True))
        assert {pair.maya, pair.mimi} <= sources
        primary = Identifier.objects.filter(kind="phone").values_list("value", "is_primary")
        assert dict(primary) == {PHONES["maya"]: True, PHONES["mimi"]: False}
        assert [c.id for c in list_contacts(search="Mimi").contacts] == [pair.maya]
        assert [c.id for c in list_contacts(search="0102").contacts] == [pair.maya]
        assert resolve_contacts([IdentityRef(phone=PHONES["mimi"])], now=pair.now) == [pair.maya]
        told = Event.objects.get(name="Contact Merged")
        assert told.contact_id == pair.maya
        assert told.properties["contact"].endswith(pair.mimi.hex)
        assert survivors_of([pair.mimi, pair.maya]) == {pair.mimi: pair.maya}
    assert (merge.survivor_id, merge.merged_id) == (pair.maya, pair.mimi)


def test_what_was_told_last_counts(pair: Pair) -> None:
    pair.say("mimi", city="Boston", last_name="Lopez", email="mimi@x.example", plan="iron", pets=2)
    pair.say("maya", city="Austin", first_name="Maya")
    pair.say("mimi", first_name="Mimi")
    pair.merge()
    maya = pair.contact("maya")
    assert (maya.city, maya.first_name, maya.last_name) == ("Austin", "Mimi", "Lopez")
    assert (maya.email, maya.phone) == ("mimi@x.example", PHONES["maya"])
    assert maya.attributes == {"plan": "iron", "pets": 2}
    with tenant_scope(pair.brand.tenant.id):
        news = Event.objects.filter(name="Contact Changed", contact_id=pair.maya).order_by("id")
        newest = news.last()
        assert newest is not None
        assert newest.properties["old"]["first_name"] == "Maya"
        assert newest.properties["new"]["first_name"] == "Mimi"


def test_consent_stays_with_each_number(pair: Pair) -> None:
    pair.hear("mimi", "STOP")
    pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        maya = contacts_by_id([pair.maya])[pair.maya]
        assert facts_for([maya], now=pair.now)[pair.maya].status == "subscribed"
    pair.say("maya", phone=PHONES["mimi"])
    with tenant_scope(pair.brand.tenant.id):
        maya = contacts_by_id([pair.maya])[pair.maya]
        assert facts_for([maya], now=pair.now)[pair.maya].status == "unsubscribed"


def test_the_survivors_run_goes_on_and_its_double_ends_with_its_text(pair: Pair) -> None:
    for name in ("maya", "mimi"):
        pair.track(name, "Checkout Started", products=[MUG], value=24)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert FlowRun.objects.filter(ended_at=None).count() == 2
    pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        runs = {run.exit_reason: run for run in FlowRun.objects.all()}
        assert set(runs) == {"", "merged"}
        assert runs["merged"].contact_id == pair.maya
        assert not RunStep.objects.filter(run=runs["merged"], left_at=None).exists()
    pair.now += timedelta(hours=1, minutes=1)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert [text.contact_id for text in Message.objects.all()] == [pair.maya]


def test_the_text_of_a_run_that_ends_is_canceled_and_its_slot_is_free(pair: Pair) -> None:
    for name in ("maya", "mimi"):
        pair.track(name, "Checkout Started", products=[MUG], value=24)
    pair.work()
    pair.now += timedelta(hours=1, minutes=1)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert set(Message.objects.values_list("status", flat=True)) == {"queued"}
    before = all_rows(pair.brand)
    merge = pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        told = {text.phone: (text.status, text.reason) for text in Message.objects.all()}
        assert told == {PHONES["maya"]: ("queued", ""), PHONES["mimi"]: ("canceled", "merged")}
        assert sorted(CapSlot.objects.values_list("state", flat=True)) == ["released", "reserved"]
    pair.unmerge(merge)
    assert changed(before, all_rows(pair.brand)) == {}


def test_a_text_to_the_other_number_never_leaves(pair: Pair) -> None:
    from delivery.domain.claiming import claim_queued
    from tenancy.clock import wall_now

    pair.track("mimi", "Checkout Started", products=[MUG], value=24)
    pair.work()
    pair.now += timedelta(hours=1, minutes=1)
    pair.work()
    pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        assert claim_queued(10, now=pair.now, wall=wall_now()).texts == []
        [text] = Message.objects.all()
        assert (text.status, text.reason) == ("canceled", "number_changed")


def test_what_there_can_be_only_one_of(pair: Pair) -> None:
    live_a_little(pair)
    pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        account = LoyaltyAccount.objects.get(contact_id=pair.maya)
        assert account.balance_minor == 1500  # Mimi's was told of last
        asked = BackInStockRequest.objects.filter(fulfilled_at=None)
        assert [each.contact_id for each in asked] == [pair.maya]
        talk = Conversation.objects.get()
        assert (talk.contact_id, talk.state) == (pair.maya, "open")
        stays = SegmentMembership.objects.filter(left_at=None)
        assert [stay.contact_id for stay in stays] == [pair.maya]
        assert Segment.objects.get().size == 1


def test_segments_look_again_at_the_survivor(pair: Pair) -> None:
    for name in ("maya", "mimi"):
        pair.track(name, "Product Viewed", **MUG)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert not SegmentMembership.objects.exists()
    merge = pair.merge()
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert SegmentMembership.objects.get(left_at=None).contact_id == pair.maya
    pair.unmerge(merge)
    pair.work()
    with tenant_scope(pair.brand.tenant.id):
        assert not SegmentMembership.objects.filter(left_at=None).exists()


def test_undone_for_thirty_days_and_not_twice(pair: Pair) -> None:
    live_a_little(pair)
    before = all_rows(pair.brand)
    merge = pair.merge()
    at = pair.now
    pair.now = at + timedelta(days=30)
    with pytest.raises(Problem, match="undo_too_late"):
        pair.unmerge(merge)
    pair.now = at
    pair.unmerge(merge)
    assert changed(before, all_rows(pair.brand)) == {}
    with pytest.raises(Problem, match="already_undone"):
        pair.unmerge(merge)


def test_what_came_since_stays_with_the_survivor(pair: Pair) -> None:
    pair.say("mimi", last_name="Lopez", pets=2)
    merge = pair.merge()
    pair.say("maya", last_name="Ortiz")
    pair.track("maya", "Order Completed", order_id="later", total=10)
    pair.work()
    pair.unmerge(merge)
    maya, mimi = pair.contact("maya"), pair.contact("mimi")
    assert (maya.last_name, maya.attributes) == ("Ortiz", {})
    assert (mimi.last_name, mimi.attributes, mimi.erased_at) == ("Lopez", {"pets": 2}, None)
    with tenant_scope(pair.brand.tenant.id):
        assert Order.objects.get().contact_id == pair.maya
        assert resolve_contacts([IdentityRef(phone=PHONES["mimi"])], now=pair.now) == [pair.mimi]


def test_merges_are_undone_newest_first(pair: Pair) -> None:
    pair.add("zoe", external_id="zoe", email="zoe@x.example")
    pair.say("mimi", city="Boston")
    pair.say("zoe", city="Chicago")
    before = all_rows(pair.brand)
    first = pair.merge("maya", "mimi")
    second = pair.merge("maya", "zoe")
    with pytest.raises(Problem, match="newer_merge"):
        pair.unmerge(first)
    pair.unmerge(second)
    pair.unmerge(first)
    assert changed(before, all_rows(pair.brand)) == {}


def test_a_chain_of_merges_leads_to_its_end_and_comes_back(pair: Pair) -> None:
    pair.add("zoe", external_id="zoe", email="zoe@x.example")
    pair.track("mimi", "Product Viewed", **MUG)
    before = all_rows(pair.brand)
    first = pair.merge("maya", "mimi")
    second = pair.merge("zoe", "maya")
    with tenant_scope(pair.brand.tenant.id):
        assert survivors_of([pair.mimi]) == {pair.mimi: pair.ids["zoe"]}
        assert Event.objects.get(name="Product Viewed").contact_id == pair.ids["zoe"]
        # Each external id still finds the one person.
        refs = [IdentityRef(external_id="maya"), IdentityRef(external_id="zoe")]
        assert resolve_contacts(refs, now=pair.now) == [pair.ids["zoe"]] * 2
    with pytest.raises(ContactMerged):
        pair.merge("maya", "zoe")
    with pytest.raises(Problem, match="newer_merge"):
        pair.unmerge(first)
    pair.unmerge(second)
    pair.unmerge(first)
    assert changed(before, all_rows(pair.brand)) == {}


def test_a_run_whose_moment_passed_is_not_brought_back(pair: Pair) -> None:
    for name in ("maya", "mimi"):
        pair.track(name, "Checkout Started", products=[MUG], value=24)
    pair.work()
    merge = pair.merge()
    pair.now += timedelta(days=3)
    pair.unmerge(merge)
    with tenant_scope(pair.brand.tenant.id):
        run = FlowRun.objects.get(contact_id=pair.mimi)
        assert (run.state, run.exit_reason) == ("exited", "merged")


def test_nobody_is_merged_with_themselves_or_with_nobody(pair: Pair) -> None:
    with pytest.raises(Invalid):
        pair.merge("maya", "maya")
    with tenant_scope(pair.brand.tenant.id):
        Contact.objects.filter(id=pair.mimi).update(erased_at=pair.now)
    with pytest.raises(NotFound):
        pair.merge()
    with tenant_scope(pair.brand.tenant.id):
        assert not ContactMerge.objects.exists()
