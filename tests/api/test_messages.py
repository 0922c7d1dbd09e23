"""POST /api/v1/messages: the same gate as a flow's text, once per key, dry when asked so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from delivery.models import Message, MessageContent
from tenancy.domain.keys import create_api_key
from tenancy.scope import tenant_scope
from tests.api.calling import Api
from tests.isolation.test_endpoints import tenant_tables

PHONE = "+13105550142"
TEXT: dict[str, Any] = {
    "template": "shipped",
    "contact": {"external_id": "maya"},
    "data": {"order_id": "A-9", "order_number": "A-9"},
}


def send(api: Api, key: str = "", **changes: Any) -> tuple[int, Any]:
    return api.call("POST", "messages", {**TEXT, **changes}, key=key)


def rows(api: Api) -> dict[str, int]:
    parts = " UNION ALL ".join(f"SELECT '{t}', count(*) FROM {t}" for t in tenant_tables())
    with tenant_scope(api.brand.tenant.id), connection.cursor() as cursor:
        cursor.execute(parts)
        return dict(cursor.fetchall())


def test_a_text_is_accepted_with_its_checks_and_can_be_read(api: Api) -> None:
    status, made = send(api)
    assert (status, made["status"], made["reason"]) == (202, "queued", "")
    assert [check["ok"] for check in made["checks"]] == [True] * len(made["checks"])
    assert made["text"].endswith("Order A-9 is on its way.")
    assert (made["num_segments"], made["encoding"], made["repeated"]) == (1, "GSM-7", False)
    status, read = api.call("GET", f"messages/{made['id']}")
    assert status == 200
    assert (read["text"], read["template"], read["source"]) == (made["text"], "Shipped", "api")
    assert (read["to"], read["contact"]) == (PHONE, api.ids["contacts"])
    assert [check["name"] for check in read["checks"]] == [c["name"] for c in made["checks"]]
    newest = api.call("GET", f"messages?contact={api.ids['contacts']}&limit=1")[1]["messages"][0]
    assert newest["id"] == made["id"]
    with tenant_scope(api.brand.tenant.id):
        stored = MessageContent.objects.get(id=Message.objects.get(source_kind="api").id)
        assert stored.intent["context"]["event"] == TEXT["data"]


@pytest.mark.parametrize("name", ["id", "phone", "email", "external_id"])
def test_a_contact_is_named_in_four_ways(api: Api, name: str) -> None:
    api.call("PATCH", f"contacts/{api.ids['contacts']}", {"email": "maya@juniper.example"})
    value = {
        "id": api.ids["contacts"],
        "phone": "(310) 555-0142",
        "email": "Maya@juniper.example",
        "external_id": "maya",
    }[name]
    status, made = send(api, contact={name: value})
    assert (status, made["contact"]) == (202, api.ids["contacts"])


def test_a_text_without_the_right_to_send_it_is_kept_as_skipped(api: Api) -> None:
    status, made = send(api, contact={"external_id": "ruth"})
    assert (status, made["status"], made["reason"]) == (202, "skipped", "unsubscribed")
    assert [c["ok"] for c in made["checks"] if c["name"] == "consent"] == [False]
    assert made["text"] == ""
    # A transaction of theirs changes nothing for a marketing text.
    status, made = send(api, template="plain", contact={"external_id": "ruth"})
    assert (status, made["status"], made["reason"]) == (202, "skipped", "unsubscribed")


def test_a_dry_run_says_the_same_and_writes_nothing(api: Api) -> None:
    before = rows(api)
    status, trial = send(api, dry_run=True)
    assert status == 200
    assert "id" not in trial
    assert rows(api) == before
    status, made = send(api)
    assert {**made, "id": 0, "repeated": 0, "checks": 0} == {
        **trial, "id": 0, "repeated": 0, "checks": 0,
    }  # fmt: skip
    assert [(c["name"], c["ok"]) for c in made["checks"]] == [
        (c["name"], c["ok"]) for c in trial["checks"]
    ]


def test_a_dry_run_shows_the_words_even_where_a_check_stops_it(api: Api) -> None:
    status, trial = send(api, contact={"external_id": "ruth"}, dry_run=True)
    assert (status, trial["status"], trial["reason"]) == (200, "skipped", "unsubscribed")
    assert trial["text"].endswith("Order A-9 is on its way.")
    assert trial["num_segments"] == 1


def test_the_same_key_makes_one_text(api: Api) -> None:
    first = send(api, idempotency_key="order-A-9")[1]
    status, again = send(api, idempotency_key="order-A-9")
    assert (status, again["id"], again["repeated"]) == (202, first["id"], True)
    assert (again["text"], again["status"]) == (first["text"], first["status"])
    with tenant_scope(api.brand.tenant.id):
        assert Message.objects.filter(source_kind="api").count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"order_id": "A-10"}},
        {"contact": {"external_id": "ruth"}},
        {"template": "plain"},
    ],
)
def test_the_same_key_for_another_text_is_a_conflict(api: Api, changes: dict[str, Any]) -> None:
    send(api, idempotency_key="order-A-9")
    status, problem = send(api, idempotency_key="order-A-9", **changes)
    assert (status, problem["code"]) == (409, "idempotency_conflict")
    with tenant_scope(api.brand.tenant.id):
        assert Message.objects.filter(source_kind="api").count() == 1


def test_another_workspaces_key_and_contacts_are_strangers(api: Api) -> None:
    mine = send(api, idempotency_key="order-A-9")[1]
    foreign = {"template": "cart-1", "contact": {"id": api.ids["contacts"]}}
    status, problem = api.call("POST", "messages", foreign, key=api.other.api_key)
    assert (status, problem["errors"][0]["code"]) == (422, "unknown_contact")
    assert api.call("GET", f"messages/{mine['id']}", key=api.other.api_key)[0] == 404
    listed = api.call("GET", "messages?limit=200", key=api.other.api_key)[1]["messages"]
    assert mine["id"] not in {message["id"] for message in listed}


def test_caps_count_texts_asked_for_like_any_other(api: Api) -> None:
    # The flows have texted Maya today already, so the gap to another source's text holds.
    status, made = send(api, template="plain")
    assert (status, made["status"], made["reason"]) == (202, "skipped", "frequency_cap")


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"template": "nothing"}, "template", "unknown_template"),
        ({"message_type": "marketing"}, "message_type", "wrong_message_type"),
        ({"message_type": "compliance"}, "message_type", "invalid_choice"),
        ({"contact": {}}, "contact", "required"),
        ({"contact": {"external_id": "maya", "phone": PHONE}}, "contact", "wrong_count"),
        ({"contact": {"external_id": "nobody"}}, "contact.external_id", "unknown_contact"),
        ({"contact": {"id": "con_1"}}, "contact.id", "unknown_contact"),
        ({"contact": {"phone": "12"}}, "contact.phone", "invalid_phone"),
        ({"contact": {"email": "maya"}}, "contact.email", "invalid_email"),
        ({"contact": {"name": "Maya"}}, "contact.name", "unknown_field"),
        ({"contact": "maya"}, "contact", "invalid"),
        ({"data": {"a": "x" * 40_000}}, "data", "too_large"),
        ({"data": {"a": 2**70}}, "data", "number_out_of_range"),
        ({"data": [1]}, "data", "not_a_dict"),
        ({"idempotency_key": "a b"}, "idempotency_key", "invalid"),
        ({"idempotency_key": "x" * 181}, "idempotency_key", "invalid"),
        ({"dryrun": True}, "dryrun", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    api: Api, changes: dict[str, Any], field: str, code: str
) -> None:
    before = rows(api)
    status, problem = send(api, **changes)
    assert (status, problem["code"]) == (422, "invalid"), problem
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]
    assert rows(api) == before


def test_texts_that_only_answer_cannot_be_asked_for(api: Api) -> None:
    for kind in ("conversational", "compliance"):
        template = {"slug": kind, "body": "Hello", "message_type": kind, "approve": True}
        assert api.call("POST", "templates", template)[0] == 201
        status, problem = send(api, template=kind)
        assert (status, problem["errors"][0]["code"]) == (422, "wrong_message_type")


def test_a_draft_is_not_sent(api: Api) -> None:
    api.call("POST", "templates", {"slug": "draft", "body": "Hello"})
    status, problem = send(api, template="draft")
    assert (status, problem["errors"][0]["code"]) == (422, "not_approved")


def test_sending_needs_its_own_scope_and_numbers_need_another(api: Api, now: Any) -> None:
    with tenant_scope(api.brand.tenant.id):
        reader = create_api_key(name="Reader", scopes=["messages:read"], now=now)[1]
    assert send(api, key=reader)[0] == 403
    made = send(api)[1]
    assert api.call("GET", f"messages/{made['id']}", key=reader)[1]["to"] == "+•••••42"
    listed = api.raw("GET", "messages?limit=200", key=reader).content.decode()
    assert PHONE not in listed
    assert "+•••••42" in listed
