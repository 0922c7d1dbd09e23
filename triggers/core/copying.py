"""What a flow's definition refers to by name, and the same definition with other names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def names_in(definition: Any, key: str) -> set[str]:
    """Every name that stands under `key` ("event", "segment", "attribute"), however deep."""
    found: set[str] = set()
    if isinstance(definition, Mapping):
        said = definition.get(key)
        if isinstance(said, str) and said:
            found.add(said)
        for value in definition.values():
            found |= names_in(value, key)
    elif isinstance(definition, list | tuple):
        for value in definition:
            found |= names_in(value, key)
    return found


def with_templates(definition: Any, renamed: Mapping[str, str]) -> Any:
    """The same definition, its texts under the names they have got. The rest is untouched."""
    if isinstance(definition, Mapping):
        changed: dict[Any, Any] = {}
        for key, value in definition.items():
            if key == "template" and isinstance(value, str):
                changed[key] = renamed.get(value, value)
            elif key == "replies" and isinstance(value, Mapping):
                changed[key] = {word: renamed.get(slug, slug) for word, slug in value.items()}
            else:
                changed[key] = with_templates(value, renamed)
        return changed
    if isinstance(definition, list | tuple):
        return [with_templates(value, renamed) for value in definition]
    return definition


def moved(text: str, before: str, after: str) -> str:
    """Words whose links to one shop lead to the other. `before` "" changes nothing."""
    return text.replace(before, after) if before else text
