"""Jinja2 syntax: the allowed part works, the rest is refused, fallbacks are proven."""

from __future__ import annotations

from typing import Any

import pytest

from templates_engine.core import TemplateInvalid, compile
from tests.templates_engine.support import SHOP, faults_of, jinja

CART = {
    "cart": {
        "url": f"{SHOP}/cart/1",
        "items": [
            {"name": "Ridge mug", "price": {"minor": 2400, "currency": "USD"}, "quantity": 2},
            {"name": "  ", "price": None},
            {"name": "Oak [tray]", "price": {"minor": 3150, "currency": "USD"}},
        ],
    }
}
MAYA = {"contact": {"first_name": "Maya", "city": "Portland", "attributes": {"tier": "gold"}}}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Hi {{ first_name or 'there' }}", "Hi Maya"),
        ("Hi {{ FirstName or 'there' }}", "Hi Maya"),
        ("Hi {{ first_name | default('there') }}", "Hi Maya"),
        ("Hi {{ contact.first_name or 'there' }}", "Hi Maya"),
        ("Hi {{ contact['first_name'] or 'there' }}", "Hi Maya"),
        ("{{ contact.tier|upper or 'x' }}", "GOLD"),
        ("{% if contact.tier == 'gold' %}Early{% else %}Soon{% endif %}", "Early"),
        ("{% if contact.tier == 'x' %}A{% elif city %}{{ city }}{% endif %}", "Portland"),
        ("{{ 'Hi ' ~ first_name if first_name else 'Hi' }}", "Hi Maya"),
        ("Hi{{ ', ' ~ first_name if first_name }}!", "Hi, Maya!"),
        ("{{ loyalty_tier or 'member' }}", "member"),
        ("{{ cart['items'][0].name or 'x' }}", "Ridge mug"),
        ("{{ cart.items.2.name or 'x' }}", "Oak (tray)"),
        ("{{ cart['items']|length }} items", "3 items"),
        ("{{ cart['items']|join(', ', 'name') or 'x' }}", "Ridge mug, Oak (tray)"),
        ("{{ cart['items'][0].price or 'x' }}", "$24"),
        ("{% for item in cart['items'] %}{{ loop.index }}.{{ item.name or '-' }} {% endfor %}", "1.Ridge mug 2.- 3.Oak (tray)"),
        ("{% for item in cart['items'] if item.price %}{{ item.price }} {% endfor %}", "$24 $31.50"),
        ("{% for item in event.nothing %}x{% else %}empty{% endfor %}", "empty"),
        ("{% set who = first_name or 'there' %}Hi {{ who }}", "Hi Maya"),
        ("{{ (cart['items'][0].quantity or 1) * 2 }}", "4"),
        ("{{ (10 / 4)|round(1) }}", "2.5"),
        ("{{ 0.1 + 0.2 }}", "0.3"),
        ("{{ 15|money('USD') or 'x' }}", "$15"),
        ("{{ 'Ridge mug, sage'|truncate(12) }}", "Ridge..."),
        ("{{ 'a-b'|replace('-', '+') }}", "a+b"),
        ("Tom & {{ 'Ann <3' }}", "Tom & Ann <3"),
        ("{# never said #}said", "said"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{% if event.total|number > 10 %}big{% else %}small{% endif %}", "big"),
        ("{% if event.nothing > 1 or event.nothing < 1 or event.nothing != 1 %}a{% else %}b{% endif %}", "b"),
        ("[FirstName] is no field here", "[FirstName] is no field here"),
    ],
)  # fmt: skip
def test_what_a_text_can_say(body: str, text: str) -> None:
    facts = {**MAYA, **CART, "event": {"total": "12.50"}}
    rendered = jinja(body, facts)
    assert (rendered.text, rendered.problem) == (text, None)
    assert faults_of(body, "jinja") == []


