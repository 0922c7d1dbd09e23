"""Where events are used: floors above say which flows and segments name an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """One use of an event name.

    `kind`: flow or segment. `role`: starts, ends, waits or asks. `view` and `key`: its page. `live`:
    it works by this event now; a draft only will. `reads`: fields of the event in its texts.
    """

    name: str
    kind: str
    label: str
    role: str
    view: str
    key: str
    live: bool = True
    reads: tuple[str, ...] = ()


_providers: dict[str, Callable[[], list[Usage]]] = {}


def register_usage(owner: str, provider: Callable[[], list[Usage]]) -> None:
    """`provider()` names every use in the workspace in scope. Call it in `AppConfig.ready`."""
    _providers[owner] = provider


def list_usages() -> dict[str, list[Usage]]:
    """Every use by event name, in the order of the floors; few queries, however many names."""
    found: dict[str, list[Usage]] = {}
    for provider in _providers.values():
        for usage in provider():
            found.setdefault(usage.name, []).append(usage)
    return found
