# ruff: noqa: RUF001 - typographic quotes are what is tested
"""Bracket syntax: what is read, what stands in, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from templates_engine.core import TemplateInvalid, compile
from tests.templates_engine.support import SHOP, faults_of, say

MAYA = {"contact": {"first_name": "Maya"}}


@pytest.mark.parametrize(
    "body",
    [
        "Hi [FirstName or 'there']",
        "Hi [first name or 'there']",
        "Hi [FIRST_NAME or 'there']",
        "Hi [first-name OR 'there']",
        "Hi [ FirstName   or   'there' ]",
        "Hi [FirstName or ‘there’]",
        "Hi [FirstName or “there”]",
        'Hi [FirstName or "there"]',
        "Hi [FirstName or 'there’]",
        "Hi [FirstName or'there']",
        "Hi [Fir stName or «there»]",
    ],
)
def test_a_field_is_found_however_it_is_written(body: str) -> None:
    assert say(body, MAYA).text == "Hi Maya"
    assert say(body).text == "Hi there"
    assert faults_of(body) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"\[Sale\] today", "[Sale] today"),
        (r"\[Sale] today", "[Sale] today"),
        (r"\[\[x]]", "[[x]]"),
        ("[ProductName or 'Maya's mug']", "Maya's mug"),
        (r"[ProductName or 'the \[new\] mug']", "the [new] mug"),
        (r"[ProductName or 'it\'s']", "it's"),
        ("[ProductName or 'this\nitem']", "this item"),
        ("a & b <c> \"d\" [FirstName or 'you & me <3']", 'a & b <c> "d" you & me <3'),
        ("100% {{ not }} {% jinja %}", "100% {{ not }} {% jinja %}"),
        (r"C:\temp", r"C:\temp"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("  around  ", "around"),
        ("e\u0301 and \x00\x07 nothing", "é and  nothing"),
    ],
)
def test_words_stand_as_written(body: str, text: str) -> None:
    assert say(body).text == text


@pytest.mark.parametrize("value", [None, "", "   ", "\t\n", "null", "None", "N/A", "\u200b", "…"])
def test_missing_and_blank_take_the_fallback(value: Any) -> None:
    rendered = say("[ProductName or 'this item']", {"product": {"name": value}})

    assert rendered.text == "this item"
    assert rendered.fields[0].fallback_used
    assert rendered.fields[0].source == "fallback"


@pytest.mark.parametrize(
    "name", ["TEST", "test", "null", "12345", "maya@example.com", "MAYA", "J4ne", "xxx", "-", "@"]
)
def test_a_first_name_that_is_none_takes_the_fallback(name: str) -> None:
    assert say("Hi [FirstName or 'there']", {"contact": {"first_name": name}}).text == "Hi there"


@pytest.mark.parametrize(
    "name", ["Maya", "José", "O'Neil", "Anna-Lena", "Li", "JJ", "Łukasz", "美雪"]
)
def test_real_first_names_stay(name: str) -> None:
    assert say("Hi [FirstName or 'there']", {"contact": {"first_name": name}}).text == f"Hi {name}"


def test_event_goes_before_live_object_before_contact() -> None:
    facts: dict[str, Any] = {
        "event": {"product_name": "From event"},
        "product": {"name": "From product"},
        "cart": {"items": [{"name": "From cart"}]},
    }
    seen = []
    for space in ("event", "product", "cart"):
        seen.append(say("[ProductName or 'x']", facts).fields[0][1::2])
        facts[space] = None
    assert seen == [
        ("From event", "event.product_name"),
        ("From product", "product.name"),
        ("From cart", "cart.items.*.name"),
    ]
    assert say("[ProductName or 'x']", facts).text == "x"


def test_the_key_item_of_a_cart_is_the_dearest() -> None:
    items = [{"name": "Cap", "price": 9}, {"name": "Coat", "price": 90}, {"name": "Sock"}, "junk"]

    assert say("[ProductName or 'x']", {"event": {"products": items}}).text == "Coat"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"event": {"balance": 15, "currency": "USD"}}, "$15"),
        ({"event": {"balance": 15}}, "$15"),
        ({"event": {"balance": "15.50", "currency": "EUR"}}, "€15.50"),
        ({"event": {"balance": 0.1 + 0.2, "currency": "USD"}}, "$0.30"),
        ({"loyalty": {"balance": {"minor": 123456, "currency": "GBP"}}}, "£1,234.56"),
        ({"loyalty": {"balance": {"minor": 3000, "currency": "JPY"}}}, "¥3,000"),
        ({"loyalty": {"balance": {"minor": 1500, "currency": "CHF"}}}, "15 CHF"),
        ({"loyalty": {"balance": {"minor": 1500, "currency": "KWD"}}}, "1.500 KWD"),
        ({"event": {"balance": 0, "currency": "USD"}}, "a reward"),
        ({"event": {"balance": -5, "currency": "USD"}}, "a reward"),
        ({"event": {"balance": True}}, "a reward"),
        ({"event": {"balance": float("nan")}}, "a reward"),
        ({"event": {"balance": float("inf")}}, "a reward"),
        ({"event": {"balance": 10**40}}, "a reward"),
        ({"event": {"balance": "lots"}}, "a reward"),
        ({"event": {"balance": 15, "currency": "dollars"}}, "a reward"),
        ({"loyalty": {"balance": {"minor": "15", "currency": "USD"}}}, "a reward"),
    ],
)
def test_money(facts: dict[str, Any], text: str) -> None:
    assert say("[RewardAmount or 'a reward']", facts).text == text


def test_numbers_are_grouped() -> None:
    assert say("[points or 'your points']", {"loyalty": {"points": 12500}}).text == "12,500"
    assert say("[points or 'your points']", {"loyalty": {"points": "420"}}).text == "420"
    assert say("[points or 'your points']", {"loyalty": {"points": 4.5}}).text == "4.5"


def test_links_go_through_link_for() -> None:
    asked: list[tuple[str, str]] = []

    def link_for(label: str, url: str) -> str:
        asked.append((label, url))
        return "jnpr.example/k3F9a"

    rendered = say(
        "Finish checkout: [CartLink]",
        {"cart": {"url": f"{SHOP}/cart/1?a=1&b=2"}},
        link_for=link_for,
    )

    assert rendered.text == "Finish checkout: jnpr.example/k3F9a"
    assert asked == [("CartLink", f"{SHOP}/cart/1?a=1&b=2")]
    assert rendered.links == [("CartLink", f"{SHOP}/cart/1?a=1&b=2", "jnpr.example/k3F9a")]


def test_a_link_without_a_target_leads_to_the_shop() -> None:
    rendered = say("[CartLink]")

    assert rendered.links[0].url == SHOP
    assert rendered.fields[0].fallback_used
    assert faults_of("[CartLink]") == []


def test_without_any_address_there_is_no_text() -> None:
    rendered = say("Go: [CartLink]", {"brand": {"name": "Juniper"}})

    assert (rendered.text, rendered.problem) == ("", "link_missing")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example",
        "//shop.example",
        "/cart/1",
        "https://shop.example@evil.example/",
        "https://shop.example/a b",
        "https://shop.example/\nx",
        "https://shop.example/[x]",
        "https://",
        "https://shop.example/\u202ex",
        "https://shop.example/" + "a" * 2000,
        12,
        {"url": "https://x.example"},
    ],
)
def test_what_is_no_web_address_is_not_linked(url: Any) -> None:
    assert say("[CartLink]", {"cart": {"url": url}}).links[0].url == SHOP


def test_link_hosts_fence_links_in() -> None:
    brand = {"name": "J", "shop_url": SHOP, "link_hosts": ["shop.example"]}
    inside, outside = "https://pay.shop.example/c", "https://evilshop.example/c"

    assert say("[CartLink]", {"brand": brand, "cart": {"url": inside}}).links[0].url == inside
    assert say("[CartLink]", {"brand": brand, "cart": {"url": outside}}).links[0].url == SHOP


def test_skip_keeps_the_text_back() -> None:
    body = "Pro tip for your [ProductName or 'order']: [One Tip or skip]."

    assert faults_of(body) == []
    assert say(body, {"product": {"tip": "warm it"}}).text == "Pro tip for your order: warm it."
    rendered = say(body)
    assert (rendered.text, rendered.problem) == ("", "field_missing")
    assert "ProductTip" in rendered.detail


def test_required_in_the_fields_keeps_the_text_back_too() -> None:
    rule = {"OrderNumber": {"fallback": "ignored", "required": True}}

    assert say("Order [OrderNumber]", fallbacks=rule).problem == "field_missing"


def test_fallbacks_may_stand_beside_the_text() -> None:
    body = "It's back ✅ [ProductName] is in stock again. Grab it now: [ProductLink]"

    assert faults_of(body) == [("fallback_missing", "ProductName")]
    assert faults_of(body, fallbacks={"product name": "this item"}) == []
    assert faults_of(body, fallbacks={"product_name": {"fallback": " "}}) == [
        ("fallback_missing", "ProductName")
    ]
    assert say(body, fallbacks={"ProductName": "this item"}).text == (
        "It's back ✅ this item is in stock again. Grab it now: s.example/abc"
    )
    inline = say("[ProductName or 'inline']", fallbacks={"ProductName": "beside"})
    assert inline.text == "inline"


def test_a_blank_fallback_is_none() -> None:
    assert faults_of("[FirstName or '  ']") == [("fallback_missing", "FirstName")]


def test_every_lacking_field_is_named() -> None:
    assert faults_of("[FirstName] [City or 'x'] [ProductName] [link]") == [
        ("fallback_missing", "FirstName"),
        ("fallback_missing", "ProductName"),
    ]


def test_a_draft_without_fallback_renders_or_says_what_is_missing() -> None:
    assert say("Hi [FirstName]", MAYA).text == "Hi Maya"
    assert say("Hi [FirstName]").problem == "field_missing"


def test_own_properties_and_attributes() -> None:
    facts = {
        "event": {"gift_note": "For you", "Tracking URL": "https://t.example/1"},
        "contact": {"attributes": {"Shoe Size": 42}},
    }

    assert say("[event.gift_note or 'x']", facts).text == "For you"
    assert say("[event.GiftNote or 'x']", facts).text == "For you"
    assert say("[contact.shoe_size or 'your size']", facts).text == "42"
    assert say("[contact.attributes.shoe size or 'your size']", facts).text == "42"
    assert say("[event.tracking url]", facts).links[0].url == "https://t.example/1"
    assert faults_of("[event.__class__ or 'x']") == [("field_unknown", "event.__class__")]
    assert faults_of("[event.gift_note]") == [("fallback_missing", "event.gift_note")]


@pytest.mark.parametrize(
    ("body", "position"),
    [
        ("Hi [FirstName", 3),
        ("  Hi [FirstName", 5),
        ("Hi [", 3),
        ("Hi FirstName]", 12),
        ("Hi []", 3),
        ("Hi [FirstName or there]", 17),
        ("Hi [FirstName or 'there]", 17),
        ("Hi [FirstName or ]", 17),
        ("Hi [[FirstName]]", 3),
        ("Hi [First\nName]", 3),
    ],
)
def test_broken_syntax_says_where(body: str, position: int) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile(body)

    fault = caught.value.faults[0]
    assert (fault.code, fault.position) == ("template_syntax", position)
    assert f"Character {position + 1}" in fault.detail


@pytest.mark.parametrize(
    ("label", "near"),
    [("FristName", "FirstName"), ("ProdctName", "ProductName"), ("Cart Lnk", "CartLink")],
)
def test_an_unknown_field_is_refused_with_a_hint(label: str, near: str) -> None:
    with pytest.raises(TemplateInvalid) as caught:
        compile(f"Hi [{label} or 'x']")

    fault = caught.value.faults[0]
    assert (fault.code, fault.field) == ("field_unknown", label)
    assert f"Did you mean {near}?" in fault.detail


def test_a_link_needs_an_address_as_fallback() -> None:
    assert faults_of("[CartLink or 'our shop']") == [("fallback_not_link", "CartLink")]
    assert faults_of(f"[CartLink or '{SHOP}/cart']") == []


def test_too_long() -> None:
    assert faults_of("a" * 1601) == [("template_too_long", "body")]
    assert faults_of("a" * 1600) == []
    assert faults_of("a" * 1595 + "[FirstName or 'there you are']") == [
        ("template_too_long", "body")
    ]
    assert faults_of("a" * 4001) == [("template_too_long", "body")]
    assert faults_of("[FirstName or '" + "a" * 201 + "']") == [("template_too_long", "FirstName")]


def test_a_text_that_grows_too_long_is_not_sent() -> None:
    rendered = say("a" * 1590 + " [ProductName or 'x']", {"product": {"name": "A long name"}})

    assert (rendered.text, rendered.problem) == ("", "text_too_long")


@pytest.mark.parametrize("value", ["[CartLink]", "{{ 7 * 7 }}", "{% for %}", "\\[x\\]", "{# #}"])
def test_values_bring_no_syntax_along(value: str) -> None:
    text = say("For [ProductName or 'x']: y", {"product": {"name": value}}).text

    assert not set("[]{}") & set(text)
    assert text.startswith("For ")


def test_values_stay_on_one_line() -> None:
    name = "Mug\r\nReply\u2028STOP\x0b\x00\u202egum\u200b"

    assert say("[ProductName or 'x']", {"product": {"name": name}}).text == "Mug Reply STOP gum"


def test_long_values_are_cut_at_a_word() -> None:
    text = say("[ProductName or 'x']", {"product": {"name": "mug " * 60}}).text

    assert len(text) <= 120
    assert text.endswith("mug...")


def test_only_plain_data_is_entered() -> None:
    class Sneaky(dict[str, Any]):
        def get(self, *_args: Any) -> Any:
            raise AssertionError("code of a fact ran")

    class Text(str):
        def strip(self, *_args: Any) -> str:
            raise AssertionError("code of a fact ran")

    facts: dict[str, Any] = {"product": Sneaky(name="x"), "event": {"product_name": Text("Mug")}}
    assert say("[ProductName or 'y']", facts).text == "Mug"
    facts["event"] = object()
    assert say("[ProductName or 'y']", facts).text == "y"


def test_what_link_for_raises_passes_through() -> None:
    def broken(label: str, url: str) -> str:
        raise OSError("no tokens left")

    with pytest.raises(OSError, match="no tokens left"):
        say("[CartLink]", link_for=broken)
    with pytest.raises(OSError, match="no tokens left"):
        say("{{ cart_link }}", syntax="jinja", link_for=broken)
