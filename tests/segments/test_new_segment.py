"""A segment made in its page: what the lines say becomes the definition, or nothing is made."""

from __future__ import annotations

import html
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from segments.core.definition import EventCondition, Group, parse
from segments.core.lines import DID, DID_NOT, Line, check_line, write_definition
from segments.domain.segments import build_segment
from segments.models import Segment, SegmentMembership
from tenancy.scope import tenant_scope
from tests.support.world import World
from tests.web.story import Story, tell_story

ADDRESS = "/w/juniper/segments/-/new/"


@pytest.fixture
def story(world: World, now: datetime) -> Story:
    return tell_story(world.shop, now=now, also=world.other)


@pytest.fixture
def shop(client: Client, world: World) -> Client:
    client.force_login(world.shop.owner)
    return client


def send(client: Client, *lines: tuple[str, str, str, str], **more: str) -> Any:
    who, event, count, days = zip(*lines, strict=True) if lines else ((), (), (), ())
    form = {"workspace": "juniper", "name": "Looked twice", "match": "all", **more}
    return client.post(ADDRESS, form | {"who": who, "event": event, "count": count, "days": days})


def made(world: World) -> list[tuple[str, Any]]:
    with tenant_scope(world.shop.tenant.id):
        return list(Segment.objects.order_by("id").values_list("name", "definition"))


def shown(answer: Any) -> str:
    return html.unescape(" ".join(answer.content.decode().split()))


def test_looked_twice_and_not_bought_becomes_its_definition(
    world: World, shop: Client, story: Story
) -> None:
    answer = send(
        shop, ("did", "Product Viewed", "2", ""), ("did_not", "Order Completed", "1", "30")
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/w/juniper/segments/looked-twice/"
    definition = {
        "all": [
            {"event": "Product Viewed", "count": {"op": "gte", "value": 2}},
            {"not": {"event": "Order Completed", "within": "P30D"}},
        ]
    }
    assert made(world) == [("Looked twice", definition)]
    with tenant_scope(world.other.tenant.id):
        assert not Segment.objects.exists()


def test_any_line_and_lines_left_empty(world: World, shop: Client, story: Story) -> None:
    send(
        shop,
        ("did", "", "1", "7"),
        ("did", "Checkout Started", "1", "7"),
        ("did", "Product Viewed", "1", ""),
        match="any",
    )
    [(_, definition)] = made(world)
    assert definition == {
        "any": [{"event": "Checkout Started", "within": "P7D"}, {"event": "Product Viewed"}]
    }


@pytest.mark.parametrize(
    ("lines", "more", "says"),
    [
        ([], {}, "Choose at least one event."),
        ([("did", "", "1", "")], {}, "Choose at least one event."),
        ([("did", "Order Completed", "0", "")], {}, "Say how often"),
        ([("did", "Order Completed", "many", "")], {}, "Say how often"),
        ([("did", "Order Completed", "1", "0")], {}, "Days are a whole number"),
        ([("did", "Order Completed", "1", "3661")], {}, "Days are a whole number"),
        ([("perhaps", "Order Completed", "1", "")], {}, "Choose whether they did it or not."),
        ([("did", "Order Completed", "1", "")], {"name": " "}, "Give the segment a name"),
        ([("did", "Order Completed", "1", "")], {"name": "!!"}, "Give the segment a name"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_made(
    world: World,
    shop: Client,
    story: Story,
    lines: list[tuple[str, str, str, str]],
    more: dict[str, str],
    says: str,
) -> None:
    answer = send(shop, *lines, **more)
    assert answer.status_code == 422
    assert says in shown(answer)
    assert made(world) == []


def test_what_was_typed_stays_and_a_second_name_is_refused(
    world: World, shop: Client, story: Story
) -> None:
    send(shop, ("did", "Order Completed", "1", ""))
    answer = send(shop, ("did_not", "Checkout Started", "3", "12"))
    page = shown(answer)
    assert answer.status_code == 422
    assert "Another segment has this name." in page
    assert "<option selected>Checkout Started</option>" in page
    assert 'value="did_not" selected' in page
    assert 'value="3"' in page
    assert 'value="12"' in page
    assert len(made(world)) == 1


def test_the_page_offers_events_and_the_list_leads_to_it(
    world: World, shop: Client, story: Story
) -> None:
    assert "Order Completed</option>" in shown(shop.get(ADDRESS))
    assert ADDRESS in shown(shop.get("/w/juniper/segments/"))


def test_who_fits_is_counted(world: World, shop: Client, story: Story, now: datetime) -> None:
    send(shop, ("did_not", "Nothing Of The Kind", "1", ""))
    with tenant_scope(world.shop.tenant.id):
        segment = Segment.objects.get()
        size = build_segment(segment.id, now=now + timedelta(seconds=1))
        members = SegmentMembership.objects.filter(segment=segment).count()
    assert size == members > 0


@given(
    who=st.sampled_from([DID, DID_NOT]),
    count=st.integers(1, 1000),
    days=st.none() | st.integers(1, 3660),
    match=st.sampled_from(["all", "any"]),
)
def test_every_good_line_is_read_back_as_it_was_meant(
    who: str, count: int, days: int | None, match: str
) -> None:
    line = Line(who, "Order Completed", str(count), "" if days is None else str(days))
    assert check_line(line) == ""
    node, errors = parse(write_definition([line, Line()], match=match))
    assert errors == []
    assert isinstance(node, Group)
    assert node.kind == match
    [part] = node.parts
    if who == DID_NOT:
        assert isinstance(part, Group)
        assert part.kind == "not"
        [part] = part.parts
    assert isinstance(part, EventCondition)
    assert (part.count_op, part.count) == ("gte", count)
    assert part.within == (None if days is None else timedelta(days=days))


@given(text=st.text(max_size=8))
def test_no_text_is_taken_for_a_number_that_is_none(text: str) -> None:
    wrong = check_line(Line(DID, "Order Completed", text, ""))
    is_number = text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= 6
    assert (wrong == "") == (is_number and 1 <= int(text.strip()) <= 1000)
