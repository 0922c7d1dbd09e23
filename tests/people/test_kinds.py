"""Types of attributes: what fits, how it is stored, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.core.kinds import (
    DECLARABLE,
    LABELS,
    OBJECT,
    Misfit,
    Rule,
    Rules,
    fit,
    infer,
    typed,
)
from people.core.locales import clean_country, clean_locale
from people.core.traits import read_traits

ZONE = "America/Chicago"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(max_size=30)
    | st.dates().map(str)
    | st.datetimes().map(lambda each: each.isoformat()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("text", 42, "42"),
        ("text", "gold", "gold"),
        ("number", "12", 12),
        ("number", " 4.50", 4.5),
        ("number", 3, 3),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("date", "2026-03-14", "2026-03-14"),
        ("date", "2026-03-14T23:00:00-06:00", "2026-03-14"),
        ("datetime", "2026-03-14T10:00", "2026-03-14T15:00:00Z"),
        ("datetime", "2026-03-14 10:00:00.9+02:00", "2026-03-14T08:00:00Z"),
        ("datetime", "2026-01-14", "2026-01-14T06:00:00Z"),
        ("list", ["mugs", 2, True], ["mugs", 2, True]),
        ("birthday", "1990-03-14", "1990-03-14"),
        ("birthday", "1990-03-14T00:00:00Z", "1990-03-14"),
        ("birthday", "--03-14", "--03-14"),
        ("birthday", "--02-29", "--02-29"),
        ("birthday", "--03", "--03"),
        ("birthday", "14 March 1990", "1990-03-14"),
        ("birthday", "Mar 14th", "--03-14"),
        ("birthday", "september", "--09"),
    ],
)
def test_a_value_is_stored_in_its_type(kind: str, value: Any, stored: Any) -> None:
    found = fit(value, Rule(kind), zone=ZONE)
    assert (found, type(found)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", True),
        ("text", {"a": 1}),
        ("number", True),
        ("number", "1,200"),
        ("number", "12 mugs"),
        ("number", float("nan")),
        ("boolean", 2),
        ("boolean", "perhaps"),
        ("date", "2026-02-30"),
        ("date", "03/14/2026"),
        ("date", 20260314),
        ("datetime", "tomorrow"),
        ("datetime", "0001-01-01T00:00:00+10:00"),
        ("list", "mugs, plates"),
        ("list", [{"name": "mugs"}]),
        ("birthday", "03/04"),
        ("birthday", "1850-01-01"),
        ("birthday", "--02-30"),
        ("birthday", "--13"),
        ("birthday", "March 32"),
        ("birthday", "March 1990"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_says_what_would(kind: str, value: Any) -> None:
    with pytest.raises(Misfit, match="This must be ") as refused:
        fit(value, Rule(kind), zone=ZONE)
    assert refused.value.code == "wrong_type"


def test_a_choice_is_stored_as_it_was_declared() -> None:
    rule = Rule("choice", ("New", "Active"))
    assert fit(" ACTIVE ", rule, zone=ZONE) == "Active"
    with pytest.raises(Misfit, match="one of New, Active") as refused:
        fit("gone", rule, zone=ZONE)
    assert refused.value.code == "invalid_choice"


@given(value=JSON, kind=st.sampled_from([*DECLARABLE, "birthday"]))
def test_what_was_stored_once_fits_again_and_stays_the_same(value: Any, kind: str) -> None:
    rule = Rule(kind, ("new", "active") if kind == "choice" else ())
    try:
        stored = fit(value, rule, zone=ZONE)
    except Misfit:
        return
    assert fit(stored, rule, zone=ZONE) == stored
    assert json.loads(json.dumps(stored)) == stored


@given(value=JSON)
def test_a_first_value_fits_the_type_it_seems_to_have(value: Any) -> None:
    kind = infer(value)
    assert kind in LABELS
    if kind != OBJECT and value == value and not _holds_parts(value):
        try:
            fit(value, Rule(kind), zone="UTC")
        except Misfit:
            assert isinstance(value, float)


def _holds_parts(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(v, list | dict) or v is None for v in value)


def test_dates_and_numbers_compare_in_their_type_and_inferred_ones_as_they_stand() -> None:
    rules = Rules({"n": Rule("number"), "d": Rule("datetime"), "i": Rule("number", (), False)})
    assert typed("10", "gt", "9", rules, "n") == (10, 9)
    assert typed("10", "contains", "1", rules, "n") == ("10", "1")
    assert typed("10", "gt", "9", rules, "i") == ("10", "9")
    assert typed("2026-03-14T10:00:00+02:00", "lt", "2026-03-14T09:00:00Z", rules, "d") == (
        "2026-03-14T08:00:00Z",
        "2026-03-14T09:00:00Z",
    )
    assert typed([3], "is", 3, rules, "n") == (None, 3)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("en_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-ch-1996", "de-CH-1996"),
        ("fil-PH", "fil-PH"),
        ("en-u-ca-gregory", "en-u-ca-gregory"),
    ],
)
def test_a_locale_is_a_language_tag(said: str, kept: str) -> None:
    assert clean_locale(said) == kept


@pytest.mark.parametrize("said", ["xx", "english", "en-XX", "e", "en--US", "12", "en-US!"])
def test_what_is_no_language_tag(said: str) -> None:
    with pytest.raises(ValueError, match="locale"):
        clean_locale(said)


def test_a_country_is_one_that_exists() -> None:
    assert (clean_country("us"), clean_country("UK"), clean_country("aq")) == ("US", "GB", "AQ")
    with pytest.raises(ValueError, match="two-letter"):
        clean_country("XX")


def test_traits_take_the_names_others_use_and_keep_out_what_does_not_fit() -> None:
    rules = Rules({"visits": Rule("number"), "birthday": Rule("birthday")}, ZONE)
    read = read_traits(
        {"dob": "March 14", "visits": "many", "color": "sage"}, country="US", rules=rules
    )
    assert read.attributes == {"birthday": "--03-14", "color": "sage"}
    assert [(each.field, each.name, each.code) for each in read.unfit] == [
        ("visits", "visits", "wrong_type")
    ]
    assert not read.errors
