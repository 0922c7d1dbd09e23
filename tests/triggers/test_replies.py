from __future__ import annotations

import pytest

from triggers.core.replies import is_one_typo_away, is_reserved, match_keyword

KEYWORDS = ["SIZE", "SHIPPING"]


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("SIZE", "SIZE"),
        ("size", "SIZE"),
        (" Size?! ", "SIZE"),
        ("siz", "SIZE"),
        ("sizee", "SIZE"),
        ("szie", "SIZE"),
        ("SIZE \U0001f44d", "SIZE"),
        ("\uff53\uff49\uff5a\uff45", "SIZE"),
        ("shiping", "SHIPPING"),
        ("SHIPPNIG", "SHIPPING"),
        ("what size should I take?", "SIZE"),
        ("size and shipping please", "SIZE"),
        ("shipping please", "SHIPPING"),
        ("shippingg please", "SHIPPING"),
        ("", None),
        ("\U0001f44d", None),
        ("thanks", None),
        ("skip", None),
        ("I already bought this and I would rather talk about the size with a human", None),
    ],
)
def test_match_keyword_forgives_case_punctuation_and_one_typo(
    body: str, keyword: str | None
) -> None:
    assert match_keyword(body, KEYWORDS) == keyword


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop.", "Stop size", "END", "cancel", "HELP", "help size", "YES", "S T O P", "start"],
)
def test_a_reserved_word_is_never_a_keyword(body: str) -> None:
    assert is_reserved(body)
    assert match_keyword(body, ["SHOP", "STEP", "SEND", "SIZE", "YEST"]) is None


def test_stop_is_not_a_typo_of_shop() -> None:
    assert match_keyword("shop", ["SHOP"]) == "SHOP"
    assert match_keyword("please stop", ["SHOP"]) is None


def test_short_keywords_forgive_nothing() -> None:
    assert match_keyword("1", ["1", "2"]) == "1"
    assert match_keyword("3", ["1", "2"]) is None
    assert match_keyword("rd", ["RED"]) is None


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("size", "size", True),
        ("size", "sise", True),
        ("size", "siez", True),
        ("size", "sze", True),
        ("size", "ssize", True),
        ("size", "seiz", False),
        ("size", "prize", False),
        ("", "a", True),
        ("", "ab", False),
    ],
)
def test_one_typo(left: str, right: str, near: bool) -> None:
    assert is_one_typo_away(left, right) is near
    assert is_one_typo_away(right, left) is near
