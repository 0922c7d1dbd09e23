"""Templates that try to run for ever or to fill the memory."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from templates_engine.core import MAX_TEXT, TemplateInvalid, compile, render
from templates_engine.core.jinja_sandbox import MAX_ROUNDS, TIME_LIMIT
from tests.templates_engine.support import BRAND, short

BIG = {
    "brand": BRAND,
    "event": {
        "rows": [{"name": "x" * 5000, "cells": list(range(5000))} for _ in range(500)],
        "text": "y" * 1_000_000,
        "number": 10**300,
    },
    "contact": {"first_name": "Maya"},
}
EIGHT = "[1,2,3,4,5,6,7,8]"


def nest(depth: int, inner: str, items: str = EIGHT) -> str:
    opened = "".join(f"{{% for a{level} in {items} %}}" for level in range(depth))
    return opened + inner + "{% endfor %}" * depth


BOMBS = {
    "nested loops": nest(8, "x"),
    "nested loops that print nothing": nest(12, ""),
    "nested loops that work": nest(6, "{% set a = event.text|upper|lower|replace('y', 'zz') %}"),
    "too many blocks": nest(30, "x"),
    "loops over facts": nest(5, "{{ 'x' }}", "event.rows"),
    "range": "{% for a in range(1000000000) %}x{% endfor %}",
    "doubling": "{% set a = 'aaaaaaaaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 80 + "{{ a }}",
    "doubling by plus": "{% set a = 'aaaaaaaa' %}" + "{% set a = a + a %}" * 80 + "{{ a }}",
    "replace": "{% set a = 'aaaaaaaaaaaaaa' %}"
    + "{% set a = a|replace('a', a) %}" * 40
    + "{{ a }}",
    "join": "{% set a = 'aaaa' %}" + "{% set a = [a,a,a,a,a,a,a,a]|join(a) %}" * 40 + "{{ a }}",
    "text times number": "{{ 'a' * 9999999999 }}",
    "list times number": "{{ [1] * 9999999999 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "squaring": "{% set a = 99999999 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
    "huge literal": "{{ " + "9" * 3900 + " }}",
    "huge literals multiplied": "{{ " + "9" * 1900 + " * " + "9" * 1900 + " }}",
    "format width": "{{ '%9999999999d' % 1 }}",
    "format call": "{{ '{:>9999999999}'.format(1) }}",
    "format filter": "{{ '%9999999999d'|format(1) }}",
    "center": "{{ 'x'|center(9999999999) }}",
    "indent": "{{ 'x'|indent(9999999999) }}",
    "long output": "{{ event.text or 'x' }}" * 150,
    "long literal output": nest(3, "0123456789" * 10),
    "parentheses": "{{ " + "(" * 1900 + "1" + ")" * 1900 + " }}",
    "lists in lists": "{{ " + "[" * 1900 + "]" * 1900 + " }}",
    "minus": "{{ " + "-" * 3900 + "1 }}",
    "not": "{{ " + "not " * 900 + "1 }}",
    "sum": "{{ " + "+".join("1" * 1900) + " }}",
    "attributes": "{{ event" + ".a" * 1900 + " }}",
    "keys": "{{ event" + "['a']" * 700 + " }}",
    "filters": "{{ 'a'" + "|upper" * 600 + " }}",
    "choices": "{{ " + "1 if 0 else " * 300 + "2 }}",
    "comparisons": "{{ " + "1 < " * 900 + "2 }}",
    "ifs": "{% if 1 %}" * 150 + "{% endif %}" * 150,
    "infinite number": "{{ 1e999 * 1e999 }}",
    "rounding": "{{ 1|round(999999999) }}",
    "unclosed": "{{ " * 1300,
    "braces": "{" * 4000,
    "blocks": "{%" * 2000,
    "quotes": "{{ " + "'" * 3900,
    "backslashes": "{{ '" + "\\" * 3900 + "' }}",
    "comments": "{#" * 2000,
    "raw": "{% raw %}" * 400,
    "escapes in text": "{{ '" + "\\u0041" * 600 + "' }}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_stopped_in_time(name: str) -> None:
    body = BOMBS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.thread_time()
    try:
        compiled = compile(body, "jinja")
    except TemplateInvalid:
        compiled = None
    compile_time = time.thread_time() - begin
    begin = time.thread_time()
    rendered = render(compiled, BIG, link_for=short) if compiled else None
    render_time = time.thread_time() - begin

    assert compile_time < 5.0
    assert render_time < 20 * TIME_LIMIT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000
    if rendered is not None:
        assert len(rendered.text) <= MAX_TEXT
        assert rendered.problem is not None or len(rendered.text) > 0


def test_the_budget_counts_rounds_of_all_loops_together() -> None:
    fits = nest(3, "{% if a0 %}{% endif %}") + "x"
    beyond = nest(4, "{% if a0 %}{% endif %}") + "x"
    assert 8 + 64 + 512 < MAX_ROUNDS < 8 + 64 + 512 + 4096

    assert render(compile(fits, "jinja"), BIG, link_for=short).text == "x"
    stopped = render(compile(beyond, "jinja"), BIG, link_for=short)
    assert (stopped.text, stopped.problem) == ("", "render_limit")


def test_the_clock_stops_what_the_budget_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1, 10_000))
    monkeypatch.setattr(
        "templates_engine.core.jinja_sandbox.time.thread_time", lambda: next(ticks) * 0.01
    )

    stopped = render(compile(nest(3, "{{ 'x' }}"), "jinja"), BIG, link_for=short)

    assert (stopped.text, stopped.problem) == ("", "render_limit")
    assert "50 ms" in stopped.detail


def test_one_bomb_leaves_the_next_render_alone() -> None:
    bomb, plain = compile(BOMBS["nested loops"], "jinja"), compile("Hi {{ 'x' }}", "jinja")

    for _ in range(3):
        assert render(bomb, BIG, link_for=short).problem == "render_limit"
        assert render(plain, BIG, link_for=short).text == "Hi x"


@pytest.mark.parametrize(
    "body",
    [
        "[" * 4000,
        "]" * 4000,
        "\\[" * 2000,
        "[a or '" * 500,
        "[a or '" + "'" * 3900,
        "[" + " " * 3900,
        "[a" + " or" * 1300,
        "[" + "a " * 1900 + "or 'x']",
        "[FirstName or '" + "\\'" * 1900,
        "[FirstName or 'x']" * 200,
        "[event." + "a" * 3900 + " or 'x']",
        "[event." + "a." * 1900 + "a or 'x']",
    ],
)
def test_bracket_bodies_are_read_quickly(body: str) -> None:
    begin = time.thread_time()
    try:
        compiled: Any = compile(body)
        render(compiled, BIG, link_for=short)
    except TemplateInvalid:
        pass
    assert time.thread_time() - begin < 2.5


@pytest.mark.parametrize(
    "value",
    [
        "[" * 200_000,
        " " * 500_000,
        "a" * 500_000,
        "\u0301" * 100_000,
        "(" * 9,
        "https://" + "a." * 900,
    ],
)
def test_hostile_values_are_read_quickly(value: str) -> None:
    compiled = compile("[ProductName or 'x'] [FirstName or 'y'] [CartLink] [event.a or 'z']")
    facts = {
        "brand": BRAND,
        "event": {"a": value},
        "product": {"name": value},
        "contact": {"first_name": value},
        "cart": {"url": value},
    }
    begin = time.thread_time()
    rendered = render(compiled, facts, link_for=short)
    assert time.thread_time() - begin < TIME_LIMIT
    assert rendered.problem is None
