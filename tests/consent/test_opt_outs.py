"""STOP: at once, for everything, once in the ledger, and nobody but the person takes it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.problems import Invalid
from consent.core.ledger import OPT_OUT_SOURCES
from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.settings import set_consent_choices
from consent.models import ConsentEvidence, ConsentRecord
from events.models import Event
from tests.consent.conftest import PHONES, People

PHONE = PHONES[0]
ALL = {
    "marketing": "unsubscribed",
    "transactional": "unsubscribed",
    "conversational": "unsubscribed",
}


def subscribe(people: People, *phones: str) -> None:
    record_opt_ins(
        [OptIn(phone, "keyword", people.now - timedelta(days=9)) for phone in phones or PHONES],
        now=people.now - timedelta(days=9),
    )


def stop(people: People, phone: str = PHONE, source: str = "keyword", **kw: object) -> OptOut:
    evidence = {"body": "STOP", "keyword": "stop"} if source == "keyword" else {}
    return OptOut(phone, None, source, evidence, people.now, **kw)  # type: ignore[arg-type]


def statuses(people: People, phone: str = PHONE) -> dict[str, str]:
    facts = people.facts(phone)
    return facts_for([facts], now=people.now)[facts.id].statuses


def test_stop_ends_every_message_type_and_tells_once(shop: People) -> None:
    subscribe(shop)
    (record_id,) = record_opt_outs([stop(shop, properties={"message_id": "msg_1"})], now=shop.now)
    assert statuses(shop) == ALL
    assert statuses(shop, PHONES[1])["marketing"] == "subscribed"
    event = Event.objects.get(name="SMS Unsubscribed")
    assert event.contact_id == shop.ids[PHONE]
    assert event.properties == {
        "message_id": "msg_1",
        "source": "keyword",
        "message_types": ["marketing", "transactional", "conversational"],
        "consent_record_id": str(record_id),
    }
    evidence = ConsentEvidence.objects.get(record_id=record_id)
    assert evidence.personal == {"phone": PHONE, "body": "STOP", "keyword": "stop"}


@pytest.mark.parametrize("source", ["keyword", "provider"])
def test_repetitions_write_nothing(shop: People, source: str) -> None:
    subscribe(shop)
    first = record_opt_outs([stop(shop, source=source)], now=shop.now)
    later = shop.now + timedelta(minutes=1)
    again = record_opt_outs([stop(shop), stop(shop, source="provider")], now=later)
    assert again == first * 2
    assert ConsentRecord.objects.filter(kind="opt_out").count() == 1
    assert Event.objects.filter(name="SMS Unsubscribed").count() == 1


def test_a_stop_on_the_web_after_one_by_phone_is_kept_as_the_stronger(shop: People) -> None:
    subscribe(shop)
    record_opt_outs([stop(shop), stop(shop, source="web_form")], now=shop.now)
    assert ConsentRecord.objects.filter(kind="opt_out").count() == 2
    assert Event.objects.filter(name="SMS Unsubscribed").count() == 1


def test_a_number_nobody_knows_can_stop(shop: People) -> None:
    (record_id,) = record_opt_outs([stop(shop, phone="+14155550133")], now=shop.now)
    assert ConsentRecord.objects.get(id=record_id).contact_id is None
    (again,) = record_opt_ins(
        [OptIn("+14155550133", "import", shop.now, legal_basis="pewc")], now=shop.now
    )
    assert again.code == "stop_stands"


@pytest.mark.parametrize("source", sorted(OPT_OUT_SOURCES))
@pytest.mark.parametrize("lifter", ["api", "import", "agent"])
def test_nobody_else_takes_a_stop_back(shop: People, source: str, lifter: str) -> None:
    subscribe(shop)
    record_opt_outs([stop(shop, source=source)], now=shop.now)
    later = shop.now + timedelta(days=1)
    (result,) = record_opt_ins(
        [OptIn(PHONE, lifter, later, legal_basis="pewc", double_opt_in=False)], now=later
    )
    assert (result.code, result.record_id) == ("stop_stands", None)
    assert statuses(shop) == ALL


def test_a_wrong_number_is_also_suppressed_until_its_new_owner_joins(shop: People) -> None:
    subscribe(shop)
    record_opt_outs([stop(shop, source="wrong_number")], now=shop.now)
    facts = shop.facts(PHONE)
    assert facts_for([facts], now=shop.now)[facts.id].suppression == "reassigned"
    assert facts_for([facts], now=shop.now)[facts.id].status == "suppressed"
    later = shop.now + timedelta(days=30)
    record_opt_ins([OptIn(PHONE, "keyword", later)], now=later)
    assert facts_for([facts], now=later)[facts.id].suppression is None
    assert facts_for([facts], now=later)[facts.id].status == "subscribed"


def test_a_complaint_stays_suppressed_even_after_a_new_opt_in(shop: People) -> None:
    record_opt_outs([stop(shop, source="complaint")], now=shop.now)
    later = shop.now + timedelta(days=1)
    record_opt_ins([OptIn(PHONE, "keyword", later)], now=later)
    facts = shop.facts(PHONE)
    assert facts_for([facts], now=later)[facts.id].suppression == "complaint"


@pytest.mark.parametrize(
    ("source", "keyword", "transactional"),
    [
        ("keyword", "STOP", "subscribed"),
        ("keyword", "Stop all", "unsubscribed"),
        ("keyword", "STOPALL", "unsubscribed"),
        ("provider", "", "unsubscribed"),
    ],
)
def test_a_narrowed_stop(shop: People, source: str, keyword: str, transactional: str) -> None:
    set_consent_choices(stop_scope="marketing", now=shop.now)
    subscribe(shop)
    record_opt_outs([OptOut(PHONE, None, source, {"keyword": keyword}, shop.now)], now=shop.now)
    assert statuses(shop) == {**ALL, "transactional": transactional}


def test_a_set_is_written_in_a_few_queries(
    shop: People, django_assert_max_num_queries: Any
) -> None:
    many = [f"+1212555{number:04d}" for number in range(300)]
    subscribe(shop, *many)
    with django_assert_max_num_queries(30):
        record_opt_outs([stop(shop, phone=phone) for phone in many], now=shop.now)
    assert ConsentRecord.objects.filter(kind="opt_out").count() == 300


@pytest.mark.parametrize(
    ("broken", "field", "code"),
    [
        ({"phone": "2125550100"}, "opt_outs[1].phone", "not_e164"),
        ({"source": "gossip"}, "opt_outs[1].source", "invalid_choice"),
        ({"future": True}, "opt_outs[1].occurred_at", "in_the_future"),
        ({"naive": True}, "opt_outs[1].occurred_at", "no_time_zone"),
    ],
)
def test_bad_input_changes_nothing(
    shop: People, broken: dict[str, object], field: str, code: str
) -> None:
    at = shop.now + timedelta(seconds=1) if broken.get("future") else shop.now
    if broken.get("naive"):
        at = at.replace(tzinfo=None)
    bad = OptOut(str(broken.get("phone", PHONE)), None, str(broken.get("source", "api")), {}, at)
    with pytest.raises(Invalid) as caught:
        record_opt_outs([stop(shop, phone=PHONES[1]), bad], now=shop.now)
    assert [(error.field, error.code) for error in caught.value.errors] == [(field, code)]
    assert not ConsentRecord.objects.exists()
