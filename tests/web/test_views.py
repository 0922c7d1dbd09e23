"""The views without a browser: permissions, walls, constant numbers of queries, forms."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent.domain.settings import read_cap_rules, read_compliance
from tenancy.ids import show_id
from tenancy.models import ApiKey, AuditEntry
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.story import Story, add_people, tell_story

QUERIES = 60  # the most any page takes; the tests below say that it does not grow


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    return tell_story(world.shop, now=now)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def test_every_page_answers(story: Story, shop: Client) -> None:
    for name, path in story.pages().items():
        assert shop.get(path).status_code == (404 if name == "missing" else 200), name


def test_queries_do_not_grow_with_rows(story: Story, shop: Client, now: datetime) -> None:
    paths = {name: path for name, path in story.pages().items() if name != "missing"}
    before = {name: _queries(shop, path) for name, path in paths.items()}
    add_people(story, 12, now=now + timedelta(hours=13))
    after = {name: _queries(shop, path) for name, path in paths.items()}
    grown = {name: (before[name], after[name]) for name in paths if after[name] > before[name]}
    assert grown == {}
    assert max(after.values()) <= QUERIES, after


def test_nobody_sees_another_workspace(story: Story, world: World, client: Client) -> None:
    client.force_login(world.other.owner)
    for path in story.pages().values():
        assert client.get(path).status_code == 404
    theirs = f"/w/{world.other.tenant.slug}"
    maya = show_id("con", story.maya)
    for path in (
        f"{theirs}/contacts/{maya}/",
        f"{theirs}/contacts/{maya}/timeline/",
        f"{theirs}/contacts/{maya}/would-send/?template=cart-recovery-1",
        f"{theirs}/test-phone/{maya}/",
        f"{theirs}/flows/cart-recovery/",
    ):
        assert client.get(path).status_code == 404, path
    page = client.get(f"{theirs}/contacts/").content
    assert b"Maya" not in page


def test_a_stranger_is_sent_to_the_log_in(story: Story, client: Client) -> None:
    for name, path in story.pages().items():
        if name != "missing":
            assert client.get(path)["Location"].startswith("/login/?next="), name


def test_an_analyst_sees_no_numbers_and_changes_nothing(
    story: Story, world: World, client: Client
) -> None:
    client.force_login(world.shop.analyst)
    pages = story.pages()
    for name in ("contacts", "contact", "messages", "test-phone"):
        page = client.get(pages[name]).content.decode()
        assert "555-0142" not in page, name
        assert "5550142" not in page, name
    assert client.get(pages["keys"]).status_code == 403
    maya = show_id("con", story.maya)
    posts = {
        "/w/juniper/settings/quiet-hours/save/": {"preset": "federal"},
        "/w/juniper/settings/caps/save/": {"preset": "factory"},
        "/w/juniper/settings/caps/cart/": {"rule": "strict"},
        "/w/juniper/settings/keys/api/": {"name": "x", "scopes": "events:write"},
        f"/w/juniper/test-phone/{maya}/clock/": {"move": "6h"},
        f"/w/juniper/test-phone/{maya}/fire/": {"button": "reward"},
    }
    for path, data in posts.items():
        assert client.post(path, {**data, "workspace": "juniper"}).status_code == 403, path
    assert b"Quiet hours" in client.get(pages["quiet-hours"]).content


def test_quiet_hours_are_saved_and_refused_with_words(
    story: Story, world: World, shop: Client
) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    week = {f"{day}.open": "on" for day in days}
    week |= {f"{day}.start": "10:00" for day in days} | {f"{day}.end": "18:30" for day in days}
    path = "/w/juniper/settings/quiet-hours/save/"
    assert shop.post(path, {**week, "workspace": "juniper"}).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        kept = read_compliance()
        assert kept.quiet.brand == (*[(600, 1110)] * 6, None)
        assert not kept.quiet.transactional_obeys
        assert AuditEntry.objects.filter(action="quiet_hours.changed").exists()
    late = shop.post(path, {**week, "friday.end": "23:00", "workspace": "juniper"})
    assert late.status_code == 422
    assert "US federal rule allows 08:00 to 21:00" in late.content.decode()
    assert 'value="23:00"' in late.content.decode()
    with tenant_scope(world.shop.tenant.id):
        assert read_compliance().quiet.brand == kept.quiet.brand


def test_caps_are_saved_and_refused_with_words(story: Story, world: World, shop: Client) -> None:
    path = "/w/juniper/settings/caps/save/"
    form = {"most": ["1", "", "3"], "hours": ["24", "", "168"], "gap_hours": "6"}
    assert shop.post(path, {**form, "workspace": "juniper"}).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        rules = read_cap_rules()
    assert [(limit.seconds // 3600, limit.maximum) for limit in rules.limits] == [(24, 1), (168, 3)]
    assert rules.min_gap_seconds == 6 * 3600
    for wrong in ({**form, "most": ["x", "", "3"]}, {**form, "gap_hours": "-1"}):
        answer = shop.post(path, {**wrong, "workspace": "juniper"})
        assert answer.status_code == 422
        assert b'role="alert"' in answer.content


def test_the_cart_rule_needs_an_acknowledgment(story: Story, world: World, shop: Client) -> None:
    path = "/w/juniper/settings/caps/cart/"
    refused = shop.post(path, {"rule": "acknowledged", "workspace": "juniper"})
    assert refused.status_code == 422
    assert b"written acknowledgment" in refused.content
    said = {"rule": "acknowledged", "acknowledgment": "Counsel agreed.", "workspace": "juniper"}
    assert shop.post(path, said).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        assert read_compliance().us_cart_rule == "acknowledged"


def test_keys_are_made_and_revoked(world: World, shop: Client) -> None:
    base = "/w/juniper/settings/keys"
    for data, words in (
        ({"name": "", "scopes": ["events:write"]}, b"required"),
        ({"name": "x"}, b"at least one thing"),
    ):
        answer = shop.post(f"{base}/api/", {**data, "workspace": "juniper"})
        assert answer.status_code == 422
        assert words in answer.content
    public = {"name": "Pages", "kind": "public", "workspace": "juniper"}
    assert shop.post(f"{base}/write/", public).status_code == 422
    bad = shop.post(f"{base}/write/", {**public, "allowed_origins": "shop.example"})
    assert b"is no origin" in bad.content
    good = shop.post(f"{base}/write/", {**public, "allowed_origins": "https://shop.example"})
    assert good.status_code == 201
    assert b"pk_" in good.content
    assert good["Cache-Control"].startswith("max-age=0")
    with tenant_scope(world.shop.tenant.id):
        key = ApiKey.objects.get()
    assert shop.post(f"{base}/api/{key.id}/", {"workspace": "juniper"}).status_code == 302
    with tenant_scope(world.shop.tenant.id):
        assert ApiKey.objects.get().revoked_at is not None
    with tenant_scope(world.other.tenant.id):
        other = ApiKey.objects.get()
    assert shop.post(f"{base}/api/{other.id}/", {"workspace": "juniper"}).status_code == 404


@pytest.mark.parametrize(
    "tail",
    [
        "contacts/con_nothing/",
        "contacts/%00/",
        "contacts/?after=xyz",
        "contacts/?q=%00",
        "messages/?after=%F0%9F&status=nope&reason=%27",
        "messages/?after=YQ",
        "flows/none/",
        "flows/cart-recovery/none/",
        "?period=99",
        "find/?q=%25",
        "contacts/con_00000000000000000000000000000000/would-send/",
    ],
)
def test_bad_addresses_are_no_500(story: Story, shop: Client, tail: str) -> None:
    assert shop.get(f"/w/juniper/{tail}").status_code in {200, 404}


def _queries(client: Client, path: str) -> int:
    """The fewest of two visits: what is kept for seconds may be read again in between."""
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        counts.append(len(captured))
    return min(counts)
