"""Where attributes are used: floors above say which segments and texts read one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttributeUse:
    """One use. `kind`: segment or text. `view` and `key`: its page; "" where it has none."""

    name: str
    kind: str
    label: str
    view: str = ""
    key: str = ""


# Told of an attribute whose values are read in another way from now on.
_retold: dict[str, Callable[[str], object]] = {}
_providers: dict[str, Callable[[], Iterable[AttributeUse]]] = {}


def register_attribute_uses(owner: str, provider: Callable[[], Iterable[AttributeUse]]) -> None:
    """`provider()` names every use in the workspace in scope. Call it in `AppConfig.ready`."""
    _providers[owner] = provider


def register_retyped(owner: str, retype: Callable[[str], object]) -> None:
    """`retype(name)` is called in the transaction that changes an attribute's type, its choices, or
    how long it is believed. Call it in `AppConfig.ready`."""
    _retold[owner] = retype


def tell_retyped(name: str) -> None:
    for retype in _retold.values():
        retype(name)


def list_attribute_uses() -> dict[str, list[AttributeUse]]:
    """Every use by attribute, in the order of the floors; few queries, however many names."""
    found: dict[str, list[AttributeUse]] = {}
    for provider in _providers.values():
        for use in provider():
            found.setdefault(use.name, []).append(use)
    return found
