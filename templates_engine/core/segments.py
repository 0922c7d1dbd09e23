"""How many parts a text costs: GSM-7 or UCS-2, filled greedily as the carrier does.

An escape pair, a surrogate pair and a grapheme cluster are never split, so a plain division
undercounts. Carriers call a part a segment.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

from templates_engine.core.smart_table import SMART

GSM7, UCS2 = "GSM-7", "UCS-2"
_LIMITS = {GSM7: (160, 153), UCS2: (70, 67)}

_BASIC = (
    "\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
    "abcdefghijklmnopqrstuvwxyz\u00a1\u00a3\u00a4\u00a5\u00a7\u00bf\u00c4\u00c5\u00c6\u00c7\u00c9"
    "\u00d1\u00d6\u00d8\u00dc\u00df\u00e0\u00e4\u00e5\u00e6\u00e8\u00e9\u00ec\u00f1\u00f2\u00f6"
    "\u00f8\u00f9\u00fc\u0393\u0394\u0398\u039b\u039e\u03a0\u03a3\u03a6\u03a8\u03a9"
)
_EXTENSION = "\f[\\]^{|}~\u20ac"
_ONE = frozenset(_BASIC)
_TWO = frozenset(_EXTENSION)
_KNOWN = _ONE | _TWO
_ALL_GSM = regex.compile(f"[{regex.escape(_BASIC + _EXTENSION)}]*")
_ESCAPED = regex.compile(f"[{regex.escape(_EXTENSION)}]")
_CLUSTER = regex.compile(r"\X")


class Measure(NamedTuple):
    """`units` are septets or UTF-16 units; `guilty` lists, once each and in order, the
    characters that force UCS-2."""

    encoding: str
    num_segments: int
    units: int
    units_per_segment: list[int]
    guilty: list[str]


class SmartChange(NamedTuple):
    """One character that smart encoding replaces, at its place in the original text."""

    position: int
    character: str
    replacement: str


def measure(text: str) -> Measure:
    """Count the parts of a text exactly as it is sent. An empty text counts as one part."""
    if _ALL_GSM.fullmatch(text):
        extra = len(_ESCAPED.findall(text))
        units = len(text) + extra
        return _measure(GSM7, units, text, whole=extra == 0)
    guilty = list(dict.fromkeys(letter for letter in text if letter not in _KNOWN))
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    measured = _measure(UCS2, units, text, whole=False)
    return measured._replace(guilty=guilty)


def encode_smart(text: str) -> tuple[str, list[SmartChange]]:
    """The text with typographic characters replaced by GSM-7 ones, and what was replaced.

    Letters with accents and emoji stay: one of them left makes the whole text UCS-2 anyway.
    """
    changes = [
        SmartChange(position, letter, SMART[ord(letter)])
        for position, letter in enumerate(text)
        if ord(letter) in SMART
    ]
    return (text.translate(SMART), changes) if changes else (text, changes)


def _measure(encoding: str, units: int, text: str, *, whole: bool) -> Measure:
    single, several = _LIMITS[encoding]
    if units <= single:
        return Measure(encoding, 1, units, [units], [])
    if whole:
        full, rest = divmod(units, several)
        fills = [several] * full + ([rest] if rest else [])
    else:
        fills = _fill(_atoms(text, encoding, several), several)
    return Measure(encoding, len(fills), units, fills, [])


def _atoms(text: str, encoding: str, limit: int) -> list[int]:
    """The sizes of what must stay together, in order."""
    if encoding == GSM7:
        return [2 if letter in _TWO else 1 for letter in text]
    sizes: list[int] = []
    for cluster in _CLUSTER.findall(text):
        points = [2 if ord(point) > 0xFFFF else 1 for point in cluster]
        # A cluster larger than a part (stacked accents) cannot stay whole.
        sizes.extend([sum(points)] if sum(points) <= limit else points)
    return sizes


def _fill(sizes: list[int], limit: int) -> list[int]:
    fills = [0]
    for size in sizes:
        if fills[-1] + size > limit:
            fills.append(0)
        fills[-1] += size
    return fills
