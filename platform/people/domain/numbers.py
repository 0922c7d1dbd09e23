"""Who has to know at once that a contact has another number. Higher floors register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NumberChange:
    """`new` None: the contact has no number any more."""

    old: str
    new: str | None


class Listener(Protocol):
    def __call__(self, changes: Mapping[UUID, NumberChange], *, now: datetime) -> None: ...


_listeners: dict[str, Listener] = {}


def register_number_listener(name: str, listener: Listener) -> None:
    """`listener(changes, now=now)` runs in the transaction that writes, the contacts locked."""
    _listeners[name] = listener


def tell_numbers(changes: Mapping[UUID, NumberChange], *, now: datetime) -> None:
    if changes:
        for listener in _listeners.values():
            listener(changes, now=now)
