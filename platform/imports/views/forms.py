"""The form that says what the columns hold: read from a post, drawn for a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.problems import Invalid
from imports.core.columns import ATTRIBUTE, CONTACTS, FIELDS, TYPES, Target
from imports.core.intake import ENCODING_WORDS
from imports.core.records import DELIMITERS
from imports.core.values import DATE_ORDERS, guess_order
from imports.domain.showing import Column, list_columns
from imports.models import Import
from tenancy.ids import show_id
from web.templatetags.ui import place

_TYPE_WORDS = {
    "text": "text",
    "number": "number",
    "yes_no": "yes or no",
    "date": "date",
    "time": "date and time",
}
_ORDER_WORDS = {
    "iso": "Year first: 2026-05-31",
    "month_first": "Month first: 05/31/2026",
    "day_first": "Day first: 31/05/2026",
}
_PROOF = ("consent_source", "consent_wording", "consent_date")


def posted_mapping(form: Mapping[str, str]) -> dict[int, Target]:
    """`field_<n>`: a field or attribute:<type>; `name_<n>`: the attribute's name."""
    found: dict[int, Target] = {}
    for key in form:
        number = key.removeprefix("field_")
        value = form[key]
        if key == number or not number.isdecimal() or not value or len(number) > 4:
            continue
        field, _, kind = value.partition(":")
        name = form.get(f"name_{number}", "").strip() if field == ATTRIBUTE else ""
        found[int(number) - 1] = Target(field, name, kind or "text")
    return found


def mapping_context(request: Any, job: Import, problem: Invalid | None) -> dict[str, Any]:
    """What the page of columns shows; after a refusal what was posted stands in it."""
    form = request.POST if problem else {}
    wrong = {each.field: each.detail for each in problem.errors} if problem else {}
    columns = list_columns(job)
    stored = job.options
    examples = [value for column in columns for value in column.examples]
    return {
        "job": job,
        "ref": show_id("imp", job.id),
        "is_contacts": job.kind == CONTACTS,
        "columns": [_row(column, form, wrong) for column in columns],
        "choices": [(name, words) for name, (words, _) in FIELDS[job.kind].items()],
        "attributes": [(f"{ATTRIBUTE}:{kind}", _TYPE_WORDS[kind]) for kind in TYPES],
        "orders": [(name, _ORDER_WORDS[name]) for name in DATE_ORDERS],
        "order": form.get("date_order") or stored.get("date_order") or guess_order(examples),
        "said": {name: form.get(name, stored.get(name, "")) for name in _PROOF}
        | {
            "covers_orders": form.get("covers_orders") if form else stored.get("covers_orders"),
            "unmatched": form.get("unmatched") or stored.get("unmatched") or "skip",
        },
        "has_header": form.get("has_header") == "on" if form else job.has_header,
        "wrong": wrong,
        "whole": [each.detail for each in problem.errors if each.field == "mapping"]
        if problem
        else [],
        "written": f"{ENCODING_WORDS.get(job.was_encoding, '')}, {DELIMITERS.get(job.delimiter, '')}",
        "place": place(request.tenant.timezone),
    }


def _row(column: Column, form: Mapping[str, str], wrong: Mapping[str, str]) -> dict[str, Any]:
    number, target = column.number, column.target
    value = ""
    if target is not None:
        value = f"{ATTRIBUTE}:{target.type}" if target.field == ATTRIBUTE else target.field
    name = target.name if target is not None and target.name else _name_of(column.title)
    error = next((wrong[key] for key in wrong if re.match(rf"mapping\.{number}(\.|$)", key)), "")
    return {
        "number": number,
        "title": column.title,
        "examples": column.examples,
        "value": form.get(f"field_{number}", value),
        "name": form.get(f"name_{number}", name),
        "error": error,
    }


def _name_of(title: str) -> str:
    return re.sub(r"\W+", "_", title.casefold()).strip("_")[:64]
