"""Ctrl K: apps register what can be found; the page asks them all and shows a few of each.

Pages are found by their names and by other words for what is on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from web.nav import places_for

_BETWEEN_WORDS = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True)
class Hit:
    """`is_named`: what was typed is its own name, so its group comes first."""

    label: str
    note: str
    url: str
    is_named: bool = False


Finder = Callable[[Any, str, int], Iterable[Hit]]
_finders: dict[str, tuple[str, Finder]] = {}


def register(label: str, icon: str, finder: Finder) -> None:
    """`finder(request, words, limit)` runs in the workspace's scope and returns at most `limit`."""
    _finders[label] = (icon, finder)


def find(request: Any, words: str, *, limit: int = 6) -> list[tuple[str, str, list[Hit]]]:
    """(label, icon, hits) of every kind that has some."""
    found = [
        (label, icon, list(finder(request, words, limit)))
        for label, (icon, finder) in _finders.items()
    ]
    found.append(("Go to", "corner-down-right", list(find_pages(request, words, limit))))
    groups = [group for group in found if group[2]]
    return sorted(groups, key=lambda group: not any(hit.is_named for hit in group[2]))


def find_pages(request: Any, words: str, limit: int) -> Iterable[Hit]:
    """Pages and settings that the role may open: by name first, then by other words for them."""
    typed = _words(words)
    by_name: list[Hit] = []
    by_words: list[Hit] = []
    for place in places_for(request):
        if _all_begin(typed, _words(place.label)):
            by_name.append(Hit(place.label, place.note, place.url, is_named=True))
        elif _all_begin(typed, _words(f"{place.label} {place.words}")):
            by_words.append(Hit(place.label, place.note, place.url))
    return islice([*by_name, *by_words], limit)


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(text.lower()) if word]


def _all_begin(typed: list[str], words: list[str]) -> bool:
    """Whether every typed word begins one of the words; "invites" also finds "invite"."""
    return bool(typed) and all(any(map(_beginning(each), words)) for each in typed)


def _beginning(typed: str) -> Callable[[str], bool]:
    one = typed.removesuffix("s") if len(typed) > 3 else typed
    return lambda word: word.startswith(one)
