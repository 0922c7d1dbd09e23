"""What the tests of texts share."""

from __future__ import annotations

from typing import Any

from templates_engine.core import Rendered, TemplateInvalid, compile, render

SHOP = "https://shop.example"
BRAND = {"name": "Juniper & Oak", "shop_url": SHOP, "currency": "USD"}


def short(label: str, url: str) -> str:
    return "s.example/abc"


def say(body: str, facts: dict[str, Any] | None = None, **options: Any) -> Rendered:
    """Compile and render in one; the brand is always known."""
    compiled = compile(body, options.get("syntax", "brackets"), options.get("fallbacks"))
    return render(
        compiled, {"brand": BRAND, **(facts or {})}, link_for=options.get("link_for", short)
    )


def jinja(body: str, facts: dict[str, Any] | None = None, **options: Any) -> Rendered:
    return say(body, facts, syntax="jinja", **options)


def faults_of(body: str, syntax: str = "brackets", **options: Any) -> list[tuple[str, str]]:
    """(code, field) of everything that keeps the body from being approved."""
    try:
        faults = list(compile(body, syntax, options.get("fallbacks")).faults)
    except TemplateInvalid as invalid:
        faults = invalid.faults
    return [(fault.code, fault.field) for fault in faults]
