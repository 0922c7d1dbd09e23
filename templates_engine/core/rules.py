"""What a template says about its fields apart from the text: fallbacks and "skip without it"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from templates_engine.core.fields import find_field, squeeze
from templates_engine.core.readers import Reader
from templates_engine.core.results import Fault
from templates_engine.core.values import clean_literal, clean_url

MAX_FALLBACK = 200


class FieldRule(NamedTuple):
    """`fallback` is read instead of a missing value; `required`: without it no text is sent."""

    fallback: str | None = None
    required: bool = False


def read_rules(fallbacks: Mapping[str, Any] | None) -> dict[str, FieldRule]:
    """Rules by field key, out of {label or key: words | None | {"fallback", "required"}}."""
    rules: dict[str, FieldRule] = {}
    for label, said in (fallbacks or {}).items():
        field = find_field(label)
        key = field.key if field is not None else squeeze(label)
        if isinstance(said, Mapping):
            words, required = said.get("fallback"), said.get("required") is True
        else:
            words, required = said, False
        text = " ".join(clean_literal(words).split()) if isinstance(words, str) else ""
        rules[key] = FieldRule(text or None, required)
    return rules


def check_fallback(reader: Reader, position: int | None) -> list[Fault]:
    """What keeps this use of a field from being approved."""
    label, fallback = reader.label, reader.fallback
    if not reader.guarded:
        hint = reader.field.suggestion
        example = f", for example [{label} or '{hint}']" if hint else ", or write 'or skip'"
        detail = f"{label} has no fallback: say what is read when it is missing{example}."
        return [Fault("fallback_missing", label, detail, position)]
    if fallback is None:
        return []
    if len(fallback) > MAX_FALLBACK:
        detail = f"The fallback of {label} is longer than {MAX_FALLBACK} characters."
        return [Fault("template_too_long", label, detail, position)]
    if reader.field.is_link and not clean_url(fallback):
        detail = f"The fallback of {label} must be a web address that starts with https://."
        return [Fault("fallback_not_link", label, detail, position)]
    return []