@pytest.mark.parametrize("value", [None, "", "  ", "null", "TEST", "123", "a@b.example"])
def test_missing_and_blank_take_the_fallback(value: Any) -> None:
    facts = {"contact": {"first_name": value}}

    assert jinja("{{ first_name or 'there' }}", facts).text == "there"
    assert jinja("{{ first_name | d('there') }}", facts).text == "there"
    assert jinja("{{ FirstName }}", facts, fallbacks={"first name": "there"}).text == "there"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("Hi {{ first_name }}", "FirstName"),
        ("{{ contact.shoe_size }}", "contact.shoe_size"),
        ("{{ event.cart_url }}", "event.cart_url"),
        ("{% for item in cart['items'] %}{{ item.name }}{% endfor %}", "item.name"),
        ("{% set who = first_name %}{{ who }}", "who"),
        ("{% if first_name %}{% set who = 'a' %}{% endif %}{{ who }}", "who"),
        ("{% if first_name %}a{% else %}{{ first_name }}{% endif %}", "FirstName"),
        ("{% if first_name or city %}{{ first_name }}{% endif %}", "FirstName"),
        ("Hi {{ first_name or '' }}", "FirstName"),
        ("Hi {{ first_name | default('') }}", "FirstName"),
        ("Hi {{ first_name | default(city) }}", "FirstName"),
        ("Hi {{ first_name | upper }}", "FirstName"),
        ("{{ city if first_name else 'x' }}", "City"),
        ("{{ 'Hi ' ~ first_name }}", "FirstName"),
        ("{{ event.total * 2 }}", "event.total"),
        ("{{ first_name == 'x' }}", "line 1"),
    ],
)
def test_a_field_that_may_be_missing_needs_a_fallback(body: str, field: str) -> None:
    assert faults_of(body, "jinja") == [("fallback_missing", field)]


@pytest.mark.parametrize(
    "body",
    [
        "{% if first_name %}{{ first_name }}{% endif %}",
        "{% if first_name and city %}{{ first_name }}{{ city }}{% endif %}",
        "{% if not first_name %}a{% else %}{{ first_name }}{% endif %}",
        "{% if first_name is defined %}{{ first_name }}{% endif %}",
        "{% if event.total > 5 %}{{ event.total }}{% endif %}",
        "{% for i in cart['items'] %}{% if i.name %}{{ i.name }}{% endif %}{% endfor %}",
        "{% set who = first_name or 'x' %}{{ who }}",
        "{{ brand_name }} {{ cart_link }} {{ link }}",
        "{{ first_name if first_name else 'x' }}",
        "{{ (first_name or 'x') | upper }}",
    ],
)
def test_a_condition_or_a_fallback_guards(body: str) -> None:
    assert faults_of(body, "jinja") == []


