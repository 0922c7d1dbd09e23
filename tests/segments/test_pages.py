"""The Segments pages over HTTP: what is shown, to whom, and at what price."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from segments.domain.segments import build_segment, create_segment
from segments.models import Segment
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.web.story import Story, add_people, tell_story
from triggers.domain.campaign_drafts import Wanted, create_campaign
from triggers.domain.flows import create_flow, publish_flow

LA = {"all": [{"attribute": "city", "op": "is", "value": "Los Angeles"}]}
FLOW = {
    "trigger": {"type": "segment", "segment": "in-la"},
    "reentry": {"mode": "once"},
    "steps": [
        {
            "key": "asks",
            "type": "split",
            "if": {"all": [{"segment": "others"}]},
            "then": [{"key": "text", "type": "message", "template": "cart-1"}],
            "else": [],
        }
    ],
}


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    told = tell_story(world.shop, now=now, also=world.other)
    for brand in (world.shop, world.other):
        fill(brand, now)
    return told


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def fill(brand: Brand, now: datetime) -> None:
    with tenant_scope(brand.tenant.id):
        for slug, definition in (
            ("in-la", LA),
            ("others", {"not": LA}),
            ("nobody", {"attribute": "city", "op": "is", "value": "Nowhere"}),
        ):
            made = create_segment(slug.title(), slug=slug, definition=definition, now=now)
            build_segment(made.id, now=now)


def read(client: Client, path: str) -> str:
    answer = client.get(f"/w/juniper/{path}")
    assert answer.status_code == 200, path
    return html.unescape(" ".join(answer.content.decode().split()))


def row_of(page: str, name: str) -> str:
    return next(row for row in page.split("<tr>") if f">{name}</a>" in row)


def test_the_list_says_what_each_asks_who_is_in_it_and_where_it_is_used(
    story: Story, world: World, shop: Client, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        flow = create_flow("Welcome to LA", slug="welcome-la", definition=FLOW, now=now)
        publish_flow(flow, now=now)
        for name in ("First", "Second", "Third"):
            wanted = Wanted(name, "segment", segment="in-la", exclude=["others"], body="Hi")
            create_campaign(wanted, now=now)
    page = read(shop, "segments/")
    row = row_of(page, "In-La")
    assert "Contacts whose city is Los Angeles." in row
    assert '<td class="r">1</td>' in row
    assert ">Welcome to LA</a>" in row
    assert "/campaigns/cmp_" in row
    assert "and 2 more" in row
    assert "Contacts who are not among those whose city is Los Angeles." in row_of(page, "Others")
    assert "Nothing yet" in row_of(page, "Nobody")
    assert 'href="/api/docs/#createSegment"' in page
    one = read(shop, "segments/in-la/")
    assert "Flow · Live, starts it" in one
    assert one.count("Campaign · Draft, its audience") == 3
    other = read(shop, "segments/others/")
    assert "Flow · Live, asked in a split" in other
    assert other.count("Campaign · Draft, left out") == 3
    assert "No flow and no campaign uses it yet." in read(shop, "segments/nobody/")


def test_the_page_of_one_lists_conditions_members_and_the_definition(
    story: Story, shop: Client
) -> None:
    page = read(shop, "segments/in-la/")
    assert "<li> Whose city is Los Angeles </li>" in page
    assert ">Maya Okonkwo</a>" in page
    assert "Ruth" not in page
    assert f"/contacts/{show_id('con', story.maya)}/" in page
    assert "+1 (310) 555-0142" in page
    shown = page.split("<pre", 1)[1].split("<code>", 1)[1].split("</code>", 1)[0]
    assert json.loads(shown) == LA
    assert "Nobody is in it now" in read(shop, "segments/nobody/")


def test_who_may_not_see_numbers_sees_masked_ones(
    story: Story, world: World, client: Client
) -> None:
    client.force_login(world.shop.analyst)
    page = read(client, "segments/in-la/")
    assert "Maya Okonkwo" in page
    assert "•••• 0142" in page
    assert "555-0142" not in page
    assert "5550142" not in page


def test_members_come_in_pages(story: Story, shop: Client, now: datetime) -> None:
    add_people(story, 30, now=now)
    with tenant_scope(story.brand.tenant.id):
        build_segment(Segment.objects.get(slug="in-la").id, now=now)
    first = read(shop, "segments/in-la/")
    assert "31 now" in first
    after = first.split('rel="next" href="', 1)[1].split('"', 1)[0]
    second = shop.get(f"/w/juniper/segments/in-la/{after}").content.decode()
    ada = [set(re.findall(r">\s*(Ada[^<]*?)\s*</a>", page)) for page in (first, second)]
    assert len(ada[0]) == 25
    assert len(ada[0] | ada[1]) == 30
    assert not ada[0] & ada[1]
    assert "Maya" in second
    assert 'rel="next"' not in second


def test_segments_come_in_pages(world: World, shop: Client, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        for number in range(27):
            create_segment(f"Segment {number:02}", definition=LA, now=now)
    first = read(shop, "segments/")
    assert "Segment 24" in first
    assert "Segment 25" not in first
    after = first.split('rel="next" href="', 1)[1].split('"', 1)[0]
    second = read(shop, f"segments/{after}")
    assert "Segment 24" not in second
    assert "Segment 26" in second


def test_a_segment_that_is_being_filled_and_one_that_cannot_be_read(
    world: World, shop: Client, now: datetime
) -> None:
    with tenant_scope(world.shop.tenant.id):
        create_segment("Fresh", definition=LA, now=now)
        broken = create_segment("Broken", definition=LA, now=now)
        Segment.objects.filter(id=broken.id).update(definition={"all": []}, state="failed")
    page = read(shop, "segments/")
    assert "Being filled" in row_of(page, "Fresh")
    assert "cannot be read" in row_of(page, "Broken")
    assert "cannot be read" in read(shop, "segments/broken/")
    assert shop.get("/w/juniper/segments/?after=xyz").status_code == 200
    assert shop.get("/w/juniper/segments/fresh/?after=con_x").status_code == 200
    assert shop.get("/w/juniper/segments/gone/").status_code == 404


def test_only_the_own_workspaces_segments(story: Story, world: World, client: Client) -> None:
    with tenant_scope(world.other.tenant.id):
        create_segment("Theirs alone", definition=LA, now=world.now)
        wanted = Wanted("Their campaign", "segment", segment="in-la", body="Hi")
        create_campaign(wanted, now=world.now)
    client.force_login(world.shop.owner)
    assert "Theirs alone" not in read(client, "segments/")
    assert client.get("/w/juniper/segments/theirs-alone/").status_code == 404
    assert "Their campaign" not in read(client, "segments/in-la/")
    assert client.get("/w/juniper-two/segments/").status_code == 404
    found = client.get("/w/juniper/find/?q=in-l").content.decode()
    assert "/segments/in-la/" in found
    assert "Theirs" not in client.get("/w/juniper/find/?q=theirs").content.decode()


def test_queries_do_not_grow_with_segments_members_or_uses(
    story: Story, shop: Client, now: datetime
) -> None:
    paths = ("segments/", "segments/in-la/")
    before = [_queries(shop, path) for path in paths]
    add_people(story, 12, now=now)
    with tenant_scope(story.brand.tenant.id):
        build_segment(Segment.objects.get(slug="in-la").id, now=now)
        for number in range(8):
            create_segment(f"More {number}", definition=LA, now=now)
            wanted = Wanted(f"To LA {number}", "segment", segment="in-la", body="Hi")
            create_campaign(wanted, now=now)
    assert [_queries(shop, path) for path in paths] == before


def _queries(client: Client, path: str) -> int:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            read(client, path)
        counts.append(len(captured))
    return min(counts)


def test_the_composer_says_who_is_chosen(story: Story, world: World, shop: Client) -> None:
    with tenant_scope(world.shop.tenant.id):
        campaign = create_campaign(Wanted("Early"), now=world.now)
    path = f"campaigns/{show_id('cmp', campaign.id)}/audience/"

    def said(**chosen: Any) -> str:
        answer = shop.get(f"/w/juniper/{path}", chosen)
        assert answer.status_code == 200
        return html.unescape(" ".join(answer.content.decode().split()))

    assert said() == ""
    assert "marketing consent" in said(who="everybody")
    chosen = said(who="segment:in-la")
    assert "Contacts whose city is Los Angeles." in chosen
    assert '<b class="num">1</b> with a phone number.' in chosen
    both = said(who="segment:in-la", exclude=["in-la", "others"])
    assert "<b>Without Others:</b> Contacts who are not among those" in both
    assert '<b class="num">0</b> with a phone number, after those who are left out.' in both
    assert said(who="segment:gone", exclude="gone") == ""
