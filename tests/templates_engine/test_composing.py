"""Prefix, words, opt-out line."""

from __future__ import annotations

import pytest

from templates_engine.core import compose


@pytest.mark.parametrize(
    ("text", "prefix", "suffix", "whole"),
    [
        ("Your cart is saved.", "Juniper:", "Reply STOP to opt out", "Juniper: Your cart is saved. Reply STOP to opt out"),
        ("Your cart", "Juniper: ", " Reply STOP", "Juniper: Your cart Reply STOP"),
        ("Your cart", "", "", "Your cart"),
        (" Your cart ", " ", " ", "Your cart"),
        ("Your cart", "", "\nReply STOP", "Your cart\nReply STOP"),
        ("Your cart", "Juniper\n", "", "Juniper\nYour cart"),
        ("Juniper: hello", "JUNIPER:", "", "Juniper: hello"),
        ("Hello. reply stop to opt out!", "", "Reply STOP to opt out", "Hello. reply stop to opt out!"),
        ("", "Juniper:", "", "Juniper:"),
    ],
)  # fmt: skip
def test_compose(text: str, prefix: str, suffix: str, whole: str) -> None:
    assert compose(text, prefix=prefix, suffix=suffix) == whole
