"""Pages by a key: all rows once, in order, whatever the page's size; a strange cursor is refused."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.paging import MAX_LIMIT, Keyset
from api.problems import Invalid
from templates_engine.domain.templates import save_draft
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.api.calling import Api
from tests.support.world import World

by_time = Keyset(datetime, UUID)
NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)
ID = UUID(int=7)


def test_a_cursor_brings_back_its_key() -> None:
    text = by_time.write((NOW, ID))
    assert by_time.read({"cursor": text, "limit": "3"}).after == (NOW, ID)
    assert by_time.read({"cursor": "", "limit": ""}).after is None


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "=" * 9,
        "a" * 2000,
        by_time.write((NOW,)),
        by_time.write((NOW, ID, ID)),
        by_time.write(("2026-11-17T18:00:00", ID)),
        by_time.write((NOW, "no-id")),
        urlsafe_b64encode(b"\xff\x1f\xfe").decode(),
    ],
)
def test_a_strange_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        by_time.read({"cursor": cursor})
    assert [(e.field, e.code) for e in caught.value.errors] == [("cursor", "invalid_cursor")]


@pytest.mark.parametrize("limit", ["0", "-1", str(MAX_LIMIT + 1), "x", "1.5", "٣", "9" * 30])
def test_a_strange_limit_is_refused(limit: str) -> None:
    with pytest.raises(Invalid) as caught:
        by_time.read({"limit": limit})
    assert [(e.field, e.code) for e in caught.value.errors] == [("limit", "invalid_limit")]


def test_rows_of_one_instant_are_neither_lost_nor_shown_twice(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        for index in range(7):
            at = NOW + timedelta(seconds=index // 3)
            AuditEntry.objects.create(at=at, actor="t", action="t.t", target=str(index))
        rows, after = [], None
        while True:
            page = by_time.read({"limit": "2", "cursor": after})
            found = list(by_time.cut(AuditEntry.objects.filter(actor="t"), page, "at", "id"))
            shown = by_time.answer(
                "rows", found, page, key=lambda row: (row.at, row.id), show=lambda row: row.id
            )
            rows += shown["rows"]
            after = shown["next_cursor"]
            if after is None:
                break
        expected = AuditEntry.objects.filter(actor="t").order_by("-at", "-id")
        assert rows == list(expected.values_list("id", flat=True))


@pytest.mark.parametrize(
    ("path", "plural"),
    [
        ("contacts", "contacts"),
        ("events", "events"),
        ("messages", "messages"),
        ("products", "products"),
        ("templates", "templates"),
        ("flows", "flows"),
        ("keys", "keys"),
        ("segments", "segments"),
        ("clicks", "clicks"),
        ("segments/angelenos/members", "contacts"),
        ("contacts/{contacts}/timeline", "timeline"),
        ("events?contact={contacts}", "events"),
    ],
)
def test_small_pages_show_what_one_large_page_shows(api: Api, path: str, plural: str) -> None:
    path = path.format(**api.ids)
    whole = api.all(path, plural, limit=200)
    assert api.all(path, plural, limit=2) == whole
    assert len(whole) == len({str(row) for row in whole})
    if plural in {"contacts", "messages", "events", "timeline", "templates", "flows", "keys"}:
        assert whole or "members" in path


def test_a_list_goes_on_while_new_things_arrive(api: Api, now: datetime) -> None:
    first = api.call("GET", "templates?limit=2")[1]
    with tenant_scope(api.brand.tenant.id):
        save_draft("aaa-new", body="Before the cursor", now=now)
    second = api.call("GET", f"templates?limit=200&cursor={first['next_cursor']}")[1]
    slugs = [row["slug"] for row in first["templates"] + second["templates"]]
    assert len(slugs) == len(set(slugs))
    assert "aaa-new" not in slugs
