# ruff: noqa: RUF001 - typographic quotes are what is tested
"""Parts, against the carrier's own calculator."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from templates_engine.core.segments import encode_smart, measure

DATA = Path(__file__).parent / "data" / "sms_segments_vectors.json.gz"
VECTORS: list[dict[str, Any]] = json.loads(gzip.decompress(DATA.read_bytes()))["vectors"]
# The calculator splits by an older Unicode, or lets a part overflow: same number, other fills.
OTHER_FILLS = {"combining-0167", "discriminating-0007", "discriminating-0010"}


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 681


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_measure_equals_the_calculator(vector: dict[str, Any]) -> None:
    text = encode_smart(vector["text"])[0] if vector["smart_encoding"] else vector["text"]

    measured = measure(text)

    assert measured.encoding == vector["encoding"]
    assert measured.num_segments == vector["segments"]
    assert measured.units == vector["total_units"]
    assert sum(measured.units_per_segment) == measured.units
    if vector["id"] not in OTHER_FILLS:
        assert measured.units_per_segment == vector["units_per_segment"]


@pytest.mark.parametrize(
    ("text", "encoding", "num_segments"),
    [
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "b" * 152, "GSM-7", 3),
        ("é" * 160, "GSM-7", 1),
        ("ê" + "a" * 69, "UCS-2", 1),
        ("ê" + "a" * 70, "UCS-2", 2),
        ("✅" + "a" * 133, "UCS-2", 2),
        ("a" * 66 + "😀" + "a" * 66, "UCS-2", 3),
    ],
)
def test_measure_at_the_edges(text: str, encoding: str, num_segments: int) -> None:
    assert measure(text)[:2] == (encoding, num_segments)


def test_guilty_characters_are_named_once_in_order() -> None:
    assert measure("It’s back ✅ and it’s “yours”").guilty == ["’", "✅", "“", "”"]
    assert measure("It's back").guilty == []


def test_smart_encoding_says_what_it_replaced() -> None:
    text, changes = encode_smart("It’s back… ½")

    assert text == "It's back... 1/2"
    assert [(change.position, change.replacement) for change in changes] == [
        (2, "'"),
        (9, "..."),
        (11, "1/2"),
    ]
    assert encode_smart("plain é ✅") == ("plain é ✅", [])


def test_smart_encoding_knows_all_replacements() -> None:
    from templates_engine.core.smart_table import SMART

    assert len(SMART) == 271
    assert all(measure(plain).encoding == "GSM-7" for plain in SMART.values())


def test_no_part_is_overfull() -> None:
    texts = [vector["text"] * 3 for vector in VECTORS if vector["text"]]

    for text in texts:
        measured = measure(text)
        limit = 160 if measured.encoding == "GSM-7" else 70
        if measured.num_segments > 1:
            limit = 153 if measured.encoding == "GSM-7" else 67
        assert max(measured.units_per_segment) <= limit
