"""Which replies a text asks for."""
# ruff: noqa: RUF001

from __future__ import annotations

import pytest

from templates_engine.core.replies import RESERVED, asked_replies


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("Need help? Reply SIZE or SHIPPING. Checkout: [CartLink]", {"SIZE", "SHIPPING"}),
        ("Reply SIZE or SHIPPING, and we’ll guide you.", {"SIZE", "SHIPPING"}),
        ("Reply SIZE for sizes or SHIPPING for rates.", {"SIZE", "SHIPPING"}),
        ("Reply YES, NO or MAYBE", {"YES", "NO", "MAYBE"}),
        ("Just reply with SIZE, SHIPPING, or RETURNS!", {"SIZE", "SHIPPING", "RETURNS"}),
        ("Reply Y/N", {"Y", "N"}),
        ("Reply 1 for size, 2 for shipping", {"1", "2"}),
        ("Reply A (sizes), B (rates)", {"A", "B"}),
        ("Reply 'yes' to confirm, STOP to end", {"YES"}),
        ("Respond with “Size” if unsure", {"SIZE"}),
        ("Reply: SIZE", {"SIZE"}),
        ("reply size or shipping", {"SIZE", "SHIPPING"}),
        ("reply yes", {"YES"}),
        ("Text SIZE to us", {"SIZE"}),
        ("Send us MORE for details", {"MORE"}),
        ("REPLY YES TO JOIN", {"YES"}),
        ("Reply SIZE and we'll help", {"SIZE"}),
        ("Reply QUIZ and GET 10% off", {"QUIZ"}),
        ("Reply SIZE and SHIPPING.", {"SIZE", "SHIPPING"}),
        ("Reply SIZE.\nReply FIT.", {"SIZE", "FIT"}),
        ("{% if first_name %}Reply SIZE{% endif %}", {"SIZE"}),
        ("Reply STOP to opt out", set()),
        ("Reply HELP for help, STOP to cancel.", set()),
        ("Msg & data rates may apply. Text STOP to end, HELP for help", set()),
        ("Text JOIN to 55555", set()),
        ("Reply to this text", set()),
        ("Reply anytime", set()),
        ("text us back anytime", set()),
        ("REPLY NOW TO WIN", set()),
        ("Your reply matters. Thanks", set()),
        ("We answer questions daily", set()),
        ("Please reply soon or call us", set()),
        ("Reply [FirstName or 'SIZE']", set()),
        ("See https://shop.example/reply SIZE guide", set()),
        ("Your cart is saved. Finish checkout: [CartLink]", set()),
        ("", set()),
    ],
)
def test_asked_replies(body: str, asked: set[str]) -> None:
    assert asked_replies(body) == asked


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_keywords_are_never_asked(word: str) -> None:
    assert asked_replies(f"Reply {word} or SIZE") == {"SIZE"}


@pytest.mark.parametrize("text", ["reply " * 700, "Reply A," * 500, "Reply A for " + "a" * 3900])
def test_long_bodies_are_read_quickly(text: str) -> None:
    asked_replies(text)
