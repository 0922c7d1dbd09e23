"""The workspace's own settings through HTTP."""

from __future__ import annotations

import pytest
from django.test import Client

from tenancy.models import AuditEntry, Tenant
from tenancy.scope import tenant_scope
from tests.support.world import World

PATH = "/w/juniper/settings/workspace/"
GOOD = {
    "name": "Juniper & Oak", "sms_name": "Juniper", "timezone": "America/Chicago", "country": "us",
    "currency": "EUR", "accent": "#FFD000", "shop_url": "https://juniper.example/",
    "help_text": "Write to help@juniper.example", "workspace": "juniper",
}  # fmt: skip


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def test_saved_with_old_and_new_in_the_audit_log(shop: Client, world: World) -> None:
    assert shop.post(PATH, GOOD).status_code == 302
    kept = Tenant.objects.get(id=world.shop.tenant.id)
    assert (kept.sms_name, kept.timezone, kept.country) == ("Juniper", "America/Chicago", "US")
    assert (kept.currency, kept.accent) == ("EUR", "#ffd000")
    assert kept.shop_url == "https://juniper.example"
    with tenant_scope(kept.id):
        entry = AuditEntry.objects.get(action="workspace.changed")
    assert entry.actor == "user:owner@juniper.example"
    assert entry.data["old"]["timezone"] == "America/Los_Angeles"
    assert entry.data["new"]["timezone"] == "America/Chicago"
    assert "name" not in entry.data["new"]
    other = Tenant.objects.get(id=world.other.tenant.id)
    assert other.sms_name == "Juniper & Oak"


def test_a_color_too_light_for_text_is_said_and_darkened(shop: Client) -> None:
    shop.post(PATH, GOOD)
    page = shop.get(PATH).content.decode()
    assert "is less than 4.9 : 1" in page
    shop.post(PATH, {**GOOD, "accent": "#0b6b5b"})
    assert "Reads well: 6" in shop.get(PATH).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("name", "a\x00b"),
        ("sms_name", ""),
        ("sms_name", "two\nlines"),
        ("sms_name", "x" * 41),
        ("timezone", "Mars/Olympus"),
        ("timezone", "Factory"),
        ("timezone", "../../etc/passwd"),
        ("country", "Utopia"),
        ("currency", "XXX"),
        ("accent", "red"),
        ("accent", "#12345"),
        ("accent", "#0b6b5b;}body{"),
        ("shop_url", "juniper"),
        ("shop_url", "javascript:alert(1)"),
        ("shop_url", "https://user@evil.example"),
        ("shop_url", "https://juniper.example:99999"),
        ("shop_url", "https://juniper.example/" + "x" * 300),
        ("help_text", "x" * 161),
        ("help_text", "a\u2028b"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_changed(
    shop: Client, world: World, field: str, value: str
) -> None:
    before = Tenant.objects.filter(id=world.shop.tenant.id).values().get()
    answer = shop.post(PATH, {**GOOD, field: value})
    assert answer.status_code == 422
    assert set(answer.context["wrong"]) == {field}
    assert Tenant.objects.filter(id=world.shop.tenant.id).values().get() == before
    with tenant_scope(world.shop.tenant.id):
        assert not AuditEntry.objects.filter(action="workspace.changed").exists()


def test_only_who_may_manage_settings(client: Client, world: World) -> None:
    client.force_login(world.shop.analyst)
    assert client.get(PATH).status_code == 403
    assert client.post(PATH, GOOD).status_code == 403
