"""Consent over the API: what must be proven, what can never be taken back, what it sets off."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from consent.domain.settings import set_consent_choices
from consent.domain.verifying import verify_chain
from consent.models import Consent, ConsentRecord
from delivery.domain.deciding import decide
from delivery.models import Message
from people.models import Contact
from tenancy.domain.keys import create_api_key
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.delivery.hooks import text_in
from tests.delivery.making import LA, Shop, intent, make_contact, message
from tests.support.world import World

pytestmark = pytest.mark.django_db
PATH = "/api/v1/consents"
OPT_IN = {
    "action": "opt_in",
    "phone": "(310) 555-0100",
    "occurred_at": "2026-11-17T17:00:00Z",
    "legal_basis": "pewc",
    "disclosure": "I agree to get texts.",
    "evidence": {"url": "https://juniper.example/checkout", "ip_address": "203.0.113.9"},
}
OPT_OUT = {
    "action": "opt_out",
    "phone": LA,
    "occurred_at": "2026-11-17T17:30:00Z",
    "evidence": {"words": "Asked on the telephone"},
}


@pytest.fixture(autouse=True)
def _now_is_the_tests(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("tenancy.api_base.business_now", lambda: now)
    monkeypatch.setattr("delivery.api.webhooks.business_now", lambda: now)


def call(shop: Shop, body: Any = None, *, path: str = PATH, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or shop.brand.api_key}"}
    if body is None:
        return Client().get(path, headers=headers)
    return Client().post(path, json.dumps(body), "application/json", headers=headers)


def statuses(shop: Shop) -> set[str]:
    with tenant_scope(shop.tenant_id):
        return set(Consent.objects.values_list("status", flat=True))


def answers(shop: Shop) -> list[str]:
    with tenant_scope(shop.tenant_id):
        rows = Message.objects.filter(message_type="compliance").order_by("id")
        return list(rows.values_list("step_key", flat=True))


def test_an_opt_in_with_its_proof_asks_for_a_yes(shop: Shop) -> None:
    answer = call(shop, OPT_IN)
    assert (answer.status_code, answer.json()["code"]) == (201, "pending")
    assert statuses(shop) == {"pending"}
    assert answers(shop) == ["answer_confirm"]
    again = call(shop, OPT_IN)
    assert (again.status_code, again.json()["code"], again.json()["record"]) == (
        200,
        "pending",
        None,
    )
    assert answers(shop) == ["answer_confirm"]
    text_in(shop, "YES", sid="SM1")
    assert statuses(shop) == {"subscribed"}
    assert call(shop, OPT_IN).json()["code"] == "unchanged"
    rows = call(shop, path=f"{PATH}?phone=%2B13105550100").json()
    assert [row["kind"] for row in rows["consents"]] == ["double_opt_in", "opt_in_requested"]
    first = rows["consents"][1]
    assert first["disclosure"] == "I agree to get texts."
    assert first["evidence"]["ip_address"] == "203.0.113.9"
    assert first["legal_basis"] == "pewc"
    assert first["actor"].startswith("key:kairos_")
    assert len(first["row_hash"]) == 64
    with tenant_scope(shop.tenant_id):
        assert verify_chain().ok
        contact = Contact.objects.get()
        assert first["id"] == show_id("cns", ConsentRecord.objects.get(position=1).id)
    by_contact = call(shop, path=f"{PATH}?contact={show_id('con', contact.id)}&limit=1").json()
    assert [row["position"] for row in by_contact["consents"]] == [2]
    path = f"{PATH}?contact={show_id('con', contact.id)}&limit=1&cursor={by_contact['next_cursor']}"
    last = call(shop, path=path).json()
    assert ([row["position"] for row in last["consents"]], last["next_cursor"]) == ([1], None)


def test_who_has_confirmed_already_is_welcomed(shop: Shop) -> None:
    answer = call(shop, {**OPT_IN, "double_opt_in": False, "message_types": ["marketing"]})
    assert (answer.status_code, answer.json()["code"]) == (201, "subscribed")
    assert answers(shop) == ["answer_welcome"]
    with tenant_scope(shop.tenant_id):
        assert list(Consent.objects.values_list("message_type", flat=True)) == ["marketing"]


def test_the_api_never_takes_a_stop_back(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        make_contact(LA, now=now - timedelta(days=1))
    stops: tuple[Callable[[], Any], ...] = (
        lambda: text_in(shop, "STOP", sid="SM1"),
        lambda: call(shop, OPT_OUT),
    )
    for stop in stops:
        stop()
        assert statuses(shop) == {"unsubscribed"}
        before = len(answers(shop))
        # As late as can be, proven as can be, confirmed as can be.
        for more in ({}, {"double_opt_in": False, "occurred_at": now.isoformat()}):
            answer = call(shop, {**OPT_IN, **more})
            assert (answer.status_code, answer.json()["code"]) == (409, "stop_stands")
        assert statuses(shop) == {"unsubscribed"}
        assert len(answers(shop)) == before


def test_an_opt_out_cancels_what_is_queued(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now - timedelta(days=1))
        night = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
        waiting = decide([intent(contact, shop.plain_id)], now=night)[0]
        assert waiting.status == "scheduled"
    answer = call(shop, {**OPT_OUT, "phone": None, "contact": show_id("con", contact)} | {})
    assert answer.status_code == 422  # null is no number
    body = {name: value for name, value in OPT_OUT.items() if name != "phone"}
    answer = call(shop, {**body, "contact": show_id("con", contact)})
    assert (answer.status_code, answer.json()["code"]) == (201, "unsubscribed")
    assert answer.json()["canceled_messages"] == 1
    with tenant_scope(shop.tenant_id):
        assert message(waiting.message_id).reason == "unsubscribed"
    again = call(shop, OPT_OUT)
    assert (again.status_code, again.json()["code"]) == (200, "unchanged")
    assert again.json()["record"] == answer.json()["record"]
    assert answers(shop) == ["answer_stopped"]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"legal_basis": None}, "legal_basis", "missing"),
        ({"legal_basis": "said_so"}, "legal_basis", "invalid_choice"),
        ({"evidence": None}, "evidence", "missing"),
        ({"evidence": {}}, "evidence", "missing"),
        ({"evidence": {"Bad Name": "x"}}, "evidence.Bad Name", "invalid_name"),
        ({"evidence": {"phone": "+1"}}, "evidence.phone", "invalid_name"),
        ({"evidence": {f"e{n}": "x" for n in range(21)}}, "evidence", "too_many"),
        ({"disclosure": None}, "disclosure", "missing"),
        ({"phone": "call me"}, "phone", "invalid_phone"),
        ({"phone": None}, "contact", "one_of"),
        ({"contact": "con_" + "0" * 32}, "contact", "one_of"),
        ({"occurred_at": None}, "occurred_at", "required"),
        ({"occurred_at": "2030-01-01T00:00:00Z"}, "occurred_at", "in_the_future"),
        ({"action": "resubscribe"}, "action", "invalid_choice"),
        ({"message_types": ["compliance"]}, "message_types[0]", "invalid_choice"),
        ({"unknown": 1}, "unknown", "unknown_field"),
    ],
)
def test_what_is_not_proven_is_refused_by_name(
    shop: Shop, change: dict[str, Any], field: str, code: str
) -> None:
    body = {k: v for k, v in {**OPT_IN, **change}.items() if v is not None}
    answer = call(shop, body)
    assert answer.status_code == 422
    found = {(error["field"], error["code"]) for error in answer.json()["errors"]}
    assert found == {(field, code)}
    with tenant_scope(shop.tenant_id):
        assert not ConsentRecord.objects.exists()
        assert not Contact.objects.exists()


def test_an_opt_in_older_than_the_stop_of_before_counts_for_nothing(
    shop: Shop, now: datetime
) -> None:
    with tenant_scope(shop.tenant_id):
        set_consent_choices(double_opt_in_sources=[], now=now)
    assert call(shop, OPT_IN).json()["code"] == "subscribed"
    assert call(shop, OPT_OUT).status_code == 201
    assert call(shop, OPT_IN).status_code == 409


def test_scopes_and_other_workspaces(shop: Shop, world: World, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now - timedelta(days=1))
        _, reader = create_api_key(name="R", scopes=["consent:read"], now=now)
        _, writer = create_api_key(name="W", scopes=["consent:write"], now=now)
    assert call(shop, OPT_OUT, key=reader).status_code == 403
    assert call(shop, path=f"{PATH}?phone=%2B13105550100", key=writer).status_code == 403
    links = "/api/v1/opt-out-links"
    assert call(shop, {"phone": LA}, path=links, key=reader).status_code == 403
    ref = show_id("con", contact)
    stranger = world.other.api_key
    assert call(shop, path=f"{PATH}?contact={ref}", key=stranger).status_code == 404
    assert call(shop, {"contact": ref}, path=links, key=stranger).status_code == 404
    body = {name: value for name, value in OPT_OUT.items() if name != "phone"}
    assert call(shop, {**body, "contact": ref}, key=stranger).status_code == 404
    assert call(shop, path=f"{PATH}?phone=%2B13105550100", key=stranger).json()["consents"] == []
    assert statuses(shop) == {"subscribed"}


def test_a_link_from_the_api_leads_to_the_page(shop: Shop, now: datetime) -> None:
    with tenant_scope(shop.tenant_id):
        contact = make_contact(LA, now=now - timedelta(days=1))
    links = "/api/v1/opt-out-links"
    url = call(shop, {"contact": show_id("con", contact)}, path=links).json()["url"]
    assert call(shop, {"phone": LA}, path=links).json()["url"] == url
    assert Client().get(url.removeprefix("http://127.0.0.1:8000")).status_code == 200
    assert statuses(shop) == {"subscribed"}
