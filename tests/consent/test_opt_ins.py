"""Opting in: what each source may do, and what a double opt-in waits for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from api.problems import Invalid
from consent.domain.facts import facts_for
from consent.domain.opt_ins import OptIn, OptInResult, expire_pending, record_opt_ins
from consent.domain.opt_outs import OptOut, record_opt_outs
from consent.domain.queries import consent_history, is_opt_in_pending
from consent.domain.settings import set_consent_choices
from consent.models import ConsentRecord
from events.models import Event
from tests.consent.conftest import PHONES, People

PHONE = PHONES[0]
DAY = timedelta(days=1)


def opt_in(source: str, at: datetime, **more: object) -> OptInResult:
    (result,) = record_opt_ins([OptIn(PHONE, source, at, **more)], now=at)  # type: ignore[arg-type]
    return result


def opt_out(source: str, at: datetime) -> None:
    record_opt_outs([OptOut(PHONE, None, source, {}, at)], now=at)


def status(people: People, at: datetime) -> str:
    facts = people.facts(PHONE)
    return facts_for([facts], now=at)[facts.id].status


@pytest.mark.parametrize(
    ("source", "basis", "code", "after"),
    [
        ("keyword", "", "subscribed", "subscribed"),
        ("preference_center", "", "subscribed", "subscribed"),
        # somebody else says so: the phone is asked first
        ("web_form", "", "pending", "pending"),
        ("api", "pewc", "pending", "pending"),
        ("import", "pewc", "pending", "pending"),
        ("agent", "express", "pending", "pending"),
        # an import that cannot say why is no consent
        ("api", "", "unproven", "never_subscribed"),
        ("import", "because", "unproven", "never_subscribed"),
        # START from a stranger undoes nothing, so it is only a wish
        ("start", "", "pending", "pending"),
        ("confirmation", "", "nothing_pending", "never_subscribed"),
    ],
)
def test_first_opt_in(shop: People, source: str, basis: str, code: str, after: str) -> None:
    result = opt_in(source, shop.now, legal_basis=basis)
    assert result.code == code
    assert status(shop, shop.now) == after
    assert (result.record_id is None) is (after == "never_subscribed")
    assert Event.objects.filter(name="SMS Subscribed").count() == (after == "subscribed")


@pytest.mark.parametrize("source", ["confirmation", "keyword", "start"])
def test_a_pending_opt_in_is_completed_from_the_phone(shop: People, source: str) -> None:
    opt_in("api", shop.now, legal_basis="pewc")
    assert is_opt_in_pending(PHONE)
    assert opt_in("api", shop.now + DAY, legal_basis="pewc").code == "pending"
    assert opt_in(source, shop.now + DAY).code == "subscribed"
    assert not is_opt_in_pending(PHONE)
    kinds = [row.kind for row in consent_history(PHONE)]
    assert kinds == ["opt_in_requested", "double_opt_in"]
    assert opt_in(source, shop.now + DAY).code in {"unchanged", "nothing_pending"}


def test_a_workspace_may_trust_a_source(shop: People) -> None:
    set_consent_choices(double_opt_in_sources=["web_form"], now=shop.now)
    assert opt_in("api", shop.now, legal_basis="pewc").code == "subscribed"
    assert opt_in("api", shop.now, legal_basis="pewc").code == "unchanged"


def test_one_act_may_say_that_it_is_confirmed_already(shop: People) -> None:
    assert opt_in("import", shop.now, legal_basis="pewc", double_opt_in=False).code == "subscribed"


@pytest.mark.parametrize(
    ("stopped_by", "source", "code", "after"),
    [
        ("keyword", "start", "subscribed", "subscribed"),
        ("free_text", "start", "subscribed", "subscribed"),
        ("provider", "start", "subscribed", "subscribed"),
        # said elsewhere: START alone does not take it back, it asks
        ("web_form", "start", "pending", "pending"),
        ("agent", "start", "pending", "pending"),
        ("web_form", "keyword", "subscribed", "subscribed"),
        ("keyword", "confirmation", "nothing_pending", "unsubscribed"),
        ("keyword", "web_form", "pending", "pending"),
        ("keyword", "preference_center", "subscribed", "subscribed"),
        ("keyword", "api", "stop_stands", "unsubscribed"),
        ("keyword", "import", "stop_stands", "unsubscribed"),
        ("api", "api", "stop_stands", "unsubscribed"),
    ],
)
def test_after_a_stop(shop: People, stopped_by: str, source: str, code: str, after: str) -> None:
    opt_in("keyword", shop.now)
    opt_out(stopped_by, shop.now + DAY)
    result = opt_in(source, shop.now + 2 * DAY, legal_basis="pewc")
    assert (result.code, status(shop, shop.now + 2 * DAY)) == (code, after)


def test_start_from_somebody_who_never_subscribed_restores_nothing(shop: People) -> None:
    opt_out("keyword", shop.now)
    assert opt_in("start", shop.now + DAY).code == "pending"
    assert opt_in("confirmation", shop.now + DAY).code == "subscribed"


def test_an_opt_in_older_than_the_stop_counts_for_nothing(shop: People) -> None:
    opt_out("keyword", shop.now)
    (result,) = record_opt_ins([OptIn(PHONE, "keyword", shop.now - DAY)], now=shop.now + DAY)
    assert result.code == "older_than_opt_out"
    assert status(shop, shop.now + DAY) == "unsubscribed"


def test_a_pending_opt_in_lapses_into_what_was_before(shop: People) -> None:
    opt_in("api", shop.now, legal_basis="pewc")
    assert expire_pending(now=shop.now + 29 * DAY) == 0
    assert expire_pending(now=shop.now + 30 * DAY) == 1
    assert status(shop, shop.now + 30 * DAY) == "never_subscribed"
    opt_in("keyword", shop.now + 31 * DAY)
    opt_out("web_form", shop.now + 32 * DAY)
    opt_in("start", shop.now + 33 * DAY)
    assert status(shop, shop.now + 33 * DAY) == "pending"
    assert opt_in("api", shop.now + 34 * DAY, legal_basis="pewc").code == "stop_stands"
    assert expire_pending(now=shop.now + 63 * DAY) == 1
    assert status(shop, shop.now + 63 * DAY) == "unsubscribed"
    assert expire_pending(now=shop.now + 99 * DAY) == 0


def test_a_request_never_takes_away_what_is_subscribed(shop: People) -> None:
    opt_in("keyword", shop.now, message_types=("transactional",))
    assert opt_in("api", shop.now + DAY, legal_basis="pewc").code == "pending"
    facts = shop.facts(PHONE)
    statuses = facts_for([facts], now=shop.now + DAY)[facts.id].statuses
    assert statuses == {
        "marketing": "pending",
        "transactional": "subscribed",
        "conversational": "pending",
    }


def test_the_record_keeps_basis_wording_and_evidence(shop: People) -> None:
    words = "By joining you agree to recurring automated texts. Reply STOP to stop."
    opt_in(
        "web_form",
        shop.now,
        disclosure=words,
        evidence={"ip": "203.0.113.9", "form": "footer"},
        actor="form:footer",
    )
    (row,) = consent_history(PHONE, with_personal=True)
    assert (row.legal_basis, row.disclosure, row.actor) == ("pewc", words, "form:footer")
    assert row.personal == {"phone": PHONE, "ip": "203.0.113.9", "form": "footer"}
    assert consent_history(PHONE)[0].personal == {}
    stored = str(list(ConsentRecord.objects.values()))
    assert "203.0.113.9" not in stored
    assert PHONE not in stored


def test_each_workspace_is_its_own_seller(people: People) -> None:
    from tenancy.scope import tenant_scope

    with tenant_scope(people.shop_id):
        opt_out("keyword", people.now)
        assert status(people, people.now) == "unsubscribed"
        assert not [row for row in consent_history(PHONE) if row.kind == "opt_in"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "nope"}, "opt_ins[0].phone"),
        ({"source": "hearsay"}, "opt_ins[0].source"),
        ({"message_types": ("compliance",)}, "opt_ins[0].message_types"),
    ],
)
def test_bad_input_names_the_field(shop: People, change: dict[str, object], field: str) -> None:
    given = {"phone": PHONE, "source": "api", "occurred_at": shop.now, **change}
    with pytest.raises(Invalid) as caught:
        record_opt_ins([OptIn(**given)], now=shop.now)  # type: ignore[arg-type]
    assert caught.value.errors[0].field == field
