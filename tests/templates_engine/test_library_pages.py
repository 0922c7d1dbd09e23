"""The Templates pages over HTTP: what is shown, what is saved, and what goes out from then on."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from templates_engine.domain.templates import save_and_approve, save_draft
from templates_engine.models import Template, TemplateVersion
from tenancy.models import AuditEntry
from tenancy.scope import tenant_scope
from tests.support.pages import flat
from tests.support.world import World
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.flows import create_flow, publish_flow

BASE = "/w/juniper/templates/"
BODY = "Hi [FirstName or 'there'], order [OrderNumber or 'of yours'] is on its way."
FLOW = {
    "trigger": {"type": "event", "event": "Checkout Started"},
    "reentry": {"mode": "once"},
    "exit": [{"event": "Order Completed"}],
    "steps": [
        {"key": "wait", "type": "delay", "for": "PT1H"},
        {"key": "text", "type": "message", "template": "in-a-flow"},
    ],
}


@pytest.fixture
def shop(client: Client, world: World, now: datetime) -> Client:
    for brand, mark in ((world.shop, "ours"), (world.other, "theirs")):
        with tenant_scope(brand.tenant.id):
            save_and_approve(
                "order-shipped",
                name=f"Shipped, {mark}",
                body=BODY,
                message_type="transactional",
                ttl_seconds=6 * 3600,
                now=now,
            )
            save_and_approve("in-a-flow", body="Your cart: [CartLink]", now=now)
            flow = create_flow(f"Carts, {mark}", slug="carts", definition=FLOW, now=now)
            publish_flow(flow, now=now)
    client.force_login(world.shop.owner)
    return client


def read(client: Client, path: str = "") -> str:
    answer = client.get(BASE + path)
    assert answer.status_code == 200, path
    return html.unescape(flat(answer))


def post(client: Client, path: str, **form: Any) -> Any:
    return client.post(BASE + path, {"workspace": "juniper", **form})


def stored(world: World, slug: str) -> list[tuple[int, str, bool]]:
    """(number, body, whether it is what goes out) of each version, oldest first."""
    with tenant_scope(world.shop.tenant.id):
        text = Template.objects.get(slug=slug)
        return [
            (one.number, one.body, one.id == text.approved_version_id)
            for one in TemplateVersion.objects.filter(template=text).order_by("number")
        ]


def test_the_list_names_each_text_as_the_api_does_and_says_who_sends_it(shop: Client) -> None:
    page = read(shop)
    row = next(part for part in page.split("<tr>") if "Shipped, ours" in part)
    assert '<code class="small muted">order-shipped</code>' in row
    assert '<span class="tok">First name</span>' in row
    assert "Transactional" in row
    assert "1 part" in row
    assert "Your own server" in row
    row = next(part for part in page.split("<tr>") if ">in-a-flow</code>" in part)
    assert "Carts, ours" in row
    assert "/flows/carts/?step=text#panel" in row
    assert "theirs" not in page


def test_it_is_found_by_words_and_by_type(shop: Client) -> None:
    assert "in-a-flow" not in read(shop, "?q=ship")
    assert "order-shipped" in read(shop, "?q=ORDER-")
    assert "order-shipped" not in read(shop, "?type=marketing")
    assert "No template is found by this" in read(shop, "?q=nothing-like-it")
    assert "order-shipped" in read(shop, "?type=nonsense&after=nonsense")
    found = shop.get("/w/juniper/find/?q=shipped").content.decode()
    assert "/w/juniper/templates/order-shipped/" in found


def test_a_text_of_a_campaign_stands_with_its_campaign(
    shop: Client, world: World, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        campaign = create_campaign(
            Wanted("Spring", audience="everybody", body="Spring is here"), now=now
        )
        slug = Template.objects.get(slug__startswith="campaign-").slug
    assert campaign.id.hex in slug
    assert "Spring is here" not in read(shop)
    assert f"/w/juniper/campaigns/cmp_{campaign.id.hex}/" in read(shop, f"{slug}/")


def test_pages_follow_each_other_and_each_text_is_on_one(
    shop: Client, world: World, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        for n in range(30):
            save_and_approve(f"many-{n:02}", name="Same name", body=f"Hello {n}", now=now)
    first = read(shop, "?q=many")
    rest = first.split('rel="next" href="')[1].split('"')[0]
    second = read(shop, rest)
    seen = [
        f"many-{n:02}" for n in range(30) for page in (first, second) if f">many-{n:02}<" in page
    ]
    assert len(seen) == len(set(seen)) == 30


def test_a_longer_list_asks_no_more_questions(shop: Client, world: World, now: datetime) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            read(shop)
        return len(asked)

    read(shop)
    few = count()
    with tenant_scope(world.shop.tenant.id):
        for n in range(20):
            save_and_approve(f"many-{n:02}", body=BODY, now=now)
    assert count() == few


def test_the_page_says_what_is_read_how_it_is_sent_and_what_stands_in(shop: Client) -> None:
    page = read(shop, "order-shipped/")
    assert "Juniper & Oak: Hi there, order of yours is on its way." in page
    assert re.search(r"<dt>First name</dt> ?<dd>there</dd>", page)
    assert "6 hours at most" in page
    assert '"template": "order-shipped"' in page
    assert '"data": {"order_id": "YOUR-ORDER-ID", "order_number": ' in page
    assert '"dry_run": true' in page
    assert "http://testserver/api/v1/messages" in page
    assert "theirs" not in page


def test_a_text_of_a_flow_is_changed_in_its_flow(shop: Client, world: World) -> None:
    page = read(shop, "in-a-flow/")
    assert "/w/juniper/flows/carts/?step=text#panel" in page
    assert "/edit/" not in page
    assert "/use/" not in page
    before = stored(world, "in-a-flow")
    assert shop.get(BASE + "in-a-flow/edit/").status_code == 409
    assert post(shop, "in-a-flow/edit/", base=1, body="Other", then="use").status_code == 409
    assert post(shop, "in-a-flow/versions/1/use/").status_code == 409
    assert stored(world, "in-a-flow") == before


def test_a_new_text_goes_out_only_when_it_is_put_in_use(shop: Client, world: World) -> None:
    answer = post(
        shop, "-/new/", name="Pick up ready", message_type="transactional", body="Come by"
    )
    assert (answer.status_code, answer.url) == (302, f"{BASE}pick-up-ready/")
    assert stored(world, "pick-up-ready") == [(1, "Come by", False)]
    page = read(shop, "pick-up-ready/")
    assert "A draft: it cannot go out yet" in page
    assert "dry_run" not in page
    assert post(shop, "pick-up-ready/versions/1/use/").status_code == 302
    assert stored(world, "pick-up-ready") == [(1, "Come by", True)]
    post(shop, "-/new/", name="Thanks", message_type="marketing", body="Thank you", then="use")
    assert stored(world, "thanks") == [(1, "Thank you", True)]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "Give it a name with letters or digits."),
        ({"name": "!!!"}, "Give it a name with letters or digits."),
        ({"name": "x" * 121}, "Give it a name with letters or digits."),
        ({"name": "Order shipped"}, "Another text has this name."),
        ({"message_type": "compliance"}, "One of marketing, transactional."),
        ({"body": " "}, "Write the text."),
        ({"body": "Hi [FirstName]"}, "fallback"),
        ({"body": "Hi [Nonsense or 'x']"}, "Nonsense"),
    ],
)
def test_what_is_wrong_with_a_new_text_is_named_and_nothing_is_saved(
    shop: Client, world: World, form: dict[str, str], said: str
) -> None:
    given = {"name": "Fresh", "message_type": "marketing", "body": "Hello", "then": "use", **form}
    answer = post(shop, "-/new/", **given)
    assert answer.status_code == 422
    page = html.unescape(flat(answer))
    assert said in page
    assert f">{given['body']}</textarea>" in page
    with tenant_scope(world.shop.tenant.id):
        assert set(Template.objects.values_list("slug", flat=True)) == {
            "order-shipped",
            "in-a-flow",
        }


def test_new_words_are_a_new_version_and_the_old_ones_can_be_put_back(
    shop: Client, world: World
) -> None:
    page = read(shop, "order-shipped/edit/")
    assert f">{BODY}</textarea>" in page
    assert 'name="base" value="1"' in page
    post(shop, "order-shipped/edit/", base=1, body="On its way.")
    assert stored(world, "order-shipped") == [(1, BODY, True), (2, "On its way.", False)]
    page = read(shop, "order-shipped/")
    assert "Newer draft" in page
    assert "Hi there, order of yours" in page
    post(shop, "order-shipped/edit/", base=2, body="On its way.", then="use")
    assert stored(world, "order-shipped") == [(1, BODY, False), (2, "On its way.", True)]
    post(shop, "order-shipped/versions/1/use/")
    assert stored(world, "order-shipped") == [(1, BODY, True), (2, "On its way.", False)]
    with tenant_scope(world.shop.tenant.id):
        told = AuditEntry.objects.filter(action="template.approved").order_by("at", "id")
        numbers = [one.data["number"] for one in told if one.data["template"] == "order-shipped"]
        assert numbers == [1, 2, 1]
        assert told[2].actor == f"user:{world.shop.owner.email}"


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(shop: Client, world: World) -> None:
    post(shop, "order-shipped/edit/", base=1, body="First hand.", then="use")
    answer = post(shop, "order-shipped/edit/", base=1, body="Second hand.", then="use")
    assert answer.status_code == 409
    page = html.unescape(flat(answer))
    assert "Version 2 was saved meanwhile" in page
    assert ">Second hand.</textarea>" in page
    assert 'name="base" value="2"' in page
    assert [body for _, body, _ in stored(world, "order-shipped")] == [BODY, "First hand."]


def test_a_draft_that_cannot_go_out_is_named_and_not_put_in_use(
    shop: Client, world: World, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        save_draft("order-shipped", body="Hi [FirstName]", now=now)
    answer = shop.post(
        BASE + "order-shipped/versions/2/use/", {"workspace": "juniper"}, follow=True
    )
    assert "Version 2 cannot go out." in html.unescape(flat(answer))
    assert stored(world, "order-shipped")[0] == (1, BODY, True)
    assert post(shop, "order-shipped/versions/9/use/").status_code == 404


def test_a_text_in_jinja_is_shown_and_changed_through_the_api(
    shop: Client, world: World, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        save_and_approve("by-code", body="Hi {{ first_name or 'there' }}", syntax="jinja", now=now)
    page = read(shop, "by-code/")
    assert "Jinja2" in page
    assert "Hi there" in page
    assert "/edit/" not in page
    assert "Change it through the API" in read(shop, "by-code/edit/")
    assert post(shop, "by-code/edit/", base=1, body="Hello").status_code == 409
    assert len(stored(world, "by-code")) == 1


def test_an_analyst_reads_and_does_not_write(client: Client, shop: Client, world: World) -> None:
    client.force_login(world.shop.analyst)
    page = read(client)
    assert "order-shipped" in page
    assert "New template" not in page
    assert "/use/" not in read(client, "order-shipped/")
    assert client.get(BASE + "-/new/").status_code == 403
