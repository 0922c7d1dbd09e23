"""Whatever is sent: a clear answer with a stable code, nothing half-written, never a 500."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from events.domain import appending
from tenancy.domain.keys import create_api_key, find_key, revoke_key
from tenancy.models import WriteKey
from tenancy.scope import tenant_scope
from tests.events.edges import basic, count_rows, post, stored, track
from tests.support.world import World

DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000


def api(event: str = "Product Viewed", **more: Any) -> dict[str, Any]:
    return {"event": event, "contact": {"external_id": "u1"}, **more}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/batch", b"", 400, "malformed_json"),
        ("/v1/batch", b"{", 400, "malformed_json"),
        ("/v1/batch", b'{"batch": [{"type": "track"', 400, "malformed_json"),
        ("/v1/batch", b'{"batch": [NaN]}', 400, "malformed_json"),
        ("/v1/batch", b'{"batch": ["\\ud800"]}', 400, "malformed_json"),
        ("/v1/batch", b"\xff\xfe\x00", 400, "malformed_json"),
        ("/v1/batch", b'{"batch": [' + DEEP + b"]}", 400, "malformed_json"),
        ("/v1/batch", b"[]", 422, "invalid"),
        ("/v1/batch", b"null", 422, "invalid"),
        ("/v1/batch", b"{}", 422, "invalid"),
        ("/v1/batch", b'{"batch": {}}', 422, "invalid"),
        ("/v1/batch", b'{"batch": [], "sentAt": 5}', 422, "invalid"),
        ("/v1/track", b"[]", 422, "invalid"),
        ("/v1/track", b'{"event": {}, "userId": "u1"}', 422, "invalid"),
        ("/v1/track", b'{"event": "X", "userId": 1.5}', 422, "invalid"),
        ("/v1/track", b'{"event": "X"}', 422, "invalid"),
        (
            "/v1/track",
            b'{"event": "X", "userId": "u1", "properties": {"n": 1e999}}',
            422,
            "invalid",
        ),
        ("/v1/track", b'{"event": "X\\u0000", "userId": "u1"}', 422, "invalid"),
        ("/v1/track", b'{"event": "X", "userId": "\\u0000"}', 422, "invalid"),
        (
            "/v1/track",
            b'{"event": "X", "userId": "u1", "context": {"a": "\\u0000"}}',
            422,
            "invalid",
        ),
        (
            "/v1/track",
            b'{"event": "X", "userId": "u1", "properties": ' + b'{"a":' * 60 + b"1" + b"}" * 61,
            422,
            "invalid",
        ),
        ("/v1/identify", b'{"userId": "u1", "traits": {"phone": []}}', 422, "invalid"),
        (
            "/v1/identify",
            b'{"userId": "u1", "traits": {"phone": "+44 7700 900123456"}}',
            422,
            "invalid",
        ),
        ("/v1/identify", b'{"userId": "u1", "traits": {"country": "Wonderland"}}', 422, "invalid"),
        ("/v1/identify", b'{"userId": "u1", "traits": {"": 1}}', 422, "invalid"),
        ("/v1/dance", b"{}", 404, "not_found"),
        ("/api/v1/events", b"{", 400, "malformed_json"),
        ("/api/v1/events", b"[]", 422, "invalid"),
        ("/api/v1/events", b'{"events": 5}', 422, "invalid"),
        ("/api/v1/events", b'{"events": [], "extra": 1}', 422, "invalid"),
        ("/api/v1/events", b'{"events": [], "backfill": "yes"}', 422, "invalid"),
    ],
)
def test_unusable_bodies(world: World, path: str, body: bytes, status: int, code: str) -> None:
    key = world.shop.api_key if path.startswith("/api") else world.shop.write_key
    got, answer = post(path, body, key=key)
    assert (got, answer["code"]) == (status, code)
    assert set(answer) == {"type", "title", "status", "code", "detail", "errors", "request_id"}
    assert answer["type"] == f"urn:kairos:problem:{code}"
    assert answer["request_id"]
    assert all(set(each) == {"field", "code", "detail"} for each in answer["errors"])
    assert set(count_rows(world.shop).values()) == {0}


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track", "/api/v1/events"])
@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"x" * 10_000_000, {}, 413, "body_too_large"),
        (b'{"batch": []}' + b" " * 520_000, {}, 413, "body_too_large"),
        (gzip.compress(b" " * 40_000_000), {"Content-Encoding": "gzip"}, 413, "body_too_large"),
        (b"not gzip", {"Content-Encoding": "gzip"}, 400, "malformed_body"),
        (gzip.compress(b"{}" * 999)[:-9], {"Content-Encoding": "gzip"}, 400, "malformed_body"),
        (b"{}", {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
    ],
)
def test_bodies_too_large_or_badly_packed(
    world: World, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    key = world.shop.api_key if path.startswith("/api") else world.shop.write_key
    got, answer = post(path, body, key=key, headers=headers)
    assert (got, answer["code"]) == (status, code)
    assert set(count_rows(world.shop).values()) == {0}


def test_other_kinds_of_body_and_methods_are_refused(world: World) -> None:
    for path, key in (("/v1/track", world.shop.write_key), ("/api/v1/events", world.shop.api_key)):
        got, answer = post(path, b"a=1", key=key, content_type="application/x-www-form-urlencoded")
        assert (got, answer["code"]) == (415, "unsupported_media_type")
        response = Client().put(path, headers={"Authorization": basic(key)})
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        (None, {"batch": [track()]}),
        ("Basic", {"batch": [track()]}),
        ("Basic %%%", {"batch": [track()]}),
        ("Basic " + "A" * 50, {"batch": [track()]}),
        (basic("wk_wrong"), {"batch": [track()]}),
        (basic("\U0001f600"), {"batch": [track()]}),
        ("Bearer ", {"batch": [track()]}),
        (None, {"batch": [track()], "writeKey": "wk_wrong"}),
        (None, {"batch": [track()], "writeKey": "a\x00b"}),
    ],
)
def test_wrong_keys_are_unauthenticated(
    world: World, authorization: str | None, body: dict[str, Any]
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("/v1/batch", "/api/v1/events"):
        got, answer = post(path, body, key=None, headers=headers)
        assert (got, answer["code"]) == (401, "unauthenticated")
    assert set(count_rows(world.shop).values()) == {0}


def test_keys_open_only_what_they_are_for(world: World) -> None:
    assert post("/v1/track", track(), key=world.shop.api_key)[0] == 403
    assert post("/api/v1/events", {"events": [api()]}, key=world.shop.write_key)[0] == 403
    with tenant_scope(world.shop.tenant.id):
        _, narrow = create_api_key(name="Products", scopes=["products:write"], now=world.now)
    got, answer = post("/api/v1/events", {"events": [api()]}, key=narrow)
    assert (got, answer["code"]) == (403, "forbidden")
    found = find_key(world.shop.write_key)
    assert found is not None
    with tenant_scope(world.shop.tenant.id):
        revoke_key(WriteKey.objects.get(id=found.id), now=world.now)
    assert post("/v1/track", track(), key=world.shop.write_key)[0] == 401
    assert set(count_rows(world.shop).values()) == {0}


def test_api_answers_202_with_each_events_fate(world: World) -> None:
    body = {
        "events": [
            api("placed order", message_id="m1", properties={"order_id": "o1"}),
            api("placed order", message_id="m1"),
            api("SMS Delivered"),
            {"event": "X", "contact": {"phone": "12"}},
            {"event": "X", "contact": {"external_id": "0", "anonymous_id": "undefined"}},
            {"event": "X"},
            {"event": "X", "contact": {"id": 5}},
            {"contact": {"external_id": "u1"}},
            api(occurred_at="2026-13-01"),
            {"event": "X", "contact": {"email": "AVA@example.com", "attributes": {"plan": "gold"}}},
        ]
    }
    status, answer = post("/api/v1/events", body, key=world.shop.api_key)
    assert status == 202
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (2, 1, 7)
    assert [result["status"] for result in answer["results"][:3]] == [
        "accepted",
        "duplicate",
        "rejected",
    ]
    errors = [result["errors"][0] for result in answer["results"][2:9]]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("event", "reserved_name"),
        ("contact.phone", "invalid_phone"),
        ("contact.external_id", "blocked_identifier"),
        ("contact.external_id", "required"),
        ("contact.id", "unknown_field"),
        ("event", "required"),
        ("occurred_at", "invalid_time"),
    ]
    names = stored(world.shop)
    assert names == ["Order Completed", "X", "Contact Changed"]


def test_backfill_is_recorded_as_history(world: World) -> None:
    body = {"events": [api(occurred_at="2026-09-01T08:00:00Z")], "backfill": True}
    assert post("/api/v1/events", body, key=world.shop.api_key)[1]["accepted"] == 1
    with tenant_scope(world.shop.tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT lane FROM events_eventbatch")
        assert [row[0] for row in cursor.fetchall()] == ["backfill"]
        cursor.execute("SELECT known_at = occurred_at, backfill FROM events_event")
        assert cursor.fetchall() == [(True, True)]


def test_value_that_only_the_database_refuses_spoils_one_item(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks may have a hole: JSON text that PostgreSQL refuses is planted behind them."""
    honest = appending.append

    def spoil(drafts: Any, **rest: Any) -> Any:
        for draft in drafts:
            if draft.message_id == "poison":
                draft.properties = '{"a": "\\u0000"}'
        return honest(drafts, **rest)

    monkeypatch.setattr("events.domain.ingestion.append", spoil)
    batch = [track(messageId=f"m{i}") for i in range(7)] + [track(messageId="poison", user="u9")]
    status, answer = post("/v1/batch", {"batch": batch}, key=world.shop.write_key)
    assert (status, answer["accepted"], answer["rejected"]) == (200, 7, 1)
    assert answer["results"][7]["errors"][0]["code"] == "unstorable"
    assert count_rows(world.shop)["people_contact"] == 1


@pytest.mark.parametrize("size", [1, 3])
def test_text_that_looks_like_an_escape_is_kept(world: World, size: int) -> None:
    properties = {"path": "C:\\u0000" * size, "emoji": "\U0001f600", "sql": "'; DROP TABLE x; --"}
    got, _ = post("/v1/track", track(properties=properties), key=world.shop.write_key)
    assert got == 200
    assert [json.loads(each) for each in stored(world.shop, "properties")] == [properties]


def test_huge_numbers_are_kept_and_do_not_break_reading(world: World) -> None:
    traits = {"big": 10**40, "small": 1e-300, "flag": True}
    call = {"userId": "u1", "traits": traits}
    assert post("/v1/identify", call, key=world.shop.write_key)[0] == 200
    call["traits"] = {"flag": False}
    assert post("/v1/identify", call, key=world.shop.write_key)[0] == 200
    last = json.loads(stored(world.shop, "name, properties")[-1][1])
    assert last == {"changed": ["flag"], "old": {"flag": True}, "new": {"flag": False}}
