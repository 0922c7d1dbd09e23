"""Every definition can be said in plain English, and what is said is what is asked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.core.definition import (
    COUNT_OPERATORS,
    AttributeCondition,
    EventCondition,
    Node,
    parse,
)
from segments.core.sentences import (
    OPERATORS,
    Line,
    compared,
    describe,
    event_name,
    name_words,
    simplify,
    span_words,
    value_words,
)

TEXTS = st.sampled_from(["Austin", "New York", "", " ", "salt and pepper", "a, b", "ä", "10", "-3"])
TIMES = st.sampled_from(["2026-01-05", "2026-01-05T10:30:00Z", "2026-13-40"])
NUMBERS = st.one_of(st.integers(-20_000, 20_000), st.sampled_from([10.5, 0.1]))
VALUES = st.one_of(st.booleans(), NUMBERS, TEXTS, TIMES)
NAMES = st.sampled_from(
    [
        "city",
        "first_name",
        "loyaltyPoints",
        "new.city",
        "products.0.name",
        "VIP",
        "_",
        "postal_code",
    ]
)
EVENTS = st.sampled_from(["Product Viewed", "order_completed", "SMS Link Clicked", "custom_thing"])
SPANS = st.sampled_from(["P14D", "PT6H", "P1D", "P1DT6H", "PT90M", "P2W", "PT1M"])


def leaves(key: str) -> st.SearchStrategy[dict[str, Any]]:
    """A condition on an attribute, or on a property of an event."""

    def leaf(ops: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({key: NAMES, "op": st.sampled_from(ops), "value": values})

    return st.one_of(
        leaf(["is", "is_not", "contains"], st.one_of(VALUES, st.lists(TEXTS, max_size=2))),
        leaf(["gt", "gte", "lt", "lte"], st.one_of(NUMBERS, TEXTS, TIMES)),
        leaf(["in", "not_in"], st.lists(st.one_of(VALUES, st.none()), min_size=1, max_size=3)),
        leaf(["starts_with"], TEXTS),
        st.fixed_dictionaries({key: NAMES, "op": st.sampled_from(["is_set", "is_not_set"])}),
    )


def grouped(
    leaf: st.SearchStrategy[dict[str, Any]], most: int
) -> st.SearchStrategy[dict[str, Any]]:
    def around(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        several = st.lists(part, min_size=1, max_size=3)
        return st.one_of(
            several.map(lambda parts: {"all": parts}),
            several.map(lambda parts: {"any": parts}),
            part.map(lambda one: {"not": one}),
        )

    return st.recursive(leaf, around, max_leaves=most)


EVENT_CONDITIONS = st.fixed_dictionaries(
    {"event": EVENTS},
    optional={
        "filter": grouped(leaves("property"), 3),
        "count": st.fixed_dictionaries(
            {"op": st.sampled_from(COUNT_OPERATORS), "value": st.integers(0, 12_000 // 2)}
        ),
        "within": SPANS,
    },
)
DEFINITIONS = grouped(st.one_of(leaves("attribute"), EVENT_CONDITIONS), 5)
RAW = re.compile(
    r"\b(?:gte|gt|lte|lt|eq|op|in_|is_not|not_in|starts_with|is_set|is_not_set|within|count|filter"
    r"|property|value|P\d+[DW]|PT\d+[HM])\b|[_{}\[\]\"]|  "
)


@settings(max_examples=400, deadline=None)
@given(definition=DEFINITIONS)
def test_every_definition_gets_a_sentence_without_raw_words(definition: dict[str, Any]) -> None:
    node, _ = parse(definition)
    told = describe(definition)
    if node is None:  # nested too deep: nothing such is ever stored
        assert told.sentence == ""
        return
    assert told.sentence.startswith("Contacts ")
    assert told.sentence.endswith(".")
    said = [told.sentence, *flat(told.lines)]
    assert all(said)
    assert [line for line in said if RAW.search(line.replace("“ ”", "x"))] == []
    assert all(line.count("(") == line.count(")") for line in said)


@settings(max_examples=300, deadline=None)
@given(definition=DEFINITIONS, truths=st.lists(st.booleans(), min_size=8, max_size=8),
       counts=st.lists(st.integers(0, 4), min_size=8, max_size=8))  # fmt: skip
def test_what_is_said_simpler_asks_the_same(
    definition: dict[str, Any], truths: list[bool], counts: list[int]
) -> None:
    node, _ = parse(definition)
    if node is not None:
        assert holds(simplify(node), truths, counts) is holds(node, truths, counts)


def holds(node: Node, truths: list[bool], counts: list[int]) -> bool:
    """The answer for a contact: attributes answer as `truths` say, events happened `counts` times."""
    if isinstance(node, AttributeCondition):
        return truths[len(repr(node)) % len(truths)]
    if isinstance(node, EventCondition):
        found, asked = counts[len(node.event) % len(counts)], node.count
        answers = {
            "gte": found >= asked,
            "gt": found > asked,
            "lte": found <= asked,
            "lt": found < asked,
            "eq": found == asked,
        }
        return answers[node.count_op]
    parts = [holds(part, truths, counts) for part in node.parts]
    return {"all": all(parts), "any": any(parts), "not": not parts[0]}[node.kind]


def flat(lines: tuple[Line, ...]) -> list[str]:
    return [text for line in lines for text in (line.text, *flat(line.parts))]


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        (
            {"all": [
                {"attribute": "city", "op": "is", "value": "Austin"},
                {"event": "Product Viewed", "count": {"op": "gte", "value": 2}, "within": "P14D"},
                {"not": {"event": "Order Completed", "within": "P30D"}},
            ]},
            "Contacts whose city is Austin, with 2 or more Product Viewed in the last 14 days, and"
            " without Order Completed in the last 30 days.",
        ),
        (
            {"any": [
                {"attribute": "first_name", "op": "in", "value": ["Ada", "Bo"]},
                {"all": [
                    {"attribute": "email", "op": "is_set"},
                    {"event": "Order Completed", "filter":
                        {"property": "total", "op": "gt", "value": 10}},
                ]},
            ]},
            "Contacts whose first name is Ada or Bo, or (whose e-mail address is known and with"
            " Order Completed at any time (total is more than 10)).",
        ),
        (
            {"attribute": "created_at", "op": "gte", "value": "2026-01-05T10:30:00Z"},
            "Contacts whose date added is on or after Jan 5, 2026, 10:30 UTC.",
        ),
        (
            {"not": {"attribute": "vip", "op": "is", "value": True}},
            "Contacts who are not among those whose vip is yes.",
        ),
        (
            {"not": {"not": {"event": "order_completed", "count": {"op": "eq", "value": 0}}}},
            "Contacts without Order Completed at any time.",
        ),
        (
            {"event": "Cart Viewed", "count": {"op": "lt", "value": 0}},
            "Contacts with fewer than no Cart Viewed, which is nobody, at any time.",
        ),
    ],
)  # fmt: skip
def test_sentences(definition: dict[str, Any], sentence: str) -> None:
    assert describe(definition).sentence == sentence


def test_a_line_for_each_condition_of_a_group() -> None:
    told = describe(
        {"all": [
            {"attribute": "city", "op": "is", "value": "Austin"},
            {"any": [{"event": "Cart Viewed"}, {"event": "Checkout Started", "within": "PT1H"}]},
        ]}
    )  # fmt: skip
    assert flat(told.lines) == [
        "Whose city is Austin",
        "At least one of these",
        "With Cart Viewed at any time",
        "With Checkout Started in the last hour",
    ]


def test_each_operator_says_something_of_its_own() -> None:
    said = {compared("city", op, ["x"] if op in {"in", "not_in"} else "x") for op in OPERATORS}
    # One value in a list is that value.
    assert len(said) == len(OPERATORS) - 2
    assert compared("city", "in", ["x", "y"]) == "city is x or y"
    assert compared("city", "not_in", ["x", "y"]) == "city is known and is neither x nor y"


def test_what_cannot_be_read_has_no_sentence() -> None:
    unreadable: list[Any] = [None, {}, {"all": []}]
    unreadable += [{"attribute": "city", "op": "like", "value": "x"}]
    for broken in unreadable:
        assert describe(broken).sentence == ""


def test_words() -> None:
    assert name_words("favoriteColor") == "favorite color"
    assert name_words("products.0.name") == "products no. 1 name"
    assert event_name("custom_thing") == "Custom thing"
    assert value_words(12_345) == "12,345"
    assert value_words(1990) == "1990"
    assert value_words("salt and pepper") == "“salt and pepper”"
    assert span_words(timedelta(days=1, hours=6)) == "1 day and 6 hours"
    assert span_words(timedelta(minutes=1)) == "minute"
