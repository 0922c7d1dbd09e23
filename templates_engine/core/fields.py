"""Finding the dynamic field that somebody means, by whatever name."""

from __future__ import annotations

import difflib
import re

from templates_engine.core.field import LINK, NAME, TEXT, Field
from templates_engine.core.field_table import FIELDS

NAMESPACES = (
    "contact",
    "event",
    "product",
    "cart",
    "loyalty",
    "buying",
    "appointment",
    "subscription",
    "ticket",
    "shipment",
    "accessory",
    "best_seller",
    "brand",
    "links",
)

_SQUEEZE = re.compile(r"[\s_-]+")
_PART = re.compile(r"[A-Za-z0-9](?:[\w $:-]{0,62}\w)?|\w").fullmatch
_NAME_PATHS = frozenset({"contact.first_name", "contact.last_name"})
_LINK_WORDS = ("url", "link", "href")


def squeeze(label: str) -> str:
    """The form in which names are compared: no case, spaces, underscores or hyphens."""
    return _SQUEEZE.sub("", label).casefold()


_BY_NAME: dict[str, Field] = {}
for _field in FIELDS:
    for _name in (_field.key, _field.label, _field.title, *_field.aliases):
        _BY_NAME.setdefault(squeeze(_name), _field)
_BY_KEY = {field.key: field for field in FIELDS}


def find_field(label: str) -> Field | None:
    """The field meant by a label, key, title or alias, or by a path such as
    `event.gift_note`, `contact.shoe_size`, `product.price`."""
    known = _BY_NAME.get(squeeze(label))
    if known is not None:
        return known
    return path_field(label) if "." in label else None


def path_field(path: str) -> Field | None:
    """A field of the workspace's own, read straight from one of the namespaces."""
    first, *rest = [part.strip() for part in path.split(".")]
    space = first.casefold()
    if space not in NAMESPACES or not 1 <= len(rest) <= 4 or not all(map(_PART, rest)):
        return None
    full = ".".join((space, *rest))
    paths: tuple[str, ...] = (full,)
    if space == "contact" and rest[0] != "attributes":
        paths = (full, ".".join((space, "attributes", *rest)))
    kind = LINK if is_link_key(rest[-1]) else TEXT
    if full in _NAME_PATHS:
        kind = NAME
    sample = "https://shop.example" if kind == LINK else f"({rest[-1].replace('_', ' ')})"
    return Field(full, full, full, kind, paths, sample)


def is_link_key(key: str) -> bool:
    """Does a key by its name hold a web address (url, cart_url, tracking link)?"""
    return re.split(r"[\s_-]", key.casefold())[-1] in _LINK_WORDS


def field_for_key(key: str) -> Field | None:
    return _BY_KEY.get(key)


def suggest_label(label: str) -> str | None:
    """The known label nearest to an unknown one, for "did you mean"."""
    near = difflib.get_close_matches(squeeze(label)[:60], _BY_NAME, n=1, cutoff=0.6)
    return _BY_NAME[near[0]].label if near else None


def describe_unknown(label: str) -> str:
    """The sentence shown for a field nobody knows."""
    near = suggest_label(label)
    hint = f" Did you mean {near}?" if near else " Choose one from the list of fields."
    return f"There is no field called {label[:60]!r}.{hint}"
