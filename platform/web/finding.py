"""Ctrl K: apps register what can be found; the page asks them all and shows a few of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hit:
    label: str
    note: str
    url: str


Finder = Callable[[Any, str, int], Iterable[Hit]]
_finders: dict[str, tuple[str, Finder]] = {}


def register(label: str, icon: str, finder: Finder) -> None:
    """`finder(request, words, limit)` runs in the workspace's scope and returns at most `limit`."""
    _finders[label] = (icon, finder)


def find(request: Any, words: str, *, limit: int = 6) -> list[tuple[str, str, list[Hit]]]:
    """(label, icon, hits) of every kind that has some."""
    found = (
        (label, icon, list(finder(request, words, limit)))
        for label, (icon, finder) in _finders.items()
    )
    return [group for group in found if group[2]]
