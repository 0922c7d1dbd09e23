"""Replies: nothing that means stop gets through, and friends may say "stop by"."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.core.classifier import classify
from consent.core.keywords import OPT_OUT, is_reserved
from consent.core.normalizing import normalize

DATA = Path(__file__).resolve().parent.parent / "data"
CASES: list[tuple[str, str]] = [
    (text, expected) for text, expected in json.loads((DATA / "replies.json").read_text())
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_labelled_reply_is_read_as_labelled(text: str, expected: str) -> None:
    kind = classify(text, double_opt_in_pending=True).kind
    assert {"wrong_number": "opt_out"}.get(kind, kind) == expected


def test_the_corpus_is_complete() -> None:
    assert Counter(expected for _, expected in CASES) == {
        "opt_out": 140,
        "none": 49,
        "opt_in": 8,
        "help": 7,
        "review": 6,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stop texting me this week", "opt_out"),
        ("stop texting me about the sale", "opt_out"),
        ("Stop sending me texts every month", "opt_out"),
        ("stop at once", "opt_out"),
        ("I said STOP", "opt_out"),
        ("please just stop", "opt_out"),
        ("STOOOOP!!", "opt_out"),
        ("s.t.o.p", "opt_out"),
        ("st\u200bop", "opt_out"),
        ("Get me off this list", "opt_out"),
        ("how do I stop these messages?", "opt_out"),
        ("This isn't Mary, wrong number", "wrong_number"),
        ("cancel it", "review"),
        ("Cancel my subscription", "review"),
        ("I never signed up for this", "review"),
        ("No more", "review"),
        ("stop order 1234", "none"),
        ("where does the bus stop", "none"),
        ("Get me out of this meeting", "none"),
        ("SHIPING", "none"),
        ("Can you stop by at 5", "none"),
        ("I need help with my order", "none"),
        ("Re-subscribe", "opt_in"),
        ("", "none"),
        ("🛑", "none"),
    ],
)
def test_further_replies(text: str, expected: str) -> None:
    assert classify(text).kind == expected


def test_yes_alone_subscribes_only_while_a_double_opt_in_waits() -> None:
    assert classify("YES").kind == "none"
    assert classify("YES", open_question=True).kind == "none"
    assert classify("Yes!", double_opt_in_pending=True).opt_in_source == "confirmation"
    assert classify("Yes please, size M", double_opt_in_pending=True).kind == "none"


def test_start_only_takes_a_stop_back_and_join_subscribes() -> None:
    assert classify("Start please").opt_in_source == "start"
    assert classify("UNSTOP").opt_in_source == "start"
    assert classify("JOIN").opt_in_source == "keyword"


def test_the_providers_verdict_wins() -> None:
    found = classify("whatever they wrote", opt_out_type="STOP")
    assert (found.kind, found.rule) == ("opt_out", "provider:STOP")
    assert classify("hm", opt_out_type="START").kind == "opt_in"
    assert classify("hm", opt_out_type="HELP").kind == "help"


def test_stop_in_an_answer_to_an_open_question_goes_to_a_person() -> None:
    assert classify("stop the blue one", open_question=True).kind == "review"
    assert classify("stop the blue one").kind == "opt_out"
    assert classify("STOP", open_question=True).kind == "opt_out"
    assert classify("stop texting me", open_question=True).kind == "opt_out"


def test_friends_are_hardly_ever_opted_out() -> None:
    texts = gzip.decompress((DATA / "person_to_person.txt.gz").read_bytes()).decode().split("\n")
    found = Counter(classify(text).kind for text in texts)
    assert len(texts) == 558
    # Three of the four really say so, such as "Please don't text me anymore".
    assert found["opt_out"] + found["wrong_number"] <= 4
    assert found["review"] <= 35


@given(
    keyword=st.sampled_from(sorted(word for word in OPT_OUT if word.isascii())),
    upper=st.booleans(),
    before=st.text("  .!?*\"'-\n\t🛑", max_size=4),
    after=st.text("  .!?*\"'-\n\t🛑", max_size=4),
)
def test_a_stop_word_survives_case_and_punctuation(
    keyword: str, upper: bool, before: str, after: str
) -> None:
    text = before + (keyword.upper() if upper else keyword) + after
    assert classify(text).kind == "opt_out"
    assert is_reserved(text)


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(text: str) -> None:
    assert classify(text).kind in {"opt_out", "opt_in", "help", "review", "wrong_number", "none"}
    assert normalize(normalize(text)) == normalize(text)


@pytest.mark.parametrize("word", ["CANCEL", "end", "Quit", "YES", "start", "Help", "info", "arrêt"])
def test_reserved_words_are_no_keywords(word: str) -> None:
    assert is_reserved(word)


@pytest.mark.parametrize("word", ["SIZE", "SHIPPING", "1", "DEALS", "SHOP", "TOP", "STEP"])
def test_other_words_are_free(word: str) -> None:
    assert not is_reserved(word)
    assert classify(word).kind == "none"
