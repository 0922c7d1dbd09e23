from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.core.filters import OPERATORS, matches, validate

DATA: dict[str, Any] = {
    "price": 19.99,
    "text_price": "19.99",
    "count": 3,
    "name": "Ridge Mug",
    "vip": True,
    "zero": 0,
    "blank": "  ",
    "none": None,
    "at": "2026-11-17",
    "tags": ["gift", 5],
    "products": [{"name": "Day Bag"}],
    "new": {"city": "Austin"},
    "dotted.name": 1,
}


@pytest.mark.parametrize(
    ("name", "op", "value", "expected"),
    [
        ("price", "is", 19.99, True),
        ("text_price", "is", 19.99, True),
        ("price", "is", "19.99", True),
        ("count", "is", 3.0, True),
        ("vip", "is", True, True),
        ("vip", "is", 1, False),
        ("count", "is", True, False),
        ("name", "is", "ridge mug", False),
        ("name", "is_not", "Mug", True),
        ("missing", "is_not", "Mug", False),
        ("none", "is_not", "Mug", False),
        ("name", "in", ["Mug", "Ridge Mug"], True),
        ("name", "not_in", ["Mug"], True),
        ("missing", "not_in", ["Mug"], False),
        ("price", "gt", 10, True),
        ("text_price", "gte", 19.99, True),
        ("price", "lt", "20", True),
        ("name", "gt", 10, False),
        ("vip", "gt", 0, False),
        ("at", "gt", "2026-11-01", True),
        ("zero", "lte", 0, True),
        ("missing", "lte", 0, False),
        ("name", "contains", "MUG", True),
        ("tags", "contains", "gift", True),
        ("tags", "contains", 5, True),
        ("tags", "contains", "5", True),
        ("count", "contains", 3, False),
        ("name", "starts_with", "ridge", True),
        ("blank", "is_set", None, False),
        ("zero", "is_set", None, True),
        ("none", "is_not_set", None, True),
        ("missing", "is_not_set", None, True),
        ("new.city", "is", "Austin", True),
        ("products.0.name", "is", "Day Bag", True),
        ("products.7.name", "is_set", None, False),
        ("dotted.name", "is", 1, True),
        ("name.first", "is_set", None, False),
    ],
)
def test_one_condition(name: str, op: str, value: Any, expected: bool) -> None:
    condition = {"property": name, "op": op, "value": value}
    assert matches(condition, DATA) is expected
    assert matches({"not": condition}, DATA) is not expected


def test_groups() -> None:
    yes, no = {"property": "count", "op": "is_set"}, {"property": "missing", "op": "is_set"}
    assert matches(None, DATA)
    assert matches({"all": [yes, {"any": [no, yes]}]}, DATA)
    assert not matches({"all": [yes, no]}, DATA)
    assert not matches({"any": [no, {"not": yes}]}, DATA)
    assert not matches(yes, None)


@pytest.mark.parametrize(
    ("condition", "path", "code"),
    [
        (5, "", "not_an_object"),
        ({}, "property", "required"),
        ({"property": "a", "op": "like", "value": 1}, "op", "unknown_operator"),
        ({"property": "a", "op": "gt"}, "value", "wrong_value"),
        ({"property": "a", "op": "gt", "value": True}, "value", "wrong_value"),
        ({"property": "a", "op": "in", "value": "x"}, "value", "wrong_value"),
        ({"property": "a", "op": "is_set", "value": 1}, "value", "wrong_value"),
        ({"property": "a", "op": "is", "value": 1, "and": 2}, "and", "unknown"),
        ({"all": []}, "all", "empty"),
        ({"all": [], "any": []}, "", "mixed"),
        ({"any": [{"property": "a", "op": "is_set"}, {"not": 3}]}, "any[1].not", "not_an_object"),
    ],
)
def test_mistakes_are_named(condition: Any, path: str, code: str) -> None:
    assert (path, code) in [(error.path, error.code) for error in validate(condition)]


def test_depth_and_size_are_limited() -> None:
    deep: Any = {"property": "a", "op": "is_set"}
    for _ in range(20):
        deep = {"not": deep}
    assert [error.code for error in validate(deep)] == ["too_deep"]
    wide = {"all": [{"property": "a", "op": "is_set"}] * 500}
    assert [error.code for error in validate(wide)] == ["too_many"]


_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(_values, st.sampled_from(OPERATORS), _values)
def test_nothing_raises_and_missing_data_is_false(found: Any, op: str, value: Any) -> None:
    condition = {"property": "it", "op": op, "value": value}
    assert matches(condition, {"it": found}) in {True, False}
    assert matches(condition, {}) is (op == "is_not_set")
