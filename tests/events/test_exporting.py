"""Events as a file: every one of the span once, safe to open, and no more than one may see."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.domain import exporting
from events.domain.recording import NewEvent, append_events
from tenancy.clock import business_now
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.events.edges import logged_in, post, track
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db


def tell(brand: Brand, *items: dict[str, Any]) -> None:
    assert post("/v1/batch", {"batch": list(items)}, key=brand.write_key)[0] == 200


def read(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def ask(brand: Brand, query: str = "", *, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or brand.api_key}"}
    return Client().get(f"/api/v1/events/export{query}", headers=headers)


def press(brand: Brand, role: str = "owner", **form: str) -> Any:
    path = f"/w/{brand.tenant.slug}/settings/events/export/"
    return logged_in(brand, role).post(path, {"workspace": brand.tenant.slug, "days": "30", **form})


def test_each_event_is_in_it_once_newest_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS", 2)
    calls = [track(messageId=f"m{n}", properties={"n": n}) for n in range(5)]
    tell(world.shop, *calls)
    tell(world.other, track(messageId="theirs"))
    rows = read(ask(world.shop))
    assert [row["message_id"] for row in rows] == ["m4", "m3", "m2", "m1", "m0"]
    assert list(rows[0]) == list(exporting.HEAD)
    assert [json.loads(row["properties"]) for row in rows] == [{"n": n} for n in range(4, -1, -1)]
    assert {row["event"] for row in rows} == {"Product Viewed"}
    assert rows[0]["contact_id"].startswith("con_")
    # What comes while somebody downloads is not in it, and the last page is not read twice.
    answer = ask(world.shop)
    pieces = iter(answer.streaming_content)
    first = next(pieces)
    tell(world.shop, track(messageId="late"))
    assert b"late" not in first + b"".join(pieces)


def test_name_and_span_narrow_it(world: World) -> None:
    now = business_now()
    tell(world.shop, track("order_completed", properties={"order_id": "1"}), track())
    assert [row["event"] for row in read(ask(world.shop, "?name=placed_order"))] == [
        "Order Completed"
    ]
    assert read(ask(world.shop, f"?until={(now - timedelta(days=1)).isoformat()[:19]}Z")) == []
    later = (now + timedelta(days=1)).isoformat()[:19]
    assert read(ask(world.shop, f"?since={later}Z&until={later[:4]}-12-31T00:00:00Z")) == []
    refused = ask(world.shop, "?since=2026-02-01T00:00:00Z&until=2026-02-01T00:00:00Z")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "not_before"
    assert ask(world.shop, "?until=0001-01-01T00:00:00Z").status_code == 422


def test_what_a_spreadsheet_would_run_gets_an_apostrophe(world: World) -> None:
    name = "=HYPERLINK(1)"
    tell(world.shop, track(name, messageId="+1"), track("@now", messageId="-2"))
    rows = read(ask(world.shop))
    assert [(row["event"], row["message_id"]) for row in rows] == [
        ("'@now", "'-2"),
        (f"'{name}", "'+1"),
    ]


def test_bodies_are_whole_for_who_sees_numbers_alone(world: World) -> None:
    body = {"phone": "+13105550142", "note": "call +13105550142", "price": 3}
    tell(world.shop, track(properties=body, messageId="of-maya@example.com"))
    (whole,) = read(press(world.shop))
    assert json.loads(whole["properties"]) == body
    (masked,) = read(press(world.shop, "approver", name="Product Viewed"))
    assert "0555" not in json.dumps(masked)
    assert "+1310" not in json.dumps(masked)
    assert "maya@" not in masked["message_id"]
    assert json.loads(masked["properties"])["price"] == 3
    assert masked["event_id"] == whole["event_id"]
    with tenant_scope(world.shop.tenant.id):
        entries = AuditEntry.objects.filter(action="events.exported").order_by("id")
        told = [(each.actor, each.data["with_numbers"], each.data["name"]) for each in entries]
        assert [(with_numbers, name) for _, with_numbers, name in told] == [
            (True, ""),
            (False, "Product Viewed"),
        ]
    assert press(world.shop, days="31").status_code == 302
    assert press(world.shop, days="").status_code == 302
    assert read(press(world.shop, name="a\x00b")) == []
    assert press(world.other, name="Product Viewed").status_code == 200
    assert read(press(world.other)) == []


def test_the_pages_offer_it(world: World) -> None:
    tell(world.shop, track())
    client = logged_in(world.shop)
    base = f"/w/{world.shop.tenant.slug}/settings/events/"
    for path in (base, f"{base}name/Product%20Viewed/"):
        assert f'action="{base}export/"' in client.get(path).content.decode()


def test_a_page_of_it_is_one_query(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = business_now()
    with tenant_scope(world.shop.tenant.id):
        append_events([NewEvent("Ticket Opened", None, {}, now) for _ in range(30)], now=now)
    monkeypatch.setattr(exporting, "ROWS", 10)
    export = exporting.EventExport(
        world.shop.tenant.id, True, now - timedelta(hours=1), now + timedelta(hours=1)
    )
    with CaptureQueriesContext(connection) as captured:
        pieces = list(exporting.write_events(export))
    reads = [each for each in captured.captured_queries if "FROM events_event" in each["sql"]]
    assert len(pieces) == len(reads) == 4
