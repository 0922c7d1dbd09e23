"""What a text may say of the event that started it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventFacts:
    """The trigger's event. `is_expected` None: nobody has said whether customers expect the shop to
    know of it."""

    name: str
    is_sensitive: bool = False
    is_expected: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    level: str
    code: str
    detail: str


def said_of_event(event: EventFacts, text: str, labels: Sequence[str]) -> Verdict | None:
    """`labels`: the fields of the text that may show what the event said. None: all is well."""
    if not labels:
        return None
    fields = f"{', '.join(labels)} from {event.name}"
    if event.is_sensitive:
        detail = (
            f"The text {text} reads {fields}, which is marked sensitive: nothing of it may stand in "
            "a text. Take it out of the text."
        )
        return Verdict("error", "sensitive_event", detail)
    if event.is_expected is False:
        detail = (
            f"The text {text} reads {fields}. Customers do not expect you to know of it. Say it in "
            "general words, or mark the event as expected in Settings, Events."
        )
        return Verdict("notice", "unexpected_event", detail)
    return None
