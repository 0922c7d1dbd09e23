"""Which names and values may be said to a person, and the reason of those that may not."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from people.core.kinds import Rule, Rules
from people.core.quality import FLAWS, judge, name_flaw

DATA = Path(__file__).parent.parent / "templates_engine" / "data" / "naughty_strings.json.gz"
NAUGHTY: list[str] = json.loads(gzip.decompress(DATA.read_bytes()))
NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
CODES = {flaw.code for flaw in FLAWS}


@pytest.mark.parametrize(
    "name",
    ["Maya", "maya", "Jean-Luc", "O'Brien", "Ng", "JD", "李", "김", "Мария", "محمد", "de la Cruz",
     "María José", "Guðrún", "Anne 🌿"],
)  # fmt: skip
def test_a_name_that_people_have_is_fit(name: str) -> None:
    assert name_flaw(name) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("TEST", "test_value"),
        ("test user", "test_value"),
        ("T\u200bEST", "test_value"),
        ("asdf", "test_value"),
        ("Customer", "placeholder"),
        ("VALUED  CUSTOMER", "placeholder"),
        ("First Name", "placeholder"),
        ("null", "empty"),
        ("[object Object]", "empty"),
        (" ,, ", "empty"),
        ("maya@example.com", "address"),
        ("www.deals.example", "address"),
        ("Ma/ya", "address"),
        ("M4ya", "digits"),
        ("٣", "digits"),
        ("😀", "no_letters"),
        ("...!", "no_letters"),
        ("J", "single_letter"),
        ("J.", "single_letter"),
        ("MAYA", "all_capitals"),
        ("МАРИЯ", "all_capitals"),
        ("aaa", "repeated"),
        ("Maya " * 9, "too_long"),
    ],
)
def test_a_name_that_nobody_has_is_not_said(name: str, code: str) -> None:
    flaw = name_flaw(name)
    assert flaw is not None
    assert flaw.code == code
    assert flaw.reason.startswith(("it ", "nothing "))


@given(st.text(max_size=80) | st.sampled_from(NAUGHTY))
@example("")
def test_any_text_is_judged_and_what_passes_looks_like_a_name(text: str) -> None:
    flaw = name_flaw(text)
    if flaw is not None:
        assert flaw.code in CODES
        return
    assert any(letter.isalpha() for letter in text)
    assert not any(letter.isdigit() for letter in text)
    assert "@" not in text
    assert "/" not in text
    assert name_flaw(f"  {text}\u200b ") is None


@given(st.text(alphabet=st.characters(categories=["Lu"]), min_size=3, max_size=20))
def test_whoever_shouts_is_not_quoted(text: str) -> None:
    assert name_flaw(text) is not None


def test_unfit_values_are_left_out_with_their_reason_and_the_rest_is_in_its_type() -> None:
    rules = Rules(
        {
            "visits": Rule("number"),
            "mood": Rule("text", is_sensitive=True),
            "color": Rule("text", kept_days=30),
            "size": Rule("number", (), is_declared=False),
        }
    )
    day = timedelta(days=1)
    told = {"color": ["api", (NOW - 30 * day).isoformat()]}
    values = {
        "first_name": "TEST", "city": "AUSTIN", "visits": "12", "mood": "low", "color": "sage",
        "size": "large", "empty": " ", "none": None,
    }  # fmt: skip
    judged = judge(values, rules, told=told, since=NOW, now=NOW)
    assert judged.fit == {"city": "AUSTIN", "visits": 12, "size": "large"}
    assert {name: flaw.code for name, flaw in judged.unfit.items()} == {
        "first_name": "test_value", "mood": "sensitive", "color": "stale",
    }  # fmt: skip
    assert judged.unfit["color"].reason == "it was told more than 30 days ago"
    fresh = {"color": ["api", (NOW - 30 * day + timedelta(seconds=1)).isoformat()]}
    assert "color" in judge(values, rules, told=fresh, since=NOW, now=NOW).fit
    assert "color" in judge(values, rules, told={}, since=NOW - 29 * day, now=NOW).fit
    assert "color" in judge(values, rules, told=told, since=NOW, now=None).fit
    [flaw] = judge({"visits": "many"}, rules, told={}, since=NOW, now=NOW).unfit.values()
    assert (flaw.code, flaw.reason) == ("wrong_type", "it is not a number, such as 12 or 4.5")
