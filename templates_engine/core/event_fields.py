"""Which fields of a text may show what an event said. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from templates_engine.core.fields import find_field
from templates_engine.core.results import FieldMention

# The product is the one that the event names.
_SPACES = ("event.", "product.")


def event_labels(mentions: Iterable[FieldMention]) -> tuple[str, ...]:
    """Labels of fields that look into the event, or at the product it is about, each once."""
    labels: dict[str, None] = {}
    for mention in mentions:
        field = find_field(mention.key)
        if field is not None and any(path.startswith(_SPACES) for path in field.paths):
            labels[mention.label] = None
    return tuple(labels)
