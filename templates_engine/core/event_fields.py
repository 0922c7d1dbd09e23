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


def event_data(mentions: Iterable[FieldMention]) -> dict[str, str]:
    """What a program sends along to fill a text: per field that looks straight into the event, the
    property it reads first, with a sample. `product.` fields come with the product's own id."""
    data: dict[str, str] = {}
    for mention in mentions:
        field = find_field(mention.key)
        paths = field.paths if field is not None else ()
        plain = [path for path in paths if path.startswith("event.") and path.count(".") == 1]
        if field is not None and plain:
            data.setdefault(plain[0].removeprefix("event."), field.sample)
        elif any(path.startswith("product.") for path in paths):
            data.setdefault("product_id", "YOUR-PRODUCT-ID")
    return data
