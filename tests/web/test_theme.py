"""A workspace's color is always readable, whatever somebody chose."""

from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from web.theme import (
    DARK_SURFACE,
    LEAST_CONTRAST,
    LIGHT_SURFACE,
    accent_css,
    accent_for,
    contrast,
    is_color,
)

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLORS)
def test_any_color_becomes_readable(color: str) -> None:
    accent = accent_for(color)
    assert contrast(accent.light, LIGHT_SURFACE) >= LEAST_CONTRAST
    assert contrast(accent.light, accent.light_soft) >= LEAST_CONTRAST
    assert contrast(accent.light, accent.light_ink) >= LEAST_CONTRAST - 0.4
    assert contrast(accent.dark, DARK_SURFACE) >= LEAST_CONTRAST
    assert contrast(accent.dark, accent.dark_soft) >= LEAST_CONTRAST
    assert contrast(accent.dark, accent.dark_ink) >= LEAST_CONTRAST - 0.4


def test_a_readable_color_is_left_alone() -> None:
    assert accent_for("#0b6b5b").light == "#0b6b5b"


def test_contrast_is_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("text", ["red", "#12345", "url(x)", "0b6b5b;}body{display:none", ""])
def test_only_colors_become_css(client: Client, text: str) -> None:
    assert not is_color(text)
    assert "#0b6b5b" in accent_css(text)
    assert client.get(f"/theme/accent-{text}.css").status_code == 404


def test_the_stylesheet_is_served_from_our_origin(client: Client) -> None:
    answer = client.get("/theme/accent-b3261e.css")
    assert answer["Content-Type"] == "text/css"
    assert "immutable" in answer["Cache-Control"]
    assert b"--brand:#b3261e" in answer.content


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_the_theme_is_a_cookie(client: Client, theme: str) -> None:
    answer = client.post("/theme/", {"theme": theme, "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert answer.cookies["kairos_theme"].value == theme
