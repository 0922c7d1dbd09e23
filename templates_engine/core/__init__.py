"""The words, pure: no database, no framework, no clock but the render's own limit."""

from templates_engine.core.compiling import check, compile, render
from templates_engine.core.composing import compose
from templates_engine.core.results import (
    MAX_SOURCE,
    MAX_TEXT,
    Compiled,
    Fault,
    FieldMention,
    FieldUse,
    LinkUse,
    Rendered,
    TemplateInvalid,
)

__all__ = [
    "MAX_SOURCE",
    "MAX_TEXT",
    "Compiled",
    "Fault",
    "FieldMention",
    "FieldUse",
    "LinkUse",
    "Rendered",
    "TemplateInvalid",
    "check",
    "compile",
    "compose",
    "render",
]
