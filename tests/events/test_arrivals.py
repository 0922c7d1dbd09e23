"""What arrives: each outcome with its reason, to whom it is shown, and how much of it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from events.core.keeping import MAX_BODY, keep_body, name_in
from events.domain.arrivals import forget_unstored, list_arrivals
from events.models import UnstoredItem
from events.tasks import forget_old
from tenancy.clock import business_now
from tenancy.domain.keys import create_api_key
from tenancy.scope import tenant_scope
from tests.events.edges import logged_in, post, track
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db
BAD = {"type": "track", "event": "Order Completed", "userId": "u1", "timestamp": "yesterday",
       "properties": {"order_id": "A-1", "email": "maya@example.com"}}  # fmt: skip


def arrived(brand: Brand, **asked: Any) -> list[tuple[str, str]]:
    with tenant_scope(brand.tenant.id):
        return [(one.outcome, one.name) for one in list_arrivals(**{"limit": 50, **asked})]


def call(brand: Brand, query: str = "", *, key: str = "") -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key or brand.api_key}"}
    answer = Client().get(f"/api/v1/arrivals{query}", headers=headers)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["arrivals"]
    return found


def page(brand: Brand, role: str = "owner", query: str = "") -> str:
    client = logged_in(brand, role)
    answer = client.get(f"/w/{brand.tenant.slug}/settings/events/arrivals/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_bad_item_of_a_batch_is_seen_with_its_reason_and_field(world: World) -> None:
    good = track("order_completed", messageId="m1", properties={"order_id": "A-2"})
    batch = {"batch": [good, BAD, good, {"type": "track", "event": 7}]}
    for brand in (world.other, world.shop):
        status, answer = post("/v1/batch", batch, key=brand.write_key)
        assert (status, answer["rejected"], answer["duplicates"]) == (200, 2, 1)
    assert sorted(arrived(world.shop)) == [
        ("accepted", "Order Completed"),
        ("duplicate", "Order Completed"),
        ("rejected", ""),
        ("rejected", "Order Completed"),
    ]
    [wrong] = call(world.shop, "?outcome=rejected&name=order_completed")
    assert wrong["errors"][0]["field"] == "timestamp"
    assert wrong["errors"][0]["code"] == "invalid_time"
    assert wrong["body"]["properties"] == {"order_id": "A-1", "email": "maya@example.com"}
    assert (wrong["source"], wrong["event"]) == ("server", None)
    html = page(world.shop)
    assert "timestamp" in html
    assert "Write times as 2026-11-17T18:00:00Z." in html
    assert "maya@example.com" in html


def test_another_workspace_sees_nothing(world: World) -> None:
    post("/v1/batch", {"batch": [BAD, track(messageId="m1")]}, key=world.shop.write_key)
    assert len(arrived(world.shop)) == 2
    assert arrived(world.other) == []
    assert call(world.other) == []
    assert "Nothing arrived" in page(world.other)
    assert "A-1" not in page(world.other)


def test_what_is_personal_is_masked_for_roles_and_keys_that_may_not_see_it(world: World) -> None:
    post("/v1/batch", {"batch": [BAD]}, key=world.shop.write_key)
    html = page(world.shop, "developer")
    assert "A-1" in html
    assert "maya@example.com" not in html
    with tenant_scope(world.shop.tenant.id):
        _, narrow = create_api_key(name="Watch", scopes=["events:read"], now=world.now)
    [shown] = call(world.shop, key=narrow)
    assert shown["body"]["properties"] == {"order_id": "A-1", "email": "•••• .com"}


def test_filters_by_outcome_name_and_key(world: World) -> None:
    post("/v1/batch", {"batch": [BAD, track("Kiln Opened")]}, key=world.shop.write_key)
    body = {"events": [{"event": "Kiln Opened", "contact": {"external_id": "u1"}}]}
    post("/api/v1/events", body, key=world.shop.api_key)
    assert arrived(world.shop, outcome="rejected") == [("rejected", "Order Completed")]
    assert arrived(world.shop, name="Kiln Opened") == [("accepted", "Kiln Opened")] * 2
    with tenant_scope(world.shop.tenant.id):
        both = list_arrivals(limit=50, outcome="accepted")
        keys = {one.key_id for one in both}
        assert len(keys) == 2
        [by_api] = [one.key_id for one in both if one.source == "api"]
    assert arrived(world.shop, key_id=by_api) == [("accepted", "Kiln Opened")]
    html = page(world.shop, query="?outcome=accepted&name=Kiln+Opened")
    assert "Kiln Opened" in html
    assert "Order Completed</b>" not in html


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        ("/v1/track", {**BAD, "type": None}, "invalid_time", "timestamp"),
        ("/v1/track", {"event": "SMS Sent", "userId": "u1"}, "reserved_name", "event"),
        ("/v1/track", b'{"event": ', "malformed_json", ""),
        ("/v1/batch", b'{"batch": 7}', "wrong_type", "batch"),
        ("/api/v1/events", {"events": [{"event": "A", "contact": {"userId": "1"}}]},
         "unknown_field", "contact.userId"),
        ("/api/v1/events", b"{", "malformed_json", ""),
    ],
)  # fmt: skip
def test_every_door_notes_what_it_refused(
    world: World, path: str, body: Any, code: str, field: str
) -> None:
    key = world.shop.api_key if path.startswith("/api") else world.shop.write_key
    post(path, body, key=key)
    with tenant_scope(world.shop.tenant.id):
        [row] = list_arrivals(limit=5)
    assert (row.outcome, row.errors[0]["field"], row.errors[0]["code"]) == ("rejected", field, code)


def test_calls_that_anybody_can_make_without_limit_are_not_noted(world: World) -> None:
    for key in ("wrong", world.shop.public_key):
        post("/v1/track", b"{", key=key, headers={"Origin": "https://juniper.example"})
    assert arrived(world.shop) == []


def test_a_call_without_a_flaw_opens_no_scope_to_note(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.domain.arrivals._keep", None)
    status, answer = post("/v1/batch", {"batch": [track()]}, key=world.shop.write_key)
    assert (status, answer["accepted"]) == (200, 1)


def test_one_call_and_one_workspace_are_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.domain.arrivals.KEPT_ITEMS", 30)
    for brand in (world.other, world.shop):
        post("/v1/batch", {"batch": [BAD] * 50}, key=brand.write_key)
    with tenant_scope(world.shop.tenant.id):
        assert UnstoredItem.objects.count() == 20
    post("/v1/batch", {"batch": [{**BAD, "event": "Newest"}] * 50}, key=world.shop.write_key)
    with tenant_scope(world.shop.tenant.id):
        assert UnstoredItem.objects.count() == 30
        assert UnstoredItem.objects.filter(name="Newest").count() == 20
    with tenant_scope(world.other.tenant.id):
        assert UnstoredItem.objects.count() == 20


def test_notes_are_kept_for_a_week(world: World) -> None:
    post("/v1/batch", {"batch": [BAD]}, key=world.shop.write_key)
    now = business_now()
    assert forget_unstored(now=now + timedelta(days=6)) == 0
    assert forget_old() == 0
    assert forget_unstored(now=now + timedelta(days=7, hours=1)) == 1
    assert arrived(world.shop) == []


def test_noting_never_breaks_taking_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    def broken() -> None:
        raise DatabaseError("full")

    monkeypatch.setattr("events.domain.arrivals._prune", broken)
    status, answer = post("/v1/batch", {"batch": [BAD, track()]}, key=world.shop.write_key)
    assert (status, answer["accepted"], answer["rejected"]) == (200, 1, 1)
    assert arrived(world.shop) == [("accepted", "Product Viewed")]


def test_the_list_of_the_api_pages_by_key(world: World) -> None:
    post("/v1/batch", {"batch": [track(), BAD, track(), BAD]}, key=world.shop.write_key)
    headers = {"Authorization": f"Bearer {world.shop.api_key}"}
    seen, cursor = [], ""
    for _ in range(4):
        answer = Client().get(f"/api/v1/arrivals?limit=1{cursor}", headers=headers).json()
        seen += [one["outcome"] for one in answer["arrivals"]]
        cursor = f"&cursor={answer['next_cursor']}"
    assert answer["next_cursor"] is None
    assert sorted(seen) == ["accepted", "accepted", "rejected", "rejected"]


def test_a_pause_stops_the_polling_and_keeps_the_filters(world: World) -> None:
    live = page(world.shop, query="?outcome=rejected")
    assert "every 3s" in live
    assert "outcome=rejected&amp;paused=1" in live
    paused = page(world.shop, query="?outcome=rejected&paused=1")
    assert "every 3s" not in paused
    assert 'name="paused" value="1"' in paused


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('{"event": "A", "writeKey": "wk_abcdefgh1234"}', '{"event":"A"}'),
        ('{"note": "my key is kairos_abcdefgh1234"}', '{"note":"my key is ••••"}'),
        ('{"a": "x\\u0000y"}', '{"a":"xy"}'),
        ("no json", ""),
    ],
)
def test_bodies_are_kept_without_keys(raw: str, kept: str) -> None:
    assert keep_body(raw.encode()) == kept


def test_large_bodies_are_cut_or_left_out() -> None:
    assert len(keep_body(b'{"a": "' + b"x" * 9_000 + b'"}')) < 300
    many = b"{" + b", ".join(b'"%d": "%s"' % (n, b"y" * 190) for n in range(60)) + b"}"
    assert len(keep_body(many)) <= MAX_BODY
    assert name_in(b'{"event": "Kiln Opened", "properties": 7}') == "Kiln Opened"
    assert name_in(b"[1]") == name_in(b"{") == ""
