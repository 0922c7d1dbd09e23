"""The registry of fields: names, paths, samples."""

from __future__ import annotations

import pytest

from templates_engine.core import compile, render
from templates_engine.core.field import LINK, Field
from templates_engine.core.field_table import FIELDS
from templates_engine.core.fields import NAMESPACES, find_field, squeeze
from templates_engine.core.samples import sample_facts
from templates_engine.core.values import clean_url
from tests.templates_engine.support import BRAND, SHOP, faults_of, say, short

SWIPE_FILE = [
    "Your cart is saved. Finish checkout: [CartLink]",
    "Need help with size or shipping? Reply SIZE or SHIPPING. Checkout: [CartLink]",
    "It's back ✅ [ProductName] is in stock again. Grab it now: [ProductLink]",
    "You've got [RewardAmount] ready to use. Want to apply it today? Redeem: [RedeemLink]",
    "Still thinking about [ProductName]? Pick up where you left off: [link].",
    "New in [Category]: your favorites just dropped. See them: [link]",
    "Pro tip for your [ProductName]: [One Tip]. Full guide: [link]",
    "Running low on [ProductName]? Reorder in one tap: [link]",
    "New in [LastCategoryBought]: top picks just dropped. See them: [link]",
    "Take 10% off for 2 hours: CART10. Checkout: [CartLink]",
    "New in [PreferredCategory]: see them: [link]",
]


def test_names_are_unique() -> None:
    assert len({field.key for field in FIELDS}) == len(FIELDS)
    assert len({squeeze(field.label) for field in FIELDS}) == len(FIELDS)
    for field in FIELDS:
        for name in (field.key, field.label, field.title):
            assert find_field(name) is field


def test_every_field_is_whole() -> None:
    for field in FIELDS:
        assert field.paths
        assert field.sample
        assert all(path.split(".")[0] in NAMESPACES for path in field.paths)
        if field.kind == LINK:
            assert clean_url(field.sample)
            assert not field.suggestion
        compile(f"[{field.label}]")
        compile(f"{{{{ {field.key} }}}}", "jinja")


@pytest.mark.parametrize("body", SWIPE_FILE)
def test_the_shipped_texts_compile_and_render_for_nobody_known(body: str) -> None:
    lacking = {field: "fallback" for _, field in faults_of(body)}
    assert not any("Link" in field for field in lacking)

    compiled = compile(body, fallbacks=lacking)
    rendered = render(compiled, {"brand": BRAND}, link_for=short)

    assert compiled.faults == ()
    assert rendered.problem is None
    assert "[" not in rendered.text


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_sample_person_has_every_field(field: Field) -> None:
    rendered = render(compile(f"[{field.label}]"), sample_facts(), link_for=short)

    assert rendered.problem is None
    assert not rendered.fields[0].fallback_used


def test_the_general_link_follows_the_event() -> None:
    facts = {"cart": {"url": f"{SHOP}/cart"}, "product": {"url": f"{SHOP}/mug"}}

    assert say("[link]", facts).links[0].url == f"{SHOP}/cart"
    assert say("[link]", {**facts, "event": {"cart_id": "1"}}).links[0].url == f"{SHOP}/cart"
    assert say("[link]", {**facts, "event": {"product_id": "1"}}).links[0].url == f"{SHOP}/mug"
    own = {"links": {"CartLink": f"{SHOP}/own", "link": f"{SHOP}/main"}}
    assert say("[CartLink]", {**facts, **own}).links[0].url == f"{SHOP}/own"
    assert say("[link]", {**facts, **own}).links[0].url == f"{SHOP}/main"


@pytest.mark.parametrize("name", ["nope", "event", "event.", ".x", "shop.x", "event.a.b.c.d.e", ""])
def test_what_is_no_field(name: str) -> None:
    assert find_field(name) is None
