"""Paths and mappings: what they read, and that every error names its field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.mapping import (
    DEFAULT,
    apply_mapping,
    check_mapping,
    read_lines,
    read_path,
    write_lines,
)

BODY = {
    "type": "Ticket Solved",
    "who": {"tel": "+1 310 555 0142", "mail ad": "ann@x.example"},
    "lines": [{"sku": "a"}, {"sku": "b"}],
    "at": 1_795_284_245,
    "total": 19.5,
    "none": None,
}
_names = st.text(min_size=1, max_size=20).filter(lambda text: "\\" not in text and '"' not in text)


def fields_of(errors: Any) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in errors]


@given(st.lists(st.one_of(st.integers(0, 9), _names), max_size=6))
def test_a_written_path_is_read_back(steps: list[str | int]) -> None:
    text = "$" + "".join(f"[{s}]" if isinstance(s, int) else f'["{s}"]' for s in steps)
    if len(text) <= 300 and "\n" not in text:
        assert list(read_path(text)) == steps


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_paths(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(read_path(text), tuple)


@given(st.dictionaries(_names, st.one_of(st.none(), st.text(), st.integers(), st.lists(_names))))
def test_no_body_breaks_a_mapping(body: dict[str, Any]) -> None:
    mapping, errors = check_mapping(DEFAULT)
    assert errors == []
    found = apply_mapping(mapping, body, mark="m")
    assert (found.item is None) == bool(found.errors)


def test_a_body_becomes_an_item() -> None:
    mapping, errors = check_mapping(
        {
            "event": "$.type",
            "phone": "$.who.tel",
            "email": '$.who["mail ad"]',
            "occurred_at": "$.at",
            "properties": {"second": "$.lines[1].sku", "total": "$.total", "gone": "$.nowhere"},
        }
    )
    assert errors == []
    found = apply_mapping(mapping, BODY, mark="m")
    assert found.item is not None
    assert (found.item.event, found.item.phone) == ("Ticket Solved", "+1 310 555 0142")
    assert found.item.email == "ann@x.example"
    assert found.item.occurred_at == "2026-11-21T18:04:05+00:00"
    assert found.item.properties == {"second": "b", "total": 19.5}
    assert found.absent == ["gone"]


def test_a_star_takes_over_an_object_and_named_ones_win() -> None:
    mapping, _ = check_mapping(
        {"event": "X", "phone": "$.p", "properties": {"*": "$.all", "a": "$.b"}}
    )
    found = apply_mapping(mapping, {"p": "1", "all": {"a": 1, "c": 2}, "b": 9}, mark="m")
    assert found.item is not None
    assert found.item.properties == {"a": 9, "c": 2}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"event": ""}, ("event", "required")),
        ({"event": "SMS Subscribed"}, ("event", "reserved_name")),
        ({"event": "x" * 201}, ("event", "invalid_name")),
        ({"phone": "tel"}, ("phone", "invalid_path")),
        ({"phone": "$..tel"}, ("phone", "invalid_path")),
        ({"email": 5}, ("email", "wrong_type")),
        ({"phone": ""}, ("phone", "required")),
        ({"properties": {"a": "b"}}, ("properties.a", "invalid_path")),
        ({"properties": {"a": 1}}, ("properties.a", "wrong_type")),
        ({"properties": []}, ("properties", "wrong_type")),
        ({"properties": {str(n): "$" for n in range(51)}}, ("properties", "too_many")),
        ({"colour": "$.x"}, ("colour", "unknown_field")),
        ({"event": "a\x00"}, ("event", "invalid_character")),
    ],
)
def test_what_is_wrong_with_a_mapping_names_its_field(
    change: dict[str, Any], wrong: tuple[str, str]
) -> None:
    _, errors = check_mapping({"event": "$.type", "phone": "$.who.tel", **change})
    assert wrong in fields_of(errors)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"event": "$.nowhere"}, ("event", "missing")),
        ({"event": "$.none"}, ("event", "missing")),
        ({"phone": "$.who"}, ("phone", "wrong_type")),
        ({"occurred_at": "$.type"}, ("occurred_at", "invalid_time")),
        ({"properties": {"*": "$.total"}}, ("properties.*", "wrong_type")),
    ],
)
def test_what_a_body_lacks_names_the_field_that_wanted_it(
    change: dict[str, Any], wrong: tuple[str, str]
) -> None:
    mapping, errors = check_mapping({"event": "$.type", "phone": "$.who.tel", **change})
    assert errors == []
    assert wrong in fields_of(apply_mapping(mapping, BODY, mark="m").errors)


def test_lines_of_a_form_and_what_is_wrong_with_them() -> None:
    found, errors = read_lines("total = $.total\n\n a = $.x ")
    assert (found, errors) == ({"total": "$.total", "a": "$.x"}, [])
    assert write_lines(found) == "total = $.total\na = $.x"
    _, errors = read_lines("total\na = $.x\na = $.y")
    assert fields_of(errors) == [("properties", "invalid"), ("properties", "repeated")]
