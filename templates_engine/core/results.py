"""What compiling and rendering hand back: plain values, no framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_TEXT = 1600
"""Longest text a carrier takes, in characters."""

MAX_SOURCE = 4000
"""Longest template body, in characters, with its field and block syntax."""

Facts = Mapping[str, Any]
LinkFor = Callable[[str, str], str]
"""(label, address) -> what stands in the text instead, usually a tracked short link."""


class FieldUse(NamedTuple):
    """One dynamic field as one contact read it. `source` is a path such as
    "event.name", "brand.shop_url", or "fallback"; "" when nothing was found. `why`: what is wrong
    with the stored value that was not read, such as "it is a test value"; "" when there is none."""

    label: str
    value: str
    fallback_used: bool
    source: str
    why: str = ""


class LinkUse(NamedTuple):
    """One link: where it leads (`url`) and what the text shows (`short`)."""

    label: str
    url: str
    short: str


class Rendered(NamedTuple):
    """A text, or the reason why there is none.

    `problem` is None, or one of field_missing, link_missing, text_too_long, text_empty,
    render_limit, render_failed, template_unknown, template_not_approved; then `text` is "" and
    `detail` says it in a sentence.
    """

    text: str
    fields: list[FieldUse]
    links: list[LinkUse]
    problem: str | None
    detail: str = ""


class Fault(NamedTuple):
    """One thing wrong with a template body.

    `code` is template_syntax, template_too_long, field_unknown, fallback_missing or
    fallback_not_link; `field` is the label concerned or "body"; `position` counts characters
    from 0, None when the whole body is meant.
    """

    code: str
    field: str
    detail: str
    position: int | None = None


class TemplateInvalid(ValueError):
    """The body cannot be compiled. `faults` holds every reason found, `mentions` the fields that
    could be read all the same."""

    def __init__(self, faults: list[Fault], mentions: tuple[FieldMention, ...] = ()) -> None:
        self.faults = faults
        self.mentions = mentions
        super().__init__("; ".join(fault.detail for fault in faults))


class RenderStopped(Exception):
    """Raised inside a render and caught there: it becomes `Rendered.problem`."""

    def __init__(self, problem: str, detail: str) -> None:
        self.problem = problem
        self.detail = detail
        super().__init__(detail)


class FieldMention(NamedTuple):
    """One field a body names. `guarded`: something is always read, or the text is skipped."""

    key: str
    label: str
    fallback: str | None
    required: bool
    guarded: bool
    position: int | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A body made ready once; `run` renders it any number of times, from any thread."""

    body: str
    syntax: str
    mentions: tuple[FieldMention, ...]
    faults: tuple[Fault, ...]
    """What keeps it from being approved although it renders: fields without a fallback."""
    run: Callable[[Facts, LinkFor, int], Rendered]