@pytest.mark.parametrize(
    "body",
    [
        "{% macro x() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape true %}x{% endautoescape %}",
        "{% for a, b in cart %}{% endfor %}",
        "{% for a in event.x recursive %}{% endfor %}",
        "{% set a.b = 1 %}",
        "{% set loop = 1 %}",
        "{% set event = 1 %}",
        "{{ range(3) }}",
        "{{ first_name.upper() }}",
        "{{ ''.join(['a']) }}",
        "{{ lipsum() }}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ 2 ** 3 }}",
        "{{ {'a': 1} }}",
        "{{ first_name[0:2] }}",
        "{{ first_name[city] }}",
        "{{ first_name | safe }}",
        "{{ first_name | attr('x') }}",
        "{{ first_name | format(1) }}",
        "{{ cart['items'] | map(attribute='x') }}",
        "{{ first_name | default(value='x') }}",
        "{{ 1 is divisibleby 2 }}",
        "{{ loop.cycle }}",
        "{{ first_name ",
        "{% if %}",
        "{% endif %}",
        "{{ contact.__class__ }}",
        "{{ contact['__class__'] }}",
    ],
)
def test_the_rest_of_the_language_is_refused(body: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile(body, "jinja")

    assert {fault.code for fault in caught.value.faults} <= {"template_syntax", "field_unknown"}
    assert all(fault.position == 0 for fault in caught.value.faults)


def test_faults_name_their_line() -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile("one\ntwo {{ ProdctName or 'x' }}\n", "jinja")

    fault = caught.value.faults[0]
    assert (fault.code, fault.field, fault.position) == ("field_unknown", "ProdctName", 4)
    assert "Line 2" in fault.detail
    assert "Did you mean ProductName?" in fault.detail


@pytest.mark.parametrize(
    "body",
    [
        "{{ (first_name or 'x').__class__ or 'none' }}",
        "{{ ('x'|first).__init__ or 'none' }}",
        "{{ (cart['items']|first)['__class__'] or 'none' }}",
        "{% for i in cart['items'] %}{% if loop.first %}{{ i.__class__ or 'none' }}{% endif %}{% endfor %}",
    ],
)
def test_no_attribute_of_any_object_is_reached(body: str) -> None:
    assert jinja(body, CART).text == "none"


def test_only_printed_links_become_links() -> None:
    body = "{% if event.nothing %}{{ product_link }}{% endif %}{{ cart.url or shop_link }}"
    rendered = jinja(body, CART)

    assert rendered.text == "s.example/abc"
    assert [link.url for link in rendered.links] == [f"{SHOP}/cart/1"]


def test_link_hosts_hold_inside_loops_too() -> None:
    brand = {"name": "J", "shop_url": SHOP, "link_hosts": ["shop.example"]}
    items = [{"url": "https://evil.example/1"}]
    body = "{% for item in cart['items'] %}{{ item.url or 'x' }}{% endfor %}"

    rendered = jinja(body, {"brand": brand, "cart": {"items": items}})
    assert (rendered.text, rendered.problem, rendered.links) == ("", "link_missing", [])


@pytest.mark.parametrize("value", [True, [None], ["a"], {"a": 1}, {}, [], float("nan")])
def test_what_cannot_be_read_takes_the_fallback(value: Any) -> None:
    facts = {"event": {"x": value, "rows": [{"x": value}]}}

    assert jinja("{{ event.x or 'so' }}", facts).text == "so"
    assert jinja("{{ event.y or event.x or 'so' }}", facts).text == "so"
    assert jinja("{{ event.x|default('so') }}", facts).text == "so"
    assert jinja("{% set a = event.x or 'so' %}{{ a }}", facts).text == "so"
    assert jinja("{% for r in event.rows %}{{ r.x or 'so' }}{% endfor %}", facts).text == "so"
    assert jinja("{{ 'so' ~ (event.x or '!') }}", facts).text == "so!"


def test_uses_are_recorded() -> None:
    rendered = jinja(
        "{{ first_name or 'x' }} {{ contact.city or 'y' }}", {"contact": {"city": "Rome"}}
    )

    assert rendered.fields == [
        ("FirstName", "", True, "", ""),
        ("contact.city", "Rome", False, "contact.city", ""),
    ]


def test_a_required_field_keeps_the_text_back() -> None:
    rule = {"first_name": {"required": True}}

    assert jinja("{{ first_name }}", fallbacks=rule).problem == "field_missing"
    assert faults_of("{{ first_name }}", "jinja", fallbacks=rule) == []


def test_comparing_what_cannot_be_compared_is_told() -> None:
    rendered = jinja("{% if event.total > 10 %}x{% endif %}y", {"event": {"total": "12"}})

    assert (rendered.text, rendered.problem) == ("", "render_failed")


def test_values_are_never_escaped_nor_read_as_syntax() -> None:
    facts = {"product": {"name": "Tom & Ann's <b>{{ 7 * 7 }}</b> [x]"}}

    assert jinja("{{ product_name or 'x' }}", facts).text == "Tom & Ann's <b>(( 7 * 7 ))</b> (x)"
