"""Bracket syntax: `[ProductName or 'this item']`, `[CartLink]`, a literal bracket as `\\[`.

The body is cut into words and readers once. Rendering is a loop over that list: there is no
code in a bracket template that could run, loop or grow, so it needs no clock of its own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from templates_engine.core.fields import describe_unknown, find_field
from templates_engine.core.readers import Reader
from templates_engine.core.results import (
    MAX_TEXT,
    Compiled,
    Facts,
    Fault,
    FieldMention,
    FieldUse,
    LinkFor,
    LinkUse,
    Rendered,
    TemplateInvalid,
)
from templates_engine.core.rules import FieldRule, check_fallback
from templates_engine.core.values import clean_literal, clean_url

_SINGLE = "'\u2018\u2019\u201a\u201b\u2032\u00b4`"
_DOUBLE = '"\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb'
_TOKEN = re.compile(r"\\[\[\]]|[\[\]]")
_MARK = re.compile(rf"[\[\]\n{_SINGLE}{_DOUBLE}]")
_OR = re.compile(r"\sor(?=\s|$)", re.I)
_QUOTED = {
    quote: re.compile(rf"(?P<words>(?:\\.|[^\[\\])*?)[{family}]\s*\]", re.S)
    for family in (_SINGLE, _DOUBLE)
    for quote in family
}
_ESCAPE = re.compile(rf"\\([\[\]{_SINGLE}{_DOUBLE}])")

_NOT_CLOSED = "This [ is not closed. Write \\[ for a bracket that stands in the text."
_NOT_OPENED = "This ] closes nothing. Write \\] for a bracket that stands in the text."
_NOT_QUOTED = "Put the words after 'or' in quotes, as in [ProductName or 'this item']."


class BracketField(NamedTuple):
    """One bracket as written. `fallback` is None when none was written in the text."""

    label: str
    fallback: str | None
    required: bool
    position: int


Piece = str | BracketField


def parse_brackets(body: str) -> tuple[list[Piece], list[Fault]]:
    """Cut a body into words and fields; faults carry the character where they are."""
    pieces: list[Piece] = []
    faults: list[Fault] = []
    at = literal_open = 0
    while (token := _TOKEN.search(body, at)) is not None:
        pieces.append(body[at : token.start()])
        mark, at = token[0], token.end()
        if mark == "[":
            piece, at = _parse_field(body, token.start(), faults)
            if piece is not None:
                pieces.append(piece)
            continue
        pieces.append(mark[-1])
        if mark == "\\[":
            literal_open += 1
        elif literal_open:
            literal_open -= 1
        elif mark == "]":
            faults.append(_syntax(_NOT_OPENED, token.start()))
    pieces.append(body[at:])
    return _merge(pieces), faults


def compile_brackets(body: str, rules: dict[str, FieldRule]) -> Compiled:
    """Compile a body. Raises `TemplateInvalid` for broken syntax and unknown fields."""
    pieces, faults = parse_brackets(clean_literal(body))
    parts: list[str | Reader] = []
    mentions: list[FieldMention] = []
    lacking: list[Fault] = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
            continue
        field = find_field(piece.label)
        if field is None:
            detail = describe_unknown(piece.label)
            faults.append(Fault("field_unknown", piece.label, detail, piece.position))
            continue
        rule = rules.get(field.key, FieldRule())
        fallback = piece.fallback if piece.fallback is not None else rule.fallback
        fallback = " ".join((fallback or "").split()) or None
        reader = Reader(field, fallback=fallback, required=piece.required or rule.required)
        parts.append(reader)
        lacking.extend(check_fallback(reader, piece.position))
        mentions.append(
            FieldMention(
                field.key, field.label, fallback, reader.required, reader.guarded, piece.position
            )
        )
    least = sum(len(part) if isinstance(part, str) else len(part.fallback or "") for part in parts)
    if least > MAX_TEXT:
        detail = f"The text has at least {least} characters; the most is {MAX_TEXT}."
        faults.append(Fault("template_too_long", "body", detail))
    if faults:
        raise TemplateInvalid([*faults, *lacking], tuple(mentions))
    frozen = tuple(parts)

    def run(facts: Facts, link_for: LinkFor, limit: int) -> Rendered:
        return _fill(frozen, facts, link_for, limit)

    return Compiled(body, "brackets", tuple(mentions), tuple(lacking), run)


def _fill(parts: tuple[str | Reader, ...], facts: Facts, link_for: LinkFor, limit: int) -> Rendered:
    out: list[str] = []
    fields: list[FieldUse] = []
    links: list[LinkUse] = []
    for part in parts:
        if part.__class__ is str:
            out.append(part)
            continue
        found = part.read(facts)  # type: ignore[union-attr]
        label = part.label  # type: ignore[union-attr]
        fallback_used, why = False, ""
        if found is None:
            why = part.why(facts)  # type: ignore[union-attr]
            found = stand_in(part, facts)  # type: ignore[arg-type]
            fallback_used = True
            if found is None:
                fields.append(FieldUse(label, "", True, "", why))
                problem, detail = missing_problem(part, why)  # type: ignore[arg-type]
                return Rendered("", fields, links, problem, detail)
        value, source = found
        if part.field.kind == "link":  # type: ignore[union-attr]
            short = link_for(label, value)
            links.append(LinkUse(label, value, short))
            out.append(short)
        else:
            out.append(value)
        fields.append(FieldUse(label, value, fallback_used, source, why))
    return finish("".join(out), fields, links, limit)


def stand_in(reader: Reader, facts: Facts) -> tuple[str, str] | None:
    """What is read instead: the fallback; for a link the shop itself; else None."""
    if reader.required:
        return None
    if reader.fallback is not None:
        return reader.fallback, "fallback"
    if reader.field.is_link:
        brand = facts.get("brand")
        shop = clean_url(brand.get("shop_url")) if type(brand) is dict else ""
        if shop:
            return shop, "brand.shop_url"
    return None


def missing_problem(reader: Reader, why: str = "") -> tuple[str, str]:
    """Problem code and sentence for a field that has neither value nor stand-in. `why`: what is
    wrong with the value that is stored."""
    missing = f"cannot be used ({why})" if why else "is missing"
    if reader.field.is_link:
        return "link_missing", f"{reader.label} leads nowhere and the shop has no address."
    if reader.required:
        return "field_missing", f"{reader.label} {missing} and the text is skipped without it."
    return "field_missing", f"{reader.label} {missing} and has no fallback."


def finish(text: str, fields: list[FieldUse], links: list[LinkUse], limit: int) -> Rendered:
    """The last checks on a text: something is left of it and it is not too long."""
    text = text.strip()
    if not text:
        return Rendered("", fields, links, "text_empty", "Nothing is left of the text.")
    if len(text) > limit:
        detail = f"The text has {len(text)} characters; the most is {limit}."
        return Rendered("", fields, links, "text_too_long", detail)
    return Rendered(text, fields, links, None)


def _parse_field(body: str, start: int, faults: list[Fault]) -> tuple[BracketField | None, int]:
    # Cut by fixed marks, not by one clever pattern: that took minutes for a body of blanks.
    mark = _MARK.search(body, start + 1)
    if mark is None or mark[0] in "[\n":
        faults.append(_syntax(_NOT_CLOSED, start))
        return None, start + 1
    inner = body[start + 1 : mark.start()]
    either = _OR.search(inner)
    label = " ".join(inner[: either.start()].split() if either else inner.split())
    at = mark.end()
    fallback, required = None, False
    if mark[0] == "]":
        said = inner[either.end() :].strip() if either else None
        required = said is not None and said.lower() == "skip"
        if either is not None and not required:
            behind = inner[either.end() :]
            blanks = len(behind) - len(behind.lstrip())
            faults.append(_syntax(_NOT_QUOTED, start + 1 + either.end() + blanks))
            return None, at
    else:
        quoted = _QUOTED[mark[0]].match(body, at)
        if either is None or inner[either.end() :].strip() or quoted is None:
            faults.append(_syntax(_NOT_QUOTED, mark.start()))
            close = body.find("]", at)
            return None, close + 1 if close >= 0 else len(body)
        fallback, at = _ESCAPE.sub(r"\1", quoted["words"]), quoted.end()
    if not label:
        faults.append(_syntax("Name a field between the brackets.", start))
        return None, at
    return BracketField(label, fallback, required, start), at


def _merge(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return merged


def _syntax(detail: str, position: int) -> Fault:
    return Fault("template_syntax", "body", f"Character {position + 1}: {detail}", position)
