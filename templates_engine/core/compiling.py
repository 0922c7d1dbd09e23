"""The two doors of the engine: compile a body once, render it for anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from templates_engine.core.brackets import compile_brackets
from templates_engine.core.jinja_engine import compile_jinja
from templates_engine.core.results import (
    MAX_SOURCE,
    MAX_TEXT,
    Compiled,
    Facts,
    Fault,
    LinkFor,
    Rendered,
    TemplateInvalid,
)
from templates_engine.core.rules import read_rules

SYNTAXES = ("brackets", "jinja")


def compile(
    body: str, syntax: str = "brackets", fallbacks: Mapping[str, Any] | None = None
) -> Compiled:
    """Make a body ready to render.

    `fallbacks` maps a field's label or key to the words read instead, to None, or to
    {"fallback": words | None, "required": bool}; a fallback written in the text goes first.
    Raises `TemplateInvalid` with every fault found. A field without a fallback is no error
    here: it stands in `Compiled.faults`, so drafts can be previewed.
    """
    if syntax not in SYNTAXES:
        detail = f"The syntax is brackets or jinja, not {syntax!r}."
        raise TemplateInvalid([Fault("template_syntax", "syntax", detail)])
    if not body.strip():
        raise TemplateInvalid([Fault("template_syntax", "body", "The text is empty.", 0)])
    if len(body) > MAX_SOURCE:
        detail = f"The template has {len(body)} characters; the most is {MAX_SOURCE}."
        raise TemplateInvalid([Fault("template_too_long", "body", detail)])
    rules = read_rules(fallbacks)
    return compile_brackets(body, rules) if syntax == "brackets" else compile_jinja(body, rules)


def render(
    compiled: Compiled, facts: Facts, *, link_for: LinkFor, limit: int = MAX_TEXT
) -> Rendered:
    """Render for one contact. Never raises for any facts: what is wrong is `problem`.

    `facts` holds plain dicts under contact, event, product, cart, loyalty, brand, links.
    `link_for(label, address)` gives what stands in the text; what it raises passes through.
    `limit` is the room left in characters (a caller that adds a prefix takes that off).
    """
    return compiled.run(facts, link_for, limit)


def check(
    body: str, syntax: str = "brackets", fallbacks: Mapping[str, Any] | None = None
) -> list[Fault]:
    """Everything that keeps a body from being approved, for an editor; [] when nothing does."""
    try:
        return list(compile(body, syntax, fallbacks).faults)
    except TemplateInvalid as invalid:
        return invalid.faults
