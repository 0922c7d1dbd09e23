"""Who comes from a text is recognized: once, by the token of a link of this very workspace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from delivery.domain.links import forget_targets
from delivery.domain.visits import TIES_FOR, tie_visitor
from delivery.models import TrackedLink
from events.models import Event
from events.views import limits
from people.models import Contact, Identifier
from tenancy.clock import business_now
from tenancy.domain.keys import create_write_key, set_origins
from tenancy.models import WriteKey
from tenancy.scope import tenant_scope
from tests.delivery.making import Shop, make_shop
from tests.delivery.test_links import sent_link, tap
from tests.events.edges import post
from tests.support.world import Brand, World

pytestmark = pytest.mark.django_db
HERE = {"Origin": "https://juniper.example"}


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    limits._by_key.clear()
    limits._by_address.clear()


def fresh_link(shop: Shop, now: datetime) -> TrackedLink:
    """The link of a text that left just now, by the clock of the edge."""
    link = sent_link(shop, now)
    with tenant_scope(shop.tenant_id):
        link.created_at = business_now()
        link.save(update_fields=["created_at"])
    return link


def visit(brand: Brand, token: str, visitor: str = "v1", **headers: str) -> Any:
    body = {"writeKey": brand.public_key, "anonymousId": visitor, "token": token}
    return Client().post(
        "/site/visit", body, content_type="application/json",
        headers={**HERE, **headers},
    )  # fmt: skip


def look_at(brand: Brand, product: str, visitor: str = "v1") -> None:
    event = {
        "event": "Product Viewed",
        "anonymousId": visitor,
        "properties": {"product_id": product},
    }
    assert post("/v1/track", event, key=brand.public_key, headers=HERE)[0] == 200


def seen_of(shop: Shop, link: TrackedLink) -> list[str]:
    """Names of what the one who got the text did, by their own log."""
    with tenant_scope(shop.tenant_id):
        rows = Event.objects.filter(contact_id=link.contact_id).order_by("id")
        wanted = ("Product Viewed", "Contact Identified")
        return [row.name for row in rows if row.name in wanted]


def test_a_visitor_from_a_text_is_its_contact_before_and_after(
    world: World, shop: Shop, now: datetime
) -> None:
    link = fresh_link(shop, now)
    look_at(world.shop, "mug")
    answer = visit(world.shop, link.token)
    assert (answer.status_code, answer.json()) == (202, {"success": True})
    assert answer["Access-Control-Allow-Origin"] == HERE["Origin"]
    look_at(world.shop, "hat")
    assert visit(world.shop, link.token).status_code == 202  # told twice
    assert sorted(seen_of(shop, link)) == ["Contact Identified", "Product Viewed", "Product Viewed"]
    with tenant_scope(shop.tenant_id):
        assert Contact.objects.filter(erased_at=None, phone=None).count() == 0


def test_a_text_that_was_passed_on_ties_its_first_reader_only(
    world: World, shop: Shop, now: datetime
) -> None:
    link = fresh_link(shop, now)
    assert visit(world.shop, link.token, "first").status_code == 202
    assert visit(world.shop, link.token, "second").status_code == 202
    look_at(world.shop, "mug", "second")
    assert seen_of(shop, link) == ["Contact Identified"]


def test_another_workspaces_token_is_worth_nothing_and_the_answer_does_not_tell(
    world: World, now: datetime
) -> None:
    mine, theirs = make_shop(world.shop, now=now), make_shop(world.other, now=now)
    link = fresh_link(theirs, now)
    answer = visit(world.shop, link.token)
    nothing = visit(world.shop, "AAAAAAAA")
    assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content)
    assert answer.status_code == 202
    look_at(world.shop, "mug")
    assert seen_of(theirs, link) == []
    for shop in (mine, theirs):
        with tenant_scope(shop.tenant_id):
            assert Event.objects.filter(name="Contact Identified").count() == 0
    with tenant_scope(theirs.tenant_id):
        assert Identifier.objects.filter(value="v1").count() == 0


def test_an_old_text_and_an_erased_contact_tie_nobody(shop: Shop, now: datetime) -> None:
    link = sent_link(shop, now)

    def tie(at: datetime) -> bool:
        return tie_visitor(shop.tenant_id, token=link.token, anonymous_id="v1", key_id=None, now=at)

    assert tie(now + TIES_FOR + timedelta(seconds=1)) is False
    with tenant_scope(shop.tenant_id):
        Contact.objects.filter(id=link.contact_id).update(erased_at=now)
    assert tie(now) is False
    with tenant_scope(shop.tenant_id):
        Contact.objects.filter(id=link.contact_id).update(erased_at=None)
    assert tie(now) is True


def test_eight_browsers_at_once_and_one_is_tied(committed_world: World, now: datetime) -> None:
    shop = make_shop(committed_world.shop, now=now)
    link = sent_link(shop, now)
    barrier = Barrier(8)

    def ask(number: int) -> bool:
        try:
            barrier.wait()
            return tie_visitor(
                shop.tenant_id, token=link.token, anonymous_id=f"v{number}", key_id=None, now=now
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
    assert seen_of(shop, link) == ["Contact Identified"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"writeKey": "server"}, 401, "unauthenticated"),
        ({"writeKey": "pk_of_nobody"}, 401, "unauthenticated"),
        ({"anonymousId": "null"}, 422, "invalid"),
        ({"anonymousId": "x" * 300}, 422, "invalid"),
        ({"token": 5}, 422, "invalid"),
        ({"userId": "u1"}, 422, "invalid"),
        ({"traits": {"phone": "+13105550142"}}, 422, "invalid"),
    ],
)
def test_wrong_visits_are_refused(
    world: World, shop: Shop, now: datetime, body: dict[str, Any], status: int, code: str
) -> None:
    link = fresh_link(shop, now)
    good = {"writeKey": world.shop.public_key, "anonymousId": "v1", "token": link.token}
    given = good | body
    if given["writeKey"] == "server":
        given["writeKey"] = world.shop.write_key
    answer = Client().post("/site/visit", given, content_type="application/json", headers=HERE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert seen_of(shop, link) == []


def test_a_visit_from_a_site_that_is_not_listed_is_refused(
    world: World, shop: Shop, now: datetime
) -> None:
    link = fresh_link(shop, now)
    answer = visit(world.shop, link.token, Origin="https://evil.example")
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert seen_of(shop, link) == []


def test_only_links_to_sites_with_the_snippet_carry_the_token(
    world: World, shop: Shop, now: datetime
) -> None:
    link = fresh_link(shop, now)
    assert f"kairos={link.token}" in tap(link)["Location"]
    with tenant_scope(shop.tenant_id):
        key = WriteKey.objects.get(kind="public")
        set_origins(key, ["https://elsewhere.example"])
    forget_targets()
    assert "kairos=" not in tap(link)["Location"]
    with tenant_scope(shop.tenant_id):
        # A server's key lists no sites, and a revoked one counts no more.
        create_write_key(name="Old", kind="public", allowed_origins=["https://juniper.example"],
                         now=now)  # fmt: skip
        WriteKey.objects.filter(name="Old").update(revoked_at=now)
    forget_targets()
    assert "kairos=" not in tap(link)["Location"]
