"""Facts, reviews, suppressions and the daily task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.problems import Invalid
from consent.domain.contact_points import record_stop_notices
from consent.domain.facts import ConsentFacts, facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.queries import consent_history, count_open_reviews
from consent.domain.reviews import Review, close_review, open_reviews
from consent.domain.settings import set_consent_choices
from consent.domain.suppressions import NewSuppression, lift_suppression, suppress
from consent.models import ConsentRecord, ConsentSeal
from consent.tasks import seal_all
from people.domain.attributes import TraitChange, apply_traits
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from tenancy.scope import tenant_scope
from tests.consent.conftest import PHONES, People

PHONE = PHONES[0]


def facts(people: People, phone: str = PHONE) -> ConsentFacts:
    contact = people.facts(phone)
    return facts_for([contact], now=people.now)[contact.id]


def test_a_set_of_contacts_costs_the_same_queries_as_one(
    shop: People, django_assert_num_queries: Any
) -> None:
    ids = resolve_contacts(
        [IdentityRef(phone=f"+1212555{number:04d}") for number in range(200)], now=shop.now
    )
    contacts = list(contacts_by_id([each for each in ids if each]).values())
    facts_for(contacts[:1], now=shop.now)
    with django_assert_num_queries(4):
        facts_for(contacts[:1], now=shop.now)
    with django_assert_num_queries(4):
        found = facts_for(contacts, now=shop.now, lock=False)
    assert len(found) == 200


def test_a_contact_without_a_number_has_facts_too(shop: People) -> None:
    (contact_id,) = resolve_contacts([IdentityRef(email="ada@example.com")], now=shop.now)
    assert contact_id is not None
    contact = contacts_by_id([contact_id])[contact_id]
    found = facts_for([contact], now=shop.now, lock=True)[contact_id]
    assert (found.status, found.slots, found.zones.zones) == ("never_subscribed", (), ())


def test_attributes_become_candidates(shop: People) -> None:
    apply_traits(
        [TraitChange(shop.ids[PHONE], {"postal_code": "90001", "country": "US"})], now=shop.now
    )
    found = facts(shop)
    assert found.zones.states == ("CA", "NY")
    assert facts(shop, PHONES[1]).caps.legal_maximum == 3
    assert found.caps.legal_maximum is None


def test_the_stop_notice_is_remembered_and_never_goes_back(shop: People) -> None:
    assert facts(shop).last_stop_notice_at is None
    assert record_stop_notices([PHONE], at=shop.now) == 1
    assert record_stop_notices([PHONE], at=shop.now - timedelta(days=1)) == 0
    assert facts(shop).last_stop_notice_at == shop.now


def test_a_doubtful_reply_pauses_marketing_until_somebody_decides(shop: People) -> None:
    review = Review(PHONE, shop.ids[PHONE], "review:legal", {"body": "my lawyer"}, shop.now)
    assert open_reviews([review, review], now=shop.now) == ["paused", "paused"]
    assert facts(shop).paused_for_review
    assert not facts(shop, PHONES[1]).paused_for_review
    assert count_open_reviews() == 1
    with pytest.raises(Invalid):
        close_review(PHONE, decision="maybe", actor="user:o@x", now=shop.now)  # type: ignore[arg-type]
    assert close_review(PHONE, decision="keep", actor="user:o@x", now=shop.now)
    assert not close_review(PHONE, decision="keep", actor="user:o@x", now=shop.now)
    assert not facts(shop).paused_for_review
    assert [row.kind for row in consent_history(PHONE)] == ["review_opened", "review_closed"]


def test_one_click_turns_the_doubt_into_an_opt_out(shop: People) -> None:
    record_opt_ins([OptIn(PHONE, "keyword", shop.now)], now=shop.now)
    open_reviews([Review(PHONE, None, "review:legal", {}, shop.now)], now=shop.now)
    assert close_review(PHONE, decision="opt_out", actor="user:o@x", now=shop.now)
    found = facts(shop)
    assert (found.status, found.paused_for_review) == ("unsubscribed", False)


def test_a_workspace_may_read_doubt_as_a_stop(shop: People) -> None:
    set_consent_choices(review_is_opt_out=True, now=shop.now)
    review = Review(PHONE, None, "review:who_is_this", {"body": "who is this"}, shop.now)
    assert open_reviews([review], now=shop.now) == ["opt_out"]
    assert facts(shop).status == "unsubscribed"


def test_suppressions_add_up_and_are_lifted_one_by_one(shop: People) -> None:
    record_opt_ins([OptIn(PHONE, "keyword", shop.now)], now=shop.now)
    new = [NewSuppression(PHONE, reason, shop.now) for reason in ("landline", "manual", "manual")]
    assert suppress(new, now=shop.now) == 2
    assert suppress(new, now=shop.now) == 0
    assert facts(shop).status == "suppressed"
    assert lift_suppression(PHONE, reason="landline", actor="user:o@x", now=shop.now)
    assert facts(shop).suppression == "manual"
    assert lift_suppression(PHONE, reason="manual", actor="user:o@x", now=shop.now)
    assert not lift_suppression(PHONE, reason="manual", actor="user:o@x", now=shop.now)
    assert facts(shop).status == "subscribed"
    with pytest.raises(Invalid):
        suppress([NewSuppression(PHONE, "a hunch", shop.now)], now=shop.now)


def test_the_daily_task_seals_every_workspace(committed_people: People) -> None:
    counts = seal_all()
    assert counts == {"sealed": 1, "expired": 0, "failed": 0}
    with tenant_scope(committed_people.other_id):
        assert ConsentSeal.objects.get().record_count == ConsentRecord.objects.count() == 3
    assert seal_all() == {"sealed": 0, "expired": 0, "failed": 0}
