"""A bracket text in the one form in which people edit it: every fallback stands in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from templates_engine.core.brackets import BracketField, parse_brackets
from templates_engine.core.field import Field
from templates_engine.core.fields import find_field
from templates_engine.core.rules import FieldRule, read_rules

_LITERAL = re.compile(r"[\[\]]")
_QUOTES = re.compile(r"['\[\]\u2018\u2019\u201a\u201b\u2032\u00b4`]")


def inline_fallbacks(body: str, fields: Mapping[str, Any] | None, *, shop_url: str = "") -> str:
    """The text with the fallbacks of `fields` written out: `[FirstName or 'there']`.

    A link that falls back to the shop's own address is left bare: links do that by themselves. A
    text that cannot be read comes back as it is.
    """
    pieces, faults = parse_brackets(body)
    if faults:
        return body
    rules = read_rules(fields)
    return "".join(
        _LITERAL.sub(r"\\\g<0>", piece)
        if isinstance(piece, str)
        else _write(piece, rules, shop_url.rstrip("/"))
        for piece in pieces
    )


def insertion(field: Field) -> str:
    """What a chip puts into the text: the field with the fallback that suits it."""
    if field.always or field.is_link or not field.suggestion:
        return f"[{field.label}]"
    return f"[{field.label} or {_quoted(field.suggestion)}]"


def _write(piece: BracketField, rules: Mapping[str, FieldRule], shop_url: str) -> str:
    field = find_field(piece.label)
    rule = rules.get(field.key, FieldRule()) if field is not None else FieldRule()
    fallback = piece.fallback if piece.fallback is not None else rule.fallback
    if piece.required or rule.required:
        return f"[{piece.label} or skip]"
    is_shop = field is not None and field.is_link and (fallback or "").rstrip("/") == shop_url
    if fallback is None or (is_shop and shop_url):
        return f"[{piece.label}]"
    return f"[{piece.label} or {_quoted(fallback)}]"


def _quoted(words: str) -> str:
    return "'" + _QUOTES.sub(r"\\\g<0>", words) + "'"
