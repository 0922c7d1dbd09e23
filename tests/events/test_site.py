"""The snippet's script and the settings page that gives its code."""

from __future__ import annotations

import re

from django.test import Client

from tenancy.domain.keys import find_key, site_key
from tenancy.models import AuditEntry, WriteKey
from tenancy.scope import tenant_scope
from tests.events.edges import logged_in, post
from tests.support.world import Brand, World


def address(brand: Brand) -> str:
    return f"/w/{brand.tenant.slug}/settings/site/"


def save(client: Client, brand: Brand, origins: str) -> int:
    form = {"workspace": brand.tenant.slug, "allowed_origins": origins}
    return client.post(f"{address(brand)}save/", form).status_code


def test_the_script_is_small_kept_an_hour_and_the_same_for_everybody() -> None:
    answer = Client().get("/site/v1.js")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/javascript")
    assert len(answer.content) < 3000  # as sent, not packed
    assert "max-age=3600" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer
    assert "cookie" not in answer.get("Vary", "").lower()
    again = Client().get("/site/v1.js", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    # Whom it talks to: nobody but where it came from.
    assert re.findall(rb"https?://", answer.content) == []


def test_the_page_makes_one_key_shows_its_code_again_and_changes_its_sites(world: World) -> None:
    shop, client = world.shop, logged_in(world.shop)
    with tenant_scope(shop.tenant.id):
        WriteKey.objects.filter(kind="public").update(public_text="")  # from before it was kept
    assert b"data-key" not in client.get(address(shop)).content
    assert save(client, shop, "https://juniper.example\nhttps://shop.juniper.example") == 302
    page = client.get(address(shop)).content.decode()
    (secret,) = set(re.findall(r"pk_[\w-]+", page))
    key = find_key(secret)
    assert key is not None
    assert (key.tenant_id, key.kind) == (shop.tenant.id, "public")
    assert key.allowed_origins == ("https://juniper.example", "https://shop.juniper.example")
    assert "Nothing has come" in page
    event = {"event": "Product Viewed", "anonymousId": "a1"}
    here = {"Origin": "https://shop.juniper.example"}
    assert post("/v1/track", event, key=secret, headers=here)[0] == 200
    assert "Last received: <b>Product Viewed</b>" in client.get(address(shop)).content.decode()
    assert save(client, shop, "https://juniper.example") == 302
    assert secret in client.get(address(shop)).content.decode()
    assert post("/v1/track", event, key=secret, headers=here)[0] == 403
    with tenant_scope(shop.tenant.id):
        found = AuditEntry.objects.filter(action__startswith="write_key").order_by("id")
        assert [one.action for one in found] == ["write_key.create", "write_key.origins"]
        assert secret not in str([one.data for one in found])
    with tenant_scope(world.other.tenant.id):
        assert AuditEntry.objects.filter(action__startswith="write_key").count() == 0


def test_a_wrong_site_is_named_and_changes_nothing(world: World) -> None:
    client = logged_in(world.shop)
    for wrong in ("juniper.example", "https://a.example/path", "javascript:alert(1)", "*",
                  "https://u:p@a.example", "https://a.example?x=1", "https://[bad", ""):  # fmt: skip
        answer = client.post(
            f"{address(world.shop)}save/",
            {"workspace": world.shop.tenant.slug, "allowed_origins": wrong},
        )
        assert answer.status_code == 422, wrong
    with tenant_scope(world.shop.tenant.id):
        key = site_key()
        assert key is not None
        assert key.allowed_origins == ["https://juniper.example"]


def test_only_a_public_key_is_kept_in_words(world: World) -> None:
    with tenant_scope(world.shop.tenant.id):
        kept = dict(WriteKey.objects.values_list("kind", "public_text"))
    assert kept == {"server": "", "public": world.shop.public_key}
