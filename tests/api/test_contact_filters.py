"""The list of contacts over the API: the same filters and orders as on the page."""

from __future__ import annotations

import pytest

from tests.api.calling import Api


def ids(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [contact["external_id"] for contact in page["contacts"]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("consent=unsubscribed", ["ruth"]),
        ("has_phone=true&sort=name", ["maya", "ruth"]),
        ("has_phone=false", []),
        ("segment=angelenos", []),
        ("added_by=event&sort=name", ["maya", "ruth"]),
        ("added_by=paste", []),
        ("consent=unsubscribed&search=ruth", ["ruth"]),
        ("consent=unsubscribed&search=maya", []),
    ],
)
def test_filters_and_orders(api: Api, query: str, wanted: list[str]) -> None:
    status, page = api.call("GET", f"contacts?{query}")
    assert (status, ids(page)) == (200, wanted)


@pytest.mark.parametrize("sort", ["newest", "last_seen", "name"])
def test_every_order_is_cut_by_its_own_key(api: Api, sort: str) -> None:
    for number in range(5):
        assert api.call("POST", "contacts", {"external_id": f"n{number}"})[0] == 201
    whole = api.call("GET", f"contacts?sort={sort}&limit=200")[1]["contacts"]
    assert len(whole) == 7
    for limit in (1, 2, 3):
        assert api.all(f"contacts?sort={sort}", "contacts", limit=limit) == whole
    other = "name" if sort != "name" else "newest"
    cursor = api.call("GET", f"contacts?sort={sort}&limit=1")[1]["next_cursor"]
    if other == "name" or sort == "name":
        status, problem = api.call("GET", f"contacts?sort={other}&cursor={cursor}")
        if status != 200:
            assert problem["errors"][0]["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("consent=maybe", "consent", "One of: subscribed, pending"),
        ("has_phone=yes", "has_phone", "One of: true, false."),
        ("segment=nobody", "segment", "slug"),
        ("country=Utopia", "country", "Two letters"),
        ("added_by=magic", "added_by", "One of: event, api"),
        ("sort=magic", "sort", "One of: newest, last_seen, name."),
    ],
)
def test_a_value_nobody_knows_is_refused(api: Api, query: str, field: str, said: str) -> None:
    status, problem = api.call("GET", f"contacts?{query}")
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["errors"][0]["field"] == field
    assert said in problem["errors"][0]["detail"]


def test_a_filter_nobody_knows_is_refused_with_those_there_are(api: Api) -> None:
    status, problem = api.call("GET", "contacts?consnet=subscribed")
    assert (status, problem["code"]) == (400, "unknown_parameter")
    assert problem["errors"][0]["field"] == "consnet"
    for name in ("consent", "has_phone", "country", "timezone", "segment", "added_by", "sort"):
        assert name in problem["errors"][0]["detail"]
