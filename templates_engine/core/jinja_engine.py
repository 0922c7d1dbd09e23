"""Jinja2 syntax, the per-template switch: parse, check, compile once, render under guard."""

from __future__ import annotations

from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes

from templates_engine.core.brackets import finish, missing_problem, stand_in
from templates_engine.core.jinja_check import Slot, check_template
from templates_engine.core.jinja_filters import FILTERS, INNER_FILTERS
from templates_engine.core.jinja_guards import line_start
from templates_engine.core.jinja_sandbox import (
    STATE,
    Link,
    Missing,
    State,
    TextEnvironment,
    clean_raw,
    finalize,
)
from templates_engine.core.results import (
    Compiled,
    Facts,
    Fault,
    FieldMention,
    FieldUse,
    LinkFor,
    Rendered,
    RenderStopped,
    TemplateInvalid,
)
from templates_engine.core.rules import FieldRule
from templates_engine.core.values import clean_literal


def _make_environment() -> TextEnvironment:
    environment = TextEnvironment(
        autoescape=False,
        # The optimizer would run constant expressions at compile time, outside every limit.
        optimized=False,
        undefined=Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=finalize,
        cache_size=0,
    )
    environment.globals = {}
    environment.filters = {**FILTERS, **INNER_FILTERS}
    return environment


_ENVIRONMENT = _make_environment()


def compile_jinja(body: str, rules: dict[str, FieldRule]) -> Compiled:
    """Compile a body. Raises `TemplateInvalid` for broken or refused syntax."""
    source = clean_literal(body).strip()
    try:
        parsed = _ENVIRONMENT.parse(source)
        checked = check_template(parsed, rules, source=source)
        template = _to_template(checked.template)
    except TemplateSyntaxError as error:
        detail = f"Line {error.lineno}: {error.message}"
        raise _invalid(detail, line_start(source, error.lineno)) from error
    except TemplateInvalid:
        raise
    except (RecursionError, MemoryError, SyntaxError, OverflowError, ValueError) as error:
        raise _invalid("The template is nested too deeply or too large.", 0) from error
    slots = tuple(checked.slots)
    mentions = tuple(_mention(slot) for slot in slots)

    def run(facts: Facts, link_for: LinkFor, limit: int) -> Rendered:
        return _render(template, slots, facts, link_for, limit)

    return Compiled(body, "jinja", mentions, tuple(checked.lacking), run)


def _to_template(tree: nodes.Template) -> Template:
    code: Any = _ENVIRONMENT.compile(tree)
    return Template.from_code(_ENVIRONMENT, code, {})


def _render(
    template: Template, slots: tuple[Slot, ...], facts: Facts, link_for: LinkFor, limit: int
) -> Rendered:
    state = State(link_for, facts.get("brand"))
    fields: list[FieldUse] = []
    context: dict[str, Any] = {STATE: state}
    try:
        for slot in slots:
            value = _fill_slot(slot, facts, fields)
            if value is not None:
                context[slot.name] = value
        out: list[str] = []
        room = limit + 200
        for piece in template.root_render_func(template.new_context(context)):
            out.append(piece)
            room -= len(piece)
            if room < 0:
                detail = f"The text has more than {limit} characters."
                raise RenderStopped("text_too_long", detail)
    except RenderStopped as stop:
        return Rendered("", fields, state.links, stop.problem, stop.detail)
    except Exception as error:
        if state.link_error is not None:
            raise state.link_error from None
        detail = f"{type(error).__name__}: {error}"[:200]
        return Rendered("", fields, state.links, "render_failed", detail)
    return finish("".join(out), fields, state.links, limit)


def _fill_slot(slot: Slot, facts: Facts, fields: list[FieldUse]) -> Any:
    reader = slot.reader
    if slot.raw:
        brand = facts.get("brand")
        for raw, source in reader.read_raw(facts):
            value = clean_raw(raw, source.rpartition(".")[2], brand)
            if value is not None:
                fields.append(FieldUse(reader.label, _shown(value), False, source))
                return value
    else:
        found = reader.read(facts)
        if found is not None:
            fields.append(FieldUse(reader.label, found[0], False, found[1]))
            return Link(reader.label, found[0]) if reader.field.is_link else found[0]
    instead = None if slot.raw and reader.field.is_link else stand_in(reader, facts)
    words, source = instead or ("", "")
    why = reader.why(facts)
    fields.append(FieldUse(reader.label, words, True, source, why))
    if instead is None:
        if reader.required:
            raise RenderStopped(*missing_problem(reader, why))
        return None
    return Link(reader.label, words) if reader.field.is_link else words


def _shown(value: Any) -> str:
    if type(value) is Link:
        return value.url
    if type(value) is str:
        return value
    return f"{len(value)} entries" if type(value) in (list, dict) else str(value)


def _mention(slot: Slot) -> FieldMention:
    reader = slot.reader
    return FieldMention(
        reader.field.key, reader.label, reader.fallback, reader.required, reader.guarded, None
    )


def _invalid(detail: str, position: int) -> TemplateInvalid:
    return TemplateInvalid([Fault("template_syntax", "body", detail, position)])
