"""What holds for any text and any facts."""
# ruff: noqa: RUF001

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from templates_engine.core import MAX_TEXT, Compiled, TemplateInvalid, check, compile, render
from templates_engine.core.composing import compose
from templates_engine.core.field_table import FIELDS
from templates_engine.core.replies import asked_replies
from templates_engine.core.segments import encode_smart, measure
from templates_engine.core.values import clean_name, clean_text
from tests.templates_engine.support import BRAND, short

NAUGHTY: list[str] = json.loads(
    gzip.decompress((Path(__file__).parent / "data" / "naughty_strings.json.gz").read_bytes())
)
HOSTILE = [
    *NAUGHTY,
    "\ud800",
    "\x00",
    "{{ 7 * 7 }}",
    "[CartLink]",
    "a" * 5000,
    "\u202e\u2066x",
    "None",
    "NULL",
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=60)
    | st.sampled_from(HOSTILE)
    | st.binary(max_size=4)
    | st.builds(object),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "url", "price", "minor", "currency", "first_name", "x", "*"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)
KEYS = sorted({path.split(".")[1].split(" ")[0] for field in FIELDS for path in field.paths})
space = st.dictionaries(st.sampled_from(KEYS), anything, max_size=8) | anything
facts_strategy = st.fixed_dictionaries(
    {
        "brand": st.just(BRAND),
        "contact": space,
        "event": space,
        "product": space,
        "cart": space,
        "loyalty": space,
        "links": space,
    }
)
LABELS = [field.label for field in FIELDS]
GUARDED: list[Compiled] = [
    compile(" . ".join(f"[{label} or '{_words}']" for label in labels))
    for labels, _words in [
        ([field.label for field in FIELDS if field.kind != "link" and not field.always], "so"),
    ]
]
ALL_LINKS = compile(" ".join(f"[{field.label}]" for field in FIELDS if field.kind == "link"))
JINJA = [
    compile("{{ first_name or 'so' }} {{ product_name|d('so') }} {{ event.x or 'so' }}", "jinja"),
    compile(
        "so{% for i in cart['items'] %} {{ i.name or 'so' }} {{ i.price|money or 'so' }}{% endfor %}"
        "{% if event.balance > 3 %} {{ event.balance }}{% endif %} {{ link }}",
        "jinja",
    ),
    compile("{{ 'so ' ~ (contact.first_name or 'so') ~ cart_link }}", "jinja"),
]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(facts_strategy)
def test_a_guarded_text_is_always_whole(facts: dict[str, Any]) -> None:
    for compiled in (*GUARDED, ALL_LINKS, *JINJA):
        rendered = render(compiled, facts, link_for=short)
        # Comparing text with a number is the one thing only the facts decide.
        if rendered.problem is not None:
            assert rendered.problem in ("render_failed", "text_too_long")
            assert rendered.text == ""
            continue
        assert 0 < len(rendered.text) <= MAX_TEXT
        assert not set("[]{}\x00\r\n\u2028") & set(rendered.text)
        assert not any("\ud800" <= letter <= "\udfff" for letter in rendered.text)
        words = rendered.text.split(" ")
        assert not {"None", "null", "nan", "undefined", "True", "False"} & set(words)
        measure(rendered.text)


@quick
@given(st.sampled_from([f for f in FIELDS if f.kind != "link"]), facts_strategy)
def test_a_blank_field_always_takes_its_fallback(field: Any, facts: dict[str, Any]) -> None:
    rendered = render(compile(f"<[{field.label} or 'the fallback']>"), facts, link_for=short)

    use = rendered.fields[0]
    assert rendered.problem is None
    assert use.fallback_used == (use.source == "fallback")
    assert use.value.strip() == use.value != ""
    assert rendered.text == f"<{use.value}>"


@quick
@given(
    st.text(alphabet=st.sampled_from("[]\\'\"{}%# or{{FirstName}}ab\n‘’“”|=.~*+-1"), max_size=80)
)
def test_any_body_compiles_or_says_why(body: str) -> None:
    for syntax in ("brackets", "jinja"):
        faults = check(body, syntax)
        try:
            compiled = compile(body, syntax)
        except TemplateInvalid:
            assert faults
            continue
        assert faults == list(compiled.faults)
        rendered = render(compiled, {"brand": BRAND}, link_for=short)
        assert len(rendered.text) <= MAX_TEXT
        assert (rendered.problem is None) == bool(rendered.text)


@quick
@given(st.text(max_size=400) | st.sampled_from(HOSTILE))
def test_cleaned_values_are_one_visible_line(value: str) -> None:
    text = clean_text(value)

    assert text == text.strip()
    assert len(text) <= 120
    assert not set("[]{}\n\r\t\x00\u2028\u202e") & set(text)
    assert clean_text(text) in (text, "")
    name = clean_name(value)
    assert "@" not in name
    assert not any(letter.isdigit() for letter in name)


@quick
@given(st.text(max_size=700) | st.sampled_from(HOSTILE))
def test_parts_hold_the_whole_text(text: str) -> None:
    measured = measure(text)

    limit = 160 if measured.encoding == "GSM-7" else 70
    if measured.num_segments > 1:
        limit = 153 if measured.encoding == "GSM-7" else 67
    assert sum(measured.units_per_segment) == measured.units
    assert len(measured.units_per_segment) == measured.num_segments
    assert max(measured.units_per_segment) <= limit
    assert bool(measured.guilty) == (measured.encoding == "UCS-2")
    smart, changes = encode_smart(text)
    assert bool(changes) == (smart != text)
    assert encode_smart(smart) == (smart, [])


@quick
@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_compose_and_replies_take_anything(text: str, prefix: str, suffix: str) -> None:
    whole = compose(text, prefix=prefix, suffix=suffix)
    assert text.strip() in whole
    assert len(whole) <= len(text) + len(prefix) + len(suffix) + 2
    assert all(word == word.upper() for word in asked_replies(whole))
