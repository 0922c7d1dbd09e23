"""One line on top of every page, while something is going on that explains what people see."""

from __future__ import annotations

from collections.abc import Callable

Loader = Callable[[], str]
_loaders: list[Loader] = []


def register(loader: Loader) -> None:
    """`loader()` returns the words, "" when there is nothing to say. It must be quick."""
    _loaders.append(loader)


def current_notices() -> list[str]:
    return [words for loader in _loaders if (words := loader())]
